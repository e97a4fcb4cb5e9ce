// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "base/worker.h"
#include "cli/cmd.h"
#include "client/event_text.h"
#include "config/config.h"
#include "config/load.h"
#include "base/exit.h"
#include "daemon/start.h"
#include "judge/candidate.h"
#include "judge/case.h"
#include "judge/rules.h"
#include "sense/loader.h"
#include "sense/cgroup.h"
#include "sense/cgroup_cache.h"
#include "sense/node.h"
#include "sense/podnames.h"
#include "sense/tasks.h"

struct victims_options {
	const char *config_path;
	const char *scope;
	const char *host_root;
	uint64_t over_ns;
	bool json;
};

static const struct option_spec options[] = {
	{"config", 'c', "FILE", "policies (default: /etc/fastoom-bpf/config.yaml, or built in)",
	 option_text, "a path", offsetof(struct victims_options, config_path)},
	{"scope", 's', "SCOPE",
	 "node (default), the path of a cgroup (/a/b), or a pod (NAMESPACE/POD)", option_text,
	 "node, a path that begins with /, or NAMESPACE/POD",
	 offsetof(struct victims_options, scope)},
	{"over", 0, "DURATION", "measure growth for this time (default: 1s)", option_duration,
	 "a duration such as 500ms or 10s", offsetof(struct victims_options, over_ns)},
	{"host-root", 0, "DIR",
	 "in a container: where the host's root is mounted; names of pods are read below it",
	 option_text, "a path", offsetof(struct victims_options, host_root)},
	{"json", 'j', NULL, "print one JSON object", option_switch, NULL,
	 offsetof(struct victims_options, json)},
};

/* Everything that view_shut() releases. */
struct view {
	struct config *config;
	struct cgroup_host host;
	struct loader *loader;
	struct worker *worker;
	struct podnames *names;
	struct cgroup_cache *cgroup_cache;
	struct tasks *tasks;
	struct node node;
	struct cgroup cgroup; /* of the scope; zeroed: the node */
	struct victim *ranking;
};

static void view_close(struct view *view)
{
	bool stopped = worker_stop(view->worker, 3000000000ULL);

	if (stopped) {
		tasks_free(view->tasks);
		cgroup_cache_free(view->cgroup_cache);
		podnames_free(view->names);
	}
	loader_free(view->loader);
	cgroup_close(&view->cgroup);
	cgroup_host_close(&view->host);
	node_close(&view->node);
	config_free(view->config);
	free(view->ranking);
}

static int view_open(struct view *view, const struct victims_options *chosen)
{
	char why[512] = "out of memory";
	int err;

	if (config_load(chosen->config_path, &view->config))
		return EXIT_USAGE;
	if (cgroup_host_open(&view->host, ""))
		view->host.ops = NULL;
	err = node_open(&view->node, "");
	if (err) {
		log_error("/proc/meminfo: %s; mount /proc", strerror(-err));
		return EXIT_HOST;
	}
	err = loader_new(&view->loader, view->host.version, why, sizeof(why));
	if (err) {
		log_error("%s", why);
		return start_loader_exit(err);
	}
	view->ranking = calloc(tasks_max(), sizeof(*view->ranking));
	err = view->ranking ? worker_start(&view->worker, "fo-helper", 64, 4096) : -ENOMEM;
	if (!err)
		err = podnames_new(&view->names, chosen->host_root ? chosen->host_root : "", NULL);
	if (!err)
		err = cgroup_cache_new(&view->cgroup_cache, &view->host, view->names);
	if (!err)
		err = tasks_new(&view->tasks, view->loader, &view->host, view->cgroup_cache,
				view->worker);
	if (err) {
		log_error("cannot start: %s", strerror(-err));
		return EXIT_FAILED;
	}
	(void)podnames_turn(view->names, clock_mono_ns());
	return EXIT_OK;
}

/* The cgroup of the pod that @name, NAMESPACE/POD, says; from the processes that run in it. */
static int open_pod(struct view *view, const char *name)
{
	const struct candidate *candidates;
	const char *slash = strchr(name, '/');
	size_t n;
	int err = tasks_read(view->tasks, FO_SCOPE_NODE, clock_boot_ns(), &candidates, &n);

	for (size_t i = 0; !err && i < n; i++) {
		const struct candidate *c = &candidates[i];
		char path[CGROUP_PATH_MAX];
		struct pod_path pod;

		if (!c->pod || !c->namespace || !c->cgroup || strcmp(c->pod, slash + 1) != 0 ||
		    strlen(c->namespace) != (size_t)(slash - name) ||
		    strncmp(c->namespace, name, strlen(c->namespace)) != 0 ||
		    !pod_path_parse(c->cgroup, &pod))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)pod.pod_len, c->cgroup);
		return cgroup_open_path(&view->host, path, &view->cgroup);
	}
	return err ? err : -ENOENT;
}

static int open_scope(struct view *view, const char *scope)
{
	int err;

	if (!scope || !strcmp(scope, "node"))
		return EXIT_OK;
	if (!view->host.ops) {
		log_error(
			"victims: this host has no memory controller: only --scope node is possible");
		return EXIT_HOST;
	}
	if (scope[0] == '/') {
		err = cgroup_open_path(&view->host, scope, &view->cgroup);
	} else if (strchr(scope, '/')) {
		err = open_pod(view, scope);
	} else {
		log_error("victims: --scope %s: that is not node, a path that begins with /, or "
			  "NAMESPACE/POD",
			  scope);
		return EXIT_USAGE;
	}
	if (!err)
		return EXIT_OK;
	log_error("victims: --scope %s: %s", scope,
		  err == -ENODEV   ? "there is no such cgroup with memory files"
		  : err == -ENOENT ? "no process runs in such a pod, or its name is not known here"
				   : strerror(-err));
	return EXIT_FAILED;
}

/* The memory of the scope: the unit of oom_score_adj. */
static uint64_t scope_bytes(const struct view *view)
{
	struct cgroup_memory memory;
	struct node_memory node;

	if (view->cgroup.id && !cgroup_read(&view->host, &view->cgroup, &memory) &&
	    (memory.has & CGROUP_HAS_LIMIT))
		return memory.limit_bytes;
	return node_read(&view->node, &node) ? 0 : node.total_bytes;
}

static void pause_ns(uint64_t ns)
{
	struct timespec left = {.tv_sec = (time_t)(ns / 1000000000),
				.tv_nsec = (long)(ns % 1000000000)};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* What decided its place in the order, or why it is not in it. */
static void print_why(const struct victim *victim)
{
	const struct candidate *c = victim->candidate;
	const char *standing = rules_standing_name(victim->standing);
	char rule[64], pod[EVENT_SCOPE_MAX];

	if (victim->excluded)
		printf("%s%s", victim_exclusion_name(victim->excluded), victim->rule ? ": " : "");
	else if (standing)
		printf("%s ", standing);
	else
		printf("score%s%s", victim->tier == VICTIM_TIER_REST ? "" : ", pod ",
		       victim->tier == VICTIM_TIER_REST ? "" : victim_tier_name(victim->tier));
	if (victim->rule)
		printf("%s", event_clean(rule, sizeof(rule), victim->rule->text));
	if (c->pod) {
		event_pod(pod, sizeof(pod), c->namespace ? c->namespace : "", c->pod, "");
		printf(" (pod %s)", pod);
	}
	putchar('\n');
}

static void print_table(const struct victim *ranking, size_t n, size_t eligible)
{
	char bytes[UNITS_TEXT_MAX], score[UNITS_TEXT_MAX], comm[20], order[24];

	printf("%5s %7s %-15s %10s %10s %6s %5s  %s\n", "order", "pid", "name", "score", "freeable",
	       "growth", "adj", "why");
	for (size_t i = 0; i < n; i++) {
		const struct victim *victim = &ranking[i];
		const struct candidate *c = victim->candidate;
		const bool dies = i < eligible;

		if (i == eligible)
			printf("not killed:\n");
		units_format_bytes(score, sizeof(score),
				   victim->score > 0 ? (uint64_t)victim->score : 0);
		units_format_bytes(bytes, sizeof(bytes), victim->freeable_bytes);
		snprintf(order, sizeof(order), "%zu", i + 1);
		/* the score of a process that is not killed means nothing */
		printf("%5s %7d %-15s %10s %10s %5.0f%% %5d  ", dies ? order : "-", c->pid,
		       event_clean(comm, sizeof(comm), c->comm), dies ? score : "-", bytes,
		       victim->blame * 100, c->oom_score_adj);
		print_why(victim);
	}
	puts("\nfreeable: what the kill frees. growth: the share of the scope's growth that the "
	     "process and its\nchildren caused. adj: oom_score_adj.");
}

static int print_json(const struct view *view, const struct policy *policy, const char *scope,
		      uint64_t total, const struct victim *ranking, size_t n)
{
	size_t size = 4096 + n * 8192, len;
	_cleanup_free_ char *buf = malloc(size);
	struct json json;

	if (!buf)
		return -ENOMEM;
	json_begin(&json, buf, size);
	json_text(&json, "scope", scope);
	if (view->cgroup.id)
		json_text(&json, "path", view->cgroup.path);
	json_text(&json, "policy", policy->name);
	json_bool(&json, "acts", !policy->warn_only);
	json_u64(&json, "scope_bytes", total);
	json_open_list(&json, "processes");
	for (size_t i = 0; i < n; i++) {
		const struct victim *victim = &ranking[i];
		const struct candidate *c = victim->candidate;

		json_open_map(&json, NULL);
		if (!victim->excluded)
			json_u64(&json, "order", i + 1);
		json_i64(&json, "pid", c->pid);
		json_text(&json, "comm", c->comm);
		if (c->cmdline)
			json_text_n(&json, "cmdline", c->cmdline, c->cmdline_len);
		if (c->exe)
			json_text(&json, "exe", c->exe);
		if (c->cgroup)
			json_text(&json, "cgroup", c->cgroup);
		if (c->namespace)
			json_text(&json, "namespace", c->namespace);
		if (c->pod)
			json_text(&json, "pod", c->pod);
		if (c->container)
			json_text(&json, "container", c->container);
		json_u64(&json, "uid", c->uid);
		json_u64(&json, "freeable_bytes", victim->freeable_bytes);
		json_u64(&json, "growth_bytes", victim->growth_bytes);
		json_double(&json, "blame", victim->blame);
		json_i64(&json, "oom_score_adj", c->oom_score_adj);
		json_double(&json, "score", victim->score);
		json_text(&json, "tier", victim_tier_name(victim->tier));
		json_text(&json, "standing", rules_standing_name(victim->standing));
		json_text(&json, "rule", victim->rule ? victim->rule->text : NULL);
		if (victim->excluded)
			json_text(&json, "excluded", victim_exclusion_name(victim->excluded));
		json_close_map(&json);
	}
	json_close_list(&json);
	if (json_end(&json, &len))
		return -ENOSPC;
	puts(buf);
	return 0;
}

static int show(struct view *view, const struct victims_options *chosen)
{
	const char *scope = chosen->scope ? chosen->scope : "node";
	uint64_t id = view->cgroup.id ? view->cgroup.id : FO_SCOPE_NODE;
	const uint64_t total_bytes = scope_bytes(view);
	const bool node = !view->cgroup.id;
	const struct policy *policy;
	struct scope_case state;
	const struct candidate *candidates;
	size_t n, eligible;
	int err;

	case_begin(&state, node, getpid(), clock_mono_ns());
	if (node) {
		policy = rules_policy_node(view->config);
	} else {
		struct scope_names names;
		struct place_info info;
		struct pod_path pod;

		place_of_path(view->cgroup.path, view->names, &pod, &info);
		names = (struct scope_names){view->cgroup.path, info.pod_uid != NULL,
					     info.qos,		info.pod,
					     info.namespace,	info.container};
		policy = rules_policy_cgroup(view->config, &names);
	}
	if (!policy) {
		log_error("victims: no policy matches the scope %s: nothing would be killed in it",
			  scope);
		return EXIT_FAILED;
	}
	err = tasks_read(view->tasks, id, clock_boot_ns(), &candidates, &n);
	if (!err) {
		/* meanwhile the worker reads their command lines */
		pause_ns(chosen->over_ns);
		err = tasks_read(view->tasks, id, clock_boot_ns(), &candidates, &n);
	}
	if (err) {
		log_error("victims: the processes cannot be listed: %s", strerror(-err));
		return EXIT_FAILED;
	}
	eligible = case_rank(&state, policy, total_bytes, clock_mono_ns(), candidates, n,
			     view->ranking);
	if (chosen->json) {
		err = print_json(view, policy, scope, total_bytes, view->ranking, n);
		return err ? EXIT_FAILED : EXIT_OK;
	}
	printf("%s, policy %s%s: %zu of %zu processes may be killed\n", scope, policy->name,
	       policy->warn_only ? " (only warns, kills nothing)" : "", eligible, n);
	print_table(view->ranking, n, eligible);
	if (tasks_overflow(view->tasks))
		log_warn("%llu processes are missing: the list is full",
			 (unsigned long long)tasks_overflow(view->tasks));
	return EXIT_OK;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct victims_options chosen = {.over_ns = 1000000000ULL};
	struct view view = {.host = {.mount_fd = -1}, .node = {-1, -1, -1}};
	int operands, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	code = view_open(&view, &chosen);
	if (code == EXIT_OK)
		code = open_scope(&view, chosen.scope);
	if (code == EXIT_OK)
		code = show(&view, &chosen);
	view_close(&view);
	return code;
}

const struct command command_victims = {
	.name = "victims",
	.summary = "Show in which order the processes of a scope would be killed.",
	.details =
		"Lists the processes twice, to measure which ones grow, and ranks them as the daemon does.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

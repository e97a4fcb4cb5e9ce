// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/victims_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "base/worker.h"
#include "judge/candidate.h"
#include "judge/case.h"
#include "judge/rules.h"
#include "sense/cgroup.h"
#include "sense/cgroup_cache.h"
#include "sense/loader.h"
#include "sense/node.h"
#include "sense/podnames.h"
#include "sense/tasks.h"

/* victims_view_close() waits so long for the helper thread. */
#define STOP_NS 3000000000ULL

struct victims_view {
	struct loader *loader;
	const struct config *config;
	struct cgroup_host host;
	struct worker *worker;
	struct podnames *names;
	struct cgroup_cache *cgroup_cache;
	struct tasks *tasks;
	struct node node;
	struct cgroup cgroup; /* of the scope; zeroed: the node */
	struct victim *ranking;
};

void victims_view_close(struct victims_view *view)
{
	if (!view)
		return;
	/* a thread that does not stop uses these until the process exits */
	if (worker_stop(view->worker, STOP_NS)) {
		tasks_free(view->tasks);
		cgroup_cache_free(view->cgroup_cache);
		podnames_free(view->names);
	}
	cgroup_close(&view->cgroup);
	cgroup_host_close(&view->host);
	node_close(&view->node);
	free(view->ranking);
	free(view);
}

int victims_view_open(struct victims_view **ret, struct loader *loader, const struct config *config,
		      const char *host_root)
{
	struct victims_view *view = calloc(1, sizeof(*view));
	int err;

	*ret = view;
	if (!view)
		return EXIT_FAILED;
	*view = (struct victims_view){
		.loader = loader, .config = config, .host = {.mount_fd = -1}, .node = {-1, -1, -1}};
	if (cgroup_host_open(&view->host, ""))
		view->host.ops = NULL;
	err = node_open(&view->node, "");
	if (err) {
		log_error("/proc/meminfo: %s; mount /proc", strerror(-err));
		return EXIT_HOST;
	}
	view->ranking = calloc(tasks_max(), sizeof(*view->ranking));
	err = view->ranking ? worker_start(&view->worker, "fo-helper", 64, 4096) : -ENOMEM;
	if (!err)
		err = podnames_new(&view->names, host_root, NULL);
	if (!err)
		err = cgroup_cache_new(&view->cgroup_cache, &view->host, view->names);
	if (!err)
		err = tasks_new(&view->tasks, view->loader, &view->host, view->cgroup_cache,
				view->worker);
	if (err) {
		log_error("victims: %s", strerror(-err));
		return EXIT_FAILED;
	}
	(void)podnames_turn(view->names, clock_mono_ns());
	return EXIT_OK;
}

/* Opens the cgroup of the pod @name, NAMESPACE/POD: a process in it has its path. */
static int open_pod(struct victims_view *view, const char *name)
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

static int open_scope(struct victims_view *view, const char *scope)
{
	int err;

	if (!strcmp(scope, "node"))
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
static uint64_t scope_bytes(const struct victims_view *view)
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

static const struct policy *find_policy(const struct victims_view *view)
{
	struct scope_names names;
	struct place_info info;
	struct pod_path pod;

	if (!view->cgroup.id)
		return rules_policy_node(view->config);
	place_of_path(view->cgroup.path, view->names, &pod, &info);
	names = (struct scope_names){view->cgroup.path, info.pod_uid != NULL, info.qos,
				     info.pod,		info.namespace,	      info.container};
	return rules_policy_cgroup(view->config, &names);
}

int victims_view_rank(struct victims_view *view, const char *scope, uint64_t over_ns,
		      struct victims_ranking *ret)
{
	const struct candidate *candidates;
	struct scope_case state;
	uint64_t id;
	int err, code = open_scope(view, scope);

	if (code != EXIT_OK)
		return code;
	*ret = (struct victims_ranking){
		.scope = scope,
		.path = view->cgroup.id ? view->cgroup.path : NULL,
		.policy = find_policy(view),
		.total_bytes = scope_bytes(view),
		.victims = view->ranking,
	};
	if (!ret->policy) {
		log_error("victims: no policy matches the scope %s: nothing would be killed in it",
			  scope);
		return EXIT_FAILED;
	}
	id = view->cgroup.id ? view->cgroup.id : FO_SCOPE_NODE;
	err = tasks_read(view->tasks, id, clock_boot_ns(), &candidates, &ret->count);
	if (!err) {
		/* meanwhile the helper thread reads their command lines */
		pause_ns(over_ns);
		err = tasks_read(view->tasks, id, clock_boot_ns(), &candidates, &ret->count);
	}
	if (err) {
		log_error("victims: the processes cannot be listed: %s", strerror(-err));
		return EXIT_FAILED;
	}
	case_begin(&state, !view->cgroup.id, getpid(), clock_mono_ns());
	ret->eligible = case_rank(&state, ret->policy, ret->total_bytes, clock_mono_ns(),
				  candidates, ret->count, view->ranking);
	ret->missing = tasks_overflow(view->tasks);
	return EXIT_OK;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/watch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/proactive_reclaim.h"
#include "daemon/daemon.h"
#include "daemon/page_tracking.h"
#include "daemon/report.h"
#include "daemon/publish.h"
#include "daemon/trace_feed.h"
#include "judge/rules.h"
#include "sense/loader.h"
#include "sense/cgroup_cache.h"
#include "sense/sampler.h"
#include "sense/tasks.h"

/* A scope that cannot be watched now is asked for again after this long. */
#define AGAIN_NS 1000000000ULL

/* Processes of a hot scope are read this often, so that their growth is known. */
#define LIST_NS 1000000000ULL

const char *watch_name(const struct watch *watch)
{
	return watch->scope == FO_SCOPE_NODE ? "node" : watch->cgroup.path;
}

static int take_sample(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
		       struct sample *ret)
{
	int tracking = atomic_load(&daemon->tracking), err;

	if (watch->scope == FO_SCOPE_NODE)
		err = sampler_node(daemon->sampler, now_ns, tracking == TRACKING_ON, ret);
	else
		err = sampler_cgroup(daemon->sampler, &watch->cgroup, now_ns,
				     tracking == TRACKING_ON, ret);
	if (!err && tracking == TRACKING_FAILED) {
		ret->has |= SAMPLE_HAS_TRACKING_ERROR;
		ret->tracking_error = (uint64_t)-atomic_load(&daemon->tracking_error);
	}
	return err;
}

int watch_held(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
	       uint64_t *ret_bytes)
{
	struct sample sample;
	int err = take_sample(daemon, watch, now_ns, &sample);

	if (err)
		return err;
	if (!(sample.has & SAMPLE_HAS_LEVEL))
		return -ENODATA;
	*ret_bytes = sample.held_bytes;
	return 0;
}

struct watch *watch_find(struct daemon *daemon, uint64_t scope)
{
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (daemon->watches[i].used && daemon->watches[i].scope == scope)
			return &daemon->watches[i];
	return NULL;
}

/* Best the place that @scope had before: its last minute is still there. */
static struct watch *watch_free(struct daemon *daemon, uint64_t scope)
{
	struct watch *found = NULL;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (watch->used)
			continue;
		if (watch->scope == scope && watch->history.count)
			return watch;
		/* else one that holds nobody's minute, as long as there is one */
		if (!found || (found->history.count && !watch->history.count))
			found = watch;
	}
	return found;
}

void watch_mute(struct daemon *daemon, uint64_t scope, uint64_t until_ns)
{
	int fd = loader_map(daemon->loader, LOADER_MAP_HOT);
	struct fo_hot hot = {0};

	(void)bpf_map_lookup_elem(fd, &scope, &hot);
	hot.muted_until_ns = until_ns;
	(void)bpf_map_update_elem(fd, &scope, &hot, BPF_ANY);
}

/* Cool: the next reclaim is news again. */
void watch_forget(struct daemon *daemon, uint64_t scope)
{
	(void)bpf_map_delete_elem(loader_map(daemon->loader, LOADER_MAP_HOT), &scope);
	(void)bpf_map_delete_elem(loader_map(daemon->loader, LOADER_MAP_REACH), &scope);
}

void watch_end(struct daemon *daemon, struct watch *watch)
{
	if (watch->incident.open)
		incident_drop(daemon, watch);
	trace_feed_end(daemon, watch, clock_mono_ns());
	if (watch->scope == FO_SCOPE_NODE)
		loader_tracking_node(daemon->loader, false);
	cgroup_shut(&watch->cgroup);
	watch->used = false;
}

static const char *keep_name(char *to, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || len >= WATCH_NAME_MAX)
		return NULL; /* half of a name is another name */
	memcpy(to, name, len + 1);
	return to;
}

static void name_scope(struct daemon *daemon, struct watch *watch)
{
	struct place_info info;

	place_of_path(watch->cgroup.path, daemon->names, &watch->pod_path, &info);
	watch->names = (struct scope_names){
		.path = watch->cgroup.path,
		.in_pod = info.pod_uid != NULL,
		.qos = info.qos,
		.pod = keep_name(watch->pod, info.pod),
		.namespace = keep_name(watch->namespace, info.namespace),
		.container = keep_name(watch->container, info.container),
	};
}

bool watch_settle_policy(struct daemon *daemon, struct watch *watch, const struct config *config)
{
	if (watch->scope == FO_SCOPE_NODE) {
		watch->policy = rules_policy_node(config);
	} else {
		name_scope(daemon, watch);
		watch->policy = rules_policy_cgroup(config, &watch->names);
	}
	return watch->policy != NULL;
}

static void list_tasks(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	const struct candidate *candidates;
	size_t n;

	watch->listed_ns = now_ns;
	if (tasks_read(daemon->tasks, watch->scope, clock_boot_ns(), &candidates, &n))
		return;
	trace_feed_list(daemon, watch, now_ns, candidates, n);
	publish_next(daemon, watch, candidates, n);
}

void watch_begin(struct daemon *daemon, uint64_t scope, uint64_t now_ns)
{
	struct watch *watch = watch_free(daemon, scope);
	struct history history = {0};
	int err;

	if (!watch) {
		daemon->watches_full++;
		watch_mute(daemon, scope, now_ns + AGAIN_NS);
		return;
	}
	if (watch->scope == scope)
		history = watch->history;
	memset(watch, 0, sizeof(*watch));
	watch->history = history;
	watch->scope = scope;
	if (scope != FO_SCOPE_NODE) {
		err = cgroup_open_id(&daemon->host, scope, &watch->cgroup);
		if (err) {
			if (err != -ENODEV)
				log_warn("cgroup %llu is short of memory, but its files cannot be "
					 "read: %s",
					 (unsigned long long)scope, strerror(-err));
			watch_mute(daemon, scope, now_ns + AGAIN_NS);
			return;
		}
	}
	if (!watch_settle_policy(daemon, watch, daemon->config)) {
		cgroup_shut(&watch->cgroup);
		watch_mute(daemon, scope, UINT64_MAX);
		return;
	}
	watch->used = true;
	judge_begin(&watch->judge, now_ns);
	daemon_timer(daemon, true);
	trace_feed_begin(daemon, watch, now_ns);
	daemon_reclaim_watch(daemon, watch);
	log_debug("%s: hot", watch_name(watch));
}

bool watch_wants_tracking(const struct watch *watch)
{
	return watch->used && judge_wants_tracking(&watch->judge);
}

/* How far a refault may be for a kill to mend it: what could be given back. */
static void set_reach(struct daemon *daemon, const struct watch *watch, uint64_t anon_bytes)
{
	uint64_t pages = anon_bytes / (uint64_t)sysconf(_SC_PAGESIZE);

	(void)bpf_map_update_elem(loader_map(daemon->loader, LOADER_MAP_REACH), &watch->scope,
				  &pages, BPF_ANY);
}

static void tell_recovered(struct daemon *daemon, struct watch *watch,
			   const struct evidence *evidence)
{
	report_verdict(daemon, watch, "recovered", &watch->judge.verdict, evidence);
	log_info("%s: recovered", watch_name(watch));
}

static void after_verdict(struct daemon *daemon, struct watch *watch, const struct judgement *j,
			  uint64_t now_ns)
{
	const struct verdict *verdict = &j->verdict;
	const struct evidence *evidence = &j->evidence;

	if (j->blind) {
		report_verdict(daemon, watch, "blind", verdict, evidence);
		log_warn("%s: blind, and so nothing is killed here: %s", watch_name(watch),
			 evidence->lossy ? "the kernel side loses events"
			 : evidence->no_tracking
				 ? "the hooks on the page cache and the scheduler cannot be "
				   "attached, and files do not tell enough"
				 : "an essential input is missing");
	}
	if (j->calm)
		watch->empty_told = false;
	if (j->recovered)
		tell_recovered(daemon, watch, evidence);

	switch (verdict->action) {
	case VERDICT_WARN:
		report_verdict(daemon, watch, "warn", verdict, evidence);
		log_warn("%s: %s, risk %.3f, %.0f %% of its tasks' time lost, level %.0f %%; "
			 "nothing is done: %s",
			 watch_name(watch), verdict_reason_name(verdict->reason),
			 verdict->risk.value, evidence->lost_share * 100, evidence->level * 100,
			 verdict->reason == REASON_STORM
				 ? "too many kills within a minute"
				 : "no policy of the configuration names it");
		break;
	case VERDICT_ACT:
		incident_begin(daemon, watch, verdict, evidence, now_ns);
		break;
	default:
		break;
	}
}

/* True when the scope is no longer worth watching: quiet, or far from any trouble. */
static bool watch_is_over(struct daemon *daemon, struct watch *watch,
			  const struct evidence *evidence, uint64_t now_ns)
{
	uint64_t mute_ns;
	bool recovered;

	switch (judge_end(&watch->judge, now_ns, watch->incident.open, &recovered, &mute_ns)) {
	case JUDGE_IDLE:
		if (recovered)
			tell_recovered(daemon, watch, evidence);
		log_debug("%s: cool", watch_name(watch));
		watch_forget(daemon, watch->scope);
		return true;
	case JUDGE_HEADROOM:
		watch_mute(daemon, watch->scope, now_ns + mute_ns);
		return true;
	default:
		return false;
	}
}

static void log_evidence(const struct watch *watch, const struct evidence *e)
{
	const struct verdict *verdict = &watch->judge.verdict;

	if (log_level() < LOG_LEVEL_DEBUG || !e->span_ns)
		return;
	log_debug(
		"%s: risk %.3f %s/%s level %.2f growth %.1f MiB/s stall %.3f thrash %.3f io %.3f "
		"run %.3f lost %.2f refaulted %.2f reach %.2f avoidable %.2f turnover %.2f faults %.0f reclaims "
		"%.0f memstall %.3f swapins %.0f has %x",
		watch_name(watch), verdict->risk.value, verdict_action_name(verdict->action),
		verdict_reason_name(verdict->reason), e->level, e->growth / 1048576, e->stall,
		e->thrash, e->io, e->run, e->lost_share, e->refaulted, e->within_reach,
		e->avoidable, e->turnover, e->major_faults, e->reclaims, e->memstall, e->swapins,
		e->has);
}

static bool is_within(const struct watch *inner, const struct watch *outer)
{
	size_t len = strlen(outer->cgroup.path);

	if (outer->scope == FO_SCOPE_NODE || inner == outer)
		return true;
	return inner->scope != FO_SCOPE_NODE &&
	       !strncmp(inner->cgroup.path, outer->cgroup.path, len) &&
	       inner->cgroup.path[len] == '/';
}

/* Somebody is dying in it, for its own sake or for that of a scope within it. */
static bool is_pending(const struct daemon *daemon, const struct watch *watch)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct watch *other = &daemon->watches[i];

		if (other->used && other->incident.open && is_within(other, watch))
			return true;
	}
	return false;
}

void watch_tick(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct judgement judgement;
	struct sample sample;
	int err;

	incident_look(daemon, watch, now_ns);
	err = take_sample(daemon, watch, now_ns, &sample);
	if (err == -ENODEV) {
		/* the cgroup was removed: what was in it is gone, or about to be */
		if (watch->incident.open)
			return;
		watch_forget(daemon, watch->scope);
		watch_end(daemon, watch);
		return;
	}
	judge_see(&watch->judge, &sample);
	if (sample.has & SAMPLE_HAS_LEVEL) {
		watch->total_bytes = sample.total_bytes;
		if (watch_wants_tracking(watch))
			set_reach(daemon, watch, sample.anon_bytes);
	}
	if (watch->scope == FO_SCOPE_NODE)
		loader_tracking_node(daemon->loader, watch_wants_tracking(watch));
	if (watch_wants_tracking(watch) && now_ns - watch->listed_ns >= LIST_NS)
		list_tasks(daemon, watch, now_ns);

	judgement = judge_tick(&watch->judge, watch->policy, &sample, is_pending(daemon, watch));
	if (judgement.judged) {
		history_add(&watch->history, &judgement.evidence, &judgement.verdict.risk);
		log_evidence(watch, &judgement.evidence);
		after_verdict(daemon, watch, &judgement, now_ns);
	}
	trace_feed_tick(daemon, watch, &sample, &judgement);
	if (watch_is_over(daemon, watch, &judgement.evidence, now_ns))
		watch_end(daemon, watch);
}

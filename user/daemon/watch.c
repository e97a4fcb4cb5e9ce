// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/watch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/incident.h"
#include "daemon/proactive_reclaim.h"
#include "daemon/report.h"
#include "daemon/trace_feed.h"
#include "event.h"
#include "judge/candidate.h"
#include "judge/displace.h"
#include "judge/process.h"
#include "sense/loader.h"
#include "sense/processes.h"
#include "sense/tasks.h"
#include "tell/control.h"
#include "tell/writer.h"

/* A scope that cannot be watched now is asked for again after this long. */
#define AGAIN_NS 1000000000ULL

/* Chosen: an episode of missing places ends when no scope lacked one for this long. */
#define FULL_EPISODE_NS 60000000000ULL

/* Processes of a hot scope are read this often, so that their growth is known. */
#define LIST_NS 1000000000ULL

int watches_new(struct watches *watches)
{
	watches->list = calloc(WATCHES_MAX, sizeof(*watches->list));
	return watches->list ? 0 : -ENOMEM;
}

void watches_free(struct watches *watches)
{
	free(watches->list);
	watches->list = NULL;
}

struct watch *watches_find(struct watches *watches, uint64_t scope)
{
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (watches->list[i].used && watches->list[i].scope.id == scope)
			return &watches->list[i];
	return NULL;
}

/* Best the place that @scope had before: its history is still there. */
static struct watch *find_free(struct watches *watches, uint64_t scope)
{
	struct watch *found = NULL;

	if (scope == FO_SCOPE_NODE)
		return &watches->list[WATCHES_NODE];
	for (size_t i = WATCHES_NODE + 1; i < WATCHES_MAX; i++) {
		struct watch *watch = &watches->list[i];

		if (watch->used)
			continue;
		if (watch->scope.id == scope && watch->scope.history.count)
			return watch;
		/* else one that has no history, as long as there is one */
		if (!found || (found->scope.history.count && !watch->scope.history.count))
			found = watch;
	}
	return found;
}

/* Counts are with the caller; logs @why once an episode. */
static void report_not_watched(struct watches *watches, const char *path, const char *why,
			       uint64_t now_ns)
{
	struct watches_full *full = &watches->full;

	if (!full->at_ns || now_ns - full->at_ns > FULL_EPISODE_NS)
		log_warn("%s: %s; further scopes are counted (status), not logged one by one", path,
			 why);
	full->at_ns = now_ns;
	snprintf(full->path, sizeof(full->path), "%s", path);
}

/* All places are taken. If a policy acts on @path, frees that of a scope that is only warned of. */
static struct watch *displace(struct watches *watches, const char *path, uint64_t now_ns)
{
	struct displace_scope scopes[WATCHES_MAX];
	struct watch *watch;
	size_t chosen;

	if (!hot_scope_acts(path, watches->config, watches->names))
		return NULL;
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct watch *other = &watches->list[i];
		const struct risk *risk = &other->scope.state.judge.verdict.risk;

		/* the node's place stays free while the node is not hot */
		scopes[i] = (struct displace_scope){
			.node = i == WATCHES_NODE,
			.acts = other->used && !other->scope.policy->warn_only,
			.open = other->incident.open || other->scope.state.pending,
			.risk = risk->known ? risk->value : -1,
		};
	}
	chosen = displace_choose(scopes, WATCHES_MAX);
	if (chosen == DISPLACE_NONE)
		return NULL;
	watch = &watches->list[chosen];
	watches->full.displaced++;
	report_not_watched(watches, hot_scope_name(&watch->scope),
			   "it is not watched for now, because a scope that a policy acts on needs "
			   "its place",
			   now_ns);
	watches_end(watches, watch, now_ns);
	mutes_set(&watches->mutes, watch->scope.id, now_ns + AGAIN_NS);
	return watch;
}

/* A place for a scope; NULL: there is none, or the cgroup was removed. */
static struct watch *find_place(struct watches *watches, uint64_t scope, uint64_t now_ns)
{
	struct watch *watch = find_free(watches, scope);
	char path[CGROUP_PATH_MAX];
	int err;

	if (watch)
		return watch;
	err = cgroup_path_of(watches->incident_parts.host, scope, path);
	if (err == -ENODEV) {
		mutes_clear(&watches->mutes, scope); /* removed: nothing deletes it later */
		return NULL;
	}
	if (err)
		snprintf(path, sizeof(path), "cgroup %llu", (unsigned long long)scope);
	else
		watch = displace(watches, path, now_ns);
	if (watch)
		return watch;
	watches->full.refused++;
	report_not_watched(watches, path,
			   "it is short of memory, but not watched: all places are taken; it is "
			   "asked for again every second",
			   now_ns);
	mutes_set(&watches->mutes, scope, now_ns + AGAIN_NS);
	return NULL;
}

void watches_end(struct watches *watches, struct watch *watch, uint64_t now_ns)
{
	struct incident_parts *parts = &watches->incident_parts;

	if (watch->incident.open)
		incident_drop(parts, &watch->incident, &watch->scope);
	trace_feed_end(parts->trace, &watch->scope, now_ns);
	if (hot_scope_is_node(&watch->scope))
		loader_tracking_node(watches->loader, false);
	kills_keep(&watches->kills, watch->scope.id, case_kills(&watch->scope.state), now_ns);
	hot_scope_close(&watch->scope);
	watch->used = false;
}

bool watches_begin(struct watches *watches, uint64_t scope, uint64_t now_ns)
{
	struct watch *watch = find_place(watches, scope, now_ns);
	struct history history = {0};
	struct verdict_kills kills;
	int err;

	if (!watch)
		return false;
	if (watch->scope.id == scope)
		history = watch->scope.history;
	memset(watch, 0, sizeof(*watch));
	watch->scope.history = history;
	watch->incident.slot = (size_t)(watch - watches->list);
	err = hot_scope_open(&watch->scope, watches->incident_parts.host, scope);
	if (err) {
		if (err == -ENODEV) {
			mutes_clear(&watches->mutes, scope); /* removed: nothing deletes it later */
			return false;
		}
		log_warn("cgroup %llu is short of memory, but its files cannot be read: %s",
			 (unsigned long long)scope, strerror(-err));
		mutes_set(&watches->mutes, scope, now_ns + AGAIN_NS);
		return false;
	}
	if (!hot_scope_take_policy(&watch->scope, watches->config, watches->names)) {
		hot_scope_close(&watch->scope);
		mutes_set(&watches->mutes, scope, UINT64_MAX);
		return false;
	}
	watch->used = true;
	mutes_forget(&watches->mutes, scope);
	case_begin(&watch->scope.state, hot_scope_is_node(&watch->scope), getpid(), now_ns);
	kills = kills_take(&watches->kills, scope);
	case_take_kills(&watch->scope.state, &kills);
	trace_feed_begin(watches->incident_parts.trace, &watch->scope, now_ns);
	daemon_reclaim_watch(watches->reclaim, &watch->scope);
	log_debug("%s: hot", hot_scope_name(&watch->scope));
	return true;
}

void watches_take_config(struct watches *watches, const struct config *config)
{
	watches->config = config;
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &watches->list[i];

		if (!watch->used || hot_scope_take_policy(&watch->scope, config, watches->names))
			continue;
		mutes_set(&watches->mutes, watch->scope.id, UINT64_MAX);
		watches_end(watches, watch, clock_mono_ns());
	}
}

void watches_take_names(struct watches *watches)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &watches->list[i];

		if (watch->used && !watch->incident.open)
			(void)hot_scope_take_policy(&watch->scope, watches->config, watches->names);
	}
}

void watches_look(struct watches *watches)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &watches->list[i];

		if (watch->used && watch->incident.open)
			incident_look(&watches->incident_parts, &watch->incident, &watch->scope,
				      clock_mono_ns());
	}
}

/* ---- one tick of one scope ---- */

/* The best permitted kill, which is part of the risk, and its victim, for clients that show it. */
static void find_next(struct watches *watches, struct watch *watch,
		      const struct candidate *candidates, size_t n, uint64_t now_ns)
{
	struct hot_scope *scope = &watch->scope;
	struct victim *ranking = watches->incident_parts.ranking;
	struct snapshot_victim *next = &watch->next;

	next->pid = 0;
	if (!scope->total_bytes || !case_list(&scope->state, scope->policy, scope->total_bytes,
					      now_ns, candidates, n, ranking))
		return;
	next->pid = ranking[0].candidate->pid;
	next->uid = ranking[0].candidate->uid;
	next->freeable_bytes = candidate_freeable_bytes(ranking[0].candidate);
	snprintf(next->comm, sizeof(next->comm), "%s", ranking[0].candidate->comm);
	snprintf(next->rule, sizeof(next->rule), "%s",
		 ranking[0].rule ? ranking[0].rule->text : "");
}

static void list_tasks(struct watches *watches, struct watch *watch, uint64_t now_ns)
{
	struct incident_parts *parts = &watches->incident_parts;
	const struct candidate *candidates;
	size_t n;

	watch->listed_ns = now_ns;
	if (tasks_read(parts->tasks, watch->scope.id, clock_boot_ns(), &candidates, &n))
		return;
	trace_feed_list(parts->trace, &watch->scope, now_ns, candidates, n);
	find_next(watches, watch, candidates, n, now_ns);
}

/*
 * The refaults that a kill avoids: at most as far away as what processes hold, and of pages that
 * were evicted after the last kill.
 */
static void set_reach(struct watches *watches, struct watch *watch, uint64_t anon_bytes)
{
	struct fo_hot hot;

	watch->reach.pages = anon_bytes / (uint64_t)sysconf(_SC_PAGESIZE);
	if (watch->scope.freed && !bpf_map_lookup_elem(loader_map(watches->loader, LOADER_MAP_HOT),
						       &watch->scope.id, &hot)) {
		watch->reach.evicted_from = (uint32_t)hot.added_pages;
		watch->reach.has_kill = 1;
	}
	watch->scope.freed = false;
	mutes_set_reach(&watches->mutes, watch->scope.id, &watch->reach);
}

static void report_recovered(const struct watches *watches, const struct watch *watch,
			     const struct evidence *evidence)
{
	report_verdict(watches->incident_parts.reporter, &watch->scope, "recovered",
		       &watch->scope.state.judge.verdict, evidence);
	log_info("%s: recovered", hot_scope_name(&watch->scope));
}

static void report_blind(const struct watches *watches, const struct watch *watch,
			 const struct judgement *j)
{
	const struct evidence *evidence = &j->evidence;

	report_verdict(watches->incident_parts.reporter, &watch->scope, "blind", &j->verdict,
		       evidence);
	log_warn("%s: blind, so nothing is killed here: %s", hot_scope_name(&watch->scope),
		 evidence->lossy	 ? "the kernel side loses events"
		 : evidence->no_tracking ? "the hooks on the page cache and the scheduler cannot "
					   "be attached, and files do not tell enough"
					 : "an essential input is missing");
}

static void report_warning(const struct watches *watches, const struct watch *watch,
			   const struct judgement *j)
{
	const struct verdict *verdict = &j->verdict;

	report_verdict(watches->incident_parts.reporter, &watch->scope, "warn", verdict,
		       &j->evidence);
	log_warn("%s: %s, risk %.3f, %.0f %% of the time of its tasks lost, level %.0f %%; "
		 "nothing is done: %s",
		 hot_scope_name(&watch->scope), verdict_reason_name(verdict->reason),
		 verdict->risk.value, j->evidence.lost_share * 100, j->evidence.level * 100,
		 verdict->reason == REASON_STORM ? "too many kills within a minute"
		 : verdict->reason == REASON_NO_RELIEF
			 ? "the last kills relieved no process; look at what holds the memory"
		 : verdict->reason == REASON_LEVEL_LOW
			 ? "its file pages do not fit, and a kill frees too little"
			 : "no policy of the configuration acts on it");
}

/* What the last kill gave back. */
static void report_relief(const struct watches *watches, const struct watch *watch,
			  const struct judgement *j)
{
	const struct reporter *reporter = watches->incident_parts.reporter;
	struct record_head head = report_head(reporter, &watch->scope, j->relief_action);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_relief(line, sizeof(line), &head, j->relief_predicted, j->relief_after, &len))
		(void)writer_event(reporter->writer, line, len);
	log_info("%s: the kill gave back %.0f %% of the time that processes wanted to run; %.0f %% "
		 "were predicted",
		 hot_scope_name(&watch->scope), j->relief_after * 100, j->relief_predicted * 100);
}

static void after_judgement(struct watches *watches, struct watch *watch, const struct judgement *j,
			    uint64_t now_ns)
{
	if (j->blind)
		report_blind(watches, watch, j);
	if (j->relief_measured)
		report_relief(watches, watch, j);
	if (j->recovered)
		report_recovered(watches, watch, &j->evidence);
	if (j->verdict.action == VERDICT_WARN)
		report_warning(watches, watch, j);
	else if (j->verdict.action == VERDICT_ACT)
		incident_begin(&watches->incident_parts, &watch->incident, &watch->scope, j,
			       now_ns);
}

/* True when the scope is no longer worth watching: idle, or far below its limit. */
static bool is_over(struct watches *watches, struct watch *watch, const struct evidence *evidence,
		    uint64_t now_ns)
{
	uint64_t mute_ns;
	bool recovered;

	switch (case_end(&watch->scope.state, now_ns, &recovered, &mute_ns)) {
	case JUDGE_IDLE:
		if (recovered)
			report_recovered(watches, watch, evidence);
		log_debug("%s: idle", hot_scope_name(&watch->scope));
		mutes_clear(&watches->mutes, watch->scope.id);
		return true;
	case JUDGE_HEADROOM:
		mutes_set(&watches->mutes, watch->scope.id, now_ns + mute_ns);
		return true;
	default:
		return false;
	}
}

static void log_evidence(const struct watch *watch, const struct evidence *e)
{
	const struct verdict *verdict = &watch->scope.state.judge.verdict;

	if (log_level() < LOG_LEVEL_DEBUG || !e->span_ns)
		return;
	log_debug("%s: risk %.3f %s/%s level %.2f growth %.1f MiB/s stall %.3f thrash %.3f io %.3f "
		  "run %.3f lost %.2f refaulted %.2f reach %.2f avoidable %.2f turnover %.2f "
		  "faults %.0f reclaims %.0f memstall %.3f swapins %.0f relief %.2f (%.2f tasks, "
		  "pid %d) has %x",
		  hot_scope_name(&watch->scope), verdict->risk.value,
		  verdict_action_name(verdict->action), verdict_reason_name(verdict->reason),
		  e->level, e->growth / 1048576, e->stall, e->thrash, e->io, e->run, e->lost_share,
		  e->refaulted, e->within_reach, e->avoidable, e->turnover, e->major_faults,
		  e->reclaims, e->memstall, e->swapins, e->relief, e->relief_tasks, e->relief_pid,
		  e->has);
}

/* An action is open in a scope within @watch's. */
static bool is_pending_within(const struct watches *watches, const struct watch *watch)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct watch *other = &watches->list[i];

		if (other->used && other != watch && other->scope.state.pending &&
		    hot_scope_is_within(&other->scope, &watch->scope))
			return true;
	}
	return false;
}

static bool wants_tasks(const struct watch *watch)
{
	return watch->used && case_wants_tasks(&watch->scope.state);
}

static bool wants_tracking(const struct watch *watch)
{
	return watch->used && case_wants_tracking(&watch->scope.state);
}

static void tick(struct watches *watches, struct watch *watch, uint64_t now_ns)
{
	struct incident_parts *parts = &watches->incident_parts;
	struct hot_scope *scope = &watch->scope;
	const struct process_span *spans = NULL;
	struct judgement judgement;
	struct sample sample;
	size_t span_count = 0;
	int err;

	incident_look(parts, &watch->incident, scope, now_ns);
	err = hot_scope_sample(scope, parts->sampler, parts->tracking, now_ns, &sample);
	if (err == -ENODEV) {
		/* the cgroup was removed: what was in it is gone, or about to be */
		if (watch->incident.open)
			return;
		mutes_clear(&watches->mutes, scope->id);
		watches_end(watches, watch, now_ns);
		return;
	}
	case_see(&scope->state, &sample);
	if (sample.has & SAMPLE_HAS_LEVEL) {
		scope->total_bytes = sample.total_bytes;
		if (wants_tasks(watch))
			set_reach(watches, watch, sample.anon_bytes);
	}
	if (hot_scope_is_node(scope))
		loader_tracking_node(watches->loader, wants_tracking(watch));
	if (wants_tasks(watch) && now_ns - watch->listed_ns >= LIST_NS)
		list_tasks(watches, watch, now_ns);

	if ((sample.has & SAMPLE_HAS_WAITS) && watches->processes_read) {
		span_count = processes_of(watches->processes, scope->id, &spans);
		sample.processes = span_count;
		sample.has |= SAMPLE_HAS_PROCESSES;
	}
	judgement = case_step(&scope->state, scope->policy, &sample, spans, span_count,
			      is_pending_within(watches, watch));
	if (judgement.judged) {
		history_add(&scope->history, &judgement.evidence, &judgement.verdict.risk);
		log_evidence(watch, &judgement.evidence);
		after_judgement(watches, watch, &judgement, now_ns);
	}
	trace_feed_tick(parts->trace, scope, &sample, spans, span_count, &judgement);
	if (is_over(watches, watch, &judgement.evidence, now_ns))
		watches_end(watches, watch, now_ns);
}

size_t watches_tick(struct watches *watches, bool *ret_wants_tracking)
{
	size_t left = 0;

	*ret_wants_tracking = false;
	watches->processes_read =
		page_tracking_state(watches->incident_parts.tracking) == TRACKING_ON &&
		!processes_read(watches->processes, clock_mono_ns());
	(void)mutes_retry(&watches->mutes);
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &watches->list[i];

		if (!watch->used)
			continue;
		tick(watches, watch, clock_mono_ns());
		left += watch->used;
		*ret_wants_tracking |= wants_tracking(watch);
	}
	return left;
}

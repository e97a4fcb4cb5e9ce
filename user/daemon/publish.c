// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/publish.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "act/proactive_reclaim.h"
#include "event.h"
#include "sense/sampler.h"
#include "tell/control.h"
#include "tell/snapshot.h"

/* Ranking so many takes 1 to 2 ms of the thread that kills; of more nobody is named before. */
#define NEXT_CANDIDATES_MAX 256

_Static_assert(SNAPSHOT_SCOPES >= WATCHES_MAX, "a snapshot has no room for every watch");
_Static_assert(SNAPSHOT_POD_MAX >= WATCH_NAME_MAX, "a snapshot has no room for a pod's name");
_Static_assert(SNAPSHOT_SLOTS == FO_STALL_SLOTS, "the histogram's slots differ");

static void fill_name(char *ret, const char *name)
{
	snprintf(ret, SNAPSHOT_POD_MAX, "%s", name ? name : "");
}

static void fill_scope(struct daemon *daemon, const struct watch *watch, struct snapshot_scope *ret)
{
	struct fo_scope_stat stat;

	ret->id = watch->scope;
	ret->node = watch->scope == FO_SCOPE_NODE;
	ret->acts = !watch->policy->warn_only;
	ret->incident = watch->incident.open;
	snprintf(ret->path, sizeof(ret->path), "%s", ret->node ? "" : watch->cgroup.path);
	ret->in_pod = watch->names.in_pod;
	fill_name(ret->pod, watch->names.pod);
	fill_name(ret->namespace, watch->names.namespace);
	fill_name(ret->container, watch->names.container);
	snprintf(ret->policy, sizeof(ret->policy), "%s", watch->policy->name);
	ret->verdict = watch->judge.verdict;
	ret->evidence = window_evidence(&watch->judge.window);
	ret->next = watch->next;
	memset(ret->slots, 0, sizeof(ret->slots));
	if (!sampler_stall(daemon->sampler, watch->scope, &stat))
		for (size_t i = 0; i < SNAPSHOT_SLOTS; i++)
			ret->slots[i] = stat.stall.slots[i];
}

static void fill_proactive(const struct daemon *daemon, struct snapshot_proactive *ret)
{
	struct proactive_reclaim_sums sums;

	*ret = (struct snapshot_proactive){0};
	if (!daemon->proactive_reclaim)
		return;
	sums = proactive_reclaim_sums(daemon->proactive_reclaim);
	ret->on = true;
	ret->scopes = sums.scopes;
	ret->reclaimed_bytes = sums.given_bytes;
	ret->stops = sums.stops;
}

void publish(struct daemon *daemon)
{
	struct snapshot *snapshot;

	if (!daemon->control)
		return;
	snapshot = control_snapshot(daemon->control);
	snapshot->wall_ns = clock_wall_ns();
	snapshot->mono_ns = clock_mono_ns();
	snapshot->started_ns = daemon->started_ns;
	snapshot->pid = getpid();
	snapshot->cgroup_version = daemon->host.version;
	snapshot->dry_run = daemon->options.dry_run;
	snapshot->hot = daemon->timer_runs;
	snapshot->tracking = (enum tracking_state)atomic_load(&daemon->tracking);
	snprintf(snapshot->config_path, sizeof(snapshot->config_path), "%s",
		 daemon->config_path ? daemon->config_path : "");
	snprintf(snapshot->events_path, sizeof(snapshot->events_path), "%s", daemon->events_path);
	snapshot->lost = daemon->losses_told;
	fill_proactive(daemon, &snapshot->proactive);
	snapshot->scope_count = 0;
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (daemon->watches[i].used)
			fill_scope(daemon, &daemon->watches[i],
				   &snapshot->scopes[snapshot->scope_count++]);
	control_publish(daemon->control);
}

void publish_next(struct daemon *daemon, struct watch *watch, const struct candidate *candidates,
		  size_t n)
{
	const struct victim_request request = {
		.policy = watch->policy,
		.scope_bytes = watch->total_bytes,
		.self_pid = getpid(),
	};
	const struct victim *first = daemon->ranking;

	watch->next.pid = 0;
	if (!control_is_watched(daemon->control) || n > NEXT_CANDIDATES_MAX || !watch->total_bytes)
		return;
	if (!victim_rank(&request, candidates, n, daemon->ranking))
		return;
	watch->next.pid = first->candidate->pid;
	watch->next.freeable_bytes = candidate_freeable_bytes(first->candidate);
	snprintf(watch->next.comm, sizeof(watch->next.comm), "%s", first->candidate->comm);
	snprintf(watch->next.rule, sizeof(watch->next.rule), "%s",
		 first->rule ? first->rule->text : "");
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/publish.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "act/proactive_reclaim.h"
#include "base/clock.h"
#include "daemon/proactive_reclaim.h"
#include "daemon/watch.h"
#include "event.h"
#include "judge/config.h"
#include "sense/loader.h"
#include "sense/sampler.h"
#include "tell/control.h"
#include "tell/snapshot.h"

_Static_assert(SNAPSHOT_SCOPES >= WATCHES_MAX, "a snapshot has no room for every watch");
_Static_assert(SNAPSHOT_POD_MAX >= HOT_SCOPE_NAME_MAX, "a snapshot has no room for a pod's name");
_Static_assert(SNAPSHOT_SLOTS == FO_STALL_SLOTS, "the histogram's slots differ");

static void fill_name(char *ret, const char *name)
{
	snprintf(ret, SNAPSHOT_POD_MAX, "%s", name ? name : "");
}

static void fill_scope(const struct publisher *p, const struct watch *watch,
		       struct snapshot_scope *ret)
{
	struct sampler *sampler = p->watches->incident_parts.sampler;
	const struct hot_scope *scope = &watch->scope;
	struct fo_scope_stat stat;

	ret->id = scope->id;
	ret->node = hot_scope_is_node(scope);
	ret->acts = !scope->policy->warn_only;
	ret->dry_run = p->dry_run || scope->policy->dry_run;
	ret->incident = watch->incident.open;
	snprintf(ret->path, sizeof(ret->path), "%s", ret->node ? "" : scope->cgroup.path);
	ret->in_pod = scope->names.in_pod;
	fill_name(ret->pod, scope->names.pod);
	fill_name(ret->namespace, scope->names.namespace);
	fill_name(ret->container, scope->names.container);
	snprintf(ret->policy, sizeof(ret->policy), "%s", scope->policy->name);
	ret->verdict = scope->state.judge.verdict;
	ret->evidence = window_evidence(&scope->state.judge.window);
	ret->next = watch->next;
	memset(ret->slots, 0, sizeof(ret->slots));
	if (!sampler_stall(sampler, scope->id, &stat))
		for (size_t i = 0; i < SNAPSHOT_SLOTS; i++)
			ret->slots[i] = stat.slots[i];
}

static void fill_proactive(const struct daemon_reclaim *reclaim, struct snapshot_proactive *ret)
{
	struct proactive_reclaim_sums sums;

	*ret = (struct snapshot_proactive){0};
	if (!reclaim->thread)
		return;
	sums = proactive_reclaim_sums(reclaim->thread);
	ret->on = true;
	ret->scopes = sums.scopes;
	ret->reclaimed_bytes = sums.reclaimed_bytes;
	ret->stops = sums.stops;
}

static void fill_not_watched(const struct watches *watches, struct snapshot_not_watched *ret)
{
	struct fo_counters counters;

	loader_counters(watches->loader, &counters);
	ret->refused = watches->full.refused;
	ret->displaced = watches->full.displaced;
	ret->table_full = counters.hot_full;
	snprintf(ret->path, sizeof(ret->path), "%s", watches->full.path);
}

void publish(const struct publisher *p, bool hot, uint64_t lost)
{
	const struct incident_parts *parts = &p->watches->incident_parts;
	struct snapshot *snapshot;

	if (!p->control)
		return;
	snapshot = control_snapshot(p->control);
	snapshot->wall_ns = clock_wall_ns();
	snapshot->mono_ns = clock_mono_ns();
	snapshot->started_ns = p->started_ns;
	snapshot->pid = getpid();
	snapshot->cgroup_version = p->cgroup_version;
	snapshot->dry_run = p->dry_run;
	snapshot->hot = hot;
	snapshot->tracking = page_tracking_state(parts->tracking);
	snprintf(snapshot->config_path, sizeof(snapshot->config_path), "%s",
		 p->config_path ? p->config_path : "");
	snprintf(snapshot->events_path, sizeof(snapshot->events_path), "%s", p->events_path);
	snapshot->lost = lost;
	snapshot->maps_bytes = p->maps_bytes;
	fill_proactive(p->reclaim, &snapshot->proactive);
	fill_not_watched(p->watches, &snapshot->not_watched);
	snapshot->scope_count = 0;
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (p->watches->list[i].used)
			fill_scope(p, &p->watches->list[i],
				   &snapshot->scopes[snapshot->scope_count++]);
	control_publish(p->control);
}

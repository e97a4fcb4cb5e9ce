// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/incident_group.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/hot_scope.h"
#include "daemon/incident_data.h"
#include "daemon/trace_feed.h"
#include "event.h"
#include "judge/case.h"
#include "sense/tasks.h"

/* A pod may reach beyond the scope, if that is one of its containers; other groups do not. */
static bool is_in_scope_list(const struct hot_scope *scope, const struct victim_group *group)
{
	return group->unit != KILL_UNIT_POD || hot_scope_is_node(scope);
}

/* The members as they are now, at the beginning of the ranking. */
static int list_members(struct incident_parts *parts, const struct incident *incident,
			const struct hot_scope *scope, const struct victim_group *group,
			uint64_t now_ns, struct victim_members *ret)
{
	uint64_t listed = is_in_scope_list(scope, group) ? scope->id : FO_SCOPE_NODE;
	const struct candidate *candidates;
	size_t n;
	int err = tasks_read(parts->tasks, listed, clock_boot_ns(), &candidates, &n);

	if (err)
		return err;
	if (n > parts->ranking_size)
		return -E2BIG;
	*ret = case_rank_members(&scope->state, scope->policy, incident->evidence.total_bytes,
				 now_ns, group, candidates, n, parts->ranking);
	return 0;
}

static void keep_spared(struct incident *incident, const struct victim *spared, size_t n)
{
	incident->spared_count = n;
	for (size_t i = 0; i < n && i < ARRAY_SIZE(incident->spared); i++) {
		struct record_spared *kept = &incident->spared[i];

		kept->pid = spared[i].candidate->pid;
		snprintf(kept->comm, sizeof(kept->comm), "%s", spared[i].candidate->comm);
		kept->why = victim_exclusion_name(spared[i].excluded);
	}
}

/* What shares the victim's memory dies with it all the same. */
static void refuse_group(struct incident *incident, const char *why)
{
	incident->group =
		(struct victim_group){.unit = KILL_UNIT_PROCESS, .mm = incident->group.mm};
	incident->unit_refused = why;
	incident->members = incident->victims[0].victim.sharers;
}

void incident_choose_group(struct incident_parts *parts, struct incident *incident,
			   const struct hot_scope *scope, const struct candidate *candidates,
			   size_t n, uint64_t now_ns)
{
	struct victim_group *group = &incident->group;
	struct victim_members members;

	incident->members = 1;
	*group = victim_group_of(scope->policy, &incident->victims[0].victim);
	case_widen_group(&scope->state, now_ns, parts->ranking, n, group);
	if (victim_group_is_single(group))
		return;
	if (is_in_scope_list(scope, group)) {
		members = case_rank_members(&scope->state, scope->policy,
					    incident->evidence.total_bytes, now_ns, group,
					    candidates, n, parts->ranking);
	} else if (list_members(parts, incident, scope, group, now_ns, &members)) {
		refuse_group(incident, "its members cannot be listed");
		return;
	} else {
		trace_feed_members(parts->trace, scope, now_ns, parts->ranking,
				   members.dying + members.spared);
	}
	if (members.dying > scope->policy->max_victims) {
		refuse_group(incident, "it has more members than max_victims allows");
		return;
	}
	incident->members = members.dying;
	/* cgroup.kill takes also what found no place in the list */
	incident->whole = !members.spared && !tasks_overflow(parts->tasks);
	keep_spared(incident, parts->ranking + members.dying, members.spared);
}

/* The first @n of the ranking, except the one that has its signal already. */
static void signal_ranked(struct incident_parts *parts, const struct incident *incident, size_t n,
			  int except_pid, bool term, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++) {
		const struct candidate *candidate = parts->ranking[i].candidate;
		struct kill kill;

		if (candidate->pid == except_pid)
			continue;
		(term ? kill_term : kill_send)(&kill, candidate->pid, candidate->start_boot_ns,
					       incident->dry_run, now_ns);
		kill_done(&kill);
	}
}

void incident_signal_group(struct incident_parts *parts, struct incident *incident,
			   const struct hot_scope *scope, bool term, uint64_t now_ns)
{
	struct victim_members members;
	struct cgroup cgroup;
	int err = -ENOENT;

	if (victim_group_is_single(&incident->group))
		return;
	/* not listed now: incident_look_at_group() tries again */
	if (list_members(parts, incident, scope, &incident->group, now_ns, &members))
		return;
	incident->whole &= !members.spared && !tasks_overflow(parts->tasks);
	if (!term && incident->whole && incident->group.unit == KILL_UNIT_CGROUP &&
	    parts->host->version == 2 &&
	    !cgroup_open_id(parts->host, incident->group.memcg_id, &cgroup)) {
		err = kill_cgroup(cgroup.dir_fd, incident->dry_run);
		cgroup_close(&cgroup);
	}
	/* what shares the victim's memory may be in another cgroup */
	if (err || incident->group.mm)
		signal_ranked(parts, incident, members.dying, incident->victims[0].candidate.pid,
			      term, now_ns);
}

enum group_state incident_look_at_group(struct incident_parts *parts, struct incident *incident,
					const struct hot_scope *scope, uint64_t now_ns)
{
	struct victim_members members;

	if (incident->dry_run)
		return GROUP_GONE;
	if (list_members(parts, incident, scope, &incident->group, now_ns, &members))
		return GROUP_NOT_LISTED;
	signal_ranked(parts, incident, members.dying, 0, false, now_ns);
	keep_spared(incident, parts->ranking + members.dying, members.spared);
	if (members.dying)
		return GROUP_ALIVE;
	if (tasks_overflow(parts->tasks))
		return GROUP_NOT_LISTED;
	/* the names of a new process are read within a moment; then it is known */
	for (size_t i = 0; i < members.spared; i++)
		if (parts->ranking[i].excluded == VICTIM_UNKNOWN)
			return GROUP_UNDECIDED;
	return GROUP_GONE;
}

bool incident_may_stop_cgroup(struct incident_parts *parts, struct incident *incident,
			      const struct hot_scope *scope, uint64_t now_ns)
{
	const struct candidate *victim = &incident->victims[0].candidate;
	const struct victim_group group = {
		.unit = KILL_UNIT_CGROUP, .memcg_id = victim->memcg_id, .cgroup = victim->cgroup};
	struct victim_members members;

	return !list_members(parts, incident, scope, &group, now_ns, &members) && !members.spared &&
	       members.dying <= scope->policy->max_victims && !tasks_overflow(parts->tasks);
}

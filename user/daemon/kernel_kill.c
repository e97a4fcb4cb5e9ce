// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/kernel_kill.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "act/pidref.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "daemon/report.h"
#include "daemon/trace_feed.h"
#include "daemon/watch.h"
#include "event.h"
#include "judge/candidate.h"
#include "judge/case.h"
#include "sense/cgroup.h"
#include "sense/cgroup_cache.h"
#include "tell/writer.h"

static bool is_known(struct kernel_kills *kills, const struct fo_event_kill *event)
{
	for (size_t i = 0; i < KERNEL_KILLS_KEPT; i++)
		if (kills->recent[i].pid == (int)event->tgid &&
		    kills->recent[i].start_boot_ns == event->start_boot_ns)
			return true;
	kills->recent[kills->next].pid = (int)event->tgid;
	kills->recent[kills->next].start_boot_ns = event->start_boot_ns;
	kills->next = (kills->next + 1) % KERNEL_KILLS_KEPT;
	return false;
}

/* The kernel marks a dying process too, when it asks for memory: that kill is ours. */
static bool is_ours(const struct watches *watches, const struct fo_event_kill *event)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct incident *incident = &watches->list[i].incident;

		if (watches->list[i].used && incident->open && !incident->dry_run &&
		    pidref_is(&incident->kill.ref, (int)event->tgid, event->start_boot_ns))
			return true;
	}
	return false;
}

/* Whether the victim was in @scope. @path NULL: its cgroup is gone. */
static bool is_in(const struct hot_scope *scope, uint64_t victim_scope, const char *path)
{
	return hot_scope_is_node(scope) || scope->id == victim_scope ||
	       (path && victim_path_is_within(path, scope->cgroup.path));
}

/* What led to it, as far as it was watched: in the victim's cgroup or above, or else the node's. */
static const struct history *history_before(const struct watches *watches, uint64_t victim_scope,
					    const char *path)
{
	const struct history *node = NULL;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct hot_scope *scope = &watches->list[i].scope;

		if (!watches->list[i].used || !is_in(scope, victim_scope, path))
			continue;
		if (!hot_scope_is_node(scope))
			return &scope->history;
		node = &scope->history;
	}
	return node;
}

static void tell_scopes(struct watches *watches, const struct candidate *victim, const char *path)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct hot_scope *scope = &watches->list[i].scope;
		uint64_t now_ns = clock_mono_ns(), settle_until_ns;

		if (!watches->list[i].used || !is_in(scope, victim->memcg_id, path))
			continue;
		settle_until_ns = scope->state.judge.state.settle_until_ns;
		case_kernel_killed(&scope->state, scope->policy, candidate_freeable_bytes(victim),
				   now_ns);
		/* a tenant's kills without end must not hide what others lose */
		scope->freed |= settle_until_ns != scope->state.judge.state.settle_until_ns;
		trace_feed_kernel_kill(watches->incident_parts.trace, scope, victim, now_ns);
	}
}

void kernel_kill_report(struct kernel_kills *kills, struct watches *watches, struct podnames *names,
			const struct fo_event_kill *event)
{
	const struct reporter *reporter = watches->incident_parts.reporter;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct record_head head = report_head(reporter, NULL, 0);
	struct candidate victim = {
		.start_boot_ns = event->start_boot_ns,
		.memcg_id = event->head.scope_id,
		.anon_bytes = (uint64_t)event->anon_pages * page,
		.shmem_bytes = (uint64_t)event->shmem_pages * page,
		.file_bytes = (uint64_t)event->file_pages * page,
		.swap_bytes = (uint64_t)event->swap_pages * page,
		.pgtables_bytes = event->pgtables_bytes,
		.pid = (int)event->tgid,
		.uid = event->uid,
		.oom_score_adj = event->oom_score_adj,
		.comm = event->comm,
	};
	struct record_kernel_kill kill = {
		.victim = &victim,
		.total_vm_bytes = event->total_vm_pages * page,
		.invoker_pid = (int)event->invoker_tgid,
		.invoker_comm = event->invoker_comm,
	};
	char line[WRITER_LINE_MAX], size[UNITS_TEXT_MAX];
	struct cgroup cgroup = {0};
	struct pod_path pod_path;
	struct place_info place;
	size_t len;

	if (is_known(kills, event) || is_ours(watches, event))
		return;
	head.mono_ns = event->head.mono_ns;
	head.scope_kind = "cgroup";
	head.scope_id = event->head.scope_id;
	if (!cgroup_open_id(watches->incident_parts.host, event->head.scope_id, &cgroup)) {
		head.scope_path = cgroup.path;
		place_of_path(cgroup.path, names, &pod_path, &place);
		head.scope_kind = place.pod_uid ? "pod" : "cgroup";
		head.pod_uid = place.pod_uid;
		head.namespace = place.namespace;
		head.pod = place.pod;
		head.container = place.container;
	}
	tell_scopes(watches, &victim, head.scope_path);
	kill.history = history_before(watches, event->head.scope_id, head.scope_path);
	if (!record_kernel_kill(line, sizeof(line), &head, &kill, &len))
		(void)writer_event(reporter->writer, line, len);
	units_format_bytes(size, sizeof(size), candidate_freeable_bytes(&victim));
	log_warn("%s: the kernel's OOM killer chose %s[%d] (uid %u, %s, adj %d), invoked by %s[%u]",
		 head.scope_path ? head.scope_path : "node", victim.comm, victim.pid, victim.uid,
		 size, victim.oom_score_adj, event->invoker_comm, event->invoker_tgid);
	cgroup_close(&cgroup);
}

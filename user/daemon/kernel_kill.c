// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/kernel_kill.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "daemon/trace_feed.h"
#include "event.h"
#include "judge/candidate.h"
#include "sense/cgroup.h"
#include "sense/cgroup_cache.h"
#include "tell/writer.h"

/* mark_victim fires twice for one victim of a limit. */
static bool kernel_kill_is_known(struct daemon *daemon, const struct fo_event_kill *event)
{
	const size_t n = ARRAY_SIZE(daemon->kernel_kills);

	for (size_t i = 0; i < n; i++)
		if (daemon->kernel_kills[i].pid == (int)event->tgid &&
		    daemon->kernel_kills[i].start_boot_ns == event->start_boot_ns)
			return true;
	daemon->kernel_kills[daemon->kernel_kill_next].pid = (int)event->tgid;
	daemon->kernel_kills[daemon->kernel_kill_next].start_boot_ns = event->start_boot_ns;
	daemon->kernel_kill_next = (daemon->kernel_kill_next + 1) % n;
	return false;
}

/* The kernel marks a dying process too, when it asks for memory: that kill is ours. */
static bool kill_is_ours(const struct daemon *daemon, const struct fo_event_kill *event)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct incident *incident = &daemon->watches[i].incident;

		if (daemon->watches[i].used && incident->open && !incident->dry_run &&
		    incident->kill.ref.pid == (int)event->tgid &&
		    incident->kill.ref.start_boot_ns == event->start_boot_ns)
			return true;
	}
	return false;
}

static bool path_is_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return !strncmp(path, above, len) && (path[len] == '\0' || path[len] == '/');
}

/* What led to it, as far as it was watched: in the victim's cgroup or above, or else the node's. */
static const struct history *history_before(struct daemon *daemon, uint64_t scope, const char *path)
{
	const struct history *node = NULL;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct watch *watch = &daemon->watches[i];

		if (!watch->used)
			continue;
		if (watch->scope == FO_SCOPE_NODE)
			node = &watch->history;
		else if (watch->scope == scope || (path && path_is_below(path, watch->cgroup.path)))
			return &watch->history;
	}
	return node;
}

void kernel_kill_tell(struct daemon *daemon, const struct fo_event_kill *event)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct record_head head = report_head(daemon, NULL, 0);
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

	if (kernel_kill_is_known(daemon, event) || kill_is_ours(daemon, event))
		return;
	head.mono_ns = event->head.mono_ns;
	head.scope_kind = "cgroup";
	head.scope_id = event->head.scope_id;
	if (!cgroup_open_id(&daemon->host, event->head.scope_id, &cgroup)) {
		head.scope_path = cgroup.path;
		place_of_path(cgroup.path, daemon->names, &pod_path, &place);
		head.scope_kind = place.pod_uid ? "pod" : "cgroup";
		head.pod_uid = place.pod_uid;
		head.namespace = place.namespace;
		head.pod = place.pod;
		head.container = place.container;
	}

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *watch = &daemon->watches[i];

		if (watch->used &&
		    (watch->scope == FO_SCOPE_NODE || watch->scope == event->head.scope_id ||
		     (head.scope_path && path_is_below(head.scope_path, watch->cgroup.path)))) {
			uint64_t now_ns = clock_mono_ns();

			verdict_killed(&watch->judge.state, now_ns);
			trace_feed_kernel_kill(daemon, watch, &victim, now_ns);
		}
	}
	kill.history = history_before(daemon, event->head.scope_id, head.scope_path);
	if (!record_kernel_kill(line, sizeof(line), &head, &kill, &len))
		(void)writer_event(daemon->writer, line, len);
	units_format_bytes(size, sizeof(size), candidate_freeable_bytes(&victim));
	log_warn("%s: the kernel's OOM killer chose %s[%d] (uid %u, %s, adj %d); %s[%u] asked for "
		 "memory",
		 head.scope_path ? head.scope_path : "node", victim.comm, victim.pid, victim.uid,
		 size, victim.oom_score_adj, event->invoker_comm, event->invoker_tgid);
	cgroup_shut(&cgroup);
}

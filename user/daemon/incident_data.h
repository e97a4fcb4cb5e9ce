/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * incident_data: what an action against a Near-OOM consists of, and what it works with.
 *
 * Purity:    data only.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Ownership: the parts are borrowed from the daemon; an incident copies what it needs of its
 *            victims.
 */
#ifndef FASTOOM_DAEMON_INCIDENT_DATA_H
#define FASTOOM_DAEMON_INCIDENT_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "act/killer.h"
#include "daemon/kept_victim.h"
#include "judge/config.h"
#include "judge/verdict.h"
#include "judge/window.h"
#include "tell/record.h"

struct cgroup_host;
struct ladder;
struct notifier;
struct page_tracking;
struct reporter;
struct sampler;
struct tasks;
struct trace_feed;
struct worker;

/* What an action works with. */
struct incident_parts {
	const struct cgroup_host *host;
	const struct page_tracking *tracking;
	const struct reporter *reporter;
	struct sampler *sampler;
	struct tasks *tasks;
	struct trace_feed *trace;
	struct ladder *ladder;
	struct worker *helper;	   /* frees the memory of victims */
	struct notifier *notifier; /* NULL: there is none */
	const char *notify_program;
	uint64_t notify_timeout_ns;
	int epoll_fd; /* takes the pidfds of victims */
	uint64_t next_id;
	struct victim *ranking; /* room for the processes of one list */
	size_t ranking_size;
};

/* More steps than any ladder takes; a further one is left out of the record. */
#define INCIDENT_STEPS 24

struct incident {
	bool open;
	bool dry_run;
	size_t slot;		   /* of the ladder */
	struct victim_group group; /* what dies; KILL_UNIT_PROCESS: the victim alone */
	const char *unit_refused;  /* why it is the victim alone all the same; NULL: it is not */
	bool whole;		   /* no member is spared: cgroup.kill may take all */
	size_t members;		   /* that die with the victim, itself included */
	struct record_spared spared[RECORD_SPARED];
	size_t spared_count; /* also those beyond RECORD_SPARED */
	struct ladder_step ladder[LADDER_MAX];
	size_t ladder_count;
	size_t current;	  /* the step in progress */
	uint64_t step_ns; /* since when */
	uint64_t step_held_bytes;
	uint64_t step_left_ns; /* when its time was over; 0: it is not */
	uint64_t id;
	uint64_t verdict_ns;
	uint64_t held_bytes; /* by the scope, at the verdict */
	struct kill kill;
	uint64_t unsent_ns; /* since when the first signal cannot be sent; 0: it can */
	bool freeing;	    /* the helper thread has been told of the dying victim */
	struct verdict verdict;
	struct evidence evidence;
	struct kept_victim victims[1 + RECORD_RUNNERS_UP];
	size_t victim_count;
	struct record_step steps[INCIDENT_STEPS];
	size_t step_count;
};

#endif /* FASTOOM_DAEMON_INCIDENT_DATA_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * incident: from the verdict to act to the record of what came of it. The decision path.
 *
 * Chooses, looks once more, hands the record to its writer, climbs the policy's ladder (at once
 * to the signal, unless told otherwise), follows the victim to its end. It allocates nothing,
 * forks nothing and waits for nothing: reclaiming, reaping memory and writing are other threads'
 * work, notifying another process's.
 *
 * Purity:    composes pure judgement with system calls; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    an incident always has an outcome, which is recorded.
 * Ownership: a struct incident copies what it needs of its victim, for the process and the
 *            configuration may be gone when it ends.
 */
#ifndef FASTOOM_DAEMON_INCIDENT_H
#define FASTOOM_DAEMON_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "act/killer.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/verdict.h"
#include "judge/victim.h"
#include "judge/window.h"
#include "sense/cgroup.h"
#include "tell/record.h"

struct daemon;
struct watch;

#define INCIDENT_TEXT_MAX 256
#define INCIDENT_STEPS	  24

/* A victim and what its record needs, copied. */
struct incident_victim {
	struct victim victim;
	struct candidate candidate;
	struct rule rule;
	char comm[16];
	char cmdline[INCIDENT_TEXT_MAX];
	char exe[INCIDENT_TEXT_MAX];
	char cgroup[CGROUP_PATH_MAX];
	char pod[INCIDENT_TEXT_MAX];
	char namespace[INCIDENT_TEXT_MAX];
	char container[INCIDENT_TEXT_MAX];
	char rule_text[INCIDENT_TEXT_MAX];
};

struct incident {
	bool open;
	bool dry_run;
	struct victim_group group; /* what dies; KILL_UNIT_PROCESS: the victim alone */
	bool whole;		   /* nobody of the group stays: cgroup.kill may take it */
	struct ladder_step ladder[LADDER_MAX];
	size_t ladder_count;
	size_t ladder_step; /* the one that is being tried */
	uint64_t step_ns;   /* since when */
	uint64_t step_held_bytes;
	uint64_t step_left_ns; /* when the rung was over; 0: it is not */
	uint64_t id;
	uint64_t verdict_ns;
	uint64_t held_bytes; /* by the scope, at the verdict */
	size_t members;
	struct kill kill;
	struct verdict verdict;
	struct evidence evidence;
	struct incident_victim victims[1 + RECORD_RUNNERS_UP];
	size_t victim_count;
	struct record_step steps[INCIDENT_STEPS];
	size_t step_count;
};

/* Acts on @watch's scope. May end at once, with its record written. */
void incident_begin(struct daemon *daemon, struct watch *watch, const struct verdict *verdict,
		    const struct evidence *evidence, uint64_t now_ns);

/* Whatever is open is over, without a record: its scope is watched no more. */
void incident_drop(struct daemon *daemon, struct watch *watch);

/* Looks after an open one; ends and records it when its victim is gone or stuck. */
void incident_look(struct daemon *daemon, struct watch *watch, uint64_t now_ns);

#endif /* FASTOOM_DAEMON_INCIDENT_H */

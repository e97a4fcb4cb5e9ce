/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * snapshot: what the daemon sees at one moment, as a value and as JSON.
 *
 * Purity:    pure; fills the caller's buffer.
 * Units:     in the names.
 * Errors:    0 and the length, or -ENOSPC. Scopes without room are left out and counted.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_TELL_SNAPSHOT_H
#define FASTOOM_TELL_SNAPSHOT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/verdict.h"
#include "judge/window.h"

#define SNAPSHOT_SCOPES	  64
#define SNAPSHOT_PATH_MAX 512
#define SNAPSHOT_NAME_MAX 65
#define SNAPSHOT_POD_MAX  256
#define SNAPSHOT_SLOTS	  20 /* slot i counts the stalls of 2^i to 2^(i+1) us (bpf/event.h) */

struct json;

struct snapshot_victim {
	int pid; /* 0: not known */
	uint32_t uid;
	char comm[16];
	uint64_t freeable_bytes;
	char rule[128]; /* "": no rule, its score alone */
};

enum tracking_state { /* of the page-tracking programs */
	TRACKING_OFF,
	TRACKING_STARTING,
	TRACKING_ON,
	TRACKING_FAILED, /* the programs cannot be attached */
	TRACKING_STATES_,
};

/* A scope that is watched now. */
struct snapshot_scope {
	uint64_t id;
	bool node;
	bool in_pod;
	bool acts;    /* false: its policy only warns */
	bool dry_run; /* its policy, or the daemon, sends no signal */
	bool incident;
	char path[SNAPSHOT_PATH_MAX];
	char pod[SNAPSHOT_POD_MAX]; /* "": in no pod, or not known; so for the next two */
	char namespace[SNAPSHOT_POD_MAX];
	char container[SNAPSHOT_POD_MAX];
	char policy[SNAPSHOT_NAME_MAX];
	struct verdict verdict;
	struct evidence evidence;
	struct snapshot_victim next;
	uint64_t slots[SNAPSHOT_SLOTS];
};

struct snapshot {
	uint64_t wall_ns;
	uint64_t mono_ns;
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	int pid;
	int cgroup_version;
	bool dry_run;
	bool hot; /* a scope is hot: the next snapshot follows within a tick */
	enum tracking_state tracking;
	char config_path[PATH_MAX]; /* "": built in */
	char events_path[PATH_MAX]; /* "": none */
	uint64_t lost;		    /* events, records and samples that were lost */
	uint64_t maps_bytes;	    /* of kernel memory, for all BPF maps */
	struct snapshot_proactive {
		bool on; /* a policy has proactive_reclaim, and the host has cgroup v2 */
		unsigned scopes;
		uint64_t reclaimed_bytes;
		uint64_t stops; /* because pages were read back, or none could be reclaimed */
	} proactive;
	struct snapshot_not_watched {
		/* scopes that reclaimed, since the start */
		uint64_t refused;	      /* all places were taken */
		uint64_t displaced;	      /* gave its place to a scope that a policy acts on */
		uint64_t table_full;	      /* the table of the BPF programs was full */
		char path[SNAPSHOT_PATH_MAX]; /* of the latest of the first two; "": none */
	} not_watched;
	size_t scope_count;
	struct snapshot_scope scopes[SNAPSHOT_SCOPES];
};

int snapshot_json(char *buf, size_t size, const struct snapshot *snapshot, size_t *ret_len);

#endif /* FASTOOM_TELL_SNAPSHOT_H */

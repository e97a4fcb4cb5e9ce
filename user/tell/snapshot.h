/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * snapshot: what the daemon sees at one moment, as a value and as JSON.
 *
 * Purity:    pure; fills the caller's buffer and touches nothing else.
 * Units:     in the members' names.
 * Errors:    0 and the length, or -ENOSPC. Scopes that found no room are left out and counted.
 * Ownership: everything is the caller's.
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
#define SNAPSHOT_SLOTS	  20 /* of a scope's stalls: slot i counts [2^i, 2^(i+1)) us */

struct json;

struct snapshot_victim {
	int pid; /* 0: not known */
	uint32_t uid;
	char comm[16];
	uint64_t freeable_bytes;
	char rule[128]; /* "": its score alone */
};

/* One scope that is watched right now. */
enum tracking_state { /* of the page-tracking programs */
	TRACKING_OFF,
	TRACKING_STARTING,
	TRACKING_ON,
	TRACKING_FAILED, /* not on this kernel, or not now */
	TRACKING_STATES_,
};

struct snapshot_scope {
	uint64_t id;
	bool node;
	bool in_pod;
	bool acts;    /* false: its policy only warns */
	bool dry_run; /* its policy, or the daemon, sends no signal */
	bool incident;
	char path[SNAPSHOT_PATH_MAX];
	char pod[SNAPSHOT_POD_MAX]; /* "": not known, or in none; these three */
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
	uint64_t started_ns; /* mono */
	int pid;
	int cgroup_version;
	bool dry_run;
	bool hot; /* another one follows within a tick */
	enum tracking_state tracking;
	char config_path[PATH_MAX]; /* "": built in */
	char events_path[PATH_MAX]; /* "": none */
	uint64_t lost;		    /* of whatever could be lost so far */
	struct snapshot_proactive {
		/* as of the latest tick, start or stop */
		bool on; /* a policy has proactive_reclaim, and this host can */
		unsigned scopes;
		uint64_t reclaimed_bytes;
		uint64_t stops; /* for what was taken came straight back, or nothing could be */
	} proactive;
	size_t scope_count;
	struct snapshot_scope scopes[SNAPSHOT_SCOPES];
};

int snapshot_json(char *buf, size_t size, const struct snapshot *snapshot, size_t *ret_len);

#endif /* FASTOOM_TELL_SNAPSHOT_H */

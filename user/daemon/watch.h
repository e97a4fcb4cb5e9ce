/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * watch: one hot scope, from its first reclaim until it is quiet again: sampled, judged, acted
 * on, muted.
 *
 * Purity:    composes sense, judge and act; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    none; what cannot be read is missing in the sample, and judged blind.
 * Ownership: watches live in the daemon's table; watch_begin() takes a place, watch_end() gives
 *            it back.
 */
#ifndef FASTOOM_DAEMON_WATCH_H
#define FASTOOM_DAEMON_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/incident.h"
#include "judge/judge.h"
#include "judge/history.h"
#include "judge/rules.h"
#include "sense/cgroup.h"
#include "sense/pod.h"
#include "tell/snapshot.h"

struct daemon;
struct policy;

/* Hot scopes at a time. More than that many cgroups at their limits: the rest is counted. */
#define WATCHES_MAX  64
#define BACKOFFS_MAX 16

/* A pod's name has up to 253 bytes. */
#define WATCH_NAME_MAX 256

struct backoff {
	int pid;
	uint64_t until_ns;
};

/* One hot scope. */
struct watch {
	bool used;
	uint64_t scope; /* FO_SCOPE_NODE or a cgroup's id */
	struct cgroup cgroup;
	struct scope_names names; /* of the cgroup; they point below */
	struct pod_path pod_path;
	char pod[WATCH_NAME_MAX];
	char namespace[WATCH_NAME_MAX];
	char container[WATCH_NAME_MAX];
	const struct policy *policy;
	struct judge judge;
	struct history history;
	struct snapshot_victim next; /* who would die, while somebody wants to know */
	struct incident incident;
	struct backoff backoffs[BACKOFFS_MAX];
	size_t backoff_next;
	uint64_t total_bytes;
	uint64_t listed_ns; /* when its processes were last read */
	bool empty_told;    /* that nobody may be killed */
};

/* NULL: the scope is not watched. */
struct watch *watch_find(struct daemon *daemon, uint64_t scope);
/* The kernel side says that @scope reclaims. */
void watch_begin(struct daemon *daemon, uint64_t scope, uint64_t now_ns);
void watch_end(struct daemon *daemon, struct watch *watch);
/*
 * Takes the policy that @config has for the scope, and its pod's names as they are known now.
 * False: no policy speaks of it.
 */
bool watch_settle_policy(struct daemon *daemon, struct watch *watch, const struct config *config);
/* Samples, judges, acts; may end the watch. */
void watch_tick(struct daemon *daemon, struct watch *watch, uint64_t now_ns);

/* The kernel side is not to tell of @scope before @until_ns, or is to tell of its next reclaim. */
void watch_mute(struct daemon *daemon, uint64_t scope, uint64_t until_ns);
void watch_forget(struct daemon *daemon, uint64_t scope);

bool watch_wants_tracking(const struct watch *watch);
const char *watch_name(const struct watch *watch);
/* The bytes that the scope holds right now; -errno. */
int watch_held(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
	       uint64_t *ret_bytes);

#endif /* FASTOOM_DAEMON_WATCH_H */

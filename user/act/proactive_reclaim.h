/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * proactive_reclaim: a helper thread that reclaims from cgroups before they reach their limit
 * (judge/proactive.h decides how much), through memory.reclaim of cgroup v2. A write to that file
 * can block. Cgroups above their request (memory.min, memory.low) come first.
 *
 * The thread sleeps while it watches no cgroup. A cgroup is watched from a hit of its limit on
 * until it is removed, or its usage has not changed for a minute.
 *
 * Purity:    a thread; reads and writes cgroup files.
 * Units:     *_bytes, *_ns durations, ratios 0..1.
 * Errors:    0 or -errno; proactive_reclaim_next() reports what the thread does.
 * Ownership: proactive_reclaim_start() gives, proactive_reclaim_stop() takes; the host is borrowed.
 */
#ifndef FASTOOM_ACT_PROACTIVE_RECLAIM_H
#define FASTOOM_ACT_PROACTIVE_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "sense/cgroup.h"

struct proactive_reclaim;

enum proactive_reclaim_event_kind {
	PROACTIVE_RECLAIM_BEGAN,
	PROACTIVE_RECLAIM_PAUSED, /* for backoff_ns: half of it refaulted, or nothing was reclaimed
				   */
	PROACTIVE_RECLAIM_ENDED,
	PROACTIVE_RECLAIM_UNSUPPORTED, /* see error; final */
};

struct proactive_reclaim_event {
	enum proactive_reclaim_event_kind kind;
	int error; /* -errno */
	uint64_t backoff_ns;
	uint64_t reclaimed_bytes; /* from this cgroup since it is watched */
	char path[CGROUP_PATH_MAX];
};

/* Of all cgroups since the start. */
struct proactive_reclaim_sums {
	unsigned scopes; /* watched now */
	uint64_t reclaimed_bytes;
	uint64_t stops; /* pauses */
};

/* -EOPNOTSUPP: cgroup v1, which has no memory.reclaim. */
int proactive_reclaim_start(struct proactive_reclaim **ret, const struct cgroup_host *host);
/*
 * False: the thread is still in the kernel after @timeout_ns. Then it lives on, and nothing is
 * freed; the host must stay valid. NULL is accepted.
 */
bool proactive_reclaim_stop(struct proactive_reclaim *proactive_reclaim, uint64_t timeout_ns);

/* Watches a cgroup, or sets its ratio; never blocks. -ENOSPC: the thread is busy; try again. */
int proactive_reclaim_watch(struct proactive_reclaim *proactive_reclaim, uint64_t cgroup_id,
			    double ratio);
/* Stops watching all cgroups, as after a reload; never blocks. */
int proactive_reclaim_forget(struct proactive_reclaim *proactive_reclaim);

struct proactive_reclaim_sums
proactive_reclaim_sums(const struct proactive_reclaim *proactive_reclaim);

/* Readable when proactive_reclaim_next() has an event; the thread's own descriptor. */
int proactive_reclaim_fd(const struct proactive_reclaim *proactive_reclaim);
/* False: there is no event. */
bool proactive_reclaim_next(struct proactive_reclaim *proactive_reclaim,
			    struct proactive_reclaim_event *ret);

#endif /* FASTOOM_ACT_PROACTIVE_RECLAIM_H */

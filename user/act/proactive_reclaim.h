/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * reclaimer: a thread that reclaims from cgroups before they get to their limit
 * (judge/background), by v2's memory.reclaim, which may take long and so is nobody else's.
 * First come the cgroups that hold more than they requested (memory.min, memory.low).
 *
 * It sleeps for good while it has no cgroup to look after. One is given to it when it first hits
 * its limit, and let go when it is gone, or its usage has not moved for a minute.
 *
 * Purity:    a thread, files.
 * Units:     bytes, ratios 0..1.
 * Errors:    0 or -errno; what it does is told by proactive_reclaim_next().
 * Ownership: proactive_reclaim_start() gives, proactive_reclaim_stop() takes; the host is borrowed.
 */
#ifndef FASTOOM_ACT_PROACTIVE_RECLAIM_H
#define FASTOOM_ACT_PROACTIVE_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "sense/cgroup.h"

struct proactive_reclaim;

enum proactive_reclaim_news {
	PROACTIVE_RECLAIM_BEGAN,
	PROACTIVE_RECLAIM_PAUSED, /* for backoff_ns: what it took came straight back, or it got
				     nothing */
	PROACTIVE_RECLAIM_ENDED,
	PROACTIVE_RECLAIM_UNSUPPORTED, /* error; it will not be tried again */
};

struct proactive_reclaim_event {
	enum proactive_reclaim_news news;
	int error; /* -errno */
	uint64_t backoff_ns;
	uint64_t given_bytes; /* by this cgroup so far */
	char path[CGROUP_PATH_MAX];
};

struct proactive_reclaim_sums {
	unsigned scopes; /* that it looks after now */
	uint64_t given_bytes;
	uint64_t stops;
};

/* -EOPNOTSUPP: v1 has nothing that reclaims a little. */
int proactive_reclaim_start(struct proactive_reclaim **ret, const struct cgroup_host *host);
/* False: it did not end within @timeout_ns, being in the kernel, and is left; its host must live.
 */
bool proactive_reclaim_stop(struct proactive_reclaim *proactive_reclaim, uint64_t timeout_ns);

/* From now on, with this ratio; never blocks. -ENOSPC: it is too busy; ask again. */
int proactive_reclaim_watch(struct proactive_reclaim *proactive_reclaim, uint64_t cgroup_id,
			    double ratio);
/* All are let go: there is another configuration. */
int proactive_reclaim_forget(struct proactive_reclaim *proactive_reclaim);

/* Of all cgroups since the start. */
struct proactive_reclaim_sums
proactive_reclaim_sums(const struct proactive_reclaim *proactive_reclaim);

/* Readable when there is news. */
int proactive_reclaim_fd(const struct proactive_reclaim *proactive_reclaim);
/* False: there is none (any more). */
bool proactive_reclaim_next(struct proactive_reclaim *proactive_reclaim,
			    struct proactive_reclaim_event *ret);

#endif /* FASTOOM_ACT_PROACTIVE_RECLAIM_H */

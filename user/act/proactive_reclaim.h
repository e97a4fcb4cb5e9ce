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
 * Errors:    0 or -errno; what it does is told by reclaimer_next().
 * Ownership: reclaimer_start() gives, reclaimer_stop() takes; the host is borrowed.
 */
#ifndef FASTOOM_ACT_PROACTIVE_RECLAIM_H
#define FASTOOM_ACT_PROACTIVE_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "sense/cgroup.h"

struct reclaimer;

enum reclaimer_news {
	RECLAIMER_BEGAN,
	RECLAIMER_STOPPED, /* for backoff_ns: what it took came straight back, or it got nothing */
	RECLAIMER_ENDED,
	RECLAIMER_CANNOT, /* error; it will not be tried again */
};

struct reclaimer_event {
	enum reclaimer_news news;
	int error; /* -errno */
	uint64_t backoff_ns;
	uint64_t given_bytes; /* by this cgroup so far */
	char path[CGROUP_PATH_MAX];
};

struct reclaimer_sums {
	unsigned scopes; /* that it looks after now */
	uint64_t given_bytes;
	uint64_t stops;
};

/* -EOPNOTSUPP: v1 has nothing that reclaims a little. */
int reclaimer_start(struct reclaimer **ret, const struct cgroup_host *host);
/* False: it did not end within @patience_ns, being in the kernel, and is left; its host must live.
 */
bool reclaimer_stop(struct reclaimer *reclaimer, uint64_t patience_ns);

/* From now on, with this ratio; never blocks. -ENOSPC: it is too busy; ask again. */
int reclaimer_watch(struct reclaimer *reclaimer, uint64_t cgroup_id, double ratio);
/* All are let go: there is another configuration. */
int reclaimer_forget(struct reclaimer *reclaimer);

/* Of all cgroups since the start. */
struct reclaimer_sums reclaimer_sums(const struct reclaimer *reclaimer);

/* Readable when there is news. */
int reclaimer_fd(const struct reclaimer *reclaimer);
/* False: there is none (any more). */
bool reclaimer_next(struct reclaimer *reclaimer, struct reclaimer_event *ret);

#endif /* FASTOOM_ACT_PROACTIVE_RECLAIM_H */

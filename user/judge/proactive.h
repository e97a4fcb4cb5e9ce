/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * proactive: decides how much to reclaim from a cgroup before it reaches its limit, so that its own
 * tasks need not, and when to look again. docs/judgement.md, "Proactive reclaim".
 *
 * It reclaims in chunks, from the mark (the policy's ratio of the limit) down to the goal, which is
 * as far below the mark as the limit is above. It pauses, each time for longer, when the memory is
 * refaulted at once or nothing can be reclaimed: then reclaim does harm.
 *
 * Purity:    pure; the time comes with the look.
 * Units:     *_ns CLOCK_MONOTONIC or durations, *_bytes; ratios 0..1.
 * Errors:    none. A look that is not newer than the last one changes nothing.
 * Ownership: the caller owns every struct; a zeroed struct proactive is the start.
 */
#ifndef FASTOOM_JUDGE_PROACTIVE_H
#define FASTOOM_JUDGE_PROACTIVE_H

#include <stdbool.h>
#include <stdint.h>

struct proactive {
	uint64_t at_ns;		 /* of the last look; 0: none */
	uint64_t usage_bytes;	 /* of the last look */
	uint64_t refault_bytes;	 /* of the last look */
	uint64_t request_bytes;	 /* by the last step */
	double inflow;		 /* bytes/s charged; decays by half a second */
	double reclaimed_bytes;	 /* decays by half a second */
	double refaulted_bytes;	 /* decays by half a second */
	unsigned failures;	 /* steps in a row that reclaimed too little */
	uint64_t backoff_ns;	 /* of the last pause; 0: none */
	uint64_t backoff_end_ns; /* of the last pause */
	uint64_t changed_ns;	 /* when the usage last changed by 1 % of the limit */
	uint64_t changed_bytes;	 /* the usage then */
	unsigned stops;		 /* number of pauses */
	bool reclaiming;	 /* above the goal, on the way down from the mark */
};

struct proactive_look {
	uint64_t at_ns;
	uint64_t usage_bytes;
	uint64_t limit_bytes;	  /* UINT64_MAX: none */
	uint64_t refault_bytes;	  /* counter: refaults of pages that were in use */
	uint64_t reclaimed_bytes; /* by the last step */
};

struct proactive_step {
	uint64_t bytes;	  /* to reclaim before the next look; 0: nothing */
	uint64_t wait_ns; /* until the next look */
	bool over;	  /* stop watching: the usage does not change, or there is no limit */
};

/* @ratio: of the policy; the mark as a share of the limit. */
struct proactive_step proactive_decide(struct proactive *proactive, double ratio,
				       const struct proactive_look *look);

#endif /* FASTOOM_JUDGE_PROACTIVE_H */

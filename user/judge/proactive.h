/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * background: how much of a cgroup near its limit is to be reclaimed next, so that its own tasks
 * do not have to, and when to look again.
 *
 * From the mark (the policy's part of the limit) down to the goal, which is as far below the mark
 * as the limit is above it, in chunks. Where what is taken comes straight back, or nothing can be
 * taken, it stops, for twice as long each time: then reclaim does harm, whoever does it.
 *
 * Purity:    pure; the time is the look's.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes; ratios 0..1.
 * Ownership: the caller owns every struct; a zeroed struct background has seen nothing.
 */
#ifndef FASTOOM_JUDGE_PROACTIVE_H
#define FASTOOM_JUDGE_PROACTIVE_H

#include <stdbool.h>
#include <stdint.h>

struct proactive {
	uint64_t at_ns; /* of the latest look; 0: none */
	uint64_t usage_bytes;
	uint64_t back_bytes;
	uint64_t asked_bytes;  /* by the latest step */
	double inflow;	       /* bytes/s that the scope took, halved every second */
	double given_bytes;    /* to us, halved every second */
	double returned_bytes; /* of what was taken, halved every second */
	unsigned vain;	       /* steps in a row that gave next to nothing */
	uint64_t backoff_ns;   /* the latest one; 0: none */
	uint64_t until_ns;     /* nothing is reclaimed before */
	uint64_t moved_ns;     /* when its usage was last seen to move */
	uint64_t moved_bytes;  /* from that */
	unsigned stops;	       /* how often it had to stop */
	bool reclaiming;
};

struct proactive_look {
	uint64_t at_ns;
	uint64_t usage_bytes;
	uint64_t limit_bytes; /* UINT64_MAX: none */
	uint64_t back_bytes;  /* counter: read back soon after it had been taken */
	uint64_t given_bytes; /* of what the step before asked for */
};

struct proactive_step {
	uint64_t bytes;	  /* to reclaim now, and then look again; 0: nothing */
	uint64_t wait_ns; /* until the next look */
	bool over;	  /* nothing happens here any more: its next limit hit will tell */
};

/* @ratio is the policy's. */
struct proactive_step proactive_decide(struct proactive *proactive, double ratio,
				       const struct proactive_look *look);

#endif /* FASTOOM_JUDGE_PROACTIVE_H */

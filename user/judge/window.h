/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * window: the last samples of one scope, and the evidence that they make.
 *
 * Purity:    pure; a window is a value, time comes with the samples.
 * Units:     ns and bytes; shares are in tasks (2.0: two tasks lost all of the time) or 0..1
 *            where they say so.
 * Errors:    none. Samples out of order or of the same moment are dropped; a counter that
 *            went back makes its difference missing, not zero.
 * Gaps:      a window whose samples are further apart than WINDOW_GAP_NS begins anew.
 * Ownership: the caller owns every struct.
 */
#ifndef FASTOOM_JUDGE_WINDOW_H
#define FASTOOM_JUDGE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/sample.h"

/* Evidence is over this long: ten samples, and several of a slow disk's waits (400 IOPS: 2.5 ms).
 */
#define WINDOW_SPAN_NS 1000000000ULL
/*
 * No evidence from less than this: at three samples one late wake-up is a third of it. Growth is
 * over this much: a batch that has just reached its size grows no more, and nothing hurries.
 */
#define WINDOW_LEAST_NS 300000000ULL
/* We were stopped or starved that long: what was before says nothing about now. */
#define WINDOW_GAP_NS 2000000000ULL
#define WINDOW_SLOTS  32
/*
 * Of what is read in, less than this read in vain (futile, below) is as much as new: caches, starts
 * and steady loads in the fit half of tests/corpus have 0.00 to 0.21.
 */
#define WINDOW_AVOIDABLE_LEAST 0.20

struct window {
	struct sample samples[WINDOW_SLOTS];
	unsigned count;
	unsigned newest;
};

enum {
	EVIDENCE_HAS_STALL = 1 << 0,
	EVIDENCE_HAS_THRASH = 1 << 1,	/* thrash, io, lost share, near, futile */
	EVIDENCE_HAS_LEVEL = 1 << 2,	/* level, growth, time to exhaustion */
	EVIDENCE_HAS_TURNOVER = 1 << 3, /* of the file LRU, from the kernel's refault counts */
	EVIDENCE_HAS_FAULTS = 1 << 4,
	EVIDENCE_HAS_MEMSTALL = 1 << 5,
	EVIDENCE_HAS_SWAPINS = 1 << 6,
	EVIDENCE_HAS_UNPRODUCTIVE = 1 << 7, /* both; recordings from before it have none */
};

struct evidence {
	uint64_t at_ns;
	uint64_t span_ns; /* 0: too few samples, nothing else is valid */
	uint32_t has;
	bool lossy;	  /* something was dropped within the window */
	bool reclaiming;  /* something was reclaimed within it: not only read back */
	bool no_tracking; /* thrash is missing for good, and files have to do */

	double stall;  /* tasks: in reclaim, order 0; a symptom, which streaming has too */
	double thrash; /* tasks: lost reading back what was evicted shortly before: waiting for it,
			* and in the kernel or in reclaim meanwhile */
	double io;     /* tasks: waiting for IO at all */
	double run;    /* tasks: the readers among them on a CPU */
	double lost_share;   /* 0..1: of the time that its readers wanted to work, lost to thrash */
	double unproductive; /* tasks: that did next to nothing of their usual work, for thrash */
	double unproductive_share; /* 0..1: of the last two seconds, with at least one such task */
	double refaulted;	   /* 0..1: of the sampled reads, evicted shortly before */

	double within_reach; /* 0..1: of the sampled reads, so, at a distance that a kill could mend
			      */
	double avoidable;    /* 0..1: of all that was read in, from files and from swap, likewise */

	double level;	       /* 0..1 of the scope's memory that reclaim cannot give back */
	double growth;	       /* bytes/s of it, lately; negative when it shrinks */
	uint64_t exhausted_ns; /* at that growth until level 1; UINT64_MAX: not in sight */
	/*
	 * Likewise, until it has taken all that reclaim can give back but what processes map, or
	 * did in the last three seconds: from then on it takes what is in use. What is read without
	 * being mapped, and in use, it takes before. Where it is not known what is mapped, as
	 * above.
	 */
	uint64_t low_headroom_ns;

	double turnover;     /* 1/s: refaults, as times the file LRU */
	double major_faults; /* 1/s */
	double memstall;     /* tasks: stalled on memory by the kernel's own notion */
	double swapins;	     /* 1/s: faults on what was in swap */
	double reclaims;     /* 1/s */
	double efficiency;   /* pages reclaimed per ms of stall */

	uint64_t total_bytes;
	uint64_t held_bytes;
	uint64_t file_lru_bytes;
	uint64_t anon_bytes;
};

void window_reset(struct window *window);
void window_add(struct window *window, const struct sample *sample);
struct evidence window_evidence(const struct window *window);

#endif /* FASTOOM_JUDGE_WINDOW_H */

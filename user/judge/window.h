/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * window: keeps the last samples of one scope and computes the evidence from them.
 *
 * Purity:    pure. A window is a value; the time comes with the samples.
 * Units:     *_ns, *_bytes; "tasks" is time per time: 2.0 means that two tasks did it all of the
 *            time; shares are 0..1.
 * Errors:    none. A sample that is not newer than the last one is dropped. A counter that went
 *            backwards makes what is computed from it missing, not zero.
 * Ownership: the caller owns every struct; a zeroed window is empty.
 */
#ifndef FASTOOM_JUDGE_WINDOW_H
#define FASTOOM_JUDGE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/sample.h"

/* The span of evidence: ten samples. docs/judgement.md, "The window". */
#define WINDOW_SPAN_NS 1000000000ULL
/* The shortest span of evidence, and that of growth. docs/judgement.md, "The window", "Growth". */
#define WINDOW_LEAST_NS 300000000ULL
/* A longer gap between samples empties the window. docs/judgement.md, "The window". */
#define WINDOW_GAP_NS 2000000000ULL
#define WINDOW_SLOTS  32 /* samples; a span has ten */
/* A lower avoidable share counts as 0. docs/judgement.md, "Avoidable share". */
#define WINDOW_AVOIDABLE_LEAST 0.20

struct window {
	struct sample samples[WINDOW_SLOTS];
	unsigned count;
	unsigned newest;
};

enum {
	EVIDENCE_HAS_STALL = 1 << 0,	    /* stall, reclaims, efficiency */
	EVIDENCE_HAS_THRASH = 1 << 1,	    /* thrash to lost_share, refaulted to avoidable */
	EVIDENCE_HAS_LEVEL = 1 << 2,	    /* level to low_headroom_ns, *_bytes */
	EVIDENCE_HAS_TURNOVER = 1 << 3,	    /* turnover */
	EVIDENCE_HAS_FAULTS = 1 << 4,	    /* major_faults */
	EVIDENCE_HAS_MEMSTALL = 1 << 5,	    /* memstall */
	EVIDENCE_HAS_SWAPINS = 1 << 6,	    /* swapins */
	EVIDENCE_HAS_UNPRODUCTIVE = 1 << 7, /* unproductive, unproductive_share */
	EVIDENCE_HAS_RELIEF = 1 << 8,	    /* relief, relief_tasks, relief_pid; set by the case */
};

/* docs/judgement.md, "Evidence", explains each field. A reader is a task that reads pages in. */
struct evidence {
	uint64_t at_ns;
	uint64_t span_ns; /* 0: too few samples, nothing else is valid */
	uint32_t has;
	bool lossy;	  /* measurements were dropped within the span */
	bool reclaiming;  /* the scope reclaimed within the span */
	bool reclaimed;	  /* or within all of the window: on a slow disk kswapd rests for seconds */
	bool under_oom;	  /* v1: tasks sleep until memory is freed; the kernel kills none */
	bool no_tracking; /* page tracking is impossible on this host */

	double stall;	   /* tasks: in reclaim of order 0 */
	double thrash;	   /* tasks: losing time to refaults within reach, by waits, kernel work or
			      reclaim */
	double io;	   /* tasks: established readers that wait for IO of any kind */
	double run;	   /* tasks: established readers on a CPU */
	double lost_share; /* 0..1: thrash as a share of the time that the readers wanted to run */
	double unproductive;	   /* tasks: unproductive */
	double unproductive_share; /* 0..1: share of the last 2 s with an unproductive task */
	double refaulted;	   /* 0..1: share of sampled reads that were refaults */

	double within_reach; /* 0..1: share of sampled reads that were refaults within reach */
	double avoidable;    /* 0..1: share of all pages read in that a kill would have avoided */

	double relief;	     /* 0..1: of the best permitted kill; judge/relief.h */
	double relief_tasks; /* tasks that would run again after it */
	int relief_pid;	     /* of the process that gains most; 0: none */

	double level;		  /* 0..1: share of the memory that reclaim cannot free */
	double growth;		  /* bytes/s: of held_bytes; negative: it shrinks */
	uint64_t exhausted_ns;	  /* until the level is 1 at this growth; UINT64_MAX: never */
	uint64_t low_headroom_ns; /* until growth reaches mapped files; UINT64_MAX: never */

	double turnover;     /* 1/s: refaulted bytes as a multiple of the file LRU */
	double major_faults; /* 1/s */
	double memstall;     /* tasks: in a memory stall as PSI counts it */
	double swapins;	     /* 1/s: major faults on swapped pages */
	double reclaims;     /* 1/s: begins of reclaim */
	double efficiency;   /* pages reclaimed per ms of stall */

	uint64_t total_bytes; /* the limit or RAM */
	uint64_t held_bytes;  /* that reclaim cannot free */
	uint64_t file_lru_bytes;
	uint64_t anon_bytes;
};

void window_reset(struct window *window);
void window_add(struct window *window, const struct sample *sample);
/* Evidence of the last WINDOW_SPAN_NS; of a shorter span, but at least WINDOW_LEAST_NS, at first.
 */
struct evidence window_evidence(const struct window *window);

#endif /* FASTOOM_JUDGE_WINDOW_H */

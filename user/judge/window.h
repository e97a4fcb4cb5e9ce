/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * window: keeps the last samples of one scope and computes the evidence from them.
 *
 * Purity:    pure. A window is a value; the time comes with the samples.
 * Units:     *_ns, *_bytes; "tasks": time per time, 2.0 means two tasks all of the time; shares
 * 0..1. Errors:    none. A sample that is not newer than the last one is dropped. A counter that
 * went backwards makes what is computed from it missing, not zero. Ownership: the caller owns every
 * struct; a zeroed window is empty.
 */
#ifndef FASTOOM_JUDGE_WINDOW_H
#define FASTOOM_JUDGE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/sample.h"

/* Evidence covers this: ten samples, several waits of a slow disk. docs/judgement.md, "The window".
 */
#define WINDOW_SPAN_NS 1000000000ULL
/* Shortest span of evidence, and the span of growth. docs/judgement.md, "The window", "Growth". */
#define WINDOW_LEAST_NS 300000000ULL
/* A longer gap between samples empties the window; chosen. docs/judgement.md, "The window". */
#define WINDOW_GAP_NS 2000000000ULL
#define WINDOW_SLOTS  32 /* samples; three times what a span has */
/* A lower avoidable share counts as none; of tests/corpus. docs/judgement.md, "Avoidable share". */
#define WINDOW_AVOIDABLE_LEAST 0.20

struct window {
	struct sample samples[WINDOW_SLOTS];
	unsigned count;
	unsigned newest;
};

enum {
	EVIDENCE_HAS_STALL = 1 << 0,	    /* stall, reclaims, efficiency */
	EVIDENCE_HAS_THRASH = 1 << 1,	    /* thrash .. lost_share, refaulted .. avoidable */
	EVIDENCE_HAS_LEVEL = 1 << 2,	    /* level .. low_headroom_ns, *_bytes */
	EVIDENCE_HAS_TURNOVER = 1 << 3,	    /* turnover */
	EVIDENCE_HAS_FAULTS = 1 << 4,	    /* major_faults */
	EVIDENCE_HAS_MEMSTALL = 1 << 5,	    /* memstall */
	EVIDENCE_HAS_SWAPINS = 1 << 6,	    /* swapins */
	EVIDENCE_HAS_UNPRODUCTIVE = 1 << 7, /* unproductive, unproductive_share */
};

/* docs/judgement.md, "Evidence", has a table of these. */
struct evidence {
	uint64_t at_ns;
	uint64_t span_ns; /* 0: too few samples, nothing else is valid */
	uint32_t has;
	bool lossy;	  /* something was dropped within the span */
	bool reclaiming;  /* the scope reclaimed within the span */
	bool no_tracking; /* page tracking is impossible on this host */

	double stall;  /* tasks: in reclaim of order 0; a stream has that too */
	double thrash; /* tasks: time lost to refaults within reach: waits, kernel work, reclaim */
	double io;     /* tasks: waiting for any IO */
	double run;    /* tasks: the same readers on a CPU */
	double lost_share; /* 0..1: thrash as a share of the time that the readers wanted to work */
	double unproductive;	   /* tasks: unproductive */
	double unproductive_share; /* 0..1: share of the last 2 s with at least one such task */
	double refaulted;	   /* 0..1: share of sampled reads that were refaults */

	double within_reach; /* 0..1: share of sampled reads that were refaults within reach */
	double avoidable;    /* 0..1: share of all pages read in that a kill would have avoided */

	double level;		  /* 0..1: share of the memory that reclaim cannot free */
	double growth;		  /* bytes/s: of that memory; negative: it shrinks */
	uint64_t exhausted_ns;	  /* at that growth until level 1; UINT64_MAX: not in sight */
	uint64_t low_headroom_ns; /* likewise until it takes mapped files: "Growth" */

	double turnover;     /* 1/s: refaulted bytes as a multiple of the file LRU */
	double major_faults; /* 1/s */
	double memstall;     /* tasks: in a memory stall as PSI counts it */
	double swapins;	     /* 1/s: major faults on swapped pages */
	double reclaims;     /* 1/s: begins of reclaim */
	double efficiency;   /* pages reclaimed per ms of stall */

	uint64_t total_bytes;
	uint64_t held_bytes;
	uint64_t file_lru_bytes;
	uint64_t anon_bytes;
};

void window_reset(struct window *window);
void window_add(struct window *window, const struct sample *sample);
/* Evidence of the last WINDOW_SPAN_NS, or as much of it as there is from WINDOW_LEAST_NS on. */
struct evidence window_evidence(const struct window *window);

#endif /* FASTOOM_JUDGE_WINDOW_H */

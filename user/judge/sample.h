/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * sample: what is measured of one scope at one moment. docs/judgement.md has the meaning of each
 * sum: "Stall", "Level", "Page tracking", "Within reach", "Time lost", "Unproductive tasks".
 *
 * Purity:    data only.
 * Units:     *_ns CLOCK_MONOTONIC or durations, *_bytes, *_pages base pages. Counters are totals
 *            since an arbitrary start: only differences are used.
 * Missing:   a field without its SAMPLE_HAS_ bit is missing, not zero.
 * Source:    the BPF maps (sense/loader.h) and files (sense/cgroup.h, sense/node.h).
 * Errors:    none.
 * Ownership: plain values.
 */
#ifndef FASTOOM_JUDGE_SAMPLE_H
#define FASTOOM_JUDGE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* Bits from SAMPLE_HAS_COMPACTION on may be missing because the trace is of an older build. */
enum {
	SAMPLE_HAS_STALL = 1 << 0,    /* stall_ns .. reclaimed_pages */
	SAMPLE_HAS_WAITS = 1 << 1,    /* io_ns .. within_reach: page tracking is on */
	SAMPLE_HAS_LEVEL = 1 << 2,    /* total_bytes .. file_lru_bytes */
	SAMPLE_HAS_REFAULTS = 1 << 3, /* refault_pages */
	SAMPLE_HAS_FAULTS = 1 << 4,   /* major_faults */
	SAMPLE_HAS_SWAP = 1 << 5,     /* swap_total_bytes, swap_free_bytes */
	SAMPLE_HAS_SCANS = 1 << 6,    /* scanned_pages; node */
	SAMPLE_HAS_MARKS = 1 << 7,    /* free_bytes, mark_low_bytes; node */
	SAMPLE_HAS_MEMSTALL = 1 << 8, /* memstall_ns: the kernel allows fentry */
	SAMPLE_HAS_SWAPINS = 1 << 9,  /* swapins */
	SAMPLE_HAS_COMPACTION = 1 << 10,
	SAMPLE_HAS_TRACKING_ERROR = 1 << 11, /* tracking_error */
	SAMPLE_HAS_SAMPLING = 1 << 12,	     /* pages_per_sample */
	SAMPLE_HAS_REFAULT_STALL = 1 << 13,
	SAMPLE_HAS_MAPPED = 1 << 14, /* mapped_file_bytes */
	SAMPLE_HAS_UNPRODUCTIVE = 1 << 15,
	SAMPLE_HAS_PAGE_BYTES = 1 << 16,
	SAMPLE_HAS_PROCESSES = 1 << 17, /* processes, and their spans beside the sample */
	SAMPLE_HAS_UNDER_OOM = 1 << 18, /* under_oom; v1 */
};

struct sample {
	uint64_t at_ns;
	uint32_t has;
	uint32_t losses;	 /* counter: dropped events and full maps that affect this scope */
	uint64_t tracking_error; /* errno: why page tracking is impossible on this host */

	uint64_t stall_ns; /* counter: reclaim of order 0, open stalls included */
	uint64_t stall_open;
	uint64_t reclaims;	  /* counter */
	uint64_t reclaimed_pages; /* counter */

	uint64_t memstall_ns;	/* counter: memory stalls as PSI counts them, open ones included */
	uint64_t compaction_ns; /* counter */

	uint64_t io_ns; /* counter: tasks waiting for IO, open waits included */
	uint64_t io_open;
	uint64_t io_done_ns;	   /* counter: the ended waits of io_ns */
	uint64_t refault_ns;	   /* counter: part of io_done_ns, for refaults within reach */
	uint64_t run_ns;	   /* counter: the same tasks on a CPU */
	uint64_t refault_sys_ns;   /* counter: part of run_ns, kernel work of such refaults */
	uint64_t refault_stall_ns; /* counter: part of stall_ns, ended, of tasks with such refaults
				    */
	uint64_t unproductive_ns;  /* counter: of unproductive tasks */
	uint64_t added_pages;	   /* counter: pages read into the page cache */
	uint64_t pages_per_sample; /* one in so many of added_pages is sampled */
	uint64_t samples;	   /* counter: sampled pages, of established processes only */
	uint64_t refaults;	   /* counter: part of samples: refaults */
	uint64_t within_reach;	   /* counter: part of refaults: a kill would have avoided them */
	uint64_t swapins;	   /* counter: major faults on swapped pages */

	uint64_t total_bytes; /* node: RAM; cgroup: its limit */
	uint64_t held_bytes;  /* part of total_bytes that reclaim cannot free */
	uint64_t usage_bytes;
	uint64_t anon_bytes;	    /* with shared memory */
	uint64_t file_lru_bytes;    /* reclaim takes these first */
	uint64_t mapped_file_bytes; /* part of file_lru_bytes that is mapped; a lower bound */

	uint64_t refault_pages; /* counter */
	uint64_t major_faults;	/* counter */
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint64_t scanned_pages; /* counter */
	uint64_t free_bytes;
	uint64_t mark_low_bytes; /* sum of the zones' low watermarks */

	uint64_t page_bytes; /* size of a base page */
	uint64_t processes;  /* that have a span (judge/process.h) in this sample */

	uint64_t under_oom; /* 1: tasks sleep until memory is freed, and the kernel kills none */
};

#endif /* FASTOOM_JUDGE_SAMPLE_H */

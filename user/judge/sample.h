/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * sample: what was seen of one scope at one moment, and what was not.
 *
 * Purity:    data only.
 * Source:    the kernel's sums (sense/loader) and files (sense/cgroup, sense/node).
 * Units:     *_ns CLOCK_MONOTONIC ns or durations, *_bytes, *_pages base pages. Counters
 *            are totals since some start that does not matter: only differences are used.
 * Missing:   a field without its SAMPLE_HAS_ bit is missing, never zero.
 * Ownership: plain values.
 */
#ifndef FASTOOM_JUDGE_SAMPLE_H
#define FASTOOM_JUDGE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SAMPLE_HAS_STALL = 1 << 0,	     /* stall_ns .. reclaims */
	SAMPLE_HAS_WAITS = 1 << 1,	     /* io_ns .. refaults: the wide eyes are open */
	SAMPLE_HAS_LEVEL = 1 << 2,	     /* total_bytes, held_bytes, file_lru_bytes */
	SAMPLE_HAS_REFAULTS = 1 << 3,	     /* refault_pages, from the kernel's own files */
	SAMPLE_HAS_FAULTS = 1 << 4,	     /* major_faults */
	SAMPLE_HAS_SWAP = 1 << 5,	     /* swap_total_bytes, swap_free_bytes */
	SAMPLE_HAS_SCANS = 1 << 6,	     /* scanned_pages; node */
	SAMPLE_HAS_MARKS = 1 << 7,	     /* free_bytes, mark_low_bytes; node */
	SAMPLE_HAS_MEMSTALL = 1 << 8,	     /* memstall_ns: functions can be attached to */
	SAMPLE_HAS_SWAPINS = 1 << 9,	     /* swapins */
	SAMPLE_HAS_TRACKING_ERROR = 1 << 11, /* tracking_error */
	SAMPLE_HAS_COMPACTION = 1 << 10,    /* compaction_ns; recordings from before it have none */
	SAMPLE_HAS_SAMPLING = 1 << 12,	    /* pages_per_sample; likewise */
	SAMPLE_HAS_REFAULT_STALL = 1 << 13, /* refault_stall_ns; likewise */
	SAMPLE_HAS_MAPPED = 1 << 14,	    /* mapped_file_bytes; likewise */
	SAMPLE_HAS_UNPRODUCTIVE = 1 << 15,  /* unproductive_ns; likewise */
	SAMPLE_HAS_PAGE_BYTES = 1 << 16,    /* page_bytes; likewise */
};

struct sample {
	uint64_t at_ns;
	uint32_t has;
	uint32_t losses; /* drops and full maps so far, of everything that feeds this scope */
	uint64_t tracking_error; /* errno: why the wide eyes cannot be had, and files have to do */

	uint64_t stall_ns; /* includes the stalls still open */
	uint64_t stall_open;
	uint64_t reclaims;
	uint64_t reclaimed_pages;

	uint64_t memstall_ns; /* by the kernel's own notion; includes those still open */
	uint64_t compaction_ns;

	uint64_t io_ns; /* includes the waits still open */
	uint64_t io_open;
	uint64_t io_done_ns;
	uint64_t refault_ns; /* of io_done_ns */
	uint64_t run_ns;
	uint64_t refault_sys_ns;   /* of run_ns, in the kernel, by those that read back */
	uint64_t refault_stall_ns; /* of stall_ns, when it is over: by the same */
	uint64_t unproductive_ns;  /* of tasks that stood still, once they had for a while */
	uint64_t added_pages;
	uint64_t pages_per_sample; /* of added_pages, one in so many is followed */
	uint64_t samples;	   /* of them, by tasks that are old enough to have work to lose */
	uint64_t refaults;
	uint64_t within_reach; /* of refaults: at a distance that a kill could mend */
	uint64_t swapins;      /* major faults on what was in swap */

	uint64_t total_bytes; /* node: RAM; cgroup: its limit */
	uint64_t held_bytes;  /* of it: what reclaim cannot give back */
	uint64_t usage_bytes;
	uint64_t anon_bytes;	    /* what kills can give back */
	uint64_t file_lru_bytes;    /* what reclaim takes first */
	uint64_t mapped_file_bytes; /* of it: what processes map, and so use, at least */

	uint64_t refault_pages;
	uint64_t major_faults;
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint64_t scanned_pages;
	uint64_t free_bytes;
	uint64_t mark_low_bytes;

	uint64_t page_bytes; /* of a base page: the unit of all *_pages */
};

#endif /* FASTOOM_JUDGE_SAMPLE_H */

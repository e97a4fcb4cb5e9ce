/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * process: what one process of a hot scope did between two samples: lost time, ran, read pages
 * back. Only established processes that read pages are measured (bpf/process.bpf.h).
 *
 * Purity:    data only.
 * Units:     *_ns durations; pages are base pages; start_boot_ns CLOCK_BOOTTIME.
 * Missing:   a sample without SAMPLE_HAS_PROCESSES has no list, which is not an empty one.
 * Errors:    none.
 * Ownership: plain values.
 */
#ifndef FASTOOM_JUDGE_PROCESS_H
#define FASTOOM_JUDGE_PROCESS_H

#include <stdint.h>

/* Refault distances: slot 0 has those below 512 pages, slot i those in [2^(i+8), 2^(i+9)). */
#define PROCESS_DISTANCES      12
#define PROCESS_DISTANCE_SHIFT 8

struct process_span {
	uint64_t start_boot_ns; /* with pid: the identity */
	int pid;
	uint64_t lost_ns;	  /* of its tasks: waiting for IO or in reclaim */
	uint64_t run_ns;	  /* on a CPU, without reclaim */
	uint64_t fault_sys_ns;	  /* part of run_ns: kernel time of major faults */
	uint64_t unproductive_ns; /* of unproductive tasks */
	uint64_t blocked_ns;	  /* of tasks, in spans of 0.2 s of which they lost most */
	uint64_t added_pages;	  /* read into the page cache */
	uint64_t swapins;	  /* major faults on swapped pages */
	uint64_t samples;	  /* one in pages_per_sample of added_pages */
	uint64_t refaults[PROCESS_DISTANCES];	/* part of samples: refaults, by distance */
	uint64_t workingset[PROCESS_DISTANCES]; /* part of refaults: had been on the active list */
};

#endif /* FASTOOM_JUDGE_PROCESS_H */

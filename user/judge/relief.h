/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * relief: what a kill would give back to the processes of a scope.
 *
 * Each process has its own sums, which decay, so that a blocked one is seen beside busy
 * neighbours. The relief of a kill that frees F bytes is the time that the processes outside its
 * kill unit lose to pages at refault distances up to F, as a share of the time that they want to
 * run. docs/judgement.md, "Relief".
 *
 * Purity:    pure; the time comes with the samples.
 * Units:     *_s seconds of tasks within the last second or so; shares 0..1; pages base pages.
 * Errors:    none. What is not known yet is not `known`, and never 0.
 * Ownership: the caller owns the struct; a zeroed one is empty.
 */
#ifndef FASTOOM_JUDGE_RELIEF_H
#define FASTOOM_JUDGE_RELIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/process.h"

/* Those that lose most; a bit each in a mask. */
#define RELIEF_PROCESSES_MAX 64

struct relief_process {
	uint64_t start_boot_ns;
	int pid;
	float lost_s;
	float run_s;
	float fault_sys_s;
	float unproductive_s;
	float blocked_s;
	float added_pages;
	float swapins;
	float samples;
	float refaults[PROCESS_DISTANCES];
	float workingset[PROCESS_DISTANCES];
};

struct relief_state {
	struct relief_process list[RELIEF_PROCESSES_MAX];
	size_t count;
	uint64_t at_ns;	   /* of the last sample; 0: none */
	double measured_s; /* decayed like the sums: rises to 1 */
	double pages_per_sample;
};

struct relief {
	bool known;
	double share; /* 0..1: of the process that gains most, or of all together if that is more */
	double tasks; /* sum over processes: tasks that would run instead of losing their time */
	int pid;      /* that gains most; 0: none */
};

/* The @n spans between the last sample and the one at @at_ns. */
void relief_add(struct relief_state *state, uint64_t at_ns, const struct process_span *spans,
		size_t n, double pages_per_sample);

/*
 * Of a kill that frees @pages; @dying: the processes that die, by their places in the list. It
 * never falls when @pages grows.
 */
struct relief relief_of(const struct relief_state *state, double pages, uint64_t dying);

/* The time that a process lost, as a share of what it wanted to run; < 0: not in the list. */
double relief_own_loss(const struct relief_state *state, size_t place);

#endif /* FASTOOM_JUDGE_RELIEF_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/relief.h"

#include <math.h>
#include <string.h>

#include "judge/window.h"

/*
 * The sums decay to 1/e in this time: as long as the window of the scope's evidence. Reads are kept
 * longer: on a slow disk a process reads a few sampled pages a second.
 */
#define TIME_DECAY_S 1.0
#define READ_DECAY_S 2.0

/*
 * As LOST_LEAST_TASKS in window.c: what a process wants to run counts as at least this much, so
 * that one that wanted 0.4 % of a second and waited for all of it has not lost all its time.
 */
#define WANTED_LEAST_S 0.9

/* Half a sample that was no refault is assumed: the share of the first sample is not certain. */
#define SAMPLES_ASSUMED 0.5

/* As WINDOW_LEAST_NS, in decayed seconds: a rate over less is noise. */
#define MEASURED_LEAST_S 0.25

/* Below this a process has no part in anything, and its place is free. */
#define NEGLIGIBLE_S 1e-3

static void decay(struct relief_process *process, float time, float reads)
{
	process->lost_s *= time;
	process->run_s *= time;
	process->fault_sys_s *= time;
	process->unproductive_s *= time;
	process->blocked_s *= time;
	process->added_pages *= reads;
	process->swapins *= reads;
	process->samples *= reads;
	for (int i = 0; i < PROCESS_DISTANCES; i++) {
		process->refaults[i] *= reads;
		process->workingset[i] *= reads;
	}
}

static void add_span(struct relief_process *process, const struct process_span *span)
{
	process->lost_s += (float)((double)span->lost_ns / 1e9);
	process->run_s += (float)((double)span->run_ns / 1e9);
	process->fault_sys_s += (float)((double)span->fault_sys_ns / 1e9);
	process->unproductive_s += (float)((double)span->unproductive_ns / 1e9);
	process->blocked_s += (float)((double)span->blocked_ns / 1e9);
	process->added_pages += (float)span->added_pages;
	process->swapins += (float)span->swapins;
	process->samples += (float)span->samples;
	for (int i = 0; i < PROCESS_DISTANCES; i++) {
		process->refaults[i] += (float)span->refaults[i];
		process->workingset[i] += (float)span->workingset[i];
	}
}

/* Its place, or a free one, or that of the process that lost least if that is less. */
static struct relief_process *place_of(struct relief_state *state, const struct process_span *span)
{
	struct relief_process *least = &state->list[0];

	for (size_t i = 0; i < state->count; i++) {
		struct relief_process *process = &state->list[i];

		if (process->pid == span->pid && process->start_boot_ns == span->start_boot_ns)
			return process;
		if (process->lost_s < least->lost_s)
			least = process;
	}
	if (state->count < RELIEF_PROCESSES_MAX)
		least = &state->list[state->count++];
	else if (least->lost_s >= (float)((double)span->lost_ns / 1e9))
		return NULL;
	*least = (struct relief_process){.pid = span->pid, .start_boot_ns = span->start_boot_ns};
	return least;
}

void relief_add(struct relief_state *state, uint64_t at_ns, const struct process_span *spans,
		size_t n, double pages_per_sample)
{
	double step_s =
		state->at_ns && at_ns > state->at_ns ? (double)(at_ns - state->at_ns) / 1e9 : 0;
	float time = (float)exp(-step_s / TIME_DECAY_S), reads = (float)exp(-step_s / READ_DECAY_S);
	size_t kept = 0;

	if (step_s > (double)WINDOW_GAP_NS / 1e9)
		*state = (struct relief_state){0};
	state->at_ns = at_ns;
	state->pages_per_sample = pages_per_sample;
	state->measured_s = state->measured_s * (double)time + step_s;
	for (size_t i = 0; i < state->count; i++) {
		struct relief_process *process = &state->list[i];

		decay(process, time, reads);
		if ((double)process->lost_s + (double)process->run_s < NEGLIGIBLE_S)
			continue;
		if (kept < i)
			state->list[kept] = *process;
		kept++;
	}
	state->count = kept;
	for (size_t i = 0; i < n; i++) {
		struct relief_process *process = place_of(state, &spans[i]);

		if (process)
			add_span(process, &spans[i]);
	}
}

/* Refaults nearer than @pages. Within the slot that has @pages, they are taken to be even. */
static double refaults_within(const struct relief_process *process, double pages)
{
	double from = 0, to = (double)(2UL << PROCESS_DISTANCE_SHIFT), within = 0;

	for (int i = 0; i < PROCESS_DISTANCES && pages > from; i++) {
		double part = pages < to ? (pages - from) / (to - from) : 1;

		within += part * (double)process->refaults[i];
		from = to;
		to *= 2;
	}
	return within;
}

static double lost_s(const struct relief_process *process)
{
	double sys = (double)process->fault_sys_s, run = (double)process->run_s;

	/* kernel time is counted in ticks: in a short span it can exceed the run time */
	return (double)process->lost_s + (sys < run ? sys : run);
}

static double wanted_s(const struct relief_process *process)
{
	return (double)process->lost_s + (double)process->run_s;
}

/*
 * The time in which its tasks did not get on: blocked, or in the kernel for a fault. Where a disk
 * is fast, or a processor slow, most of what a refault costs is the latter.
 */
static double blocked_s(const struct relief_process *process)
{
	double sys = (double)process->fault_sys_s, run = (double)process->run_s;

	return (double)process->blocked_s + (sys < run ? sys : run);
}

/* The share of what it reads in that a kill of @pages would have kept in memory. */
static double avoidable(const struct relief_state *state, const struct relief_process *process,
			double pages)
{
	double added = (double)process->added_pages, swapins = (double)process->swapins;
	double within = refaults_within(process, pages), avoided, share;

	if (added + swapins <= 0)
		return 0;
	share = within / ((double)process->samples + SAMPLES_ASSUMED);
	/* more is chance, or a kernel that does not tell the size of a folio */
	avoided = fmin(within * state->pages_per_sample, added * fmin(share, 1));
	return (avoided + swapins) / (added + swapins);
}

static double share_of(double lost, double wanted)
{
	double share = lost / fmax(wanted, WANTED_LEAST_S);

	return share < 1 ? share : 1;
}

struct relief relief_of(const struct relief_state *state, double pages, uint64_t dying)
{
	struct relief relief = {.known = state->measured_s > 0};
	double all_gain = 0, all_wanted = 0;

	for (size_t i = 0; i < state->count; i++) {
		const struct relief_process *process = &state->list[i];
		double gain, share;

		if (dying & 1ULL << i)
			continue;
		gain = blocked_s(process) * avoidable(state, process, pages);
		share = share_of(gain, wanted_s(process));
		all_gain += gain;
		all_wanted += wanted_s(process);
		if (share > relief.share) {
			relief.share = share;
			relief.pid = process->pid;
		}
	}
	relief.share = fmax(relief.share, share_of(all_gain, all_wanted));
	if (state->measured_s > 0)
		relief.tasks = all_gain / fmax(state->measured_s, MEASURED_LEAST_S);
	return relief;
}

double relief_own_loss(const struct relief_state *state, size_t place)
{
	const struct relief_process *process = &state->list[place];

	return place < state->count ? share_of(lost_s(process), wanted_s(process)) : -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * progress: whether a task does its usual work, or is unproductive because of memory.
 *
 * Time lost says little about work lost: a service with time to spare waits for most of it and
 * still answers every request. So each task is compared with itself, in spans of 0.2 s. A span is
 * unproductive when the task worked less than a sixth of what it usually does, lost three quarters
 * of the span, and lost them to its own working set. From a sixth to a half it counts in part.
 *
 * What is left of the working set tells whether it was lost: see fo_lost_working_set(). Refaults
 * tell it only of a task that was never seen productive, as when page tracking starts in a
 * livelock. They fail where another task reads at full speed, because the scope's clock then runs
 * so fast that no refault is within reach; and a database that turns to random reads refaults many
 * pages but has as much in memory as before. Figures: docs/measurements.md.
 */
#ifndef FASTOOM_PROGRESS_BPF_H
#define FASTOOM_PROGRESS_BPF_H

#include "process.bpf.h"
#include "rss.bpf.h"
#include "scope.bpf.h"

/* Pages of one fault come in within this time of each other; a later page is another fault's. */
#define FO_READ_NS 1000000ULL

/* Two samples, and a few hundred faults where a disk is fast. */
#define FO_SPAN_NS 200000000ULL

/*
 * In 1/1024 of the usual work: full harm below a sixth, none above a half. Measured: services that
 * answered 11 %, 5 % and 2 % of their requests worked 0.39, 0.30 and 0.12 of the usual, because
 * caches are cold after a fault; one that answered 55 % to 70 % worked over 0.5.
 */
#define FO_UNPRODUCTIVE_FROM  512
#define FO_UNPRODUCTIVE_WHOLE 171
/* One sample in so many must be within reach; among many new pages, some refaults are too far. */
#define FO_UNPRODUCTIVE_REACH_PART 8
/*
 * In 1/1024: the least usual work that is assumed, 3 % of a CPU. From one fault to the next take 5
 * to 6 us, whatever is done there, so a service that usually works less seems to go on working.
 */
#define FO_USUAL_LEAST 32

/*
 * In 1/1024 of a span: a task that lost this much was blocked, in part and in full. A task with
 * time to spare loses less and does all its work; one that reads page after page back loses 0.9
 * and more, also on busy processors (docs/judgement.md, "Relief").
 */
#define FO_BLOCKED_FROM	 512
#define FO_BLOCKED_WHOLE 922

/* What of a span that lost @lost_ns counts as blocked. */
static __always_inline __u64 fo_blocked_ns(__u64 span_ns, __u64 lost_ns)
{
	__u64 part = lost_ns * 1024 / (span_ns + 1);

	if (part <= FO_BLOCKED_FROM)
		return 0;
	if (part >= FO_BLOCKED_WHOLE)
		return span_ns;
	return span_ns * (part - FO_BLOCKED_FROM) / (FO_BLOCKED_WHOLE - FO_BLOCKED_FROM);
}

/* The task is @doing that from @now on; the time until @now is summed by what it was doing. */
static __always_inline void fo_does(struct fo_task_state *state, __u16 doing, __u64 now)
{
	__u64 took = now > state->doing_since_ns ? now - state->doing_since_ns : 0;
	__u16 was = state->doing;

	if (!state->span_start_ns)
		return;
	if (was == FO_FAULTS || (was == FO_RESUMES && doing == FO_SLEEPS)) {
		state->undecided_ns += took;
		if (doing != FO_SLEEPS) {
			if (doing == FO_LOSES)
				state->span_lost_ns += state->undecided_ns;
			else
				state->span_worked_ns += state->undecided_ns;
			state->undecided_ns = 0;
		}
	} else if (was == FO_LOSES ||
		   (was == FO_RESUMES && doing == FO_LOSES && took < FO_READ_NS)) {
		state->span_lost_ns += took;
	} else if (was != FO_SLEEPS) {
		state->span_worked_ns += took;
	}
	state->doing = doing;
	state->doing_since_ns = now;
}

static __always_inline void fo_span_begin(struct fo_task_state *state, __u64 min_flt, __u64 now)
{
	state->span_start_ns = now;
	state->span_min_flt = min_flt;
	state->span_worked_ns = 0;
	state->span_lost_ns = 0;
	state->undecided_ns = 0;
}

/*
 * Whether half of the mapped file pages that it had are gone, which go first, or a quarter of all
 * pages, where there is swap. Stalled services had a sixth to a fiftieth of their file pages left.
 */
static __always_inline bool fo_lost_working_set(struct fo_task_state *state, struct mm_struct *mm)
{
	__u64 file_pages = fo_rss_pages(mm, FO_RSS_FILE);
	__u64 pages = file_pages + fo_rss_pages(mm, FO_RSS_ANON) + fo_rss_pages(mm, FO_RSS_SHMEM);

	if (file_pages > state->most_file_pages)
		state->most_file_pages = file_pages;
	if (pages > state->most_pages)
		state->most_pages = pages;
	return file_pages < state->most_file_pages / 2 || pages < state->most_pages / 4 * 3;
}

/*
 * At the first page that a task reads. Its usual work and the most pages it held come from the
 * kernel: page tracking starts when reclaim has taken pages already.
 */
static __always_inline void fo_progress_begin(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns(), usual = fo_current_util();
	struct mm_struct *mm = fo_current_mm();

	fo_span_begin(state, fo_current_min_flt(), now);
	state->doing = FO_WORKS;
	state->doing_since_ns = now;
	state->usual = usual < 1024 ? usual : 1024;
	state->most_file_pages = 0;
	state->most_pages = fo_rss_most_pages(mm);
	(void)fo_lost_working_set(state, mm);
}

/* Ends a span that is long enough. @task is switched in; nothing is read from its memory. */
static __always_inline void fo_span_end(struct fo_task_state *state, struct fo_wait_stat *stat,
					struct task_struct *task, __u64 now)
{
	__u64 span = now - state->span_start_ns, usual = state->usual, min_flt = task->min_flt;
	struct fo_process *process;
	__u64 worked, minor, lost_ns, blocked_ns;
	bool lost;

	if (!state->span_start_ns || span < FO_SPAN_NS)
		return;
	process = fo_process_find(state->scope, state->tgid);
	blocked_ns = fo_blocked_ns(span, state->span_lost_ns);
	if (process && blocked_ns)
		fo_add(process->blocked_ns, blocked_ns);
	if (usual < FO_USUAL_LEAST)
		usual = FO_USUAL_LEAST;
	lost = fo_lost_working_set(state, task->mm) ||
	       (!state->known && state->samples &&
		state->within_reach * FO_UNPRODUCTIVE_REACH_PART >= state->samples);
	/* minor faults have no tracepoint: their cost is neither work nor lost */
	minor = (min_flt - state->span_min_flt) * fo_fault_ns;
	if (minor > state->span_worked_ns)
		minor = state->span_worked_ns;
	state->span_worked_ns -= minor;
	worked = state->span_worked_ns * 1024 / (span * usual / 1024);
	/* where faults cost much, leaving them looks like work: then work is not considered */
	if (worked < FO_UNPRODUCTIVE_WHOLE || !fo_fault_ns)
		worked = FO_UNPRODUCTIVE_WHOLE;
	if (lost && state->span_lost_ns > (span - minor) / 4 * 3 && worked < FO_UNPRODUCTIVE_FROM) {
		lost_ns = span * (FO_UNPRODUCTIVE_FROM - worked) /
			  (FO_UNPRODUCTIVE_FROM - FO_UNPRODUCTIVE_WHOLE);
		fo_add(stat->unproductive_ns, lost_ns);
		if (process)
			fo_add(process->unproductive_ns, lost_ns);
	} else if (state->span_lost_ns < span / 4) {
		state->usual = (3 * state->usual + state->span_worked_ns * 1024 / span) / 4;
		state->most_file_pages = 0;
		state->most_pages = 0;
	}
	if (fo_fault_ns ? worked >= FO_UNPRODUCTIVE_FROM : state->span_lost_ns < span / 4)
		state->known = 1;
	fo_span_begin(state, min_flt, now);
}

/* A page comes in: another one of the same fault, or the first one of the next. */
static __always_inline void fo_reads_page(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns();

	if (state->doing == FO_FAULTS && now < state->doing_since_ns + FO_READ_NS)
		fo_does(state, FO_LOSES, now);
	fo_does(state, FO_FAULTS, now);
}

/* A major fault ends: the time since its begin, or since its first page, was lost to it. */
static __always_inline void fo_faulted(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns();

	if (state->doing == FO_RESUMES)
		state->doing = FO_LOSES;
	fo_does(state, FO_LOSES, now);
	fo_does(state, FO_WORKS, now);
}

#endif /* FASTOOM_PROGRESS_BPF_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * progress: how much of its usual work a task does, and what it loses instead.
 */
#ifndef FASTOOM_PROGRESS_BPF_H
#define FASTOOM_PROGRESS_BPF_H

#include "rss.bpf.h"
#include "scope.bpf.h"

/*
 * The pages of one fault come in within this of each other, and it waits for the next one; later
 * ones are another's, and work lies between.
 */
#define FO_READ_NS 1000000ULL

/* From now on @state's task is @doing that. */
static __always_inline void fo_does(struct fo_task_state *state, __u16 doing, __u64 now)
{
	__u64 took = now > state->doing_since_ns ? now - state->doing_since_ns : 0;
	__u16 was = state->doing;

	if (!state->span_start_ns)
		return;
	if (was == FO_READS || (was == FO_RETURNS && doing == FO_RESTS)) {
		state->undecided_ns += took;
		if (doing != FO_RESTS) {
			if (doing == FO_LOSES)
				state->span_lost_ns += state->undecided_ns;
			else
				state->span_worked_ns += state->undecided_ns;
			state->undecided_ns = 0;
		}
	} else if (was == FO_LOSES ||
		   (was == FO_RETURNS && doing == FO_LOSES && took < FO_READ_NS)) {
		state->span_lost_ns += took;
	} else if (was != FO_RESTS) {
		state->span_worked_ns += took;
	}
	state->doing = doing;
	state->doing_since_ns = now;
}

/*
 * Time lost says little of work lost: a service with time to spare waits for most of it and still
 * answers everybody, while another that is no busier answers nobody. So a task is held against
 * itself: it stands still when, for a fifth of a second, it has worked less than a sixth of what it
 * usually does, has lost three quarters of that time, and to pages of its own that were taken; from
 * a sixth to a half it does in part: docs/measurements.md.
 *
 * What is left tells whether they were. What comes back tells it only of who is not known, as when
 * the eyes open on a livelock. Where another reads in at full speed, that one's clock runs so fast
 * that nothing comes back from near: a service that such a newcomer had brought to 0.03 of its work
 * had 0 of 23 samples near in one span and 30 of 32 in the next, but of the 104 MiB of files it had
 * mapped, 2 were left. And a database that turns from reading through to reading at
 * random is slower for it and meets many pages again, but has as much in memory as before.
 */

/* Two samples, and a few hundred faults where a disk is fast. */
#define FO_SPAN_NS 200000000ULL
/*
 * In 1/1024 of what is usual. Harm is less than a tenth of the work (scripts/corpus.py), and who
 * comes out of a fault finds cold caches: what is left of his work takes him longer. Seen here: a
 * service whose pages a leaker takes and that answers 11 %, 5 % and 2 % of its requests works 0.39,
 * 0.30 and 0.12 of what is usual; one that reads at random and answers 55 to 70 %, over a half.
 */
#define FO_UNPRODUCTIVE_FROM  512
#define FO_UNPRODUCTIVE_WHOLE 171
/* Beside much that is new, some of what comes back has been away too long to be near. */
#define FO_UNPRODUCTIVE_REACH_PART 8
/*
 * In 1/1024: who usually does less than 3 % of a processor is taken to do that. From one fault to
 * the next are 5 to 6 us, a request or not: a service that answers 5000 requests of 1 us a second,
 * and then 50, seems to do a third of its work.
 */
#define FO_USUAL_LEAST 32

static __always_inline void span_begin(struct fo_task_state *state, __u64 min_flt, __u64 now)
{
	state->span_start_ns = now;
	state->span_min_flt = min_flt;
	state->span_worked_ns = 0;
	state->span_lost_ns = 0;
	state->undecided_ns = 0;
}

/*
 * Whether less is left of what it had since it last lost little: half of the files that it maps,
 * which go first, or, where there is swap, three quarters of all. Those hurt here had a sixth to a
 * fiftieth of their files left.
 */
static __always_inline bool lost_working_set(struct fo_task_state *state, struct mm_struct *mm)
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
 * The first page that it reads: until now, if the eyes were in time, nothing hindered it. What it
 * held at most is told by the kernel: the eyes open when something was taken already.
 */
static __always_inline void follow(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns(), usual = fo_current_util();
	struct mm_struct *mm = fo_current_mm();

	span_begin(state, fo_current_min_flt(), now);
	state->doing = FO_WORKS;
	state->doing_since_ns = now;
	state->usual = usual < 1024 ? usual : 1024;
	state->most_file_pages = 0;
	state->most_pages = fo_rss_most_pages(mm);
	(void)lost_working_set(state, mm);
}

static __always_inline void span_end(struct fo_task_state *state, struct fo_wait_stat *stat,
				     struct task_struct *task, __u64 now)
{
	__u64 span = now - state->span_start_ns, usual = state->usual, min_flt = task->min_flt;
	__u64 worked, minor;
	bool taken;

	if (!state->span_start_ns || span < FO_SPAN_NS)
		return;
	if (usual < FO_USUAL_LEAST)
		usual = FO_USUAL_LEAST;
	taken = lost_working_set(state, task->mm) ||
		(!state->known && state->samples &&
		 state->within_reach * FO_UNPRODUCTIVE_REACH_PART >= state->samples);
	/* where none begins or ends is not seen, and neither work nor lost is what they took */
	minor = (min_flt - state->span_min_flt) * fo_fault_ns;
	if (minor > state->span_worked_ns)
		minor = state->span_worked_ns;
	state->span_worked_ns -= minor;
	worked = state->span_worked_ns * 1024 / (span * usual / 1024);
	/* where faults are dear, coming out of them looks like work, which then says nothing */
	if (worked < FO_UNPRODUCTIVE_WHOLE || !fo_fault_ns)
		worked = FO_UNPRODUCTIVE_WHOLE;
	if (taken && state->span_lost_ns > (span - minor) / 4 * 3 &&
	    worked < FO_UNPRODUCTIVE_FROM) {
		fo_add(stat->unproductive_ns,
		       span * (FO_UNPRODUCTIVE_FROM - worked) /
			       (FO_UNPRODUCTIVE_FROM - FO_UNPRODUCTIVE_WHOLE));
	} else if (state->span_lost_ns < span / 4) {
		state->usual = (3 * state->usual + state->span_worked_ns * 1024 / span) / 4;
		state->most_file_pages = 0;
		state->most_pages = 0;
	}
	if (fo_fault_ns ? worked >= FO_UNPRODUCTIVE_FROM : state->span_lost_ns < span / 4)
		state->known = 1;
	span_begin(state, min_flt, now);
}

/* What comes in is another page of the same fault, or the first of the next. */
static __always_inline void reads(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns();

	if (state->doing == FO_READS && now < state->doing_since_ns + FO_READ_NS)
		fo_does(state, FO_LOSES, now);
	fo_does(state, FO_READS, now);
}

/* A major fault is over: all since it began, or since its first page, was lost to it. */
static __always_inline void faulted(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns();

	if (state->doing == FO_RETURNS)
		state->doing = FO_LOSES;
	fo_does(state, FO_LOSES, now);
	fo_does(state, FO_WORKS, now);
}

#endif /* FASTOOM_PROGRESS_BPF_H */

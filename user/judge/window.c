// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/window.h"

#include <string.h>

/* Traces without page_bytes are of hosts with pages of 4 KiB. */
#define OLD_PAGE_BYTES 4096.0

/* A smaller file LRU counts as this much: the turnover would say more about the divisor. */
#define FILE_LRU_MIN_BYTES 1048576.0

/*
 * lost_share divides by at least this: readers that wanted 0.4 % of a second and waited for all of
 * it have not lost all their time. Chosen; docs/judgement.md, "Evidence".
 */
#define LOST_LEAST_TASKS 0.2

/*
 * A share of fewer sampled reads is noise: where the last second has fewer, it is over all samples
 * of the window. Chosen; docs/judgement.md, "Evidence".
 */
#define READS_LEAST 16

/* Traces without pages_per_sample are of hosts with at most 32 GiB, which sample one page in 16. */
#define OLD_PAGES_PER_SAMPLE 16.0

void window_reset(struct window *window)
{
	window->count = 0;
}

static const struct sample *sample_back(const struct window *window, unsigned back)
{
	return &window->samples[(window->newest + WINDOW_SLOTS - back) % WINDOW_SLOTS];
}

void window_add(struct window *window, const struct sample *sample)
{
	if (window->count) {
		uint64_t last_ns = sample_back(window, 0)->at_ns;

		if (sample->at_ns <= last_ns)
			return;
		if (sample->at_ns - last_ns > WINDOW_GAP_NS)
			window_reset(window);
	}
	window->newest = (window->newest + 1) % WINDOW_SLOTS;
	window->samples[window->newest] = *sample;
	if (window->count < WINDOW_SLOTS)
		window->count++;
}

/* The oldest sample within the span that has all of @need, or the one before if there is none. */
static const struct sample *span_start(const struct window *window, uint32_t need, uint64_t span_ns)
{
	const struct sample *newest = sample_back(window, 0), *start = newest;

	for (unsigned back = 1; back < window->count; back++) {
		const struct sample *sample = sample_back(window, back);

		if (!(need & ~sample->has))
			start = sample;
		if (newest->at_ns - sample->at_ns >= span_ns)
			break;
	}
	return start;
}

/* False: the counter went backwards: page tracking was off, or the cgroup is a new one. */
static bool difference(uint64_t from, uint64_t to, double *ret)
{
	if (to < from)
		return false;
	*ret = (double)(to - from);
	return true;
}

static double clip(double value, double low, double high)
{
	return value < low ? low : value > high ? high : value;
}

/* False: a counter went backwards within the span. */
static bool evidence_reads(struct evidence *e, const struct window *window)
{
	const struct sample *to = sample_back(window, 0);
	double samples = 0, refaults = 0, within_reach = 0, added = 0, swapins = 0,
	       avoidable_pages = 0;

	for (unsigned back = 1; back < window->count; back++) {
		const struct sample *from = sample_back(window, back);
		double new_samples, new_refaults, new_reach, new_added, new_swapins = 0;

		if (!(from->has & SAMPLE_HAS_WAITS))
			continue;
		if (!difference(from->samples, to->samples, &new_samples) ||
		    !difference(from->refaults, to->refaults, &new_refaults) ||
		    !difference(from->within_reach, to->within_reach, &new_reach) ||
		    !difference(from->added_pages, to->added_pages, &new_added) ||
		    ((from->has & to->has & SAMPLE_HAS_SWAPINS) &&
		     !difference(from->swapins, to->swapins, &new_swapins))) {
			if (to->at_ns - from->at_ns <= WINDOW_SPAN_NS)
				return false;
			break;
		}
		samples = new_samples;
		refaults = new_refaults;
		within_reach = new_reach;
		added = new_added;
		swapins = new_swapins;
		if (to->at_ns - from->at_ns >= WINDOW_SPAN_NS && samples >= READS_LEAST)
			break;
	}
	if (samples > 0) {
		e->refaulted = clip(refaults / samples, 0, 1);
		e->within_reach = clip(within_reach / samples, 0, 1);
		avoidable_pages =
			within_reach * (to->has & SAMPLE_HAS_SAMPLING ? (double)to->pages_per_sample
								      : OLD_PAGES_PER_SAMPLE);
		/* more is chance, or a kernel that does not tell the size of a folio */
		avoidable_pages = clip(avoidable_pages, 0, added * e->within_reach);
	}
	if (added + swapins > 0)
		e->avoidable = (avoidable_pages + swapins) / (added + swapins);
	return true;
}

/* Share of a second with an unproductive task, if @ns of such time do not overlap. */
static double unproductive_second(double ns)
{
	return clip(ns / (double)WINDOW_SPAN_NS, 0, 1);
}

/* Ignores samples from before page tracking started, and counters that went backwards. */
static void evidence_unproductive(struct evidence *e, const struct window *window,
				  const struct sample *from)
{
	const struct sample *to = sample_back(window, 0);
	const struct sample *before =
		span_start(window, SAMPLE_HAS_UNPRODUCTIVE, 2 * WINDOW_SPAN_NS);
	double latest_ns, earlier_ns = 0;

	if (!(from->has & to->has & SAMPLE_HAS_UNPRODUCTIVE) ||
	    !difference(from->unproductive_ns, to->unproductive_ns, &latest_ns))
		return;
	if (before->at_ns < from->at_ns)
		(void)difference(before->unproductive_ns, from->unproductive_ns, &earlier_ns);
	e->unproductive = latest_ns / (double)(to->at_ns - from->at_ns);
	e->unproductive_share =
		(unproductive_second(latest_ns) + unproductive_second(earlier_ns)) / 2;
	e->has |= EVIDENCE_HAS_UNPRODUCTIVE;
}

/* Begins with the first sample of page tracking: to wait for a full span would cost a second. */
static void evidence_waits(struct evidence *e, const struct window *window)
{
	const struct sample *to = sample_back(window, 0);
	const struct sample *from = span_start(window, SAMPLE_HAS_WAITS, WINDOW_SPAN_NS);
	double span_ns = (double)(to->at_ns - from->at_ns);
	double io, io_done, waited, worked, run, stalled = 0, wanted;

	if (!(to->has & SAMPLE_HAS_WAITS) || to->at_ns - from->at_ns < WINDOW_LEAST_NS ||
	    !difference(from->io_ns, to->io_ns, &io) ||
	    !difference(from->io_done_ns, to->io_done_ns, &io_done) ||
	    !difference(from->refault_ns, to->refault_ns, &waited) ||
	    !difference(from->refault_sys_ns, to->refault_sys_ns, &worked) ||
	    !difference(from->run_ns, to->run_ns, &run) ||
	    ((from->has & to->has & SAMPLE_HAS_REFAULT_STALL) &&
	     !difference(from->refault_stall_ns, to->refault_stall_ns, &stalled)) ||
	    !evidence_reads(e, window))
		return;
	/* open waits count as lost in the same proportion as the ended ones */
	if (io > io_done && io_done > 0)
		waited *= io / io_done;
	e->io = io / span_ns;
	e->run = run / span_ns;
	/* kernel time is counted in ticks: in a short window it can exceed the run time */
	worked = clip(worked / span_ns, 0, e->run);
	stalled /= span_ns;
	/* reclaim on a CPU is kernel work too, of unknown share: take the greater, not the sum */
	e->thrash = clip(waited / span_ns, 0, e->io) + (worked > stalled ? worked : stalled);
	wanted = e->io + e->run + (stalled > worked ? stalled - worked : 0);
	e->lost_share = clip(e->thrash / clip(wanted, LOST_LEAST_TASKS, 1e9), 0, 1);
	e->has |= EVIDENCE_HAS_THRASH;
	evidence_unproductive(e, window, from);
}

/* The time at @growth bytes/s until all is used; UINT64_MAX: not in sight. */
static uint64_t time_left_ns(uint64_t used_bytes, uint64_t total_bytes, double growth)
{
	double left_s;

	if (used_bytes >= total_bytes)
		return 0;
	left_s = growth > 0 ? (double)(total_bytes - used_bytes) / growth : 1e9;
	return left_s < 1e9 ? (uint64_t)(left_s * 1e9) : UINT64_MAX;
}

/*
 * The most that was mapped within the window: reclaim may take mapped pages before growth shows.
 * Only what is mapped now, if nearly all that is read in is new. docs/judgement.md, "Growth".
 */
static uint64_t recently_mapped(const struct evidence *e, const struct window *window)
{
	const bool only_new =
		(e->has & EVIDENCE_HAS_THRASH) && e->avoidable < WINDOW_AVOIDABLE_LEAST;
	uint64_t most_bytes = 0;

	for (unsigned back = 0; back < (only_new ? 1 : window->count); back++) {
		const struct sample *sample = sample_back(window, back);

		if ((sample->has & SAMPLE_HAS_MAPPED) && sample->mapped_file_bytes > most_bytes)
			most_bytes = sample->mapped_file_bytes;
	}
	return most_bytes;
}

/* After evidence_waits(), whose avoidable share it uses. */
static void evidence_level(struct evidence *e, const struct window *window)
{
	const struct sample *to = sample_back(window, 0);
	const struct sample *from = span_start(window, SAMPLE_HAS_LEVEL, WINDOW_LEAST_NS);
	double span_s = (double)(to->at_ns - from->at_ns) / 1e9;

	if (!(from->has & to->has & SAMPLE_HAS_LEVEL) || !to->total_bytes || span_s <= 0)
		return;
	e->total_bytes = to->total_bytes;
	e->held_bytes = to->held_bytes;
	e->file_lru_bytes = to->file_lru_bytes;
	e->anon_bytes = to->anon_bytes;
	e->level = clip((double)to->held_bytes / (double)to->total_bytes, 0, 1);
	e->growth = ((double)to->held_bytes - (double)from->held_bytes) / span_s;
	e->exhausted_ns = time_left_ns(to->held_bytes, to->total_bytes, e->growth);
	e->low_headroom_ns = UINT64_MAX;
	if (e->growth > 0)
		e->low_headroom_ns = time_left_ns(to->held_bytes + recently_mapped(e, window),
						  to->total_bytes, e->growth);
	e->has |= EVIDENCE_HAS_LEVEL;
}

static bool reclaimed_since(const struct sample *from, const struct sample *to)
{
	return to->reclaims > from->reclaims || to->stall_open ||
	       ((from->has & to->has & SAMPLE_HAS_SCANS) &&
		to->scanned_pages > from->scanned_pages);
}

struct evidence window_evidence(const struct window *window)
{
	struct evidence e = {0};
	const struct sample *from, *to;
	double span_ns, span_s, stall, reclaims, pages, refaults, faults, memstall, swapins;

	if (window->count < 2)
		return e;
	to = sample_back(window, 0);
	from = span_start(window, 0, WINDOW_SPAN_NS);
	e.at_ns = to->at_ns;
	if (to->at_ns - from->at_ns < WINDOW_LEAST_NS)
		return e;
	e.span_ns = to->at_ns - from->at_ns;
	span_ns = (double)e.span_ns;
	span_s = span_ns / 1e9;
	e.lossy = to->losses != from->losses;
	e.under_oom = (to->has & SAMPLE_HAS_UNDER_OOM) && to->under_oom;
	e.no_tracking = to->has & SAMPLE_HAS_TRACKING_ERROR;

	if ((from->has & to->has & SAMPLE_HAS_STALL) &&
	    difference(from->stall_ns, to->stall_ns, &stall) &&
	    difference(from->reclaims, to->reclaims, &reclaims) &&
	    difference(from->reclaimed_pages, to->reclaimed_pages, &pages)) {
		e.stall = stall / span_ns;
		e.reclaims = reclaims / span_s;
		e.efficiency = stall > 0 ? pages / (stall / 1e6) : 0;
		e.has |= EVIDENCE_HAS_STALL;
	}
	e.reclaiming = reclaimed_since(from, to);
	e.reclaimed = reclaimed_since(sample_back(window, window->count - 1), to);
	evidence_waits(&e, window);
	evidence_level(&e, window);
	if ((from->has & to->has & SAMPLE_HAS_REFAULTS) && (e.has & EVIDENCE_HAS_LEVEL) &&
	    difference(from->refault_pages, to->refault_pages, &refaults)) {
		double page_bytes =
			to->has & SAMPLE_HAS_PAGE_BYTES ? (double)to->page_bytes : OLD_PAGE_BYTES;

		e.turnover = refaults * page_bytes / span_s /
			     clip((double)to->file_lru_bytes, FILE_LRU_MIN_BYTES, 1e18);
		e.has |= EVIDENCE_HAS_TURNOVER;
	}
	if ((from->has & to->has & SAMPLE_HAS_FAULTS) &&
	    difference(from->major_faults, to->major_faults, &faults)) {
		e.major_faults = faults / span_s;
		e.has |= EVIDENCE_HAS_FAULTS;
	}
	if ((from->has & to->has & SAMPLE_HAS_MEMSTALL) &&
	    difference(from->memstall_ns, to->memstall_ns, &memstall)) {
		e.memstall = memstall / span_ns;
		e.has |= EVIDENCE_HAS_MEMSTALL;
	}
	if ((from->has & to->has & SAMPLE_HAS_SWAPINS) &&
	    difference(from->swapins, to->swapins, &swapins)) {
		e.swapins = swapins / span_s;
		e.has |= EVIDENCE_HAS_SWAPINS;
	}
	return e;
}

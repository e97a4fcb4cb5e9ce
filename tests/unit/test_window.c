/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <string.h>

#include "base/util.h"
#include "judge/window.h"
#include "unit/unit.h"

#define MB 1000000ULL
#define ALL_SAMPLE                                                                                 \
	(SAMPLE_HAS_STALL | SAMPLE_HAS_WAITS | SAMPLE_HAS_LEVEL | SAMPLE_HAS_REFAULTS |            \
	 SAMPLE_HAS_FAULTS | SAMPLE_HAS_MEMSTALL | SAMPLE_HAS_SWAPINS | SAMPLE_HAS_SAMPLING |      \
	 SAMPLE_HAS_MAPPED | SAMPLE_HAS_REFAULT_STALL | SAMPLE_HAS_UNPRODUCTIVE)
#define ALL_EVIDENCE                                                                               \
	(EVIDENCE_HAS_STALL | EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_TURNOVER |   \
	 EVIDENCE_HAS_FAULTS | EVIDENCE_HAS_MEMSTALL | EVIDENCE_HAS_SWAPINS |                      \
	 EVIDENCE_HAS_UNPRODUCTIVE)

#define OF_WAITS (EVIDENCE_HAS_THRASH | EVIDENCE_HAS_UNPRODUCTIVE)

#define START (1000 * SEC)
#define TICK  (100 * MS)

/* A scope with a different rate for each counter; the evidence of ten ticks has round numbers. */
static struct sample steady(uint64_t tick)
{
	return (struct sample){
		.at_ns = START + tick * TICK,
		.has = ALL_SAMPLE,
		.stall_ns = 7000 + tick * 25 * MS, /* a quarter of a task */
		.reclaims = 100 + tick * 20,
		.reclaimed_pages = 5000 + tick * 1000,
		.memstall_ns = 900 + tick * 35 * MS, /* 0.35 tasks */
		.swapins = 40 + tick * 3,
		.io_ns = 3000 + tick * 80 * MS, /* 0.8 tasks */
		.io_done_ns = 2000 + tick * 80 * MS,
		.refault_ns = 1000 + tick * 60 * MS, /* 0.6 tasks */
		.run_ns = tick * 40 * MS,
		.refault_sys_ns = 500,
		.refault_stall_ns = 700,
		.unproductive_ns = 300 + tick * 50 * MS, /* half a task */
		.added_pages = 3 + tick * 1997, /* of 2000 pages read in; 3 are from swap */
		.pages_per_sample = 16,
		.samples = 10 + tick * 100,
		.refaults = 5 + tick * 90,
		.within_reach = 1 + tick * 75,
		.total_bytes = 256 * MIB,
		.held_bytes = 128 * MIB + tick * MIB,
		.file_lru_bytes = 64 * MIB,
		.anon_bytes = 100 * MIB,
		.refault_pages = 9 + tick * 1638,
		.major_faults = 77 + tick * 30,
	};
}

static void fill(struct window *window, uint64_t from, uint64_t to)
{
	for (uint64_t tick = from; tick <= to; tick++) {
		struct sample sample = steady(tick);

		window_add(window, &sample);
	}
}

static void assert_steady(const struct evidence *e)
{
	assert_int_equal(e->span_ns, SEC);
	assert_int_equal(e->has, ALL_EVIDENCE);
	assert_false(e->lossy);
	assert_near(e->stall, 0.25);
	assert_near(e->reclaims, 200);
	assert_near(e->efficiency, 40); /* 10000 pages in 250 ms */
	assert_near(e->io, 0.8);
	assert_near(e->thrash, 0.6);
	assert_near(e->run, 0.4);
	/* 0.6 tasks of 0.8 in IO and 0.4 on a CPU */
	assert_near(e->lost_share, 0.6 / 1.2);
	assert_near(e->refaulted, 0.9);
	assert_near(e->within_reach, 0.75);
	/* 75 x 16 pages, and 3 from swap */
	assert_near(e->avoidable, 1203.0 / 2000);
	assert_near(e->growth, 10.0 * MIB);
	assert_near(e->turnover, 16380.0 / 16384);
	assert_near(e->major_faults, 300);
	assert_near(e->memstall, 0.35);
	assert_near(e->swapins, 30);
}

static void test_steady(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	fill(&window, 0, 10);
	e = window_evidence(&window);
	assert_steady(&e);
	assert_int_equal(e.at_ns, START + SEC);
	assert_near(e.level, 138.0 / 256);
	assert_int_equal(e.held_bytes, 138 * MIB);
	assert_int_equal(e.total_bytes, 256 * MIB);
	assert_int_equal(e.file_lru_bytes, 64 * MIB);
	assert_int_equal(e.anon_bytes, 100 * MIB);
	/* 118 MiB at 10 MiB/s */
	assert_near((double)e.exhausted_ns, 11.8e9);
}

/* Refaults are in pages of the host: of 64 KiB on some, of 4 KiB if a trace does not say. */
static void test_page_bytes(void **state)
{
	static const struct {
		uint32_t has;
		uint64_t page_bytes;
		double turnover;
	} rows[] = {
		{0, 0, 16380.0 / 16384},
		{SAMPLE_HAS_PAGE_BYTES, 4096, 16380.0 / 16384},
		{SAMPLE_HAS_PAGE_BYTES, 65536, 16380.0 / 1024},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};

		for (uint64_t tick = 0; tick <= 10; tick++) {
			struct sample sample = steady(tick);

			sample.has |= rows[i].has;
			sample.page_bytes = rows[i].page_bytes;
			window_add(&window, &sample);
		}
		assert_near(window_evidence(&window).turnover, rows[i].turnover);
	}
}

/* Samples older than the span do not count; the ring wraps around many times. */
static void test_wrap(void **state)
{
	struct window window = {0};

	(void)state;
	for (uint64_t tick = 0; tick <= 10 * WINDOW_SLOTS; tick++) {
		struct evidence e;

		fill(&window, tick, tick);
		if (tick < 10)
			continue;
		e = window_evidence(&window);
		if (e.at_ns != START + tick * TICK)
			fail_msg("tick %d", (int)tick);
		assert_steady(&e);
	}
}

/* With more samples a second than slots, the span is what the slots cover. */
static void test_more_than_slots(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct sample sample = steady(0);

		sample.at_ns = START + i * 10 * MS;
		sample.stall_ns = i * 5 * MS;
		window_add(&window, &sample);
	}
	e = window_evidence(&window);
	assert_int_equal(e.span_ns, (WINDOW_SLOTS - 1) * 10 * MS);
	assert_near(e.stall, 0.5);
}

static void test_too_little(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	e = window_evidence(&window);
	assert_int_equal(e.span_ns, 0);
	for (uint64_t tick = 0; tick < 3; tick++) {
		fill(&window, tick, tick);
		e = window_evidence(&window);
		assert_int_equal(e.span_ns, 0);
		assert_int_equal(e.has, 0);
	}
	fill(&window, 3, 3);
	e = window_evidence(&window);
	assert_int_equal(e.span_ns, WINDOW_LEAST_NS);
	assert_int_equal(e.has, ALL_EVIDENCE);
	assert_near(e.stall, 0.25);

	window_reset(&window);
	e = window_evidence(&window);
	assert_int_equal(e.span_ns, 0);
}

/* Samples further apart than the span, but not by a gap, still give evidence. */
static void test_rare(void **state)
{
	static const uint64_t steps[] = {5, 10, 15, 19, 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t n = 0; n < 5; n++)
			fill(&window, n * steps[i], n * steps[i]);
		e = window_evidence(&window);
		assert_true(e.span_ns >= WINDOW_SPAN_NS);
		assert_true(e.span_ns <= WINDOW_GAP_NS);
		assert_near(e.stall, 0.25);
		assert_near(e.thrash, 0.6);
	}
}

static void test_gap(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	/* exactly WINDOW_GAP_NS is no gap, a nanosecond more is one */
	for (uint64_t more = 0; more < 2; more++) {
		struct sample late = steady(30);

		window_reset(&window);
		fill(&window, 0, 10);
		late.at_ns = START + SEC + WINDOW_GAP_NS + more;
		window_add(&window, &late);
		e = window_evidence(&window);
		assert_int_equal(e.span_ns, more ? 0 : WINDOW_GAP_NS);
	}
	/* only samples after the gap count */
	window_reset(&window);
	fill(&window, 0, 10);
	fill(&window, 100, 102);
	e = window_evidence(&window);
	assert_int_equal(e.span_ns, 0);
	fill(&window, 103, 110);
	e = window_evidence(&window);
	assert_steady(&e);
}

static void test_order(void **state)
{
	struct window window = {0}, before;
	struct evidence e;

	(void)state;
	fill(&window, 0, 10);
	before = window;
	/* the same time again, and older times, with numbers that would change the evidence */
	for (int back = 0; back <= 10; back += 5) {
		struct sample lie = steady((uint64_t)(10 - back));

		lie.stall_ns = 1;
		lie.held_bytes = 0;
		lie.has = 0;
		lie.losses = 99;
		window_add(&window, &lie);
		assert_memory_equal(&window, &before, sizeof(window));
	}
	e = window_evidence(&window);
	assert_steady(&e);
}

/* With few sampled reads in the span, the older samples of the window count too. */
static void test_few_reads(void **state)
{
	struct window window = {0};
	const struct sample last = steady(20);

	(void)state;
	fill(&window, 0, 20);
	for (uint64_t tick = 21; tick < 80; tick++) {
		struct sample sample = steady(tick);
		struct evidence e;

		sample.added_pages = last.added_pages;
		sample.swapins = last.swapins;
		sample.samples = last.samples;
		sample.refaults = last.refaults;
		sample.within_reach = last.within_reach;
		window_add(&window, &sample);
		e = window_evidence(&window);
		assert_true(e.has & EVIDENCE_HAS_THRASH);
		if (tick - 20 < WINDOW_SLOTS - 1) {
			assert_near(e.within_reach, 0.75);
			assert_near(e.avoidable, 1203.0 / 2000);
		} else {
			assert_true(e.within_reach == 0 && e.avoidable == 0);
		}
	}
}

/*
 * Larger hosts sample fewer pages; traces of older builds do not say how many. The avoidable share
 * is at most the share of sampled reads within reach.
 */
static void test_sampling(void **state)
{
	static const struct {
		uint64_t pages_per_sample;
		bool has_sampling;
		double avoidable; /* pages, of 2000 */
	} rows[] = {{16, true, 1203}, {4, true, 303}, {64, true, 1500.75}, {64, false, 1203}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};

		for (uint64_t tick = 0; tick <= 10; tick++) {
			struct sample sample = steady(tick);

			sample.pages_per_sample = rows[i].pages_per_sample;
			if (!rows[i].has_sampling)
				sample.has &= ~(uint32_t)SAMPLE_HAS_SAMPLING;
			window_add(&window, &sample);
		}
		assert_near(window_evidence(&window).avoidable, rows[i].avoidable / 2000);
	}
}

/* A counter that went backwards makes the evidence computed from it missing, and no other. */
static void test_counter_reset(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		uint32_t lost;
	} counters[] = {
		{"stall_ns", offsetof(struct sample, stall_ns), EVIDENCE_HAS_STALL},
		{"reclaims", offsetof(struct sample, reclaims), EVIDENCE_HAS_STALL},
		{"reclaimed_pages", offsetof(struct sample, reclaimed_pages), EVIDENCE_HAS_STALL},
		{"io_ns", offsetof(struct sample, io_ns), OF_WAITS},
		{"io_done_ns", offsetof(struct sample, io_done_ns), OF_WAITS},
		{"refault_ns", offsetof(struct sample, refault_ns), OF_WAITS},
		{"run_ns", offsetof(struct sample, run_ns), OF_WAITS},
		{"refault_sys_ns", offsetof(struct sample, refault_sys_ns), OF_WAITS},
		{"refault_stall_ns", offsetof(struct sample, refault_stall_ns), OF_WAITS},
		{"unproductive_ns", offsetof(struct sample, unproductive_ns),
		 EVIDENCE_HAS_UNPRODUCTIVE},
		{"samples", offsetof(struct sample, samples), OF_WAITS},
		{"refaults", offsetof(struct sample, refaults), OF_WAITS},
		{"near", offsetof(struct sample, within_reach), OF_WAITS},
		{"refault_pages", offsetof(struct sample, refault_pages), EVIDENCE_HAS_TURNOVER},
		{"major_faults", offsetof(struct sample, major_faults), EVIDENCE_HAS_FAULTS},
		{"memstall_ns", offsetof(struct sample, memstall_ns), EVIDENCE_HAS_MEMSTALL},
		{"swapins", offsetof(struct sample, swapins),
		 EVIDENCE_HAS_SWAPINS | OF_WAITS}, /* swap-ins are read in, too */
		{"added_pages", offsetof(struct sample, added_pages), OF_WAITS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 1; tick <= 11; tick++) {
			struct sample sample = steady(tick);
			uint64_t *counter = (uint64_t *)((char *)&sample + counters[i].offset);

			if (tick > 5)
				*counter = tick - 6; /* starts at 0 again */
			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		if (e.has != (ALL_EVIDENCE & ~counters[i].lost))
			fail_msg("%s: has %#x", counters[i].name, e.has);
		assert_int_equal(e.span_ns, SEC);
	}
}

/* If either end of the span lacks a bit, the evidence is missing, not zero. */
static void test_missing(void **state)
{
	static const struct {
		uint32_t bit;
		uint32_t lost;
	} inputs[] = {
		{SAMPLE_HAS_STALL, EVIDENCE_HAS_STALL},
		{SAMPLE_HAS_WAITS, OF_WAITS},
		/* the turnover needs the file LRU, a part of the level */
		{SAMPLE_HAS_LEVEL, EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_TURNOVER},
		{SAMPLE_HAS_REFAULTS, EVIDENCE_HAS_TURNOVER},
		{SAMPLE_HAS_FAULTS, EVIDENCE_HAS_FAULTS},
		{SAMPLE_HAS_MEMSTALL, EVIDENCE_HAS_MEMSTALL},
		{SAMPLE_HAS_SWAPINS, EVIDENCE_HAS_SWAPINS},
		{SAMPLE_HAS_UNPRODUCTIVE, EVIDENCE_HAS_UNPRODUCTIVE},
		{ALL_SAMPLE, ALL_EVIDENCE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		for (int where = 0; where < 3; where++) {
			struct window window = {0};
			struct evidence e;
			uint32_t lost;

			for (uint64_t tick = 0; tick <= 10; tick++) {
				struct sample sample = steady(tick);

				/* at the beginning, at the end, everywhere */
				if (where == 2 || tick == (where ? 10 : 0))
					sample.has &= ~inputs[i].bit;
				window_add(&window, &sample);
			}
			e = window_evidence(&window);
			lost = inputs[i].lost;
			/* page tracking that started within the span suffices, and growth needs
			 * the end of the span only */
			if (where == 0 && inputs[i].bit == SAMPLE_HAS_LEVEL)
				lost = 0;
			else if (where == 0 && inputs[i].bit != SAMPLE_HAS_UNPRODUCTIVE)
				lost &= ~(uint32_t)(OF_WAITS | EVIDENCE_HAS_LEVEL);
			if (e.has != (ALL_EVIDENCE & ~lost))
				fail_msg("row %zu, place %d: has %#x", i, where, e.has);
			if (lost & EVIDENCE_HAS_LEVEL)
				assert_int_equal(e.total_bytes, 0);
		}
	}
}

/* Page tracking that is impossible differs from page tracking that is not on yet. */
static void test_no_tracking(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 0; tick <= 10; tick++) {
			struct sample sample = steady(tick);

			sample.has &= ~(uint32_t)SAMPLE_HAS_WAITS;
			if (kind)
				sample.has |= SAMPLE_HAS_TRACKING_ERROR;
			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		assert_int_equal(e.no_tracking, kind);
		assert_false(e.has & EVIDENCE_HAS_THRASH);
	}
}

/* Without the stall, lost_share is of the waits alone. */
static void test_lost_without_stall(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	for (uint64_t tick = 0; tick <= 10; tick++) {
		struct sample sample = steady(tick);

		sample.has &= ~(uint32_t)SAMPLE_HAS_STALL;
		window_add(&window, &sample);
	}
	e = window_evidence(&window);
	assert_near(e.lost_share, 0.6 / 1.2);
	assert_near(e.unproductive, 0.5);
}

/*
 * The share of the last two seconds with an unproductive task: two such tasks at a time count once,
 * and the time before page tracking was on counts as productive.
 */
static void test_unproductive_share(void **state)
{
	static const struct {
		uint64_t seen_from, from, to; /* ticks of a tenth of a second */
		double tasks;
		double tasks_at[4], share_at[4]; /* at ticks 10, 15, 20, 25 */
	} rows[] = {
		{0, 10, 99, 1, {0, 0.5, 1, 1}, {0, 0.25, 0.5, 0.75}},
		{0, 10, 99, 2, {0, 1, 2, 2}, {0, 0.5, 0.5, 1}},
		{0, 0, 99, 0.4, {0.4, 0.4, 0.4, 0.4}, {0.2, 0.3, 0.4, 0.4}},
		{0, 10, 15, 1, {0, 0.5, 0.5, 0}, {0, 0.25, 0.25, 0.25}},
		{10, 0, 99, 1, {0, 1, 1, 1}, {0, 0.25, 0.5, 0.75}},
	};

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct window window = {0};
		double unproductive_ns = 0;

		for (uint64_t tick = 0; tick <= 25; tick++) {
			struct sample sample = steady(tick);
			struct evidence e;

			if (tick > rows[row].from && tick <= rows[row].to)
				unproductive_ns += rows[row].tasks * (double)TICK;
			sample.unproductive_ns = (uint64_t)unproductive_ns;
			if (tick < rows[row].seen_from)
				sample.has &=
					~(uint32_t)(SAMPLE_HAS_WAITS | SAMPLE_HAS_UNPRODUCTIVE);
			window_add(&window, &sample);
			if (tick < 10 || tick % 5)
				continue;
			e = window_evidence(&window);
			if (tick - rows[row].seen_from < 3)
				continue;
			assert_near(e.unproductive, rows[row].tasks_at[tick / 5 - 2]);
			assert_near(e.unproductive_share, rows[row].share_at[tick / 5 - 2]);
		}
	}
}

/*
 * lost_share: the waits of refaulting tasks, plus the greater of their kernel work and reclaim, as
 * a share of the time that all readers wanted, which is at least 0.2 tasks. Stall of other tasks
 * does not count.
 */
static void test_lost_share(void **state)
{
	static const struct {
		const char *what;
		double io, run, waited, worked, stall, stalled; /* tasks */
		double thrash, lost;
	} rows[] = {
		{"idle", 0, 0, 0, 0, 0, 0, 0, 0},
		{"a leaker reclaims for itself", 0, 0, 0, 0, 0.9, 0, 0, 0},
		{"streaming past a full cgroup", 0.3, 0.4, 0, 0, 0.6, 0, 0, 0},
		{"a few waits of a scope that wants little", 0.004, 0, 0.004, 0, 0, 0, 0.004, 0.02},
		{"waits alone", 0.8, 0.4, 0.6, 0, 0, 0, 0.6, 0.5},
		{"a fast disk: the kernel's work is what it costs", 0.1, 0.9, 0.1, 0.8, 0.3, 0.3,
		 0.9, 0.9},
		{"more ticks than time", 0.1, 0.1, 0.1, 0.4, 0, 0, 0.2, 1},
		{"all", 1.5, 0.1, 1.5, 0.1, 1, 0, 1.6, 1},
		{"in reclaim, and not on a CPU", 0.2, 0.1, 0.1, 0, 0.9, 0.5, 0.6, 0.75},
		{"in reclaim, on a CPU for some of it", 0.2, 0.4, 0.2, 0.3, 0.9, 0.5, 0.7, 0.875},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 0; tick <= 10; tick++) {
			double t = (double)(tick * TICK);
			struct sample sample = {
				.at_ns = START + tick * TICK,
				.has = SAMPLE_HAS_STALL | SAMPLE_HAS_WAITS |
				       SAMPLE_HAS_REFAULT_STALL,
				.stall_ns = (uint64_t)(t * rows[i].stall),
				.refault_stall_ns = (uint64_t)(t * rows[i].stalled),
				.io_ns = (uint64_t)(t * rows[i].io),
				.io_done_ns = (uint64_t)(t * rows[i].io),
				.refault_ns = (uint64_t)(t * rows[i].waited),
				.refault_sys_ns = (uint64_t)(t * rows[i].worked),
				.run_ns = (uint64_t)(t * rows[i].run),
				.samples = tick * 1000,
				.refaults = tick * 1000,
			};

			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		assert_true(e.has & EVIDENCE_HAS_THRASH);
		if (!is_near(e.thrash, rows[i].thrash) || !is_near(e.lost_share, rows[i].lost))
			fail_msg("%s: thrash %.9g, lost %.9g", rows[i].what, e.thrash,
				 e.lost_share);
	}
}

/* A scope reclaims if it has new reclaims, an open one, or scanned pages; refaults do not count. */
static void test_reclaiming(void **state)
{
	static const struct {
		uint64_t reclaims, open, scans;
		bool reclaiming;
	} rows[] = {{0, 0, 0, false}, {1, 0, 0, true}, {0, 1, 0, true}, {0, 0, 1, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};

		for (uint64_t tick = 0; tick <= 10; tick++) {
			struct sample sample = steady(tick);

			sample.has |= SAMPLE_HAS_SCANS;
			sample.reclaims = 7 + tick * rows[i].reclaims;
			sample.stall_open = rows[i].open;
			sample.scanned_pages = 9 + tick * rows[i].scans;
			window_add(&window, &sample);
		}
		assert_int_equal(window_evidence(&window).reclaiming, rows[i].reclaiming);
	}
}

/* A total of 0 bytes makes the level missing. */
static void test_no_total(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	for (uint64_t tick = 0; tick <= 10; tick++) {
		struct sample sample = steady(tick);

		sample.total_bytes = 0;
		window_add(&window, &sample);
	}
	e = window_evidence(&window);
	assert_int_equal(e.has & EVIDENCE_HAS_LEVEL, 0);
}

/* Other intervals between samples with the same rates give the same shares. */
static void test_time_scale(void **state)
{
	static const uint64_t ticks_ns[] = {35 * MS, 50 * MS, 100 * MS, 200 * MS, 400 * MS};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ticks_ns); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 0; tick <= 40; tick++) {
			struct sample sample = steady(tick);
			uint64_t t = tick * ticks_ns[i];

			sample.at_ns = START + t;
			sample.stall_ns = t / 4;
			sample.io_ns = sample.io_done_ns = t / 10 * 8;
			sample.refault_ns = t / 10 * 6;
			sample.run_ns = t / 10 * 4;
			sample.held_bytes = 0;
			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		assert_near(e.stall, 0.25);
		assert_near(e.io, 0.8);
		assert_near(e.thrash, 0.6);
		assert_near(e.run, 0.4);
		assert_near(e.lost_share, 0.6 / 1.2);
		assert_near(e.refaulted, 0.9);
		assert_near(e.within_reach, 0.75);
	}
}

static void test_losses(void **state)
{
	static const uint32_t counts[] = {0, 5, UINT32_MAX}; /* the last one wraps */

	(void)state;
	/* a loss within the span counts, one before it does not */
	for (uint64_t lost_at = 0; lost_at <= 20; lost_at++) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			struct window window = {0};
			struct evidence e;

			for (uint64_t tick = 0; tick <= 20; tick++) {
				struct sample sample = steady(tick);

				sample.losses = counts[i] + (tick >= lost_at);
				window_add(&window, &sample);
			}
			e = window_evidence(&window);
			if (e.lossy != (lost_at > 10))
				fail_msg("lost at tick %d: %d", (int)lost_at, e.lossy);
		}
	}
}

/* Open waits count as lost in the proportion of the ended ones, and never exceed all IO. */
static void test_open_waits(void **state)
{
	static const struct {
		uint64_t io, done, refault; /* a tick, ms */
		double thrash;
	} rows[] = {
		{80, 80, 60, 0.6},
		{80, 40, 30, 0.6}, /* half is open */
		{80, 40, 40, 0.8},
		{80, 0, 0, 0}, /* no wait has ended: none is known to be for a refault */
		{80, 90, 60, 0.6},
		{80, 80, 95, 0.8}, /* the sums of different CPUs are not read at the same time */
		{0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 0; tick <= 10; tick++) {
			struct sample sample = steady(tick);

			sample.io_ns = tick * rows[i].io * MS;
			sample.io_done_ns = tick * rows[i].done * MS;
			sample.refault_ns = tick * rows[i].refault * MS;
			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		if (!is_near(e.thrash, rows[i].thrash))
			fail_msg("row %zu: %g", i, e.thrash);
		assert_true(e.has & EVIDENCE_HAS_THRASH);
	}
}

/* Shares stay within 0 and 1 also when inputs contradict each other; no division by 0. */
static void test_bounds(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	for (uint64_t tick = 0; tick <= 10; tick++) {
		struct sample sample = {.at_ns = START + tick * TICK, .has = ALL_SAMPLE};

		sample.total_bytes = 1;
		window_add(&window, &sample);
	}
	e = window_evidence(&window);
	assert_int_equal(e.has, ALL_EVIDENCE);
	assert_near(e.stall, 0);
	assert_near(e.efficiency, 0);
	assert_near(e.lost_share, 0);
	assert_near(e.refaulted, 0);
	assert_near(e.within_reach, 0);
	assert_near(e.level, 0);
	assert_near(e.turnover, 0);
	assert_int_equal(e.exhausted_ns, UINT64_MAX);

	window_reset(&window);
	for (uint64_t tick = 0; tick <= 10; tick++) {
		struct sample sample = steady(tick);

		sample.stall_ns = tick * 10 * SEC; /* a hundred tasks */
		sample.refaults = sample.within_reach = 3 * sample.samples;
		sample.held_bytes = 300 * MIB;
		window_add(&window, &sample);
	}
	e = window_evidence(&window);
	assert_near(e.stall, 100);
	assert_near(e.lost_share, 0.6 / 1.2);
	assert_near(e.refaulted, 1);
	assert_near(e.within_reach, 1);
	assert_near(e.level, 1);
}

static void test_growth(void **state)
{
	static const struct {
		uint64_t from_mb, to_mb; /* within a second; the total is 256 */
		uint64_t mapped_mb;
		double growth_mb;
		uint64_t exhausted_ns;
		uint64_t low_headroom_ns;
	} rows[] = {
		{100, 100, 0, 0, UINT64_MAX, UINT64_MAX},
		{200, 100, 0, -100, UINT64_MAX, UINT64_MAX},
		{56, 156, 0, 100, SEC, SEC},
		{56, 156, 50, 100, SEC, SEC / 2},
		{206, 236, 0, 30, 666666666, 666666666},
		{206, 236, 20, 30, 666666666, 0},
		{206, 236, 100, 30, 666666666, 0}, /* more is mapped than is left */
		{250, 256, 0, 6, 0, 0},
		/* all that is left is mapped */
		{156, 156, 100, 0, UINT64_MAX, UINT64_MAX},
		{256, 256, 0, 0, 0, UINT64_MAX},
		{300, 280, 0, -20, 0, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 0; tick <= 10; tick++) {
			struct sample sample = steady(tick);

			sample.total_bytes = 256 * MB;
			sample.held_bytes =
				(rows[i].from_mb * (10 - tick) + rows[i].to_mb * tick) * MB / 10;
			sample.mapped_file_bytes = rows[i].mapped_mb * MB;
			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		assert_near(e.growth, rows[i].growth_mb * (double)MB);
		if (e.exhausted_ns != rows[i].exhausted_ns)
			fail_msg("row %zu: exhausted in %llu ns", i,
				 (unsigned long long)e.exhausted_ns);
		if (e.low_headroom_ns != rows[i].low_headroom_ns)
			fail_msg("row %zu: low headroom in %llu ns", i,
				 (unsigned long long)e.low_headroom_ns);
	}
}

/* Pages that were mapped within the window count as mapped, unless nearly all reads are new. */
static void test_low_headroom_recent(void **state)
{
	static const struct {
		uint64_t mapped_until; /* tick */
		uint32_t lacks;
		bool all_new;
		bool squeezed;
	} rows[] = {
		{60, 0, false, true},
		{60, 0, true, true}, /* it is still mapped */
		{50, 0, false, true},
		{50, 0, true, false},
		{50, SAMPLE_HAS_WAITS, true, true}, /* not known to be new */
		{60 - WINDOW_SLOTS + 1, 0, false, true},
		{60 - WINDOW_SLOTS, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = {0};
		struct evidence e;

		for (uint64_t tick = 0; tick <= 60; tick++) {
			struct sample sample = steady(tick);

			sample.has &= ~rows[i].lacks;
			sample.total_bytes = 256 * MB;
			sample.held_bytes = (176 + tick) * MB; /* 236, growing by 10 a second */
			if (tick <= rows[i].mapped_until)
				sample.mapped_file_bytes = 20 * MB;
			if (rows[i].all_new)
				sample.within_reach = sample.swapins = 0;
			window_add(&window, &sample);
		}
		e = window_evidence(&window);
		assert_int_equal(e.exhausted_ns, 2 * SEC);
		if (e.low_headroom_ns != (rows[i].squeezed ? 0 : 2 * SEC))
			fail_msg("row %zu: low headroom in %llu ns", i,
				 (unsigned long long)e.low_headroom_ns);
	}
}

/* At a byte a second exhaustion is not in sight, and the time does not overflow. */
static void test_growth_slow(void **state)
{
	struct window window = {0};
	struct evidence e;

	(void)state;
	for (uint64_t tick = 0; tick <= 10; tick++) {
		struct sample sample = steady(tick);

		sample.total_bytes = UINT64_MAX;
		sample.held_bytes = tick / 10;
		window_add(&window, &sample);
	}
	e = window_evidence(&window);
	assert_near(e.growth, 1 / 0.3); /* of the last three tenths */
	assert_int_equal(e.exhausted_ns, UINT64_MAX);
}

/* The same samples give the same evidence, byte for byte, and the window does not change. */
static void test_pure(void **state)
{
	struct window a = {0}, b = {0};
	struct evidence first, second;

	(void)state;
	fill(&a, 0, 25);
	b = a;
	first = window_evidence(&a);
	second = window_evidence(&a);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_equal(&first, &second, sizeof(first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_page_bytes),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_more_than_slots),
		cmocka_unit_test(test_too_little),
		cmocka_unit_test(test_rare),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_counter_reset),
		cmocka_unit_test(test_few_reads),
		cmocka_unit_test(test_sampling),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_tracking),
		cmocka_unit_test(test_lost_without_stall),
		cmocka_unit_test(test_unproductive_share),
		cmocka_unit_test(test_lost_share),
		cmocka_unit_test(test_reclaiming),
		cmocka_unit_test(test_no_total),
		cmocka_unit_test(test_time_scale),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_open_waits),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_low_headroom_recent),
		cmocka_unit_test(test_growth_slow),
		cmocka_unit_test(test_pure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What must hold of the judgement whatever the scope does: made-up worlds of calm, streaming,
 * livelocks and leaks in random order, seen well and seen badly.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "judge/config.h"
#include "judge/fields.h"
#include "judge/judge.h"

#define WORLDS	  300
#define START_NS  (1000 * SEC)
#define PERIOD_NS (100 * MS)
#define TICKS_MAX 600
#define SEEN_BITS                                                                                  \
	(SAMPLE_HAS_STALL | SAMPLE_HAS_WAITS | SAMPLE_HAS_LEVEL | SAMPLE_HAS_REFAULTS |            \
	 SAMPLE_HAS_FAULTS | SAMPLE_HAS_SAMPLING)

/* Rates are a second's; those in tasks are shares of it. */
struct phase {
	uint64_t length_ns;
	double stall, reclaims, pages;		 /* tasks, 1/s, 1/s */
	double io, waited, run, worked;		 /* tasks */
	double samples, refaulted, within_reach; /* 1/s, shares */
	double refault_pages, faults;		 /* 1/s */
	double level;				 /* at its end; in between a straight line */
};

struct world {
	struct phase phases[6];
	size_t count;
	double level; /* at the start */
};

static struct phase calm(uint64_t *random)
{
	return (struct phase){.length_ns = (uint64_t)between(random, 0.3e9, 4e9),
			      .io = between(random, 0, 0.5),
			      .run = between(random, 0, 2),
			      .samples = between(random, 0, 100),
			      .reclaims = between(random, 0, 5),
			      .level = between(random, 0.1, 0.9)};
}

static struct phase stream(uint64_t *random)
{
	struct phase p = calm(random);

	p.stall = between(random, 0, 0.4);
	p.reclaims = between(random, 100, 5000);
	p.pages = 64 * p.reclaims;
	p.io = between(random, 0.3, 1);
	p.waited = p.io * between(random, 0, 0.15);
	p.run = between(random, 0.4, 1);
	p.samples = 1000;
	p.refaulted = between(random, 0, 0.2);
	p.within_reach = p.refaulted / 2;
	p.faults = between(random, 0, 1000);
	return p;
}

static struct phase livelock(uint64_t *random)
{
	struct phase p = stream(random);

	p.io = between(random, 1, 2);
	p.waited = p.io * between(random, 0.85, 1);
	p.run = between(random, 0.05, 0.2);
	p.worked = p.run * between(random, 0.5, 1);
	p.refaulted = p.within_reach = between(random, 0.9, 1);
	p.refault_pages = between(random, 1000, 50000);
	p.level = between(random, 0.72, 0.97);
	return p;
}

static struct world make_world(uint64_t seed)
{
	uint64_t random = seed * 2654435761 + 88172645463325252ULL;
	struct world world = {.count = 6, .level = between(&random, 0.1, 0.9)};

	for (size_t i = 0; i < world.count; i++) {
		switch (next_random(&random) % 4) {
		case 0:
			world.phases[i] = calm(&random);
			break;
		case 1:
			world.phases[i] = stream(&random);
			break;
		default:
			world.phases[i] = livelock(&random);
		}
	}
	return world;
}

/* Well for ever, then a livelock for ever. */
static struct world make_fall(uint64_t seed, uint64_t well_ns)
{
	uint64_t random = seed + 1234567;
	struct world world = {
		.phases = {stream(&random), livelock(&random)}, .count = 2, .level = 0.5};

	/* no growth: that would be a spike */
	world.level = world.phases[1].level;
	world.phases[0].waited = 0;
	world.phases[0].length_ns = well_ns;
	world.phases[0].level = world.phases[1].level;
	world.phases[1].length_ns = 3600 * SEC;
	return world;
}

static uint64_t length_of(const struct world *world)
{
	uint64_t length_ns = 0;

	for (size_t i = 0; i < world->count; i++)
		length_ns += world->phases[i].length_ns;
	return length_ns;
}

/* The counters of the world at @t_ns since its beginning: sums of rates over time. */
static struct sample see(const struct world *world, uint64_t t_ns)
{
	double stall = 0, reclaims = 0, pages = 0, io = 0, waited = 0, run = 0, worked = 0;
	double samples = 0, refaults = 0, within_reach = 0, refault_pages = 0, faults = 0;
	double level = world->level;
	uint64_t left_ns = t_ns;

	for (size_t i = 0; i < world->count; i++) {
		const struct phase *p = &world->phases[i];
		uint64_t part_ns = left_ns < p->length_ns ? left_ns : p->length_ns;
		double s = (double)part_ns / 1e9;

		stall += p->stall * s;
		reclaims += p->reclaims * s;
		pages += p->pages * s;
		io += p->io * s;
		waited += p->waited * s;
		run += p->run * s;
		worked += p->worked * s;
		samples += p->samples * s;
		refaults += p->samples * p->refaulted * s;
		within_reach += p->samples * p->within_reach * s;
		refault_pages += p->refault_pages * s;
		faults += p->faults * s;
		level += (p->level - level) * s / ((double)p->length_ns / 1e9);
		left_ns -= part_ns;
	}
	return (struct sample){
		.at_ns = START_NS + t_ns,
		.has = SEEN_BITS,
		.stall_ns = (uint64_t)(stall * 1e9),
		.reclaims = (uint64_t)reclaims,
		.reclaimed_pages = (uint64_t)pages,
		.io_ns = (uint64_t)(io * 1e9),
		.io_done_ns = (uint64_t)(io * 1e9),
		.refault_ns = (uint64_t)(waited * 1e9),
		.run_ns = (uint64_t)(run * 1e9),
		.refault_sys_ns = (uint64_t)(worked * 1e9),
		.added_pages = (uint64_t)(samples * 16),
		.pages_per_sample = 16,
		.samples = (uint64_t)samples,
		.refaults = (uint64_t)refaults,
		.within_reach = (uint64_t)within_reach,
		.total_bytes = 256 * MIB,
		.held_bytes = (uint64_t)(level * 256 * MIB),
		.usage_bytes = 256 * MIB,
		.anon_bytes = (uint64_t)(level * 256 * MIB),
		.file_lru_bytes = (uint64_t)((1 - level) * 256 * MIB),
		.refault_pages = (uint64_t)refault_pages,
		.major_faults = (uint64_t)faults,
	};
}

struct view {
	struct sample samples[TICKS_MAX];
	size_t count;
};

/* Seen every @period_ns, all of it or as much as finds room. */
static void look(const struct world *world, uint64_t period_ns, struct view *ret)
{
	uint64_t length_ns = length_of(world);

	ret->count = 0;
	for (uint64_t t = 0; t <= length_ns && ret->count < TICKS_MAX; t += period_ns)
		ret->samples[ret->count++] = see(world, t);
}

struct outcome {
	struct judgement at[TICKS_MAX];
	size_t count;
	uint64_t holds_ns; /* first time it was over the threshold, or acted; UINT64_MAX: never */
	uint64_t acts_ns;
	size_t known;
};

/* Judges every sample. Nobody dies: an act is repeated. */
static void judge_view(const struct view *view, enum pressure pressure, struct outcome *ret)
{
	const struct policy policy = {.name = (char *)"p",
				      .pressure = pressure,
				      .kills_per_minute = POLICY_KILLS_PER_MINUTE};
	struct judge judge;

	*ret = (struct outcome){
		.count = view->count, .holds_ns = UINT64_MAX, .acts_ns = UINT64_MAX};
	judge_begin(&judge, view->samples[0].at_ns);
	for (size_t i = 0; i < view->count; i++) {
		struct judgement *j = &ret->at[i];
		bool recovered;
		uint64_t mute_ns;

		judge_see(&judge, &view->samples[i]);
		*j = judge_tick(&judge, &policy, &view->samples[i], NULL, false);
		(void)judge_end(&judge, view->samples[i].at_ns, false, &recovered, &mute_ns);
		if (!j->judged)
			continue;
		ret->known += j->verdict.risk.known;
		if (j->verdict.action == VERDICT_ACT && ret->acts_ns == UINT64_MAX)
			ret->acts_ns = j->evidence.at_ns;
		if ((j->verdict.reason == REASON_HOLDING || j->verdict.action == VERDICT_ACT) &&
		    ret->holds_ns == UINT64_MAX)
			ret->holds_ns = j->evidence.at_ns;
	}
}

static bool same(const struct judgement *a, const struct judgement *b)
{
	return a->judged == b->judged && a->verdict.action == b->verdict.action &&
	       a->verdict.reason == b->verdict.reason && a->verdict.held_ns == b->verdict.held_ns &&
	       a->verdict.risk.known == b->verdict.risk.known &&
	       !memcmp(&a->verdict.risk.value, &b->verdict.risk.value, sizeof(double)) &&
	       a->blind == b->blind && a->recovered == b->recovered;
}

#define assert_same(a, b, world)                                                                   \
	do {                                                                                       \
		if (!same(a, b))                                                                   \
			fail_msg("world %d at %.1f s: %s %s %.17g, not %s %s %.17g", (int)(world), \
				 ((double)(b)->evidence.at_ns - START_NS) / 1e9,                   \
				 verdict_action_name((a)->verdict.action),                         \
				 verdict_reason_name((a)->verdict.reason),                         \
				 (a)->verdict.risk.value,                                          \
				 verdict_action_name((b)->verdict.action),                         \
				 verdict_reason_name((b)->verdict.reason),                         \
				 (b)->verdict.risk.value);                                         \
	} while (0)

/* Too large for a stack. */
static struct view plain_view, view;
static struct outcome plain, seen;

/* The worlds are worth something: many act at medium, many do not, and nearly all is judged. */
static void test_the_worlds(void **state)
{
	size_t acts = 0, never = 0;

	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		acts += plain.acts_ns != UINT64_MAX;
		never += plain.holds_ns == UINT64_MAX;
		assert_true(plain.known + 3 >= plain.count);
	}
	assert_true(acts > WORLDS / 3);
	assert_true(never > 0 && acts < WORLDS);
}

/*
 * `recovered` is told when the risk was far below the threshold and little was lost for a second,
 * and only after a warning.
 */
static void test_recovered_is_well(void **state)
{
	const struct policy policy = {.name = (char *)"p",
				      .pressure = PRESSURE_MEDIUM,
				      .warn_only = true,
				      .kills_per_minute = POLICY_KILLS_PER_MINUTE};
	size_t recoveries = 0, warnings = 0;

	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);
		struct judge judge;
		bool warned = false;

		look(&world, PERIOD_NS, &plain_view);
		judge_begin(&judge, plain_view.samples[0].at_ns);
		for (size_t i = 0; i < plain_view.count; i++) {
			plain.at[i] =
				judge_tick(&judge, &policy, &plain_view.samples[i], NULL, false);
			if (plain.at[i].verdict.action == VERDICT_WARN) {
				warned = true;
				warnings++;
			}
			if (!plain.at[i].recovered)
				continue;
			assert_true(warned);
			warned = false;
			recoveries++;
			for (size_t back = 0; back < 10; back++) {
				const struct judgement *j = &plain.at[i - back];

				if (j->verdict.risk.value >= 0.25 || j->evidence.lost_share >= 0.25)
					fail_msg(
						"world %d, %zu samples before: risk %.2f, lost %.2f",
						(int)w, back, j->verdict.risk.value,
						j->evidence.lost_share);
			}
		}
	}
	assert_true(recoveries > WORLDS / 10 && recoveries <= warnings);
}

/*
 * Files alone: at a level far below TRACKING_LEVEL tasks lose their time to pages that no kill
 * would keep. Page tracking goes on, one warning follows, and a recovery. A stream has neither.
 */
static void test_files_alone(void **state)
{
	static const struct {
		const char *name;
		double refaulted, refault_pages, faults, io, run;
		bool tracked, warned;
	} rows[] = {
		{"a livelock", 0.95, 20000, 400, 1.5, 0.2, true, true},
		{"random reads of a slow disk", 0.95, 400, 400, 0.98, 0.02, true, true},
		{"a stream", 0.02, 10, 1000, 1.5, 0.2, false, false},
		{"a busy service that reads some back", 0.9, 2000, 100, 0.4, 1, true, false},
		{"reads without faults", 0.95, 20000, 0, 1.5, 0.2, false, false},
	};
	const struct policy policy = {.name = (char *)"p",
				      .pressure = PRESSURE_MEDIUM,
				      .kills_per_minute = POLICY_KILLS_PER_MINUTE};

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		const struct phase files = {.length_ns = 10 * SEC,
					    .stall = 0.1,
					    .reclaims = 1000,
					    .pages = 64000,
					    .io = rows[row].io,
					    .run = rows[row].run,
					    .samples = 1000,
					    .refaulted = rows[row].refaulted,
					    .refault_pages = rows[row].refault_pages,
					    .faults = rows[row].faults,
					    .level = 0.1};
		struct world world = {.phases = {files, {.length_ns = 5 * SEC, .level = 0.1}},
				      .count = 2,
				      .level = 0.1};
		unsigned warnings = 0, recoveries = 0, tracked = 0;
		struct judge judge;

		look(&world, PERIOD_NS, &plain_view);
		judge_begin(&judge, START_NS);
		for (size_t i = 0; i < plain_view.count; i++) {
			struct judgement j;

			judge_see(&judge, &plain_view.samples[i]);
			tracked += judge_wants_tracking(&judge);
			j = judge_tick(&judge, &policy, &plain_view.samples[i], NULL, false);
			assert_int_not_equal(j.verdict.action, VERDICT_ACT);
			if (j.verdict.action == VERDICT_WARN) {
				assert_int_equal(j.verdict.reason, REASON_LEVEL_LOW);
				assert_true(i > 30 && i < 50);
				warnings++;
			}
			recoveries += j.recovered;
		}
		if (warnings != rows[row].warned || recoveries != rows[row].warned ||
		    (tracked > 0) != rows[row].tracked)
			fail_msg("%s: %u warnings, %u recoveries, tracked in %u samples",
				 rows[row].name, warnings, recoveries, tracked);
	}
}

static void test_same_input_same_verdict(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		judge_view(&plain_view, PRESSURE_MEDIUM, &seen);
		for (size_t i = 0; i < plain.count; i++)
			assert_same(&seen.at[i], &plain.at[i], w);
	}
}

/* Only differences count: neither when the clock began, nor the counters. */
static void test_origins_do_not_matter(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);
		uint64_t random = w + 1;

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		view = plain_view;
		for (size_t f = 0; f < SAMPLE_FIELDS_COUNT; f++) {
			const struct sample_field *field = &sample_fields[f];
			uint64_t by = next_random(&random) >> 2;

			if (field->kind != FIELD_COUNTER)
				continue;
			for (size_t i = 0; i < view.count; i++)
				sample_set(&view.samples[i], field,
					   sample_get(&view.samples[i], field) + by);
		}
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		for (size_t i = 0; i < plain.count; i++)
			assert_same(&seen.at[i], &plain.at[i], w);
	}
}

/* The same samples, some of them twice or late: what is not new says nothing. */
static void test_repeated_and_late_samples(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);
		static size_t fresh[TICKS_MAX]; /* where the samples of plain_view went */
		uint64_t random = w + 1;
		size_t n = 0, judged = 0;

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		view.count = 0;
		for (; n < plain_view.count && view.count < TICKS_MAX; n++) {
			fresh[n] = view.count;
			view.samples[view.count++] = plain_view.samples[n];
			while (next_random(&random) % 3 == 0 && view.count < TICKS_MAX)
				view.samples[view.count++] =
					plain_view.samples[next_random(&random) % (n + 1)];
		}
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		for (size_t i = 0; i < n; i++) {
			assert_same(&seen.at[fresh[i]], &plain.at[i], w);
			judged += seen.at[fresh[i]].judged;
		}
		for (size_t k = 0; k < view.count; k++)
			judged -= seen.at[k].judged;
		assert_int_equal(judged, 0);
	}
}

/* A part of the samples never came. */
static void test_missing_samples(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w), fall = make_fall(w, 5 * SEC);
		uint64_t random = w + 1;

		/* where nothing is ever over the threshold, no gap makes an act */
		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		view.count = 0;
		for (size_t i = 0; i < plain_view.count; i++)
			if (next_random(&random) % 3)
				view.samples[view.count++] = plain_view.samples[i];
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		if (plain.holds_ns == UINT64_MAX)
			assert_true(seen.acts_ns == UINT64_MAX);

		/* and what stays so bad is acted on all the same, a little later */
		look(&fall, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		assert_true(plain.acts_ns != UINT64_MAX);
		view.count = 0;
		for (size_t i = 0; i < plain_view.count; i++)
			if (next_random(&random) % 3)
				view.samples[view.count++] = plain_view.samples[i];
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		assert_true(seen.acts_ns != UINT64_MAX);
		assert_true(seen.acts_ns < plain.acts_ns + 2 * SEC);
	}
}

/* We were stopped for seconds: what was before does not count as held. */
static void test_a_gap_is_not_held(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world fall = make_fall(w, 5 * SEC);
		uint64_t from = 0, until;

		look(&fall, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		/* from the first moment that it is over the threshold */
		from = plain.holds_ns;
		until = from + 2100 * MS + w * 10 * MS;
		view.count = 0;
		for (size_t i = 0; i < plain_view.count; i++)
			if (plain_view.samples[i].at_ns <= from ||
			    plain_view.samples[i].at_ns >= until)
				view.samples[view.count++] = plain_view.samples[i];
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		assert_true(seen.acts_ns != UINT64_MAX);
		/* 0.3 s until there is evidence, 0.2 s (two samples) where there is no doubt */
		assert_true(seen.acts_ns >= until + 500 * MS);
	}
}

/*
 * A counter that wraps or begins anew never makes trouble look worse, and a second later it is as
 * if nothing had been.
 */
static void check_break(uint64_t w, const struct view *broken, uint64_t at_ns, bool wraps)
{
	judge_view(broken, PRESSURE_MEDIUM, &seen);
	for (size_t i = 0; i < plain.count; i++) {
		const struct judgement *a = &seen.at[i], *b = &plain.at[i];
		uint64_t now_ns = b->evidence.at_ns;

		/* a counter that stands still at the end wraps where it stopped */
		if (now_ns < at_ns && !wraps)
			assert_same(a, b, w);
		if (a->judged && a->verdict.risk.known && b->verdict.risk.known)
			assert_true(a->verdict.risk.value <= b->verdict.risk.value + 1e-9);
		if (now_ns > at_ns + WINDOW_SPAN_NS + 2 * PERIOD_NS) {
			assert_int_equal(a->verdict.risk.known, b->verdict.risk.known);
			assert_true(a->verdict.risk.value == b->verdict.risk.value);
		}
	}
	assert_true(seen.acts_ns >= plain.acts_ns || seen.acts_ns < at_ns);
}

static void test_counters_that_go_back(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);
		uint64_t at_ns;
		size_t middle;

		/* that much has been counted when it happens */
		world.phases[0] = make_fall(w, SEC).phases[1];
		world.phases[0].length_ns = 3 * SEC;
		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		middle = 25 + (size_t)(w % (plain_view.count - 25));
		at_ns = plain_view.samples[middle].at_ns;

		for (int wraps = 0; wraps < 2; wraps++) {
			view = plain_view;
			for (size_t f = 0; f < SAMPLE_FIELDS_COUNT; f++) {
				const struct sample_field *field = &sample_fields[f];
				uint64_t then = sample_get(&view.samples[middle], field);

				if (field->kind != FIELD_COUNTER || !field->need)
					continue;
				/* zero at the middle, by 2^64 or by a new beginning */
				for (size_t i = wraps ? 0 : middle; i < view.count; i++)
					sample_set(&view.samples[i], field,
						   sample_get(&view.samples[i], field) - then);
			}
			check_break(w, &view, at_ns, wraps);
		}
	}
}

/* An input that this host does not have, or that now and then cannot be read. */
static void test_missing_inputs(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);
		uint64_t random = w + 1;

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		for (uint32_t bit = 1; bit <= SEEN_BITS; bit <<= 1) {
			/* never */
			view = plain_view;
			for (size_t i = 0; i < view.count; i++)
				view.samples[i].has &= ~bit;
			judge_view(&view, PRESSURE_MEDIUM, &seen);
			assert_true(seen.acts_ns >= plain.acts_ns);
			if (bit == SAMPLE_HAS_LEVEL)
				assert_true(seen.acts_ns == UINT64_MAX);
			/* now and then */
			view = plain_view;
			for (size_t i = 0; i < view.count; i++)
				if (next_random(&random) % 4 == 0)
					view.samples[i].has &= ~bit;
			judge_view(&view, PRESSURE_MEDIUM, &seen);
			/* waits are of what was seen of a window: a part of it may look worse, and
			 * again and again where the risk is about the threshold: for 5 to 6 s in
			 * these worlds */
			assert_true(seen.acts_ns >=
				    plain.acts_ns -
					    (bit == SAMPLE_HAS_WAITS ? 6 * WINDOW_SPAN_NS : 0));
		}
		view = plain_view;
		for (size_t i = 0; i < view.count; i++)
			view.samples[i].has = 0;
		judge_view(&view, PRESSURE_LOW, &seen);
		assert_true(seen.acts_ns == UINT64_MAX && seen.known == 0);
		/* a kernel side that loses events all the time is not believed */
		view = plain_view;
		for (size_t i = 0; i < view.count; i++)
			view.samples[i].losses = (uint32_t)i;
		judge_view(&view, PRESSURE_LOW, &seen);
		assert_true(seen.acts_ns == UINT64_MAX);
	}
}

/* More thrash, or a higher level, in every phase: at no moment less risk, and no later act. */
static void test_more_trouble_is_no_less_risk(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w), worse = world;
		uint64_t random = w + 1;

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		for (size_t i = 0; i < world.count; i++) {
			double more = between(&random, 0, 0.5);

			if (w % 2) {
				worse.phases[i].io += more;
				worse.phases[i].waited += more;
			}
		}
		look(&worse, PERIOD_NS, &view);
		/* a level that is higher all along, and grows no slower */
		for (size_t i = 0; i < view.count && w % 2 == 0; i++)
			view.samples[i].held_bytes += 8 * MIB;
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		for (size_t i = 0; i < plain.count; i++)
			if (plain.at[i].verdict.risk.known)
				assert_true(seen.at[i].verdict.risk.known &&
					    seen.at[i].verdict.risk.value >=
						    plain.at[i].verdict.risk.value - 1e-7);
		assert_true(seen.acts_ns <= plain.acts_ns);
	}
}

/* low before medium before high. */
static void test_pressures_are_in_order(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world world = make_world(w);
		uint64_t low_ns, medium_ns;

		look(&world, PERIOD_NS, &plain_view);
		judge_view(&plain_view, PRESSURE_LOW, &plain);
		low_ns = plain.acts_ns;
		judge_view(&plain_view, PRESSURE_MEDIUM, &plain);
		medium_ns = plain.acts_ns;
		judge_view(&plain_view, PRESSURE_HIGH, &plain);
		assert_true(low_ns <= medium_ns && medium_ns <= plain.acts_ns);
	}
}

/* The same fall seen twice as often, or three times as rarely, or unevenly: the same verdict. */
static void test_how_often_does_not_matter(void **state)
{
	static const uint64_t periods_ns[] = {50 * MS, 100 * MS, 170 * MS, 300 * MS};

	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world fall = make_fall(w, 5 * SEC);
		uint64_t random = w + 1;

		for (size_t p = 0; p <= ARRAY_SIZE(periods_ns); p++) {
			view.count = 0;
			for (uint64_t t = 0; t < 12 * SEC && view.count < TICKS_MAX;
			     t += p < ARRAY_SIZE(periods_ns)
					  ? periods_ns[p]
					  : 20 * MS + next_random(&random) % (300 * MS))
				view.samples[view.count++] = see(&fall, t);
			judge_view(&view, PRESSURE_MEDIUM, &seen);
			assert_true(seen.acts_ns > START_NS + 5 * SEC + 500 * MS);
			assert_true(seen.acts_ns != UINT64_MAX);
			/* steady is steady, however it is seen */
			assert_true(seen.at[seen.count - 1].verdict.risk.known);
			if (p == 0)
				plain = seen;
			/* two samples sooner or later at most */
			assert_true(seen.acts_ns <= plain.acts_ns + 640 * MS);
			assert_true(plain.acts_ns <= seen.acts_ns + 640 * MS);
			assert_true(seen.at[seen.count - 1].verdict.risk.value -
					    plain.at[plain.count - 1].verdict.risk.value <
				    1e-4);
			assert_true(plain.at[plain.count - 1].verdict.risk.value -
					    seen.at[seen.count - 1].verdict.risk.value <
				    1e-4);
		}
	}
}

/* All of it ten times slower or faster: shares of time are shares of time. */
static void test_time_scaled(void **state)
{
	static const double scales[] = {0.1, 0.5, 2, 10};

	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world fall = make_fall(w, 5 * SEC), scaled = fall;

		look(&fall, PERIOD_NS, &view);
		judge_view(&view, PRESSURE_MEDIUM, &plain);
		for (size_t k = 0; k < ARRAY_SIZE(scales); k++) {
			for (size_t i = 0; i < fall.count; i++) {
				/* a slower disk and CPU: as much time lost, by fewer events */
				scaled.phases[i].reclaims = fall.phases[i].reclaims / scales[k];
				scaled.phases[i].pages = fall.phases[i].pages / scales[k];
				scaled.phases[i].samples = fall.phases[i].samples / scales[k];
				scaled.phases[i].refault_pages =
					fall.phases[i].refault_pages / scales[k];
				scaled.phases[i].faults = fall.phases[i].faults / scales[k];
			}
			look(&scaled, PERIOD_NS, &view);
			judge_view(&view, PRESSURE_MEDIUM, &seen);
			/* shares of few events are coarse: two samples sooner or later */
			assert_true(seen.acts_ns + 2 * PERIOD_NS >= plain.acts_ns &&
				    seen.acts_ns <= plain.acts_ns + 2 * PERIOD_NS);
		}
	}
}

/* A scope that becomes hot in the middle of its trouble, or goes and comes back. */
static void test_a_scope_that_appears_midway(void **state)
{
	const struct policy policy = {.name = (char *)"p",
				      .pressure = PRESSURE_MEDIUM,
				      .kills_per_minute = POLICY_KILLS_PER_MINUTE};

	(void)state;
	for (uint64_t w = 0; w < WORLDS; w++) {
		struct world fall = make_fall(w, 3 * SEC);
		uint64_t begin = 20 + w % 60, acts_ns = UINT64_MAX, first_ns, took_ns;
		struct judge judge;

		look(&fall, PERIOD_NS, &view);
		judge_view(&view, PRESSURE_MEDIUM, &plain);
		took_ns = plain.acts_ns - (START_NS + 3 * SEC);
		memmove(view.samples, view.samples + begin,
			(view.count - begin) * sizeof(view.samples[0]));
		view.count -= begin;
		judge_view(&view, PRESSURE_MEDIUM, &seen);
		first_ns = view.samples[0].at_ns > START_NS + 3 * SEC ? view.samples[0].at_ns
								      : START_NS + 3 * SEC;
		/* not before it was looked at for long enough, and soon after that */
		assert_true(seen.acts_ns >= view.samples[0].at_ns + 700 * MS);
		assert_true(seen.acts_ns <= first_ns + took_ns + 700 * MS);

		/* gone just before it would have acted: it begins from nothing when it comes back
		 */
		judge_begin(&judge, view.samples[0].at_ns);
		for (size_t i = 0; view.samples[i].at_ns < seen.acts_ns; i++) {
			judge_see(&judge, &view.samples[i]);
			(void)judge_tick(&judge, &policy, &view.samples[i], NULL, false);
		}
		judge_begin(&judge, seen.acts_ns);
		for (size_t i = 0; i < view.count && acts_ns == UINT64_MAX; i++) {
			if (view.samples[i].at_ns < seen.acts_ns)
				continue;
			judge_see(&judge, &view.samples[i]);
			if (judge_tick(&judge, &policy, &view.samples[i], NULL, false)
				    .verdict.action == VERDICT_ACT)
				acts_ns = view.samples[i].at_ns;
		}
		assert_true(acts_ns >= seen.acts_ns + 700 * MS && acts_ns != UINT64_MAX);
	}
}

/*
 * A scope of half its limit that reclaims: page tracking goes on with the first sign of loss, and
 * where nothing can tell. Without page tracking such a scope is calm, not blind.
 */
static void test_tracked_where_there_is_loss(void **state)
{
	static const struct {
		const char *name;
		uint32_t missing;
		double refault_pages, faults, growth; /* growth: of the level, in 10 s */
		bool tracked;
	} rows[] = {
		{"a stream", 0, 0, 0, 0, false},
		{"growth, nothing lost yet", 0, 0, 0, 0.15, true},
		{"slow growth", 0, 0, 0, 0.05, false},
		{"refaults", 0, 400, 0, 0, true},
		{"major faults", 0, 0, 100, 0, true},
		{"programs that start", 0, 0, 5, 0, false},
		{"major faults, refaults missing", SAMPLE_HAS_REFAULTS, 0, 100, 0, true},
		{"refaults, major faults missing", SAMPLE_HAS_FAULTS, 400, 0, 0, true},
		{"both missing", SAMPLE_HAS_REFAULTS | SAMPLE_HAS_FAULTS, 0, 0, 0, true},
	};
	const struct policy policy = {.name = (char *)"p",
				      .pressure = PRESSURE_MEDIUM,
				      .kills_per_minute = POLICY_KILLS_PER_MINUTE};

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		const struct phase reading = {.length_ns = 10 * SEC,
					      .stall = 0.1,
					      .reclaims = 1000,
					      .pages = 64000,
					      .refault_pages = rows[row].refault_pages,
					      .faults = rows[row].faults,
					      .level = 0.5};
		struct world world = {
			.phases = {reading}, .count = 1, .level = 0.5 - rows[row].growth};
		unsigned tracked = 0, blind = 0;
		struct judge judge;

		look(&world, PERIOD_NS, &plain_view);
		judge_begin(&judge, START_NS);
		for (size_t i = 0; i < plain_view.count; i++) {
			struct sample *sample = &plain_view.samples[i];

			sample->has &= ~(rows[row].missing | SAMPLE_HAS_WAITS);
			judge_see(&judge, sample);
			/* the first sample has nothing to be compared with */
			assert_true(judge_wants_tasks(&judge));
			tracked += i && judge_wants_tracking(&judge);
			blind += judge_tick(&judge, &policy, sample, NULL, false).blind;
		}
		/* the growth needs a few samples */
		if ((tracked >= plain_view.count - 10) != rows[row].tracked ||
		    (tracked > 0) != rows[row].tracked || (blind > 0) != rows[row].tracked)
			fail_msg("%s: tracked in %u samples, blind %u times", rows[row].name,
				 tracked, blind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_worlds),
		cmocka_unit_test(test_files_alone),
		cmocka_unit_test(test_tracked_where_there_is_loss),
		cmocka_unit_test(test_recovered_is_well),
		cmocka_unit_test(test_same_input_same_verdict),
		cmocka_unit_test(test_origins_do_not_matter),
		cmocka_unit_test(test_repeated_and_late_samples),
		cmocka_unit_test(test_missing_samples),
		cmocka_unit_test(test_a_gap_is_not_held),
		cmocka_unit_test(test_counters_that_go_back),
		cmocka_unit_test(test_missing_inputs),
		cmocka_unit_test(test_more_trouble_is_no_less_risk),
		cmocka_unit_test(test_pressures_are_in_order),
		cmocka_unit_test(test_how_often_does_not_matter),
		cmocka_unit_test(test_time_scaled),
		cmocka_unit_test(test_a_scope_that_appears_midway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <math.h>

#include "base/util.h"
#include "judge/model.h"
#include "judge/window.h"
#include "unit/unit.h"

#define ESSENTIAL (EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL)

static struct evidence evidence(double lost, double avoidable, double thrash, double level)
{
	return (struct evidence){
		.span_ns = SEC,
		.has = ESSENTIAL,
		.lost_share = lost,
		.avoidable = avoidable,
		.thrash = thrash,
		.level = level,
		.exhausted_ns = UINT64_MAX,
	};
}

/*
 * Bounds of the risk for single windows, whatever the weights are fitted to. The rows are medians
 * of the livelocks in tests/corpus, and the worst second of its streams.
 */
static void test_bounds(void **state)
{
	static const struct {
		const char *name;
		double lost, avoidable, thrash, level;
		double stall, pages_per_ms, unproductive;
		double least, most; /* risk */
	} rows[] = {
		{"livelock, 4 KiB reads", 0.97, 0.89, 0.97, 0.79, 0.02, 190, 1, 0.65, 1},
		{"livelock, large folios", 0.79, 1, 0.30, 0.79, 0.73, 85, 1, 0.75, 1},
		{"nothing", 0, 0, 0, 0, 0, 0, 0, 0, 0.1},
		{"full, and calm", 0, 0, 0, 1, 0, 0, 0, 0, 0.1},
		{"stream pushing out a service", 0.77, 0.17, 0.64, 0.73, 0.5, 130, 0, 0, 0.25},
		{"a start beside a service", 0.71, 0.04, 0.43, 0.84, 0.2, 4000, 0, 0, 0.25},
		{"dd loop beside anonymous memory", 0, 0, 0, 0.86, 0.37, 650, 0, 0, 0.1},
		{"cp loop beside anonymous memory", 0.43, 0.39, 0.44, 0.76, 0.8, 140, 0, 0, 0.5},
		{"IO of what was evicted long ago", 1, 0, 1, 1, 0.1, 400, 0, 0, 0.25},
		{"nothing lost but in reclaim", 0, 1, 0, 1, 4, 400, 0, 0, 0.25},
	};

	(void)state;
	/* with and without unproductive tasks */
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t row = i / 2;
		struct evidence e = evidence(rows[row].lost, rows[row].avoidable, rows[row].thrash,
					     rows[row].level);
		struct risk risk;

		e.has |= EVIDENCE_HAS_STALL | (i % 2 ? EVIDENCE_HAS_UNPRODUCTIVE : 0);
		e.stall = rows[row].stall;
		e.efficiency = rows[row].pages_per_ms;
		e.unproductive_share = rows[row].unproductive;
		risk = model_risk(&e);
		assert_true(risk.known);
		if (risk.value < rows[row].least || risk.value > rows[row].most)
			fail_msg("%s, %s: risk %g", rows[row].name,
				 i % 2 ? "all known" : "without unproductive tasks", risk.value);
	}
}

/* A random number of any order of magnitude. */
static double any_size(uint64_t *random)
{
	return next_random(random) % 8 ? exp(between(random, -5, 9)) : 0;
}

static struct evidence any_evidence(uint64_t *random)
{
	struct evidence e = evidence(between(random, 0, 1), between(random, 0, 1), any_size(random),
				     between(random, 0, 1));

	e.has |= EVIDENCE_HAS_STALL | EVIDENCE_HAS_FAULTS | EVIDENCE_HAS_TURNOVER;
	e.stall = any_size(random);
	e.efficiency = any_size(random);
	e.major_faults = any_size(random);
	e.turnover = any_size(random);
	e.unproductive_share = between(random, 0, 1);
	if (next_random(random) % 2)
		e.has |= EVIDENCE_HAS_UNPRODUCTIVE;
	if (next_random(random) % 2)
		e.exhausted_ns = (uint64_t)(any_size(random) * 1e9);
	return e;
}

static double risk_of(const struct evidence *e)
{
	struct risk risk = model_risk(e);
	double sum = risk.intercept;

	assert_true(risk.known);
	assert_true(risk.value >= 0 && risk.value <= 1);
	for (int i = 0; i < FEATURES_; i++) {
		/* no feature lowers the risk */
		assert_true(risk.contributions[i] >= 0);
		sum += risk.contributions[i];
	}
	/* intercept and contributions give the risk */
	assert_true(is_near(1 / (1 + exp(-sum)), risk.value));
	return risk.value;
}

/* More of any sign of trouble never lowers the risk, whatever the others are. */
static void test_monotone(void **state)
{
	uint64_t random = 88172645463325252ULL;
	struct evidence less, more;
	size_t differ = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		less = any_evidence(&random);
		less.no_tracking = i % 4 == 0;
		if (less.no_tracking)
			less.has &= ~(uint32_t)EVIDENCE_HAS_THRASH;
		more = less;
		switch (next_random(&random) % 10) {
		case 0:
			more.lost_share += between(&random, 0, 1 - less.lost_share);
			break;
		case 1:
			more.avoidable += between(&random, 0, 1 - less.avoidable);
			break;
		case 2:
			more.thrash += any_size(&random);
			break;
		case 3:
			more.level += between(&random, 0, 1 - less.level);
			break;
		case 4:
			more.stall += any_size(&random);
			break;
		case 5:
			more.efficiency *= between(&random, 0, 1);
			break;
		case 6:
			more.major_faults += any_size(&random);
			break;
		case 7:
			more.turnover += any_size(&random);
			break;
		case 8:
			more.unproductive_share = between(&random, less.unproductive_share, 1);
			break;
		default:
			if (less.exhausted_ns == UINT64_MAX)
				more.exhausted_ns = (uint64_t)(any_size(&random) * 1e9);
			else
				more.exhausted_ns = (uint64_t)((double)less.exhausted_ns *
							       between(&random, 0, 1));
		}
		assert_true(risk_of(&less) <= risk_of(&more));
		differ += risk_of(&less) < risk_of(&more);
	}
	/* the risk did change */
	assert_true(differ > 10000);
	/* each of these has an effect */
	more = evidence(1, 1, 0, 0);
	less = evidence(0, 1, 0, 0);
	assert_true(risk_of(&less) < risk_of(&more));
	less = evidence(1, 0, 0, 0);
	assert_true(risk_of(&less) < risk_of(&more));
}

/* A missing input that is not essential never raises the risk. */
static void test_missing_is_calm(void **state)
{
	const uint32_t others[] = {EVIDENCE_HAS_STALL, EVIDENCE_HAS_FAULTS, EVIDENCE_HAS_TURNOVER};
	uint64_t random = 1;

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		struct evidence e = any_evidence(&random), less = e;

		less.has &= ~others[i % ARRAY_SIZE(others)];
		assert_true(risk_of(&less) <= risk_of(&e));
	}
}

/* A missing essential input makes the risk unknown, and is named. */
static void test_missing(void **state)
{
	static const struct {
		uint64_t span_ns;
		uint32_t has, missing;
	} rows[] = {
		{SEC, ESSENTIAL, 0},
		{SEC, ESSENTIAL | EVIDENCE_HAS_STALL | EVIDENCE_HAS_FAULTS, 0},
		{SEC, EVIDENCE_HAS_LEVEL, EVIDENCE_HAS_THRASH},
		{SEC, EVIDENCE_HAS_THRASH, EVIDENCE_HAS_LEVEL},
		{SEC, EVIDENCE_HAS_STALL | EVIDENCE_HAS_TURNOVER, ESSENTIAL},
		{SEC, 0, ESSENTIAL},
		{0, ESSENTIAL, ESSENTIAL},
		{0, 0, ESSENTIAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e = evidence(1, 1, 1, 1);
		struct risk risk;

		e.span_ns = rows[i].span_ns;
		e.has = rows[i].has;
		risk = model_risk(&e);
		assert_int_equal(risk.missing, rows[i].missing);
		assert_int_equal(risk.known, !rows[i].missing);
		if (!risk.known)
			assert_true(risk.value == 0);
	}
}

/*
 * Where page tracking is impossible, the files suffice, if none is missing. Where it is possible
 * but not on yet, they do not.
 */
static void test_files_only(void **state)
{
	const uint32_t files = EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_STALL | EVIDENCE_HAS_TURNOVER |
			       EVIDENCE_HAS_FAULTS;
	static const struct {
		const char *name;
		double turnover, major_faults, stall, pages_per_ms;
		double least, most; /* risk */
	} rows[] = {
		{"livelock", 6, 100, 1, 60, 0.85, 1},
		{"a cold start: waits, and reads nothing back", 0, 1500, 0, 0, 0, 0.5},
		{"readahead: reads all back, and waits for nothing", 6, 0, 0, 0, 0, 0.5},
		{"stream-read-full, its medians", 97, 240, 0.22, 4200, 0, 0.65},
		{"database-128, its medians", 0.08, 1490, 0.01, 150, 0, 0.5},
		{"nothing", 0, 0, 0, 0, 0, 0.2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e = evidence(0, 0, 0, 0.8);
		struct risk risk, more;

		e.no_tracking = true;
		e.has = files;
		e.turnover = rows[i].turnover;
		e.major_faults = rows[i].major_faults;
		e.stall = rows[i].stall;
		e.efficiency = rows[i].pages_per_ms;
		risk = model_risk(&e);
		assert_true(risk.known && risk.contributions[FEATURE_AVOIDABLE] == 0);
		if (risk.value < rows[i].least || risk.value > rows[i].most)
			fail_msg("%s: risk %g", rows[i].name, risk.value);
		e.turnover *= 2;
		e.major_faults *= 2;
		e.stall *= 2;
		more = model_risk(&e);
		assert_true(more.value >= risk.value);

		for (uint32_t bit = 1; bit <= files; bit <<= 1) {
			if (!(files & bit))
				continue;
			e.has = files & ~bit;
			risk = model_risk(&e);
			assert_false(risk.known);
			assert_int_equal(risk.missing, bit);
		}
		e.has = files;
		e.no_tracking = false;
		risk = model_risk(&e);
		assert_false(risk.known);
		assert_int_equal(risk.missing, EVIDENCE_HAS_THRASH);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < FEATURES_; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(model_feature_name((enum feature)i),
						model_feature_name((enum feature)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),		cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_missing_is_calm), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_files_only),	cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

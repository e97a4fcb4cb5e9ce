/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <string.h>

#include "base/util.h"
#include "judge/model.h"
#include "judge/window.h"
#include "unit/unit.h"

#define ESSENTIAL (EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL)

static struct evidence evidence(double lost, double near, double thrash, double level)
{
	return (struct evidence){
		.span_ns = SEC,
		.has = ESSENTIAL,
		.lost_share = lost,
		.near = near,
		.thrash = thrash,
		.level = level,
		.exhausted_ns = UINT64_MAX,
	};
}

/*
 * What the weights must keep whatever they are fitted to, in words of single windows; whole runs
 * are tests/corpus. The rows are medians of its livelocks and the loudest second of its streams.
 */
static void test_promises(void **state)
{
	static const struct {
		const char *name;
		double lost, near, thrash, level; /* thrash: and reclaim */
		double least, most;		  /* risk */
	} rows[] = {
		{"livelock, 4 KiB reads", 0.89, 0.88, 0.89, 0.79, 0.9, 1},
		{"livelock, large folios", 0.80, 0.90, 1.00, 0.79, 0.9, 1},
		{"nothing", 0, 0, 0, 0, 0, 0.1},
		{"full, and calm", 0, 0, 0, 1, 0, 0.1},
		{"stream pushing out a service", 0.77, 0.17, 0.64, 0.73, 0, 0.75},
		{"dd loop beside anonymous memory", 0.00, 0.00, 0.00, 0.86, 0, 0.1},
		{"cp loop beside anonymous memory", 0.43, 0.05, 0.44, 0.76, 0, 0.5},
		{"IO of what was evicted long ago", 1, 0, 1, 1, 0, 0.75},
		{"nothing lost but in reclaim", 0, 1, 4, 1, 0, 0.5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e =
			evidence(rows[i].lost, rows[i].near, rows[i].thrash, rows[i].level);
		struct risk risk = model_risk(&e);

		assert_true(risk.known);
		if (risk.value < rows[i].least || risk.value > rows[i].most)
			fail_msg("%s: risk %g", rows[i].name, risk.value);
	}
}

static const double lost_grid[] = {0, 0.05, 0.14, 0.3, 0.5, 0.65, 0.9, 1};
static const double near_grid[] = {0, 0.1, 0.4, 0.7, 0.9, 1};
static const double thrash_grid[] = {0, 0.01, 0.1, 0.36, 0.7, 1, 1.24, 8, 1e6};
static const double level_grid[] = {0, 0.09, 0.3, 0.31, 0.5, 0.69, 0.7, 0.79, 1};
/* from far to near: what comes later is worse */
static const uint64_t exhausted_grid[] = {UINT64_MAX, 3600 * SEC, 10 * SEC, 9 * SEC,
					  5 * SEC,    SEC,	  MS,	    0};

static double risk_at(size_t lost, size_t near, size_t thrash, size_t level, size_t exhausted)
{
	struct evidence e =
		evidence(lost_grid[lost], near_grid[near], thrash_grid[thrash], level_grid[level]);
	struct risk risk;
	double sum;

	e.exhausted_ns = exhausted_grid[exhausted];
	risk = model_risk(&e);
	assert_true(risk.known);
	assert_true(risk.value >= 0 && risk.value <= 1);
	sum = risk.intercept;
	for (int i = 0; i < FEATURES_; i++) {
		/* no feature speaks for calm */
		assert_true(risk.contributions[i] >= 0);
		sum += risk.contributions[i];
	}
	/* the explanation is the judgement: even odds lie where the sum changes its sign */
	assert_true((sum > 0) == (risk.value > 0.5) || is_near(risk.value, 0.5));
	return risk.value;
}

/* More of anything bad is never less risk, whatever the rest is. */
static void test_monotone(void **state)
{
	enum {
		LOST,
		NEAR,
		THRASH,
		LEVEL,
		EXHAUSTED,
		AXES
	};
	static const size_t sizes[AXES] = {ARRAY_SIZE(lost_grid), ARRAY_SIZE(near_grid),
					   ARRAY_SIZE(thrash_grid), ARRAY_SIZE(level_grid),
					   ARRAY_SIZE(exhausted_grid)};
	size_t at[AXES] = {0}, axis;

	(void)state;
	do {
		double risk = risk_at(at[0], at[1], at[2], at[3], at[4]);

		for (axis = 0; axis < AXES; axis++) {
			size_t less[AXES];

			memcpy(less, at, sizeof(at));
			if (less[axis]--)
				assert_true(risk_at(less[0], less[1], less[2], less[3], less[4]) <=
					    risk);
		}
		for (axis = 0; axis < AXES && ++at[axis] == sizes[axis]; axis++)
			at[axis] = 0;
	} while (axis < AXES);
	/* what makes a livelock matters */
	assert_true(risk_at(0, 5, 0, 0, 0) < risk_at(5, 5, 0, 0, 0));
	assert_true(risk_at(5, 0, 0, 0, 0) < risk_at(5, 5, 0, 0, 0));
}

/* An essential input that is missing makes the risk unknown, and says which it was. */
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
 * Where the wide eyes cannot be had, files have to do, all of them; where they can, and are only
 * not open yet, files are no excuse.
 */
static void test_files_only(void **state)
{
	const uint32_t files = EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_STALL | EVIDENCE_HAS_TURNOVER |
			       EVIDENCE_HAS_FAULTS;
	static const struct {
		const char *name;
		double turnover, major_faults, stall, level;
		double least, most; /* risk */
	} rows[] = {
		{"livelock", 6, 100, 1, 0.8, 0.85, 1},
		{"a cold start: waits, and reads nothing back", 0, 1500, 0, 0.8, 0, 0.5},
		{"readahead: reads all back, and waits for nothing", 6, 0, 0, 0.8, 0, 0.5},
		{"database-128, its medians", 0.08, 1490, 0.01, 0.37, 0, 0.5},
		{"nothing", 0, 0, 0, 0, 0, 0.2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e = evidence(0, 0, 0, rows[i].level);
		struct risk risk, more;

		e.no_eyes = true;
		e.has = files;
		e.turnover = rows[i].turnover;
		e.major_faults = rows[i].major_faults;
		e.stall = rows[i].stall;
		risk = model_risk(&e);
		assert_true(risk.known && risk.contributions[FEATURE_NEAR] == 0);
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
		e.no_eyes = false;
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
		cmocka_unit_test(test_promises), cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_missing),	 cmocka_unit_test(test_files_only),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/util.h"
#include "judge/model.h"
#include "judge/window.h"
#include "unit/unit.h"

#define ESSENTIAL (EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL)

static struct evidence evidence(double lost, double thrash, double level)
{
	return (struct evidence){
		.span_ns = SEC,
		.has = ESSENTIAL,
		.lost_share = lost,
		.thrash = thrash,
		.level = level,
		.exhausted_ns = UINT64_MAX,
	};
}

/* The measured runs that the weights were set from, as model.c lists them. */
static void test_measured(void **state)
{
	static const struct {
		const char *name;
		double lost, thrash, level;
		double least, most; /* risk */
	} rows[] = {
		{"livelock, 4 KiB reads", 0.89, 0.89, 0.79, 0.95, 1},
		{"livelock, large folios", 0.90, 0.86, 0.79, 0.95, 1},
		{"dd loop, 190 MiB anonymous", 0.00, 0.00, 0.75, 0, 0.5},
		{"dd loop, 217 MiB anonymous", 0.00, 0.00, 0.86, 0, 0.5},
		{"mmap streaming, 190 MiB anonymous", 0.19, 0.18, 0.75, 0, 0.5},
		{"mmap streaming, 217 MiB anonymous", 0.25, 0.25, 0.86, 0, 0.5},
		{"cp loop, 190 MiB anonymous", 0.29, 0.21, 0.76, 0, 0.5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e = evidence(rows[i].lost, rows[i].thrash, rows[i].level);
		struct risk risk = model_risk(&e);

		assert_true(risk.known);
		if (risk.value < rows[i].least || risk.value > rows[i].most)
			fail_msg("%s: risk %g", rows[i].name, risk.value);
	}
}

/* What the comments beside the weights promise. */
static void test_promises(void **state)
{
	struct evidence e = evidence(0, 0, 0);

	(void)state;
	/* nothing to be seen: 0.0025 */
	assert_true(model_risk(&e).value > 0.002 && model_risk(&e).value < 0.003);
	/* the highest level takes a calm scope to 0.05 */
	e = evidence(0, 0, 1);
	assert_true(model_risk(&e).value > 0.04 && model_risk(&e).value < 0.06);
	/* growth alone is worth 0.02 */
	e = evidence(0, 0, 0);
	e.exhausted_ns = 0;
	assert_true(model_risk(&e).value > 0.01 && model_risk(&e).value < 0.025);
	/* thrash of a task without any level is enough for nothing */
	e = evidence(0, 1, 0);
	assert_true(model_risk(&e).value < 0.5);
	/* and with half a level it is enough for `low` */
	e = evidence(0.25, 1, 0.5);
	assert_true(model_risk(&e).value > 0.5);
}

static const double lost_grid[] = {0, 0.05, 0.14, 0.3, 0.5, 0.65, 0.9, 1};
static const double thrash_grid[] = {0, 0.01, 0.1, 0.36, 0.7, 1, 1.24, 8, 1e6};
static const double level_grid[] = {0, 0.09, 0.3, 0.31, 0.5, 0.69, 0.7, 0.79, 1};
/* from far to near: what comes later is worse */
static const uint64_t exhausted_grid[] = {UINT64_MAX, 3600 * SEC, 10 * SEC, 9 * SEC,
					  5 * SEC,    SEC,	  MS,	    0};

static double risk_at(size_t lost, size_t thrash, size_t level, size_t exhausted)
{
	struct evidence e = evidence(lost_grid[lost], thrash_grid[thrash], level_grid[level]);
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
	(void)state;
	for (size_t a = 0; a < ARRAY_SIZE(lost_grid); a++) {
		for (size_t b = 0; b < ARRAY_SIZE(thrash_grid); b++) {
			for (size_t c = 0; c < ARRAY_SIZE(level_grid); c++) {
				for (size_t d = 0; d < ARRAY_SIZE(exhausted_grid); d++) {
					double risk = risk_at(a, b, c, d);

					assert_true(!a || risk_at(a - 1, b, c, d) <= risk);
					assert_true(!b || risk_at(a, b - 1, c, d) <= risk);
					assert_true(!c || risk_at(a, b, c - 1, d) <= risk);
					assert_true(!d || risk_at(a, b, c, d - 1) <= risk);
				}
			}
		}
	}
	/* and each of them matters */
	assert_true(risk_at(0, 0, 0, 0) < risk_at(5, 0, 0, 0));
	assert_true(risk_at(0, 0, 0, 0) < risk_at(0, 5, 0, 0));
	assert_true(risk_at(0, 0, 0, 0) < risk_at(0, 0, 6, 0));
	assert_true(risk_at(0, 0, 0, 0) < risk_at(0, 0, 0, 5));
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
		struct evidence e = evidence(1, 1, 1);
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
		cmocka_unit_test(test_measured), cmocka_unit_test(test_promises),
		cmocka_unit_test(test_monotone), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "unit/unit.h"

#include "judge/history.h"
#include "judge/model.h"
#include "judge/window.h"

static void add(struct history *history, uint64_t ms, double risk, double level)
{
	const struct evidence evidence = {
		.at_ns = ms * 1000000,
		.has = EVIDENCE_HAS_LEVEL,
		.level = level,
	};
	const struct risk is = {.known = risk >= 0, .value = risk};

	history_add(history, &evidence, &is);
}

static void test_highest_of_a_second(void **state)
{
	struct history history = {0};

	(void)state;
	assert_null(history_back(&history, 0));
	add(&history, 1000, 0.5, 0.75);
	add(&history, 1500, 0.25, 0.5);
	assert_null(history_back(&history, 1));
	assert_true(history_back(&history, 0)->risk == 0.5f);
	assert_true(history_back(&history, 0)->level == 0.5f);
	/* missing is not zero */
	assert_true(history_back(&history, 0)->lost < 0);
	add(&history, 2000, -1, 0.5);
	assert_true(history_back(&history, 0)->risk < 0);
	assert_true(history_back(&history, 1)->risk == 0.5f);
}

static void test_one_minute(void **state)
{
	struct history history = {0};
	unsigned n = 0;

	(void)state;
	for (uint64_t s = 100; s < 300; s++)
		add(&history, s * 1000, 0, (double)s / 1000);
	while (history_back(&history, n))
		n++;
	assert_int_equal(n, 60);
	assert_int_equal(history_back(&history, 0)->at_s, 299);
	assert_int_equal(history_back(&history, 59)->at_s, 240);
	/* after a gap, points older than a minute are gone */
	add(&history, 340000, 0, 0.5);
	assert_int_equal(history_back(&history, 0)->at_s, 340);
	assert_int_equal(history_back(&history, 19)->at_s, 281);
	assert_null(history_back(&history, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_highest_of_a_second),
		cmocka_unit_test(test_one_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

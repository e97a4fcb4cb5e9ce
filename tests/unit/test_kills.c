// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* kills: which kills of a scope are kept while it is not watched, and which are forgotten first. */
#include "unit.h"

#include "judge/kills.h"

#define START (1000 * SEC)

static struct verdict_kills kills_at(uint64_t from_ns, unsigned count)
{
	struct verdict_state state = {0};

	for (unsigned i = 0; i < count; i++)
		verdict_killed(&state, from_ns + i * SEC);
	return state.kills;
}

static void test_kept_and_taken_once(void **state)
{
	struct verdict_kills kills = kills_at(START, 6), back;
	static struct kills all;

	(void)state;
	kills_keep(&all, 42, &kills, START + 6 * SEC);
	assert_int_equal(kills_take(&all, 41).count, 0);
	back = kills_take(&all, 42);
	assert_int_equal(back.count, kills.count);
	assert_memory_equal(back.at_ns, kills.at_ns, sizeof(kills.at_ns));
	assert_int_equal(kills_take(&all, 42).count, 0);
	/* the node, whose id is 0, has a place as any other scope */
	kills_keep(&all, 0, &kills, START + 6 * SEC);
	assert_int_equal(kills_take(&all, 0).count, 6);
}

/* Kills older than a minute are not kept. */
static void test_old_kills(void **state)
{
	struct verdict_kills kills = kills_at(START, 1);
	static struct kills all;

	(void)state;
	kills_keep(&all, 42, &kills, START + 60 * SEC - 1);
	assert_int_equal(kills_take(&all, 42).count, 1);
	kills_keep(&all, 42, &kills, START + 60 * SEC);
	assert_int_equal(kills_take(&all, 42).count, 0);
}

static void test_the_oldest_make_room(void **state)
{
	static struct kills all;

	(void)state;
	for (unsigned i = 0; i < KILLS_SCOPES_MAX + 1; i++) {
		struct verdict_kills kills = kills_at(START + i * MS, 1);

		kills_keep(&all, 100 + i, &kills, START + SEC);
	}
	assert_int_equal(kills_take(&all, 100).count, 0);
	for (unsigned i = 1; i < KILLS_SCOPES_MAX + 1; i++)
		assert_int_equal(kills_take(&all, 100 + i).count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_and_taken_once),
		cmocka_unit_test(test_old_kills),
		cmocka_unit_test(test_the_oldest_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

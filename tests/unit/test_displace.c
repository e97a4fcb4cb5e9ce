// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* displace: which scope gives its place to one that a policy acts on, and which never does. */
#include "unit.h"

#include "base/util.h"
#include "judge/displace.h"

static void test_order(void **state)
{
	static const struct {
		struct displace_scope scopes[4];
		size_t chosen;
	} rows[] = {
		/* never the node, a scope that a policy acts on, or one with a pending action */
		{{{.node = true, .risk = 0},
		  {.acts = true, .risk = 0},
		  {.open = true, .risk = 0},
		  {.node = true, .acts = true, .risk = -1}},
		 DISPLACE_NONE},
		{{{.node = true}, {.acts = true}, {.open = true}, {.risk = 1}}, 3},
		/* the lowest risk; unknown risk counts as none */
		{{{.risk = 0.5}, {.risk = 0.2}, {.risk = 0.1}, {.risk = 0.3}}, 2},
		{{{.risk = 0.5}, {.risk = 0}, {.risk = -1}, {.risk = 0.3}}, 2},
		{{{.risk = 0.5}, {.risk = 0.1, .acts = true}, {.risk = 0.2}, {.risk = 0.2}}, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (displace_choose(rows[i].scopes, 4) != rows[i].chosen)
			fail_msg("row %zu: %zu", i, displace_choose(rows[i].scopes, 4));
	assert_true(displace_choose(NULL, 0) == DISPLACE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "base/errno_name.h"
#include "unit.h"

static void test_known(void **state)
{
	(void)state;
	assert_string_equal(errno_name(ENOENT), "ENOENT");
	assert_string_equal(errno_name(EOPNOTSUPP), "EOPNOTSUPP");
	assert_null(errno_name(0));
	assert_null(errno_name(-ENOENT));
	assert_null(errno_name(100000));
}

#ifdef __GLIBC__
/* The table has every number that the C library has, under the same name. */
static void test_as_in_glibc(void **state)
{
	int count = 0;

	(void)state;
	for (int i = 1; i < 4096; i++) {
		const char *name = strerrorname_np(i);

		if (!name)
			continue;
		assert_string_equal(errno_name(i), name);
		count++;
	}
	assert_true(count > 100);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
#ifdef __GLIBC__
		cmocka_unit_test(test_as_in_glibc),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

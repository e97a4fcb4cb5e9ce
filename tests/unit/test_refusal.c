// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The texts of libbpf 1.1 on Linux 6.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sense/refusal.h"

static void test_program_and_last_line(void **state)
{
	char why[128];

	(void)state;
	assert_true(refusal_read("libbpf: prog 'fo_switch': -- BEGIN PROG LOAD LOG --\n"
				 "0: R1=ctx(off=0,imm=0) R10=fp0\n"
				 "7: (61) r1 = *(u32 *)(r6 +0)\n"
				 "R6 invalid mem access 'scalar'\n"
				 "processed 8 insns (limit 1000000) max_states_per_insn 0\n"
				 "-- END PROG LOAD LOG --\n",
				 why, sizeof(why)));
	assert_string_equal(why, "fo_switch: R6 invalid mem access 'scalar'");
}

static void test_log_without_newline(void **state)
{
	char why[128];

	(void)state;
	assert_true(refusal_read("libbpf: prog 'f': -- BEGIN PROG LOAD LOG --\n"
				 "unknown func bpf_x#7-- END PROG LOAD LOG --\n",
				 why, sizeof(why)));
	assert_string_equal(why, "f: unknown func bpf_x#7");
}

static void test_short_buffer(void **state)
{
	char why[8];

	(void)state;
	assert_true(refusal_read("libbpf: prog 'f': -- BEGIN PROG LOAD LOG --\n"
				 "BPF program is too large\n-- END PROG LOAD LOG --\n",
				 why, sizeof(why)));
	assert_string_equal(why, "f: BPF ");
}

static void test_not_the_verifier(void **state)
{
	char why[128] = "untouched";

	(void)state;
	assert_false(
		refusal_read("libbpf: prog 'f': BPF program load failed: Operation not permitted\n",
			     why, sizeof(why)));
	assert_false(refusal_read("libbpf: prog 'f': -- BEGIN PROG LOAD LOG --\n"
				  "processed 0 insns (limit 1000000)\n-- END PROG LOAD LOG --\n",
				  why, sizeof(why)));
	assert_false(refusal_read("libbpf: failed to load object 'fastoom'\n", why, sizeof(why)));
	assert_string_equal(why, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_and_last_line),
		cmocka_unit_test(test_log_without_newline),
		cmocka_unit_test(test_short_buffer),
		cmocka_unit_test(test_not_the_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "base/util.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a)
#define SECOND	  UINT64_C(1000000000)

struct parse_case {
	const char *text;
	int r;
	uint64_t value;
};

static void check_parse(int (*parse)(const char *, uint64_t *), const struct parse_case *cases,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct parse_case *c = &cases[i];
		uint64_t value = UNTOUCHED;
		int r = parse(c->text, &value);

		if (r != c->r || value != (c->r == 0 ? c->value : UNTOUCHED))
			fail_msg("'%s': %d, %llu", c->text, r, (unsigned long long)value);
	}
}

static void test_parse_size(void **state)
{
	static const struct parse_case cases[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"007", 0, 7},
		{"1B", 0, 1},
		{"512KiB", 0, 512 << 10},
		{"64MiB", 0, 64 << 20},
		{"1GiB", 0, UINT64_C(1) << 30},
		{"2TiB", 0, UINT64_C(2) << 40},
		{"3kB", 0, 3000},
		{"3MB", 0, 3000000},
		{"3GB", 0, UINT64_C(3000000000)},
		{"3TB", 0, UINT64_C(3000000000000)},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999999999999999999", -ERANGE, 0},
		{"16777215TiB", 0, UINT64_C(16777215) << 40},
		{"16777216TiB", -ERANGE, 0},
		{"99999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{" ", -EINVAL, 0},
		{"MiB", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1 MiB", -EINVAL, 0},
		{"1\n", -EINVAL, 0},
		{"1M", -EINVAL, 0},
		{"1k", -EINVAL, 0},
		{"1KB", -EINVAL, 0},
		{"1mib", -EINVAL, 0},
		{"1MiBB", -EINVAL, 0},
		{"1.5GiB", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1,000", -EINVAL, 0},
		{"\xef\xbc\x91", -EINVAL, 0}, /* a full-width 1 */
	};

	(void)state;
	check_parse(units_parse_size, cases, ARRAY_SIZE(cases));
}

static void test_parse_duration(void **state)
{
	static const struct parse_case cases[] = {
		{"0s", 0, 0},
		{"7us", 0, 7000},
		{"500ms", 0, 500000000},
		{"2s", 0, 2 * SECOND},
		{"10m", 0, 600 * SECOND},
		{"1h", 0, 3600 * SECOND},
		{"2d", 0, 172800 * SECOND},
		{"18446744073s", 0, UINT64_C(18446744073) * SECOND},
		{"18446744074s", -ERANGE, 0},
		{"213504d", -ERANGE, 0},
		{"99999999999999999999us", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"0", -EINVAL, 0},
		{"5", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"5 s", -EINVAL, 0},
		{"5S", -EINVAL, 0},
		{"5sec", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"1m30s", -EINVAL, 0},
		{"inf", -EINVAL, 0},
	};

	(void)state;
	check_parse(units_parse_duration, cases, ARRAY_SIZE(cases));
}

static void test_parse_ratio(void **state)
{
	static const struct {
		const char *text;
		int r;
		double value;
	} cases[] = {
		{"0", 0, 0.0},
		{"1", 0, 1.0},
		{"0.85", 0, 0.85},
		{"0.5000000000000000000000000000000000", 0, 0.5},
		{"1.000", 0, 1.0},
		{"00.25", 0, 0.25},
		{"1.0000000000000000000001", -ERANGE, 0},
		{"1.01", -ERANGE, 0},
		{"2", -ERANGE, 0},
		{"85", -ERANGE, 0},
		{"10", -ERANGE, 0},
		{"4294967296", -ERANGE, 0},
		{"99999999999999999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{".", -EINVAL, 0},
		{".5", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"-0.1", -EINVAL, 0},
		{"+0.1", -EINVAL, 0},
		{"0,85", -EINVAL, 0},
		{"85%", -EINVAL, 0},
		{"0.5.5", -EINVAL, 0},
		{"nan", -EINVAL, 0},
		{"inf", -EINVAL, 0},
		{"1e-3", -EINVAL, 0},
		{"0x1p-1", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double value = -1.0, want = cases[i].r == 0 ? cases[i].value : -1.0;
		int r = units_parse_ratio(cases[i].text, &value);

		if (r != cases[i].r || value < want - 1e-12 || value > want + 1e-12)
			fail_msg("'%s': %d, %f", cases[i].text, r, value);
	}
}

struct format_case {
	uint64_t value;
	const char *text;
};

static void check_format(char *(*format)(char *, size_t, uint64_t), const struct format_case *cases,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char buf[UNITS_TEXT_MAX];

		assert_ptr_equal(format(buf, sizeof(buf), cases[i].value), buf);
		assert_string_equal(buf, cases[i].text);
	}
}

static void test_format_bytes(void **state)
{
	static const struct format_case cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{1048524, "1023.9 KiB"},
		{1048525, "1.0 MiB"}, /* 1023.95 KiB: not "1024.0 KiB" */
		{200 << 20, "200.0 MiB"},
		{UINT64_C(1) << 30, "1.0 GiB"},
		{UINT64_C(1) << 40, "1.0 TiB"},
		{UINT64_C(1) << 50, "1.0 PiB"},
		{UINT64_C(1) << 60, "1.0 EiB"},
		{UINT64_C(3) << 59, "1.5 EiB"},
		{UINT64_MAX, "16.0 EiB"},
	};

	(void)state;
	check_format(units_format_bytes, cases, ARRAY_SIZE(cases));
}

static void test_format_duration(void **state)
{
	static const struct format_case cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1.0 us"},
		{999949, "999.9 us"},
		{999950, "1.0 ms"},
		{12300000, "12.3 ms"},
		{500000000, "500.0 ms"},
		{1500000000, "1.5 s"},
		{59949999999, "59.9 s"},
		{59950000000, "1m 00s"},
		{125 * SECOND, "2m 05s"},
		{3600 * SECOND - 1, "1h 00m"},
		{12000 * SECOND, "3h 20m"},
		{350000 * SECOND, "4d 01h"},
		{UINT64_MAX, "213503d 23h"},
	};

	(void)state;
	check_format(units_format_duration, cases, ARRAY_SIZE(cases));
}

/* A buffer that is too small gets a text that is cut and terminated. */
static void test_format_small_buffer(void **state)
{
	char buf[5] = "zzzz";

	(void)state;
	units_format_bytes(buf, 4, 200 << 20);
	assert_string_equal(buf, "200");
	units_format_duration(buf, 1, SECOND);
	assert_string_equal(buf, "");
	buf[0] = 'z';
	units_format_bytes(buf, 0, 0);
	assert_int_equal(buf[0], 'z');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_size),	cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_ratio),	cmocka_unit_test(test_format_bytes),
		cmocka_unit_test(test_format_duration), cmocka_unit_test(test_format_small_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

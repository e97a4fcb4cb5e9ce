/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{"TiB", UINT64_C(1) << 40},
	{"kB", UINT64_C(1000)},
	{"MB", UINT64_C(1000000)},
	{"GB", UINT64_C(1000000000)},
	{"TB", UINT64_C(1000000000000)},
};

static const struct unit duration_units[] = {
	{"us", UINT64_C(1000)},
	{"ms", UINT64_C(1000000)},
	{"s", UINT64_C(1000000000)},
	{"m", UINT64_C(60) * 1000000000},
	{"h", UINT64_C(3600) * 1000000000},
	{"d", UINT64_C(86400) * 1000000000},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * A whole number followed by one of the units. strtoull() would accept signs and spaces, and
 * return 2^64-1 for "-1".
 */
static int parse_with_unit(const char *text, const struct unit *units, size_t count,
			   uint64_t *ret_value)
{
	bool overflow = false;
	uint64_t value = 0;
	const char *p;

	for (p = text; is_digit(*p); p++) {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			overflow = true;
	}
	if (p == text)
		return -EINVAL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		/* syntax before range: "99999999999999999999x" is -EINVAL */
		if (overflow || __builtin_mul_overflow(value, units[i].factor, &value))
			return -ERANGE;
		*ret_value = value;
		return 0;
	}

	return -EINVAL;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse_with_unit(text, size_units, ARRAY_SIZE(size_units), ret_bytes);
}

int units_parse_duration(const char *text, uint64_t *ret_ns)
{
	return parse_with_unit(text, duration_units, ARRAY_SIZE(duration_units), ret_ns);
}

int units_parse_ratio(const char *text, double *ret_ratio)
{
	uint64_t fraction = 0, scale = 1;
	bool above = false;
	unsigned whole = 0;
	const char *p;

	/* strtod() would use the locale's decimal point, and accept "inf" and "0x1p-1" */
	for (p = text; is_digit(*p); p++) {
		whole = whole * 10 + (unsigned)(*p - '0');
		if (whole > 1) {
			above = true;
			whole = 2; /* any number of digits may follow */
		}
	}
	if (p == text)
		return -EINVAL;

	if (*p == '.') {
		const char *first = ++p;

		for (; is_digit(*p); p++) {
			if (whole >= 1 && *p != '0')
				above = true;
			/* a double holds 15 digits */
			if (p - first < 15) {
				fraction = fraction * 10 + (uint64_t)(*p - '0');
				scale *= 10;
			}
		}
		if (p == first)
			return -EINVAL;
	}

	if (*p)
		return -EINVAL;
	if (above)
		return -ERANGE;

	*ret_ratio = (double)whole + (double)fraction / (double)scale;
	return 0;
}

char *units_format_bytes(char *buf, size_t n, uint64_t bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned shift = 10;
	size_t i = 0;
	uint64_t tenths;

	if (bytes < 1024) {
		snprintf(buf, n, "%" PRIu64 " B", bytes);
		return buf;
	}

	/* integer tenths, rounded; from 1023.95 on the next unit, never "1024.0 KiB" */
	for (;;) {
		uint64_t unit = UINT64_C(1) << shift;
		uint64_t rest = bytes & (unit - 1);

		/* rest * 10 overflows from 2^60 on; the bits dropped there do not show */
		if (shift >= 60)
			tenths = (bytes >> shift) * 10 +
				 (((rest >> 4) * 10 + (unit >> 5)) >> (shift - 4));
		else
			tenths = (bytes >> shift) * 10 + ((rest * 10 + unit / 2) >> shift);
		if (tenths < 10240 || i + 1 == ARRAY_SIZE(names))
			break;
		shift += 10;
		i++;
	}

	snprintf(buf, n, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, names[i]);
	return buf;
}

char *units_format_duration(char *buf, size_t n, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t unit;
		uint64_t below; /* in tenths of the unit; from there on the next unit is used */
	} small[] = {
		{"us", UINT64_C(1000), 10000},
		{"ms", UINT64_C(1000000), 10000},
		{"s", UINT64_C(1000000000), 600},
	};
	uint64_t seconds;

	if (ns < 1000) {
		snprintf(buf, n, "%" PRIu64 " ns", ns);
		return buf;
	}

	for (size_t i = 0; i < ARRAY_SIZE(small); i++) {
		uint64_t tenth = small[i].unit / 10;
		uint64_t tenths = ns / tenth + (ns % tenth >= tenth / 2 ? 1 : 0);

		if (tenths < small[i].below) {
			snprintf(buf, n, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
				 small[i].name);
			return buf;
		}
	}

	seconds = ns / 1000000000 + (ns % 1000000000 >= 500000000 ? 1 : 0);
	if (seconds < 3600)
		snprintf(buf, n, "%" PRIu64 "m %02" PRIu64 "s", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		snprintf(buf, n, "%" PRIu64 "h %02" PRIu64 "m", seconds / 3600, seconds / 60 % 60);
	else
		snprintf(buf, n, "%" PRIu64 "d %02" PRIu64 "h", seconds / 86400,
			 seconds / 3600 % 24);
	return buf;
}

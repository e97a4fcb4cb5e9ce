/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * unit: cmocka with what it wants included before it (the part that 1.1 and 2.0 share), and
 * the few checks that it lacks.
 */
#ifndef FASTOOM_TESTS_UNIT_H
#define FASTOOM_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MS  1000000ULL
#define SEC 1000000000ULL

/* Within a billionth of the larger one. */
static inline bool is_near(double a, double b)
{
	double size = a < 0 ? -a : a, other = b < 0 ? -b : b, diff = a < b ? b - a : a - b;

	return diff <= 1e-9 * (size > other ? size : other) + 1e-12;
}

#define assert_near(a, b)                                                                          \
	do {                                                                                       \
		double near_a_ = (a), near_b_ = (b);                                               \
		if (!is_near(near_a_, near_b_))                                                    \
			fail_msg("%s is %.12g, not %.12g", #a, near_a_, near_b_);                  \
	} while (0)

/* The same numbers every time, on every host (xorshift64*). */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static inline double between(uint64_t *state, double low, double high)
{
	return low + (high - low) * (double)(next_random(state) >> 11) / 9007199254740992.0;
}

#endif /* FASTOOM_TESTS_UNIT_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * history: the last minute of one scope, a point a second; `explain` plots it.
 *
 * A point has the highest values of its second, but the last level. Seconds in which the scope was
 * not watched have no point.
 *
 * Purity:    pure; the time comes with the evidence.
 * Units:     at_s CLOCK_MONOTONIC seconds; shares 0..1; tasks. A negative value is missing.
 * Errors:    none.
 * Ownership: the caller owns the struct; a zeroed one is empty.
 */
#ifndef FASTOOM_JUDGE_HISTORY_H
#define FASTOOM_JUDGE_HISTORY_H

#include <stdint.h>

#define HISTORY_POINTS 60 /* a minute */

struct evidence;
struct risk;

struct history_point {
	uint32_t at_s;
	float level;
	float risk;
	float lost;  /* lost_share */
	float stall; /* tasks */
};

struct history {
	struct history_point points[HISTORY_POINTS];
	unsigned count;
	unsigned newest;
};

void history_add(struct history *history, const struct evidence *evidence, const struct risk *risk);

/* @back 0: the newest. NULL: there is none, or it is more than a minute older than the newest. */
const struct history_point *history_back(const struct history *history, unsigned back);

#endif /* FASTOOM_JUDGE_HISTORY_H */

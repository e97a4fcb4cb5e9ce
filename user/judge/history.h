/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * minute: one scope's last minute, a point a second: what `explain` draws.
 *
 * A point holds the worst of its second but for the level, which is the latest. Seconds in
 * which the scope was not watched have no point.
 *
 * Purity:    pure; time comes with the evidence.
 * Units:     seconds of CLOCK_MONOTONIC, shares, tasks; a negative value: not known.
 * Errors:    none.
 * Ownership: a value; a zeroed one is a valid start.
 */
#ifndef FASTOOM_JUDGE_HISTORY_H
#define FASTOOM_JUDGE_HISTORY_H

#include <stdint.h>

#define HISTORY_POINTS 60

struct evidence;
struct risk;

struct history_point {
	uint32_t at_s;
	float level;
	float risk;
	float lost;  /* share of its readers' time */
	float stall; /* tasks */
};

struct history {
	struct history_point points[HISTORY_POINTS];
	unsigned count;
	unsigned newest;
};

void history_add(struct history *history, const struct evidence *evidence, const struct risk *risk);

/* @back 0: the newest; NULL: no such point, or it is older than a minute. */
const struct history_point *history_back(const struct history *history, unsigned back);

#endif /* FASTOOM_JUDGE_HISTORY_H */

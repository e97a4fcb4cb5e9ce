// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/history.h"

#include <stddef.h>

#include "judge/model.h"
#include "judge/window.h"

static float highest(float a, float b)
{
	return a > b ? a : b;
}

void history_add(struct history *history, const struct evidence *evidence, const struct risk *risk)
{
	const struct history_point now = {
		.at_s = (uint32_t)(evidence->at_ns / 1000000000),
		.level = evidence->has & EVIDENCE_HAS_LEVEL ? (float)evidence->level : -1,
		.risk = risk->known ? (float)risk->value : -1,
		.lost = evidence->has & EVIDENCE_HAS_THRASH ? (float)evidence->lost_share : -1,
		.stall = evidence->has & EVIDENCE_HAS_STALL ? (float)evidence->stall : -1,
	};
	struct history_point *point = &history->points[history->newest];

	if (history->count && point->at_s == now.at_s) {
		point->level = now.level;
		point->risk = highest(point->risk, now.risk);
		point->lost = highest(point->lost, now.lost);
		point->stall = highest(point->stall, now.stall);
		return;
	}
	history->newest = history->count ? (history->newest + 1) % HISTORY_POINTS : 0;
	history->points[history->newest] = now;
	if (history->count < HISTORY_POINTS)
		history->count++;
}

const struct history_point *history_back(const struct history *history, unsigned back)
{
	const struct history_point *newest = &history->points[history->newest], *point;

	if (back >= history->count)
		return NULL;
	point = &history->points[(history->newest + HISTORY_POINTS - back) % HISTORY_POINTS];
	return newest->at_s - point->at_s < HISTORY_POINTS ? point : NULL;
}

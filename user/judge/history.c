// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/history.h"

#include <stddef.h>

#include "judge/model.h"
#include "judge/window.h"

static float worse(float a, float b)
{
	return a > b ? a : b;
}

void minute_add(struct minute *minute, const struct evidence *evidence, const struct risk *risk)
{
	const struct minute_point now = {
		.at_s = (uint32_t)(evidence->at_ns / 1000000000),
		.level = evidence->has & EVIDENCE_HAS_LEVEL ? (float)evidence->level : -1,
		.risk = risk->known ? (float)risk->value : -1,
		.lost = evidence->has & EVIDENCE_HAS_THRASH ? (float)evidence->lost_share : -1,
		.stall = evidence->has & EVIDENCE_HAS_STALL ? (float)evidence->stall : -1,
	};
	struct minute_point *point = &minute->points[minute->newest];

	if (minute->count && point->at_s == now.at_s) {
		point->level = now.level;
		point->risk = worse(point->risk, now.risk);
		point->lost = worse(point->lost, now.lost);
		point->stall = worse(point->stall, now.stall);
		return;
	}
	minute->newest = minute->count ? (minute->newest + 1) % MINUTE_POINTS : 0;
	minute->points[minute->newest] = now;
	if (minute->count < MINUTE_POINTS)
		minute->count++;
}

const struct minute_point *minute_back(const struct minute *minute, unsigned back)
{
	const struct minute_point *newest = &minute->points[minute->newest], *point;

	if (back >= minute->count)
		return NULL;
	point = &minute->points[(minute->newest + MINUTE_POINTS - back) % MINUTE_POINTS];
	return newest->at_s - point->at_s < MINUTE_POINTS ? point : NULL;
}

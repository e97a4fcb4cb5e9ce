// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/model.h"

#include <math.h>

#include "judge/window.h"

/*
 * Set by hand, from runs on a kernel 6.18 host with a fast virtual disk, 256 MiB v1
 * cgroups (run --verbose prints the same quantities):
 *
 *	case					lost	thrash	level
 *	livelock, 4 KiB reads			0.89	0.89	0.79
 *	livelock, large folios			0.90	0.86	0.79
 *	dd loop, 190 MiB anonymous		0.00	0.00	0.75
 *	dd loop, 217 MiB anonymous		0.00	0.00	0.86
 *	mmap streaming, 190 MiB anonymous	0.19	0.18	0.75
 *	mmap streaming, 217 MiB anonymous	0.25	0.25	0.86
 *	cp loop, 190 MiB anonymous		0.29	0.21	0.76
 *
 * The streams' rows are their riskiest windows (scripts/show-silence prints them).
 *
 * The intercept is what a scope that shows nothing gets: 0.0025, about one wrong judgement
 * in 400 windows even before a threshold and a time to hold are asked for.
 */
#define INTERCEPT (-6.0)

struct term {
	const char *name;
	double weight; /* log-odds when the feature is 1 */
};

static const struct term terms[FEATURES_] = {
	/*
	 * 0 at LOST_LOW, 1 at LOST_HIGH. Harm to a bystander is its time lost: at 0.8 of it the
	 * service is at a fifth of its rate and falling; a reader that streams and now and then
	 * meets a page of its own again loses a fifth and goes on. 8: the table's livelocks get
	 * all of it, its loudest stream 1.2.
	 */
	[FEATURE_LOST] = {"lost", 8.0},
	/*
	 * 0..1 at 0..1 task: how many are out of work, for a share of very little is little. 4:
	 * with all of the level it is still short of `low` by itself.
	 */
	[FEATURE_THRASH] = {"thrash", 4.0},
	/*
	 * 0 at LEVEL_LOW, 1 at LEVEL_HIGH. docs/measurements.md: a node's service stood still from
	 * 34 % available downwards, a healthy host can sit at 15 % for weeks: needed, never
	 * enough. 3: at its most it takes a calm scope to 0.05.
	 */
	[FEATURE_LEVEL] = {"level", 3.0},
	/*
	 * 1 when exhausted now, 0 at HORIZON_S and beyond. 2: makes a creeping leak that
	 * already hurts act sooner; alone it is worth 0.02.
	 */
	[FEATURE_GROWTH] = {"growth", 2.0},
};

#define LOST_LOW   0.20
#define LOST_HIGH  0.80
#define LEVEL_LOW  0.30
#define LEVEL_HIGH 0.70
#define HORIZON_S  10.0

static double ramp(double value, double zero, double one)
{
	double x = (value - zero) / (one - zero);

	return x < 0 ? 0 : x > 1 ? 1 : x;
}

struct risk model_risk(const struct evidence *e)
{
	const uint32_t essential = EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL;
	struct risk risk = {.intercept = INTERCEPT};
	double features[FEATURES_] = {0}, z = INTERCEPT;

	risk.missing = e->span_ns ? essential & ~e->has : essential;
	if (risk.missing)
		return risk;

	features[FEATURE_LOST] = ramp(e->lost_share, LOST_LOW, LOST_HIGH);
	features[FEATURE_THRASH] = ramp(e->thrash, 0, 1);
	features[FEATURE_LEVEL] = ramp(e->level, LEVEL_LOW, LEVEL_HIGH);
	if (e->exhausted_ns != UINT64_MAX)
		features[FEATURE_GROWTH] = ramp((double)e->exhausted_ns / 1e9, HORIZON_S, 0);

	for (int i = 0; i < FEATURES_; i++) {
		risk.contributions[i] = terms[i].weight * features[i];
		z += risk.contributions[i];
	}
	risk.value = 1 / (1 + exp(-z));
	risk.known = true;
	return risk;
}

const char *model_feature_name(enum feature feature)
{
	return terms[feature].name;
}

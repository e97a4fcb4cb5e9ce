// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/model.h"

#include <math.h>

#include "judge/window.h"

/*
 * Set by hand, from runs on a kernel 6.18 host with a fast virtual disk, 256 MiB v1
 * cgroups (run --verbose prints the same quantities):
 *
 *	case					lost	thrash	level
 *	livelock, 4 KiB reads, 2 threads	0.65	1.24	0.79
 *	livelock, large folios, 2 threads	0.63	0.36	0.79
 *	dd loop, 20 MiB anonymous		0.00	0.00	0.09
 *	dd loop, 190 MiB anonymous		0.00	0.00	0.75
 *	mmap streaming, 20 MiB anonymous	0.00	0.00	0.09
 *	mmap streaming, 217 MiB anonymous	0.22	0.06	0.86
 *	cp loop, 190 MiB anonymous		0.27	0.06	0.76
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
	 * 0..1. Harm to a bystander is its time lost: at half of it the service is at half
	 * its rate for the waits alone, and near a tenth with what each wait costs in faults.
	 * 8: the table's livelocks get 5, its loudest stream 2.2.
	 */
	[FEATURE_LOST] = {"lost", 8.0},
	/*
	 * 0..1 at 0..1 task. Reads that a kill could have spared; streams have none at all,
	 * so a third of a task is evidence by itself. 4: with half a level it is enough for
	 * `low`, without any level for nothing.
	 */
	[FEATURE_THRASH] = {"thrash", 4.0},
	/*
	 * 0 at LEVEL_LOW, 1 at LEVEL_HIGH. bpf-facts A2: a node's service stood still from
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

	features[FEATURE_LOST] = e->lost_share;
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

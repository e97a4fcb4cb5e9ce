// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/model.h"

#include <math.h>

#include "judge/coefficients.h"
#include "judge/window.h"

/*
 * Ramps of the features: *_LOW gives 0, *_HIGH gives 1. They are chosen on the fit half of
 * tests/corpus, not fitted. docs/judgement.md, "The risk model", has the reasons.
 */

/* Shares: of pages read in, and of time lost. docs/judgement.md, "Avoidable share". */
#define AVOIDABLE_LOW  WINDOW_AVOIDABLE_LEAST
#define AVOIDABLE_HIGH 0.80
#define AVOIDABLE_LOST 0.50
/* Files only: 1/s. A stream turns much over and faults little (readahead), a start the reverse. */
#define REREAD_TURNOVER 0.30
#define REREAD_FAULTS	100.0
/* Tasks: one that is slowed down by others is half stalled. */
#define STALLED_LOW  0.50
#define STALLED_HIGH 1.00
/* Shares of 2 s, measured in spans of 0.2 s: from one span on. */
#define UNPRODUCTIVE_LOW  0.10
#define UNPRODUCTIVE_HIGH 0.90
/* Files only: pages reclaimed per ms, on a logarithmic scale, and tasks. They depend on the CPU. */
#define COST_LOW_PAGES	400.0
#define COST_HIGH_PAGES 50.0
#define COST_STALL	0.50
/* The share of the time of a process that the best kill gives back. */
#define RELIEF_LOW  0.20
#define RELIEF_HIGH 0.80
/* 1 when memory is exhausted now, 0 when exhaustion is this far off. */
#define HORIZON_S 10.0

static const struct weights {
	double intercept;
	double of[FEATURES_]; /* log-odds when the feature is 1 */
} with_relief = {RELIEF_INTERCEPT, RELIEF_WEIGHTS},
  with_unproductive = {UNPRODUCTIVE_INTERCEPT, UNPRODUCTIVE_WEIGHTS},
  with_tracking = {TRACKING_INTERCEPT, TRACKING_WEIGHTS},
  files_only = {FILES_INTERCEPT, FILES_WEIGHTS};

static double ramp(double value, double zero, double one)
{
	double x = (value - zero) / (one - zero);

	return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* 1 for reclaim that frees no page. */
static double cost(const struct evidence *e)
{
	double pages = e->efficiency > 1 ? e->efficiency : 1;

	return ramp(log(pages), log(COST_LOW_PAGES), log(COST_HIGH_PAGES)) *
	       ramp(e->stall, 0, COST_STALL);
}

struct risk model_risk(const struct evidence *e)
{
	const uint32_t files = EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_STALL | EVIDENCE_HAS_TURNOVER |
			       EVIDENCE_HAS_FAULTS;
	const bool tracking = !e->no_tracking || (e->has & EVIDENCE_HAS_THRASH);
	const uint32_t essential = tracking ? EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL : files;
	const bool unproductive = tracking && (e->has & EVIDENCE_HAS_UNPRODUCTIVE);
	const bool relief = e->has & EVIDENCE_HAS_RELIEF;
	const struct weights *weights = relief	       ? &with_relief
					: unproductive ? &with_unproductive
					: tracking     ? &with_tracking
						       : &files_only;
	struct risk risk = {.intercept = weights->intercept};
	double *features = risk.features, z = risk.intercept;

	risk.missing = e->span_ns ? essential & ~e->has : essential;
	if (risk.missing)
		return risk;

	if (tracking) {
		features[FEATURE_AVOIDABLE] = ramp(e->avoidable, AVOIDABLE_LOW, AVOIDABLE_HIGH) *
					      ramp(e->lost_share, 0, AVOIDABLE_LOST);
	} else {
		features[FEATURE_REREAD] = ramp(e->turnover, 0, REREAD_TURNOVER) *
					   ramp(e->major_faults, 0, REREAD_FAULTS);
		features[FEATURE_COST] = cost(e);
	}
	/* without the stall this is a lower bound */
	features[FEATURE_STALLED] = ramp(e->thrash + (e->has & EVIDENCE_HAS_STALL ? e->stall : 0),
					 STALLED_LOW, STALLED_HIGH);
	if (unproductive)
		features[FEATURE_UNPRODUCTIVE] =
			ramp(e->unproductive_share, UNPRODUCTIVE_LOW, UNPRODUCTIVE_HIGH);
	if (relief)
		features[FEATURE_RELIEF] = ramp(e->relief, RELIEF_LOW, RELIEF_HIGH);
	if (e->exhausted_ns != UINT64_MAX)
		features[FEATURE_GROWTH] = ramp((double)e->exhausted_ns / 1e9, HORIZON_S, 0);

	for (int i = 0; i < FEATURES_; i++) {
		risk.contributions[i] = weights->of[i] * features[i];
		z += risk.contributions[i];
	}
	risk.value = 1 / (1 + exp(-z));
	risk.known = true;
	return risk;
}

const char *model_feature_name(enum feature feature)
{
	static const char *const names[FEATURES_] = {
		[FEATURE_AVOIDABLE] = "avoidable", [FEATURE_REREAD] = "reread",
		[FEATURE_STALLED] = "stalled",	   [FEATURE_UNPRODUCTIVE] = "unproductive",
		[FEATURE_COST] = "cost",	   [FEATURE_RELIEF] = "relief",
		[FEATURE_GROWTH] = "growth",
	};

	return names[feature];
}

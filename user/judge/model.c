// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/model.h"

#include <math.h>

#include "judge/coefficients.h"
#include "judge/window.h"

/* Where a feature begins, and where it is whole: physical, not fitted. */

/*
 * Of all pages read in. Streams, builds and starts read what nobody could have kept, and a
 * bystander whose few pages they push out gets over it when they are through; a livelock reads its
 * own pages again, and little else. Medians of the runs in the fit half of tests/corpus, where
 * anything is lost: caches, starts, steady loads 0.00 to 0.21, streams up to 0.53; working sets
 * that compete 0.62 to 0.97 where they fit and 0.71 to 0.94 where they do not, other near-OOM 0.88
 * to 1.00, bursts while they last 1.00.
 */
#define AVOIDABLE_LOW  WINDOW_AVOIDABLE_LEAST
#define AVOIDABLE_HIGH 0.80
/* It speaks of what is lost: where nothing is, it says nothing, and where little is, less. */
#define AVOIDABLE_LOST 0.50
/*
 * Files only. Three tenths of the file LRU read back within a second, and a hundred waits for it: a
 * stream reads back much and waits little (readahead), a start waits much and reads back little. On
 * the fit half of tests/corpus the product tells them best from livelocks.
 */
#define REREAD_TURNOVER 0.30
#define REREAD_FAULTS	100.0
/*
 * Tasks: a service that stands still is one task out of work, whole; one that is slowed down by
 * others is half of one. Halted is of two seconds, and told in spans of 0.2 s that can be a tenth
 * short: from one of them on to nearly all. On the fit half of tests/corpus one run is killed in
 * wrongly then, and half of the others are acted on within 0.88 s of the harm; from half a second
 * on within 1.05 s; with 0.8 for nearly all four are killed in wrongly.
 */
#define STALLED_LOW	  0.50
#define STALLED_HIGH	  1.00
#define UNPRODUCTIVE_LOW  0.10
#define UNPRODUCTIVE_HIGH 0.90
/*
 * Files only. Pages reclaimed per ms of stall, on a scale of factors: streams get theirs for next
 * to nothing (250 to 6000 on the host of tests/corpus), in a livelock reclaim scans what is in use
 * (25 to 120). A slower processor gets fewer of both, which is why the wide eyes do without it.
 */
#define COST_LOW_PAGES	400.0
#define COST_HIGH_PAGES 50.0
#define COST_STALL	0.50
/* Whole when it is exhausted now, nothing when that is so far away. */
#define HORIZON_S 10.0

static const struct weights {
	double intercept;
	double of[FEATURES_]; /* log-odds when the feature is 1 */
} with_unproductive = {UNPRODUCTIVE_INTERCEPT, UNPRODUCTIVE_WEIGHTS},
  with_tracking = {TRACKING_INTERCEPT, TRACKING_WEIGHTS},
  files_only = {FILES_INTERCEPT, FILES_WEIGHTS};

static double ramp(double value, double zero, double one)
{
	double x = (value - zero) / (one - zero);

	return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Reclaim that gets no page at all costs the most. */
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
	const struct weights *weights = unproductive ? &with_unproductive
					: tracking   ? &with_tracking
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
	/* without the sum of reclaim it is what it is at least */
	features[FEATURE_STALLED] = ramp(e->thrash + (e->has & EVIDENCE_HAS_STALL ? e->stall : 0),
					 STALLED_LOW, STALLED_HIGH);
	if (unproductive)
		features[FEATURE_UNPRODUCTIVE] =
			ramp(e->unproductive_share, UNPRODUCTIVE_LOW, UNPRODUCTIVE_HIGH);
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
		[FEATURE_COST] = "cost",	   [FEATURE_GROWTH] = "growth",
	};

	return names[feature];
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * model: evidence -> risk, the probability that the scope is in Near-OOM or will be
 * within the horizon.
 *
 * A logistic model: risk = 1 / (1 + exp(-(intercept + sum of contributions))). Every
 * feature has a physical meaning and grows with trouble from 0 to 1, every weight is positive:
 * more thrash or a higher level never lowers the risk. The weights are fitted to recordings of
 * real runs by scripts/fit-model (coefficients.h); how well they judge runs that they were not
 * fitted to says docs/judge-report.md.
 *
 * There are three sets of weights: one for what the wide eyes see, one for hosts where they see all
 * but who stands still (sampler.c), and one for those where they cannot be had, where refaults and
 * major faults of the kernel's files, and what reclaim costs, stand in for futile. That one misses
 * more and errs more: docs/judge-report.md has both.
 *
 * The level is no feature: full hosts stream for weeks. It is a condition for acting at all
 * (verdict.c); how much too full a scope is says what is read in for nothing.
 *
 * Purity:    pure.
 * Units:     contributions are log-odds.
 * Errors:    none; a risk that cannot be told is RISK_UNKNOWN with what is missing.
 * Ownership: plain values.
 */
#ifndef FASTOOM_JUDGE_MODEL_H
#define FASTOOM_JUDGE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct evidence;

enum feature {
	FEATURE_AVOIDABLE, /* of all that is read in, what a kill could have kept; where time is
			    * lost
			    */
	FEATURE_REREAD,	   /* files only: the file LRU is read back, by tasks that wait for it */
	FEATURE_STALLED,   /* tasks: is at least one of them out of work, in thrash or in reclaim */
	FEATURE_UNPRODUCTIVE, /* tasks: does at least one do next to nothing of its usual work, for
			       * that
			       */
	FEATURE_COST,	      /* files only: reclaim hardly gets a page for its time */
	FEATURE_GROWTH,	      /* how near exhaustion is at the present growth */
	FEATURES_,
};

struct risk {
	bool known;		    /* false: an essential input is missing: value means nothing */
	uint32_t missing;	    /* EVIDENCE_HAS_ bits of the essentials that are missing */
	double value;		    /* 0..1 */
	double features[FEATURES_]; /* 0..1 */
	double contributions[FEATURES_]; /* log-odds */
	double intercept;
};

struct risk model_risk(const struct evidence *evidence);

const char *model_feature_name(enum feature feature);

#endif /* FASTOOM_JUDGE_MODEL_H */

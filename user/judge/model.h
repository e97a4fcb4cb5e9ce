/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * model: computes the risk from the evidence: the probability that the scope is in Near-OOM, or
 * will be within the horizon of the labels (2 s, scripts/corpus.py).
 *
 * A logistic model: risk = 1 / (1 + exp(-(intercept + sum of contributions))), where a contribution
 * is weight * feature. Features are 0 to 1 and no weight is negative, so more trouble never lowers
 * the risk. scripts/fit-model fits the weights (coefficients.h) to recorded runs.
 *
 * There are four sets of weights, by what is measured: what each process loses; the scope's sums
 * with unproductive tasks; those without; files only. Where the processes are measured, relief
 * alone passes the threshold of `medium`: no other feature can veto it. docs/judgement.md, "The
 * risk model", explains features and sets; docs/judge-report.md has their quality.
 *
 * Purity:    pure.
 * Units:     contributions and intercept log-odds.
 * Errors:    none. An essential input that is missing makes the risk unknown.
 * Ownership: plain values.
 */
#ifndef FASTOOM_JUDGE_MODEL_H
#define FASTOOM_JUDGE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct evidence;

enum feature {
	FEATURE_AVOIDABLE,    /* avoidable share, where time is lost */
	FEATURE_REREAD,	      /* files only: refaults of the file LRU, with major faults */
	FEATURE_STALLED,      /* whether one task is stalled: thrash and reclaim */
	FEATURE_UNPRODUCTIVE, /* whether one task is unproductive */
	FEATURE_COST,	      /* files only: reclaim frees few pages for its time */
	FEATURE_RELIEF,	      /* what the best permitted kill would give back */
	FEATURE_GROWTH,	      /* how soon the memory is exhausted at the present growth */
	FEATURES_,
};

struct risk {
	bool known;		    /* false: an essential input is missing, value is not valid */
	uint32_t missing;	    /* EVIDENCE_HAS_ bits of the missing essential inputs */
	double value;		    /* 0..1 */
	double features[FEATURES_]; /* 0..1 */
	double contributions[FEATURES_]; /* log-odds */
	double intercept;
};

struct risk model_risk(const struct evidence *evidence);

/* The name in records and in coefficients.h; static. */
const char *model_feature_name(enum feature feature);

#endif /* FASTOOM_JUDGE_MODEL_H */

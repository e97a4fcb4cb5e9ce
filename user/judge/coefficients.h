/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from
 * 74 runs of the fit half of tests/corpus (39 near-OOM), 9354 samples of 10 families.
 * Brier score 0.058, log loss 0.207; of families left out of the fit in turn 0.101 and 0.335.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

#define INTERCEPT	   (-4.37)
#define WEIGHT_NEAR	   4.41
#define WEIGHT_OUT_OF_WORK 2.14
#define WEIGHT_LEVEL	   0.74
#define WEIGHT_GROWTH	   1.07

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from
 * 41 runs of the fit half of tests/corpus (21 near-OOM), 5177 samples of 8 families.
 * Brier score 0.025, log loss 0.102; of families left out of the fit in turn 0.047 and 0.171.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

#define INTERCEPT (-7.22)
#define WEIGHT_LOST 4.52
#define WEIGHT_THRASH 0.46
#define WEIGHT_NEAR 3.96
#define WEIGHT_LEVEL 1.65
#define WEIGHT_GROWTH 1.32

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

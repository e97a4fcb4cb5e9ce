/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from
 * 60 runs of the fit half of tests/corpus (31 near-OOM), 7262 samples of 10 families.
 * Brier score 0.036, log loss 0.131; of families left out of the fit in turn 0.066 and 0.222.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

#define INTERCEPT (-3.49)
#define WEIGHT_LOST 2.00
#define WEIGHT_MENDABLE 4.74
#define WEIGHT_THRASH 1.83
#define WEIGHT_LEVEL 0.00
#define WEIGHT_GROWTH 1.30

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

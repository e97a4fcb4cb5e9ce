/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from
 * 52 runs of the fit half of tests/corpus (28 near-OOM), 6684 samples of 10 families.
 * Brier score 0.029, log loss 0.110; of families left out of the fit in turn 0.051 and 0.174.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

#define INTERCEPT (-3.67)
#define WEIGHT_LOST 3.26
#define WEIGHT_MENDABLE 4.70
#define WEIGHT_LEVEL 0.00
#define WEIGHT_GROWTH 0.43

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

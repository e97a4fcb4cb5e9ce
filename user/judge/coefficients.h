/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from the fit
 * half of tests/corpus: 151 runs, 56 of them near-OOM.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 10976 samples of 9 families.
 * Brier score 0.064, log loss 0.221; of families left out of the fit in turn 0.092 and 0.338.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define HALTED_INTERCEPT (-4.84)
#define HALTED_WEIGHTS                                                                             \
	{                                                                                          \
		1.84, 0.00, 1.05, 3.44, 0.00, 1.55                                                 \
	}

/*
 * 15912 samples of 10 families.
 * Brier score 0.084, log loss 0.287; of families left out of the fit in turn 0.097 and 0.337.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define EYES_INTERCEPT (-3.78)
#define EYES_WEIGHTS                                                                               \
	{                                                                                          \
		2.92, 0.00, 2.28, 0.00, 0.00, 1.90                                                 \
	}

/*
 * 15743 samples of 10 families.
 * Brier score 0.142, log loss 0.424; of families left out of the fit in turn 0.174 and 0.505.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define FILES_INTERCEPT (-2.65)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 2.90, 0.72, 0.00, 2.87, 1.10                                                 \
	}

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

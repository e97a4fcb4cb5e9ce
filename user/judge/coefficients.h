/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from the fit
 * half of tests/corpus: 151 runs, 58 of them near-OOM.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 16059 samples of 10 families.
 * Brier score 0.086, log loss 0.288; of families left out of the fit in turn 0.098 and 0.333.
 * Features: futile, reread, out_of_work, cost, growth.
 */
#define EYES_INTERCEPT (-3.72)
#define EYES_WEIGHTS                                                                               \
	{                                                                                          \
		2.60, 0.00, 2.66, 0.00, 1.90                                                       \
	}

/*
 * 15882 samples of 10 families.
 * Brier score 0.141, log loss 0.426; of families left out of the fit in turn 0.170 and 0.500.
 * Features: futile, reread, out_of_work, cost, growth.
 */
#define FILES_INTERCEPT (-2.56)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 2.94, 0.98, 2.57, 1.10                                                       \
	}

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from the fit
 * half of tests/corpus: 142 runs, 56 of them near-OOM.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 14975 samples of 10 families.
 * Brier score 0.085, log loss 0.286; of families left out of the fit in turn 0.101 and 0.362.
 * Features: futile, reread, out_of_work, cost, growth.
 */
#define EYES_INTERCEPT (-3.54)
#define EYES_WEIGHTS                                                                               \
	{                                                                                          \
		3.52, 0.00, 1.74, 0.00, 1.20                                                       \
	}

/*
 * 14934 samples of 10 families.
 * Brier score 0.155, log loss 0.477; of families left out of the fit in turn 0.192 and 0.573.
 * Features: futile, reread, out_of_work, cost, growth.
 */
#define FILES_INTERCEPT (-2.03)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 1.98, 0.00, 2.84, 0.97                                                       \
	}

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from the fit
 * half of tests/corpus: 74 runs, 39 of them near-OOM.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 9354 samples of 10 families.
 * Brier score 0.058, log loss 0.207; of families left out of the fit in turn 0.101 and 0.335.
 * Features: near, reread, out_of_work, level, growth.
 */
#define EYES_INTERCEPT (-4.37)
#define EYES_WEIGHTS                                                                               \
	{                                                                                          \
		4.41, 0.00, 2.14, 0.74, 1.07                                                       \
	}

/*
 * 9379 samples of 10 families.
 * Brier score 0.159, log loss 0.512; of families left out of the fit in turn 0.253 and 0.789.
 * Features: near, reread, out_of_work, level, growth.
 */
#define FILES_INTERCEPT (-1.88)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 3.06, 1.16, 1.59, 0.54                                                       \
	}

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

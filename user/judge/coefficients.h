/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from the fit
 * half of tests/corpus: 151 runs, 58 of them near-OOM.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 16036 samples of 10 families.
 * Brier score 0.069, log loss 0.241; of families left out of the fit in turn 0.081 and 0.288.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define EYES_INTERCEPT (-4.26)
#define EYES_WEIGHTS                                                                               \
	{                                                                                          \
		3.52, 0.00, 2.45, 0.00, 0.00, 1.23                                                 \
	}

/*
 * 15870 samples of 10 families.
 * Brier score 0.144, log loss 0.443; of families left out of the fit in turn 0.195 and 0.571.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define FILES_INTERCEPT (-2.40)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 2.62, 0.00, 0.00, 2.81, 0.74                                                 \
	}

#define HALTED_INTERCEPT EYES_INTERCEPT
#define HALTED_WEIGHTS	 EYES_WEIGHTS

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

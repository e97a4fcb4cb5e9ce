/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model, in log-odds. Made by scripts/fit-model from the fit
 * half of tests/corpus: 151 runs, 57 of them near-OOM.
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 11014 samples of 9 families.
 * Brier score 0.021, log loss 0.081; of families left out of the fit in turn 0.033 and 0.119.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define HALTED_INTERCEPT (-5.22)
#define HALTED_WEIGHTS                                                                             \
	{                                                                                          \
		0.87, 0.00, 1.76, 6.60, 0.00, 3.80                                                 \
	}

/*
 * 15950 samples of 10 families.
 * Brier score 0.086, log loss 0.291; of families left out of the fit in turn 0.100 and 0.345.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define EYES_INTERCEPT (-4.11)
#define EYES_WEIGHTS                                                                               \
	{                                                                                          \
		2.74, 0.00, 2.85, 0.00, 0.00, 2.40                                                 \
	}

/*
 * 15800 samples of 10 families.
 * Brier score 0.140, log loss 0.415; of families left out of the fit in turn 0.171 and 0.495.
 * Features: futile, reread, out_of_work, halted, cost, growth.
 */
#define FILES_INTERCEPT (-2.98)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 3.32, 0.06, 0.00, 3.85, 1.18                                                 \
	}

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

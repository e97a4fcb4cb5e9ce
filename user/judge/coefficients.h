/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * coefficients: the weights of the risk model. scripts/fit-model writes this file from the fit half
 * of tests/corpus: 150 runs, 56 of them near-OOM.
 *
 * Units:     log-odds; the weights are in the order of enum feature (judge/model.h).
 */
#ifndef FASTOOM_JUDGE_COEFFICIENTS_H
#define FASTOOM_JUDGE_COEFFICIENTS_H

/*
 * 10436 samples of 9 families.
 * Brier score 0.072, log loss 0.240; on families that are left out of the fit 0.095 and 0.332.
 * Features: avoidable, reread, stalled, unproductive, cost, relief, growth.
 */
#define RELIEF_INTERCEPT (-5.45)
#define RELIEF_WEIGHTS                                                                             \
	{                                                                                          \
		0.00, 0.00, 0.00, 1.04, 0.00, 6.55, 3.28                                           \
	}

/*
 * 11017 samples of 9 families.
 * Brier score 0.025, log loss 0.091; on families that are left out of the fit 0.048 and 0.173.
 * Features: avoidable, reread, stalled, unproductive, cost, relief, growth.
 */
#define UNPRODUCTIVE_INTERCEPT (-7.07)
#define UNPRODUCTIVE_WEIGHTS                                                                       \
	{                                                                                          \
		0.60, 0.00, 2.36, 7.87, 0.00, 0.00, 6.33                                           \
	}

/*
 * 16216 samples of 10 families.
 * Brier score 0.080, log loss 0.270; on families that are left out of the fit 0.094 and 0.341.
 * Features: avoidable, reread, stalled, unproductive, cost, relief, growth.
 */
#define TRACKING_INTERCEPT (-4.29)
#define TRACKING_WEIGHTS                                                                           \
	{                                                                                          \
		3.29, 0.00, 2.83, 0.00, 0.00, 0.00, 2.23                                           \
	}

/*
 * 16080 samples of 10 families.
 * Brier score 0.139, log loss 0.413; on families that are left out of the fit 0.165 and 0.486.
 * Features: avoidable, reread, stalled, unproductive, cost, relief, growth.
 */
#define FILES_INTERCEPT (-3.06)
#define FILES_WEIGHTS                                                                              \
	{                                                                                          \
		0.00, 3.55, 0.10, 0.00, 5.11, 0.00, 0.88                                           \
	}

#endif /* FASTOOM_JUDGE_COEFFICIENTS_H */

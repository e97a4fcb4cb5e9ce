/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#define INTERCEPT	(-6.0)
#define WEIGHT_LOST	8.0
#define WEIGHT_THRASH	4.0
#define WEIGHT_NEAR	0.0
#define WEIGHT_LEVEL	3.0
#define WEIGHT_GROWTH	2.0

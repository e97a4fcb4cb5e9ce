/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_screen: top in a terminal, with keys as in htop.
 *
 * Purity:    owns the terminal from top_screen_run() until it returns, and gives it back as it
 *            was, also when the program is ended by a signal.
 * Errors:    an exit code; the sentence is printed once the terminal is given back.
 */
#ifndef FASTOOM_CLIENT_TOP_SCREEN_H
#define FASTOOM_CLIENT_TOP_SCREEN_H

#include <stdbool.h>

struct top_model;
struct top_view;

struct top_screen_options {
	unsigned interval_ms;
	bool utf8;
	bool color;
};

int top_screen_run(struct top_model *model, struct top_view *view,
		   const struct top_screen_options *options);

#endif /* FASTOOM_CLIENT_TOP_SCREEN_H */

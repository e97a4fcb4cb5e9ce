/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_screen: top in a terminal, with the keys of htop.
 *
 * Purity:    uses the terminal from top_screen_run() until it returns, and restores it, also when
 *            a signal ends the program.
 * Units:     in the names.
 * Errors:    an exit code, with a message when the terminal is restored.
 * Ownership: the caller's.
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

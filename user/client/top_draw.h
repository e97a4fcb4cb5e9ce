/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_draw: draws the screen of top with ncurses.
 *
 * Purity:    draws; reads a cgroup's processes for the detail of a scope.
 * Errors:    none.
 * Ownership: the caller's; ncurses is initialised.
 */
#ifndef FASTOOM_CLIENT_TOP_DRAW_H
#define FASTOOM_CLIENT_TOP_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "client/top_text.h"

struct top_daemon;
struct top_model;
struct top_view;

enum mode {
	MODE_LIST,
	MODE_DETAIL,
	MODE_HELP,
	MODE_SORT,
	MODE_SEARCH,
	MODE_FILTER,
};

struct screen {
	struct top_model *model;
	struct top_daemon *daemon; /* the model's */
	struct top_view *view;
	bool utf8;
	bool color;
	struct top_layout layout;
	enum mode mode;
	char selected[512]; /* the path of the row; "" is the node */
	size_t at, top;	    /* the selected row, and the first visible one */
	char typed[64];
	char sought[64];
	char message[100];
	bool leave;
	bool moved; /* false: the first row stays selected when the order changes */
};

/* Sets up the colours; false: the terminal has none. */
bool top_draw_colors(void);

void top_draw(struct screen *screen);

/* How many rows are visible. */
int top_draw_height(const struct screen *screen);

#endif /* FASTOOM_CLIENT_TOP_DRAW_H */

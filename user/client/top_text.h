/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_text: the rows of top as text, for the screen and for --batch.
 *
 * Purity:    pure, but top_processes() reads /proc.
 * Units:     widths in columns of the terminal.
 * Errors:    none; "-" stands for what is not known.
 * Ownership: the caller's buffers; functions that take one return it.
 */
#ifndef FASTOOM_CLIENT_TOP_TEXT_H
#define FASTOOM_CLIENT_TOP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/top_model.h"

#define TOP_LINE_MAX 2048
#define TOP_COLUMNS  11

struct top_layout {
	unsigned width;
	bool utf8;		      /* else plain ASCII */
	unsigned widths[TOP_COLUMNS]; /* 0: no room for this column */
};

/* Chooses the columns that fit into @width. */
void top_layout(struct top_layout *ret, unsigned width, bool utf8);

/* @text in exactly @width columns, cut or padded; "?" for what cannot be shown. */
char *top_fit(char *buf, size_t size, const char *text, unsigned width, bool right, bool utf8);

char *top_head(char *buf, size_t size, const struct top_layout *layout);
char *top_line(char *buf, size_t size, const struct top_layout *layout, const struct top_view *view,
	       const struct top_row *row);
char *top_node_line(char *buf, size_t size, const struct top_layout *layout,
		    const struct node_memory *node);
char *top_kill_line(char *buf, size_t size, const struct top_layout *layout, const json_t *kill);

/* One point for each column, the newest at the right. */
char *top_spark(char *buf, size_t size, const struct top_history *history, unsigned width,
		bool utf8);
/* One character of a bar, @percent of it filled. */
const char *top_block(unsigned percent, bool utf8);

struct top_process {
	pid_t pid;
	char comm[32];
	uint64_t rss_bytes;
	uint64_t swap_bytes;
	int oom_score_adj;
};

/*
 * The @max largest processes of the cgroup whose directory is @dir ("": of the node). *ret_all is
 * the number of all.
 */
size_t top_processes(const char *dir, struct top_process *ret, size_t max, size_t *ret_all);

#endif /* FASTOOM_CLIENT_TOP_TEXT_H */

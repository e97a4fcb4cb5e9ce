/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * words: a text that grows, and a paragraph with a heading.
 *
 * Purity:    words_add() is pure; words_print() writes to stdout.
 * Units:     columns of the terminal.
 * Errors:    none; text beyond the buffer is cut.
 * Ownership: a value; a zeroed one is empty.
 */
#ifndef FASTOOM_CLIENT_WORDS_H
#define FASTOOM_CLIENT_WORDS_H

#include <stddef.h>

struct words {
	char text[4096];
	size_t len;
};

void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The heading in a column of its own, the text beside it, wrapped. */
void words_print(const char *heading, const struct words *words);

#endif /* FASTOOM_CLIENT_WORDS_H */

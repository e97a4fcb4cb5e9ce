/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * utf8: text that others chose, before it is shown.
 *
 * Purity:    pure.
 * Units:     bytes.
 * Errors:    none.
 * Ownership: the caller's buffers.
 */
#ifndef FASTOOM_BASE_UTF8_H
#define FASTOOM_BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence at @text, 0 if it is none; @len is not 0. */
size_t utf8_length(const char *text, size_t len);

/*
 * In place: what a terminal or a reader of lines could act on becomes '?', a byte each: control
 * characters (C0 with tab and newline, DEL, C1) and what is not UTF-8.
 */
void utf8_tame(char *text, size_t len);

#endif /* FASTOOM_BASE_UTF8_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * utf8: checks and sanitizes text from outside, such as the names of processes.
 *
 * Purity:    pure; utf8_sanitize() changes the caller's buffer.
 * Units:     bytes.
 * Errors:    none.
 * Ownership: the caller owns the buffers.
 */
#ifndef FASTOOM_BASE_UTF8_H
#define FASTOOM_BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence at @text, 1 to 4; 0: not well-formed. @len is at least 1. */
size_t utf8_length(const char *text, size_t len);

/*
 * Replaces in place, byte for byte, with '?': control characters (C0 with tab and newline, DEL,
 * C1) and what is not UTF-8. A terminal or a reader of lines could act on these.
 */
void utf8_sanitize(char *text, size_t len);

#endif /* FASTOOM_BASE_UTF8_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * regex: Perl-compatible patterns (PCRE2) with bounded matching that does not allocate.
 *
 * Purity:    a match depends on the pattern and the subject only. All patterns share one static
 *            buffer behind a mutex, so any thread may match. Only compiling allocates.
 * Units:     lengths and offsets in bytes. Subjects are bytes, not UTF-8. A subject is not text of
 *            lines: "." also matches a newline, "$" matches at the end only.
 * Errors:    0 or -errno; ret_x is written on success only.
 * Ownership: regex_compile() gives, regex_free() takes.
 */
#ifndef FASTOOM_BASE_REGEX_H
#define FASTOOM_BASE_REGEX_H

#include <stddef.h>
#include <stdint.h>

#define REGEX_PATTERN_MAX 4096 /* bytes; chosen: a longer pattern is a mistake */

struct regex;

/*
 * -EINVAL: @pattern does not compile; only then are *ret_offset (where) and @msg (why) written.
 * -ENOMEM. @ret_offset and @msg may be NULL.
 */
int regex_compile(const char *pattern, struct regex **ret, size_t *ret_offset, char *msg,
		  size_t msg_size);

/*
 * 1: match, 0: no match, -E2BIG: a limit (steps, depth, memory) was reached before the answer was
 * known. The step limit holds for each start of a match: callers bound the length of subjects.
 */
int regex_match(const struct regex *regex, const char *subject, size_t len);

/* The text that @regex was compiled from; valid until regex_free(). */
const char *regex_pattern(const struct regex *regex);

/* NULL is accepted. */
void regex_free(struct regex *regex);

#endif /* FASTOOM_BASE_REGEX_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * regex: Perl-compatible patterns that cannot run away and do not allocate while matching.
 *
 * Purity:    a match depends on the pattern and the subject alone. Underneath lies one
 *            scratch buffer for the whole process, static and behind a mutex, so any
 *            thread may match; compile and free use the heap, matching never does.
 * Units:     lengths and offsets in bytes. Subjects are bytes, not UTF-8; "." matches
 *            newlines too and "$" only the very end, for a subject is not lines of text.
 * Errors:    0 or -errno, see each function; ret_x is written on success only.
 * Ownership: regex_compile() gives, regex_free() takes.
 */
#ifndef FASTOOM_BASE_REGEX_H
#define FASTOOM_BASE_REGEX_H

#include <stddef.h>
#include <stdint.h>

#define REGEX_PATTERN_MAX 4096 /* bytes */

struct regex;

/*
 * -EINVAL: does not compile; *ret_offset is where, msg why (both only then written).
 * -ENOMEM. Either of ret_offset and msg may be NULL.
 */
int regex_compile(const char *pattern, struct regex **ret, size_t *ret_offset, char *msg,
		  size_t msg_size);

/*
 * 1 match, 0 no match, -E2BIG when a limit (steps, depth, memory) was hit before the
 * answer was known: count it and take it for no match. Steps are limited per place the
 * match may start at, so whoever brings subjects bounds their length too.
 */
int regex_match(const struct regex *regex, const char *subject, size_t len);

/* As it was compiled from. */
const char *regex_pattern(const struct regex *regex);

/* NULL is fine. */
void regex_free(struct regex *regex);

#endif /* FASTOOM_BASE_REGEX_H */

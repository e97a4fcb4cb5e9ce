/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * units: parses and formats sizes, durations and ratios.
 *
 * Purity:    pure; reads and changes neither locale nor errno.
 * Units:     bytes, ns, ratios 0..1.
 * Errors:    0 or -errno. -EINVAL: no such value (empty, a sign, a space, a fraction where none is
 *            allowed, an unknown unit); -ERANGE: it does not fit. ret_x is written on success only.
 * Ownership: the caller owns the buffers.
 */
#ifndef FASTOOM_BASE_UNITS_H
#define FASTOOM_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest text that is formatted here, with its NUL. */
#define UNITS_TEXT_MAX 32

/* "4096", "64MiB": B KiB MiB GiB TiB by 1024, kB MB GB TB by 1000; without a unit bytes. */
int units_parse_size(const char *text, uint64_t *ret_bytes);

/* "500ms": us ms s m h d. The unit is required: a plain number is ambiguous. */
int units_parse_duration(const char *text, uint64_t *ret_ns);

/* "0.85": a decimal fraction from 0 to 1; more than 1 is -ERANGE. */
int units_parse_ratio(const char *text, double *ret_ratio);

/* "200.0 MiB", "12 B"; returns @buf. */
char *units_format_bytes(char *buf, size_t n, uint64_t bytes);

/* "12.3 ms", "4.0 s", "2m 05s", "3h 20m", "4d 01h"; returns @buf. */
char *units_format_duration(char *buf, size_t n, uint64_t ns);

#endif /* FASTOOM_BASE_UNITS_H */

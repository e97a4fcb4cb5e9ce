/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * refusal: which program the verifier refused, and why, from the text that libbpf prints.
 *
 * The error number does not tell: the verifier and a missing capability both give EACCES. Only the
 * verifier writes a log.
 *
 * Purity:    pure.
 * Units:     bytes.
 * Errors:    false: the text is not the log of a refused program.
 * Ownership: the caller's buffer.
 */
#ifndef FASTOOM_SENSE_REFUSAL_H
#define FASTOOM_SENSE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

/* "PROGRAM: LINE", the last line of the verifier's log that is not a statistic. */
bool refusal_read(const char *text, char *ret, size_t size);

#endif /* FASTOOM_SENSE_REFUSAL_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * explain: one kill in sentences on stdout, in the order in which it happened.
 *
 * Purity:    explain_kill() and explain_afterwards() only print; explain_kernel_kill() also reads
 *            the kernel's log.
 * Errors:    what a record lacks is left out of the sentences.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_EXPLAIN_H
#define FASTOOM_CLIENT_EXPLAIN_H

#include <jansson.h>
#include <stddef.h>

/* The act or kill at @at of @records. */
void explain_kill(const json_t *records, size_t at);

/* The no_victim at @at of @records. */
void explain_no_victim(const json_t *records, size_t at);

/* What happened in the scope of the record at @at after it. */
void explain_afterwards(const json_t *records, size_t at);

/*
 * The kernel_kill at @at of @records, with what the kernel's log says of it; or, if there is no
 * such record, the last kill in that log. @log_path NULL: the kernel's own log. An exit code.
 */
int explain_kernel_kill(const json_t *records, size_t at, const char *log_path);

#endif /* FASTOOM_CLIENT_EXPLAIN_H */

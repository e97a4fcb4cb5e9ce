/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * errno_name: the name of an error number, for records and for scripts. musl has no
 * strerrorname_np().
 *
 * Purity:    pure.
 * Units:     positive error numbers, as errno has them.
 * Errors:    none; a number without a name: NULL.
 * Ownership: the text is static.
 */
#ifndef FASTOOM_BASE_ERRNO_NAME_H
#define FASTOOM_BASE_ERRNO_NAME_H

/* ENOENT: "ENOENT" */
const char *errno_name(int number);

#endif /* FASTOOM_BASE_ERRNO_NAME_H */

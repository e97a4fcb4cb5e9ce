/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * file: reads a whole regular file into memory, and writes a whole buffer.
 *
 * Purity:    reads one file or writes to one descriptor; file_read_all() allocates.
 * Units:     bytes.
 * Errors:    0 or -errno. file_read_all(): -EISDIR, -ENODEV: not a regular file; -EFBIG: larger
 * than
 *            @max.
 * Ownership: the caller frees *ret_bytes, which ends in a NUL that *ret_len does not count.
 */
#ifndef FASTOOM_BASE_FILE_H
#define FASTOOM_BASE_FILE_H

#include <stddef.h>

int file_read_all(const char *path, size_t max, char **ret_bytes, size_t *ret_len);
/* Repeats write() until all @len bytes are written. */
int file_write_all(int fd, const void *bytes, size_t len);

#endif /* FASTOOM_BASE_FILE_H */

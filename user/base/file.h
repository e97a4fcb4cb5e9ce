/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * file: a whole file in memory.
 *
 * Purity:    reads one file.
 * Units:     bytes.
 * Errors:    0 or -errno; -ENODEV: no regular file, -EFBIG: larger than @max.
 * Ownership: *ret_bytes is the caller's to free; there is a NUL behind the last byte.
 */
#ifndef FASTOOM_BASE_FILE_H
#define FASTOOM_BASE_FILE_H

#include <stddef.h>

int file_read_all(const char *path, size_t max, char **ret_bytes, size_t *ret_len);
/* All of it, also when the kernel takes it in pieces. */
int file_write_all(int fd, const void *bytes, size_t len);

#endif /* FASTOOM_BASE_FILE_H */

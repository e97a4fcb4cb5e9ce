/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kvfile: the kernel's "key value" files (memory.stat, meminfo, vmstat), kept open and
 * read again into the stack; no allocation, one pread() a reading.
 *
 * Purity:    kv_parse() is pure; kvfile_read() reads one file.
 * Units:     as the file has them; a value followed by "kB" is returned in bytes.
 * Errors:    0 or -errno. A key that is not in the file leaves its bit clear: missing is
 *            missing, never zero.
 * Ownership: the caller owns the descriptor.
 */
#ifndef FASTOOM_SENSE_KVFILE_H
#define FASTOOM_SENSE_KVFILE_H

#include <stddef.h>
#include <stdint.h>

struct kv {
	const char *key; /* without the colon that meminfo has */
	uint64_t *value;
};

/* Returns the bits of the table's entries that were found (entry i = bit i; at most 32). */
uint32_t kv_parse(const char *text, const struct kv *table, size_t entries);

/* -ENODATA: empty. The fd is read from its beginning. */
int kvfile_read(int fd, const struct kv *table, size_t entries, uint32_t *ret_found);

/* A file with one number; "max" and v1's huge "no limit" give UINT64_MAX. */
int kvfile_number(int fd, uint64_t *ret_value);
int kv_parse_number(const char *text, uint64_t *ret_value);

#endif /* FASTOOM_SENSE_KVFILE_H */

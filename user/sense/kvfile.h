/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kvfile: reads the kernel's "key value" files (memory.stat, meminfo, vmstat) from an open
 * descriptor into the stack, without allocating.
 *
 * Purity:    kv_parse() and kv_parse_number() are pure; the others read one file.
 * Units:     those of the file; a value with "kB" is converted to bytes.
 * Errors:    0 or -errno. -ENODATA: the file is empty. A key that the file does not have leaves its
 *            bit clear and its value unchanged.
 * Ownership: the caller owns the descriptor.
 */
#ifndef FASTOOM_SENSE_KVFILE_H
#define FASTOOM_SENSE_KVFILE_H

#include <stddef.h>
#include <stdint.h>

struct kv {
	const char *key; /* without meminfo's colon */
	uint64_t *value;
};

/* Returns which entries of @table were found: bit i for entry i; at most 32 entries. */
uint32_t kv_parse(const char *text, const struct kv *table, size_t entries);

/* Reads from the beginning of the file, at most 16 KiB. */
int kvfile_read(int fd, const struct kv *table, size_t entries, uint32_t *ret_found);

/* One number; UINT64_MAX for "max" and for the value with which v1 says "no limit". -EINVAL. */
int kvfile_number(int fd, uint64_t *ret_value);
int kv_parse_number(const char *text, uint64_t *ret_value);

#endif /* FASTOOM_SENSE_KVFILE_H */

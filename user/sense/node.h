/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * node: memory of the whole host, from /proc/meminfo, /proc/vmstat and /proc/zoneinfo.
 *
 * Purity:    reads files; they stay open.
 * Units:     *_bytes, *_pages base pages; counters are totals since boot.
 * Errors:    0 or -errno. A field without its NODE_HAS_ bit is missing, not zero.
 * Ownership: node_open() gives, node_close() takes.
 */
#ifndef FASTOOM_SENSE_NODE_H
#define FASTOOM_SENSE_NODE_H

#include <stdint.h>

struct node {
	int meminfo_fd;
	int vmstat_fd;
	int zoneinfo_fd;
};

enum {
	NODE_HAS_AVAILABLE = 1 << 0, /* total, available, free, anon, file LRU */
	NODE_HAS_SWAP = 1 << 1,
	NODE_HAS_REFAULTS = 1 << 2,
	NODE_HAS_FAULTS = 1 << 3,
	NODE_HAS_SCANS = 1 << 4,
	NODE_HAS_MARKS = 1 << 5,
	NODE_HAS_MAPPED = 1 << 6,
};

struct node_memory {
	uint32_t has;
	uint64_t total_bytes;
	uint64_t available_bytes;
	uint64_t free_bytes;
	uint64_t anon_bytes; /* with shared memory */
	uint64_t file_lru_bytes;
	/* part of file_lru_bytes that is mapped; a lower bound, for shared memory may be mapped */
	uint64_t mapped_file_bytes;
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint64_t refault_pages; /* lags by up to seconds: the kernel flushes it lazily */
	uint64_t major_faults;
	uint64_t scanned_pages;	 /* by kswapd and direct reclaim */
	uint64_t mark_low_bytes; /* sum of the low watermarks of all zones */
};

/* @root: "" for the host's own files; tests pass a directory of fixtures. */
int node_open(struct node *ret, const char *root);
void node_close(struct node *node);
int node_read(const struct node *node, struct node_memory *ret);

/*
 * Pure, with NODE_HAS_AVAILABLE: what reclaim cannot give back. The level is this as a share of
 * total_bytes.
 */
uint64_t node_held_bytes(const struct node_memory *memory);

/* Pure: the sum of all "low" lines of zoneinfo, in pages. -EINVAL: none, or not a number. */
int node_parse_marks(const char *zoneinfo, uint64_t *ret_low_pages);

#endif /* FASTOOM_SENSE_NODE_H */

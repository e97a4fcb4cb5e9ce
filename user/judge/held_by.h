/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * held_by: what holds the memory of a scope that no kill can help. The kinds overlap: shared memory
 * may be unevictable, and slab_unreclaimable is part of kernel.
 *
 * Purity:    pure.
 * Units:     bytes.
 * Missing:   a kind without its bit in `has` is missing, not zero.
 * Source:    memory.stat, or /proc/meminfo and /proc/net/sockstat (sense/sampler.h).
 * Errors:    none.
 * Ownership: plain values.
 */
#ifndef FASTOOM_JUDGE_HELD_BY_H
#define FASTOOM_JUDGE_HELD_BY_H

#include <stdint.h>

enum held_by_kind {
	HELD_BY_ANON,
	HELD_BY_SHMEM,	       /* with tmpfs files */
	HELD_BY_LASTING_SHMEM, /* the part of it that no process's death frees */
	HELD_BY_UNEVICTABLE,   /* mlocked, or of a ramfs */
	HELD_BY_SOCK,	       /* buffers of sockets */
	HELD_BY_KERNEL,	       /* stacks, page tables, per-CPU memory and slab */
	HELD_BY_SLAB,	       /* slab that cannot be reclaimed */
	HELD_BY_KINDS_,
};

struct held_by {
	uint32_t has; /* bit 1 << kind */
	uint64_t bytes[HELD_BY_KINDS_];
};

static inline void held_by_set(struct held_by *held, enum held_by_kind kind, uint64_t bytes)
{
	held->has |= 1U << kind;
	held->bytes[kind] = bytes;
}

/* Its name in records, and for people; static. */
const char *held_by_key(enum held_by_kind kind);
const char *held_by_words(enum held_by_kind kind);

#endif /* FASTOOM_JUDGE_HELD_BY_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/held_by.h"

static const struct {
	const char *key;
	const char *words;
} names[HELD_BY_KINDS_] = {
	[HELD_BY_ANON] = {"anon_bytes", "anonymous memory"},
	[HELD_BY_SHMEM] = {"shmem_bytes", "shared memory and tmpfs files"},
	[HELD_BY_LASTING_SHMEM] = {"lasting_shmem_bytes",
				   "shared memory and tmpfs files that no process's death frees"},
	[HELD_BY_UNEVICTABLE] = {"unevictable_bytes", "mlocked memory"},
	[HELD_BY_SOCK] = {"sock_bytes", "socket buffers"},
	[HELD_BY_KERNEL] = {"kernel_bytes", "the kernel"},
	[HELD_BY_SLAB] = {"slab_unreclaimable_bytes", "slab that cannot be reclaimed"},
};

const char *held_by_key(enum held_by_kind kind)
{
	return names[kind].key;
}

const char *held_by_words(enum held_by_kind kind)
{
	return names[kind].words;
}

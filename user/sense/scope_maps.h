/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * scope_maps: what the BPF maps keep of each scope: which are hot, muted or quiet, and their sums.
 *
 * The maps have fixed sizes, and any cgroup that reclaims takes an entry. So entries of scopes that
 * are not watched are deleted when a map is more than three quarters full, and at once where a
 * scope finds no room. The node's entries are made at the start and never deleted.
 *
 * Purity:    bpf() calls. A sweep reads at most SCOPE_MAPS_BATCH entries; making room for a scope
 *            reads a map once as a whole, at most 1024 entries.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno.
 * Ownership: the loader is borrowed.
 */
#ifndef FASTOOM_SENSE_SCOPE_MAPS_H
#define FASTOOM_SENSE_SCOPE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct loader;

#define SCOPE_MAPS_BATCH 64

enum scope_map {
	SCOPE_MAP_HOT,
	SCOPE_MAP_SUMS,
	SCOPE_MAP_MEMSTALLS,
	SCOPE_MAPS_,
};

struct scope_maps_cursor {
	uint32_t batch; /* where the next batch begins, as the kernel numbers it */
	bool begun;
	size_t seen;   /* in this pass */
	size_t filled; /* in the last whole pass */
};

struct scope_maps {
	const struct loader *loader;
	bool (*is_watched)(const void *userdata, uint64_t scope);
	const void *userdata;
	struct scope_maps_cursor cursors[SCOPE_MAPS_];
	enum scope_map next;
	uint64_t keys[SCOPE_MAPS_BATCH];
	uint8_t values[SCOPE_MAPS_BATCH * sizeof(struct fo_scope_stat)];
};

/* Makes the node's entries. @is_watched: whether the entries of a scope are in use. */
int scope_maps_begin(struct scope_maps *maps, const struct loader *loader,
		     bool (*is_watched)(const void *userdata, uint64_t scope),
		     const void *userdata);

/*
 * Makes sure that the scope has an entry in every map, and deletes entries of scopes that are not
 * watched where there is no room. -E2BIG: all are in use.
 */
int scope_maps_enter(struct scope_maps *maps, uint64_t scope, uint64_t now_ns);
/* A hot scope is not to be reported before @until_ns; it stays hot until then. */
void scope_maps_mute(struct scope_maps *maps, uint64_t scope, uint64_t until_ns);
/* Likewise, but it is not hot and takes no room meanwhile. */
void scope_maps_quiet(struct scope_maps *maps, uint64_t scope, uint64_t until_ns);
/* The scope is not hot: it is reported at its next reclaim. */
void scope_maps_forget(struct scope_maps *maps, uint64_t scope);
/* A refault at most @pages away would be avoided by a kill in the scope. */
void scope_maps_set_reach(struct scope_maps *maps, uint64_t scope, uint64_t pages);

/* The next SCOPE_MAPS_BATCH entries of one map, which is another one each time. */
void scope_maps_sweep(struct scope_maps *maps, uint64_t now_ns);

#endif /* FASTOOM_SENSE_SCOPE_MAPS_H */

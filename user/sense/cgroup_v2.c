// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/cgroup_ops.h"

#include <errno.h>

#include "base/util.h"
#include "sense/cgroup.h"
#include "sense/kvfile.h"

static int read_v2(const struct cgroup *cgroup, struct cgroup_memory *memory)
{
	enum {
		ANON,
		SHMEM,
		SLAB,
		INACTIVE,
		ACTIVE,
		MAPPED,
		REFAULT_ANON,
		REFAULT_FILE,
		ACTIVATE_ANON,
		ACTIVATE_FILE,
		FAULTS
	};
	uint64_t v[FAULTS + 1] = {0};
	const struct kv table[] = {
		[ANON] = {"anon", &v[ANON]},
		[SHMEM] = {"shmem", &v[SHMEM]},
		[SLAB] = {"slab_reclaimable", &v[SLAB]},
		[INACTIVE] = {"inactive_file", &v[INACTIVE]},
		[ACTIVE] = {"active_file", &v[ACTIVE]},
		[MAPPED] = {"file_mapped", &v[MAPPED]},
		[REFAULT_ANON] = {"workingset_refault_anon", &v[REFAULT_ANON]},
		[REFAULT_FILE] = {"workingset_refault_file", &v[REFAULT_FILE]},
		[ACTIVATE_ANON] = {"workingset_activate_anon", &v[ACTIVATE_ANON]},
		[ACTIVATE_FILE] = {"workingset_activate_file", &v[ACTIVATE_FILE]},
		[FAULTS] = {"pgmajfault", &v[FAULTS]},
	};
	uint64_t high, swap_limit;
	uint32_t found;
	int err;

	err = kvfile_read(cgroup->fds[CGROUP_FILE_STAT], table, ARRAY_SIZE(table), &found);
	if (err)
		return err;
#define FOUND(i) (found & (1U << (i)))
	if (FOUND(INACTIVE) && FOUND(ACTIVE)) {
		memory->file_lru_bytes = v[INACTIVE] + v[ACTIVE];
		memory->has |= CGROUP_HAS_FILE_LRU;
	}
	if (FOUND(ANON)) {
		memory->anon_bytes = v[ANON] + v[SHMEM];
		memory->has |= CGROUP_HAS_ANON;
	}
	if (FOUND(REFAULT_FILE)) {
		memory->refault_pages = v[REFAULT_ANON] + v[REFAULT_FILE];
		memory->activated_pages = v[ACTIVATE_ANON] + v[ACTIVATE_FILE];
		memory->has |= CGROUP_HAS_REFAULTS;
	}
	if (FOUND(FAULTS)) {
		memory->major_faults = v[FAULTS];
		memory->has |= CGROUP_HAS_FAULTS;
	}
	if (FOUND(MAPPED) && FOUND(SHMEM)) {
		memory->mapped_file_bytes = v[MAPPED] > v[SHMEM] ? v[MAPPED] - v[SHMEM] : 0;
		memory->has |= CGROUP_HAS_MAPPED;
	}
#undef FOUND
	memory->slab_reclaimable_bytes = v[SLAB];
	if (!kvfile_number(cgroup->fds[CGROUP_FILE_HIGH], &high) && high < memory->limit_bytes) {
		memory->limit_bytes = high;
		memory->has |= CGROUP_HAS_LIMIT;
	}
	if (cgroup->fds[CGROUP_FILE_SWAP] >= 0 &&
	    !kvfile_number(cgroup->fds[CGROUP_FILE_SWAP], &memory->swap_bytes) &&
	    !kvfile_number(cgroup->fds[CGROUP_FILE_SWAP_LIMIT], &swap_limit)) {
		if (swap_limit == UINT64_MAX)
			memory->swap_free_bytes = UINT64_MAX;
		else
			memory->swap_free_bytes = swap_limit > memory->swap_bytes
							  ? swap_limit - memory->swap_bytes
							  : 0;
		memory->has |= CGROUP_HAS_SWAP;
	}
	return 0;
}

static const char *const files[CGROUP_FILES_] = {
	[CGROUP_FILE_USAGE] = "memory.current",	    [CGROUP_FILE_LIMIT] = "memory.max",
	[CGROUP_FILE_HIGH] = "memory.high",	    [CGROUP_FILE_STAT] = "memory.stat",
	[CGROUP_FILE_SWAP] = "memory.swap.current", [CGROUP_FILE_SWAP_LIMIT] = "memory.swap.max",
};

const struct cgroup_ops cgroup_v2_ops = {
	.version = 2,
	.files = files,
	.read = read_v2,
};

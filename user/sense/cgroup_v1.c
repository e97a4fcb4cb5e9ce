// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/cgroup_ops.h"

#include <errno.h>

#include "base/util.h"
#include "sense/cgroup.h"
#include "sense/kvfile.h"

static void read_oom(int fd, struct cgroup_memory *memory)
{
	uint64_t disabled = 0, under = 0;
	const struct kv table[] = {{"oom_kill_disable", &disabled}, {"under_oom", &under}};
	uint32_t found;

	if (fd < 0 || kvfile_read(fd, table, ARRAY_SIZE(table), &found) || found != 3)
		return;
	memory->under_oom = disabled && under;
	memory->has |= CGROUP_HAS_UNDER_OOM;
}

static int read_v1(const struct cgroup *cgroup, struct cgroup_memory *memory)
{
	enum {
		RSS,
		SHMEM,
		SWAP,
		INACTIVE,
		ACTIVE,
		MAPPED,
		REFAULT_ANON,
		REFAULT_FILE,
		FAULTS
	};
	uint64_t v[FAULTS + 1] = {0};
	/* total_: with the descendants; rss: anonymous memory without shared memory */
	const struct kv table[] = {
		[RSS] = {"total_rss", &v[RSS]},
		[SHMEM] = {"total_shmem", &v[SHMEM]},
		[SWAP] = {"total_swap", &v[SWAP]},
		[INACTIVE] = {"total_inactive_file", &v[INACTIVE]},
		[ACTIVE] = {"total_active_file", &v[ACTIVE]},
		[MAPPED] = {"total_mapped_file", &v[MAPPED]},
		/* since 6.1, e09b0b61fbbf */
		[REFAULT_ANON] = {"total_workingset_refault_anon", &v[REFAULT_ANON]},
		[REFAULT_FILE] = {"total_workingset_refault_file", &v[REFAULT_FILE]},
		[FAULTS] = {"total_pgmajfault", &v[FAULTS]},
	};
	uint64_t memsw, memsw_limit;
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
	if (FOUND(RSS)) {
		memory->anon_bytes = v[RSS] + v[SHMEM];
		memory->has |= CGROUP_HAS_ANON;
	}
	if (FOUND(REFAULT_FILE)) {
		memory->refault_pages = v[REFAULT_ANON] + v[REFAULT_FILE];
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
	if (cgroup->fds[CGROUP_FILE_SWAP] >= 0 && cgroup->fds[CGROUP_FILE_SWAP_LIMIT] >= 0 &&
	    !kvfile_number(cgroup->fds[CGROUP_FILE_SWAP], &memsw) &&
	    !kvfile_number(cgroup->fds[CGROUP_FILE_SWAP_LIMIT], &memsw_limit)) {
		memory->swap_bytes = v[SWAP];
		if (memsw_limit == UINT64_MAX)
			memory->swap_free_bytes = UINT64_MAX;
		else
			memory->swap_free_bytes = memsw_limit > memsw ? memsw_limit - memsw : 0;
		memory->has |= CGROUP_HAS_SWAP;
	}
	read_oom(cgroup->fds[CGROUP_FILE_OOM], memory);
	return 0;
}

static const char *const files[CGROUP_FILES_] = {
	[CGROUP_FILE_USAGE] = "memory.usage_in_bytes",
	[CGROUP_FILE_LIMIT] = "memory.limit_in_bytes",
	[CGROUP_FILE_STAT] = "memory.stat",
	[CGROUP_FILE_SWAP] = "memory.memsw.usage_in_bytes",
	[CGROUP_FILE_SWAP_LIMIT] = "memory.memsw.limit_in_bytes",
	[CGROUP_FILE_OOM] = "memory.oom_control",
};

const struct cgroup_ops cgroup_v1_ops = {
	.version = 1,
	.files = files,
	.read = read_v1,
};

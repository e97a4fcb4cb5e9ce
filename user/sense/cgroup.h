/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cgroup: reads a memory cgroup of v1 or v2 into the same numbers.
 *
 * Purity:    reads files; the files of a cgroup stay open.
 * Units:     *_bytes, *_pages base pages; counters are totals since the cgroup was created.
 * Errors:    0 or -errno. -ENOENT: this host has no memory controller; -ENODEV: the cgroup was
 *            removed, or is the root, which has no limit; -ENAMETOOLONG.
 * Ownership: cgroup_open_*() gives, cgroup_close() takes and accepts a zeroed struct. Likewise
 *            cgroup_host_open() and cgroup_host_close().
 */
#ifndef FASTOOM_SENSE_CGROUP_H
#define FASTOOM_SENSE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_PATH_MAX 512 /* bytes with the NUL; chosen: the systemd driver's paths have 190 */

struct cgroup_ops;

struct cgroup_host {
	const struct cgroup_ops *ops; /* NULL: no memory controller */
	int version;		      /* 1 or 2 */
	int mount_fd;
	char mount[CGROUP_PATH_MAX];
};

enum {
	CGROUP_FILE_USAGE,
	CGROUP_FILE_LIMIT,
	CGROUP_FILE_HIGH, /* v2 */
	CGROUP_FILE_STAT,
	CGROUP_FILE_SWAP, /* v1: memory + swap usage; v2: swap usage */
	CGROUP_FILE_SWAP_LIMIT,
	CGROUP_FILE_OOM, /* v1 */
	CGROUP_FILES_,
};

struct cgroup {
	uint64_t id;
	int dir_fd;
	int fds[CGROUP_FILES_];	    /* -1: this host does not have it */
	char path[CGROUP_PATH_MAX]; /* below the controller's root, with a leading slash */
};

/* Which fields of struct cgroup_memory are valid: missing is not zero. */
enum {
	CGROUP_HAS_LIMIT = 1 << 0,
	CGROUP_HAS_FILE_LRU = 1 << 1,
	CGROUP_HAS_REFAULTS = 1 << 2,
	CGROUP_HAS_FAULTS = 1 << 3,
	CGROUP_HAS_ANON = 1 << 4,
	CGROUP_HAS_SWAP = 1 << 5,
	CGROUP_HAS_MAPPED = 1 << 6,
	CGROUP_HAS_UNDER_OOM = 1 << 7, /* v1 */

	/* what the level needs */
	CGROUP_HAS_LEVEL = CGROUP_HAS_LIMIT | CGROUP_HAS_FILE_LRU | CGROUP_HAS_ANON,
};

/* All values include the descendants of the cgroup. */
struct cgroup_memory {
	uint32_t has;
	uint64_t usage_bytes;
	uint64_t limit_bytes; /* the lower of limit and high; UINT64_MAX: none */
	uint64_t anon_bytes;  /* with shared memory */
	uint64_t file_lru_bytes;
	uint64_t slab_reclaimable_bytes; /* v2; 0 on v1 */
	uint64_t refault_pages;
	uint64_t activated_pages; /* v2; part of refault_pages with a reuse distance that fits */
	uint64_t major_faults;
	uint64_t swap_bytes;
	uint64_t swap_free_bytes; /* below its own swap limit; UINT64_MAX: it has none */
	/* part of file_lru_bytes that is mapped; a lower bound, for shared memory may be mapped */
	uint64_t mapped_file_bytes;
	/* the kernel's OOM killer is off here, and tasks sleep until memory is freed */
	bool under_oom;
};

/*
 * Finds the mount of the memory controller in @root/proc/self/mounts. @root: "" for the host's own
 * files; tests pass a directory of fixtures, to which all paths are relative.
 */
int cgroup_host_open(struct cgroup_host *ret, const char *root);
void cgroup_host_close(struct cgroup_host *host);

/* By kernfs id. Needs CAP_DAC_READ_SEARCH, see open_by_handle_at(2). */
int cgroup_open_id(const struct cgroup_host *host, uint64_t id, struct cgroup *ret);
/* The path of a cgroup below the controller's root; @path has CGROUP_PATH_MAX bytes. */
int cgroup_path_of(const struct cgroup_host *host, uint64_t id, char *path);
/* memory.oom.group of v2: whether the kernel kills all processes of the cgroup together. */
bool cgroup_oom_group(const struct cgroup_host *host, const char *path);
/* By path below the controller's root. -EINVAL: a component is "..". */
int cgroup_open_path(const struct cgroup_host *host, const char *path, struct cgroup *ret);
void cgroup_close(struct cgroup *cgroup);
/* Whether cgroup_open_id() is permitted: the kernel's events name cgroups by id. */
bool cgroup_may_open_ids(const struct cgroup_host *host);

/* -EINVAL: the text of a file is not what the kernel writes. */
int cgroup_read(const struct cgroup_host *host, const struct cgroup *cgroup,
		struct cgroup_memory *ret);

/*
 * Pure, with CGROUP_HAS_LEVEL: what reclaim cannot give back. That is the usage without the file
 * LRU, reclaimable slab, and the anonymous memory that fits into @swap_free_bytes. The level is
 * this as a share of the limit.
 */
uint64_t cgroup_held_bytes(const struct cgroup_memory *memory, uint64_t swap_free_bytes);
/* Pure: the swap that the cgroup may still use, of what the node has free; 0 if it has none. */
uint64_t cgroup_swap_free_bytes(const struct cgroup_memory *memory, uint64_t node_free_bytes);

#endif /* FASTOOM_SENSE_CGROUP_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cgroup: a memory cgroup in neutral numbers, whichever version the host has.
 *
 * Purity:    reads files; a cgroup's files are opened once and kept.
 * Units:     bytes and pages as named; counters are totals.
 * Errors:    0 or -errno: -ENOENT no memory controller on this host, -ENODEV the cgroup
 *            is gone, -EOPNOTSUPP this version cannot.
 * Ownership: cgroup_open*() gives, cgroup_shut() takes (a zeroed struct is fine).
 */
#ifndef FASTOOM_SENSE_CGROUP_H
#define FASTOOM_SENSE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_PATH_MAX 512

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
	CGROUP_FILES_,
};

struct cgroup {
	uint64_t id;
	int dir_fd;
	int fds[CGROUP_FILES_];	    /* -1: this host does not have it */
	char path[CGROUP_PATH_MAX]; /* below the controller's root, with a leading slash */
};

enum {
	CGROUP_HAS_LIMIT = 1 << 0,
	CGROUP_HAS_FILE_LRU = 1 << 1,
	CGROUP_HAS_REFAULTS = 1 << 2,
	CGROUP_HAS_FAULTS = 1 << 3,
	CGROUP_HAS_ANON = 1 << 4,
	CGROUP_HAS_SWAP = 1 << 5,
	CGROUP_HAS_MAPPED = 1 << 6,
};

/* Everything includes the cgroup's descendants. */
struct cgroup_memory {
	uint32_t has;
	uint64_t usage_bytes;
	uint64_t limit_bytes; /* the lower of limit and high; UINT64_MAX: none */
	uint64_t anon_bytes;  /* with shared memory */
	uint64_t file_lru_bytes;
	uint64_t slab_reclaimable_bytes;
	uint64_t refault_pages;
	uint64_t activated_pages; /* v2; of refault_pages, so near that they were in use */
	uint64_t major_faults;
	uint64_t swap_bytes;
	uint64_t swap_free_bytes; /* what its limit still allows; UINT64_MAX: no limit of its own */
	/* of file_lru_bytes: of files that processes map, at least; shared memory may be or not */
	uint64_t mapped_file_bytes;
};

/*
 * Finds the memory controller below the file-system root @root ("" for the host's own;
 * tests give a tree of fixtures, whose mounts file has paths below that root).
 */
int cgroup_host_open(struct cgroup_host *ret, const char *root);
void cgroup_host_shut(struct cgroup_host *host);

/* By kernfs id; needs CAP_DAC_READ_SEARCH. */
int cgroup_open_id(const struct cgroup_host *host, uint64_t id, struct cgroup *ret);
/* Only where it is: @path gets CGROUP_PATH_MAX bytes at most. */
int cgroup_path_of(const struct cgroup_host *host, uint64_t id, char *path);
/* Whether the kernel kills it as one (v2's memory.oom.group). */
bool cgroup_oom_group(const struct cgroup_host *host, const char *path);
/* By path below the controller's root; -EINVAL: it has "..". */
int cgroup_open_path(const struct cgroup_host *host, const char *path, struct cgroup *ret);
void cgroup_shut(struct cgroup *cgroup);
/* Whether this process may: the kernel's events name a cgroup by its id. */
bool cgroup_may_open_ids(const struct cgroup_host *host);

/* -EINVAL: a file that is there does not read as it should. */
int cgroup_read(const struct cgroup_host *host, const struct cgroup *cgroup,
		struct cgroup_memory *ret);

#endif /* FASTOOM_SENSE_CGROUP_H */

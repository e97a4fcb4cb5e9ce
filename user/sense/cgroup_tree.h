/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cgroup_tree: all memory cgroups of the host with usage and limit, refreshed for `top`.
 *
 * To be cheap, a refresh keeps one descriptor for each cgroup, lists only directories that have
 * subdirectories, and reads each limit in every eighth refresh only.
 *
 * Purity:    reads files and directories.
 * Units:     bytes.
 * Errors:    0 or -errno. A cgroup that is removed meanwhile is left out.
 * Ownership: cgroup_tree_new() gives, cgroup_tree_free() takes; entries belong to the tree and are
 *            valid until the next refresh. The host is borrowed.
 */
#ifndef FASTOOM_SENSE_CGROUP_TREE_H
#define FASTOOM_SENSE_CGROUP_TREE_H

#include <stddef.h>
#include <stdint.h>

#define CGROUP_TREE_MAX 8192 /* cgroups; chosen */

struct cgroup_host;
struct cgroup_tree;

struct cgroup_entry {
	char *path; /* below the controller's root, with a leading slash */
	uint64_t usage_bytes;
	uint64_t limit_bytes; /* UINT64_MAX: none */
	uint64_t serial;      /* of the last refresh that found it */
	int usage_fd;	      /* -1: out of descriptors, opened for each reading */
};

int cgroup_tree_new(struct cgroup_tree **ret, const struct cgroup_host *host);
void cgroup_tree_free(struct cgroup_tree *tree);

/* Parents come before their children. */
int cgroup_tree_refresh(struct cgroup_tree *tree, struct cgroup_entry *const **ret_entries,
			size_t *ret_count);
/* How many cgroups the last refresh left out, beyond CGROUP_TREE_MAX. */
size_t cgroup_tree_omitted(const struct cgroup_tree *tree);

#endif /* FASTOOM_SENSE_CGROUP_TREE_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cgroup_tree: all memory cgroups of the host with their use, cheaply and again and again: for
 * top. One descriptor a cgroup is kept, a directory is listed only if it has some below it, and
 * limits, which rarely change, are read in turn.
 *
 * Purity:    reads files.
 * Units:     bytes.
 * Errors:    0 or -errno; a cgroup that goes while it is read is left out.
 * Ownership: cgroup_tree_new() gives, cgroup_tree_free() takes; entries are the tree's and live
 *            until the next refresh.
 */
#ifndef FASTOOM_SENSE_CGROUP_TREE_H
#define FASTOOM_SENSE_CGROUP_TREE_H

#include <stddef.h>
#include <stdint.h>

#define CGROUP_TREE_MAX 8192

struct cgroup_host;
struct cgroup_tree;

struct cgroup_entry {
	char *path; /* below the controller's root, with a leading slash */
	uint64_t usage_bytes;
	uint64_t limit_bytes; /* UINT64_MAX: none */
	uint64_t serial;      /* the refresh that saw it last */
	int usage_fd;	      /* -1: opened each time, for want of descriptors */
};

/* @host must outlive it. */
int cgroup_tree_new(struct cgroup_tree **ret, const struct cgroup_host *host);
void cgroup_tree_free(struct cgroup_tree *tree);

/* Reads all of it; parents come before what is below them. */
int cgroup_tree_refresh(struct cgroup_tree *tree, struct cgroup_entry *const **ret_entries,
			size_t *ret_count);
/* Cgroups that found no place. */
size_t cgroup_tree_omitted(const struct cgroup_tree *tree);

#endif /* FASTOOM_SENSE_CGROUP_TREE_H */

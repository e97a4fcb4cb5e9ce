/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cgroup_ops: the differences between cgroup v1 and v2. Private to cgroup.c, cgroup_tree.c and the
 * two versions; contracts as in sense/cgroup.h.
 */
#ifndef FASTOOM_SENSE_CGROUP_OPS_H
#define FASTOOM_SENSE_CGROUP_OPS_H

struct cgroup;
struct cgroup_memory;

struct cgroup_ops {
	int version;
	/* CGROUP_FILES_ names, by CGROUP_FILE_*; NULL: this version has no such file */
	const char *const *files;
	/* the caller has set usage_bytes, limit_bytes and CGROUP_HAS_LIMIT */
	int (*read)(const struct cgroup *cgroup, struct cgroup_memory *memory);
};

extern const struct cgroup_ops cgroup_v1_ops;
extern const struct cgroup_ops cgroup_v2_ops;

#endif /* FASTOOM_SENSE_CGROUP_OPS_H */

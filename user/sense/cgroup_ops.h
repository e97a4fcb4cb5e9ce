/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* cgroup_ops: what differs between cgroup v1 and v2; private to the cgroup files. */
#ifndef FASTOOM_SENSE_CGROUP_OPS_H
#define FASTOOM_SENSE_CGROUP_OPS_H

struct cgroup;
struct cgroup_memory;

struct cgroup_ops {
	int version;
	/* CGROUP_FILES_ names, by CGROUP_FILE_*; NULL where this version has none */
	const char *const *files;
	/* usage and limit are read already */
	int (*read)(const struct cgroup *cgroup, struct cgroup_memory *memory);
};

extern const struct cgroup_ops cgroup_v1_ops;
extern const struct cgroup_ops cgroup_v2_ops;

#endif /* FASTOOM_SENSE_CGROUP_OPS_H */

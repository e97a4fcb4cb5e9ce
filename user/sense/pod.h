/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * pod: what the path of a cgroup says of Kubernetes: which pod, which class, which container.
 *
 * Read from the right, for on the left stands whatever the node itself runs in (kind, a nested
 * Docker, --cgroup-root). Both drivers of the kubelet (cgroupfs: kubepods/burstable/podUID/ID;
 * systemd: kubepods-burstable-podUID.slice/cri-containerd-ID.scope), static pods, whose UID is
 * a hash without dashes, and crun's sub-cgroup below the container's.
 *
 * Purity:    pure.
 * Units:     none.
 * Errors:    none; a path that is no pod's is no pod's.
 * Ownership: everything is copied.
 */
#ifndef FASTOOM_SENSE_POD_H
#define FASTOOM_SENSE_POD_H

#include <stdbool.h>
#include <stddef.h>

#include "judge/candidate.h"

#define POD_UID_MAX 37 /* with its NUL */
#define POD_ID_MAX  65

struct pod_path {
	char uid[POD_UID_MAX];	    /* with dashes, however the path writes it; 32 hex if static */
	char container[POD_ID_MAX]; /* 64 hex digits; "": the pod's own cgroup, or not one of these
				     */
	enum qos qos;
	bool helper;	/* conmon, which watches over the container, and is none */
	size_t pod_len; /* that many bytes of the path are the pod's own cgroup */
};

/* False: in no pod. */
bool pod_path_parse(const char *path, struct pod_path *ret);

/* Whether it is the cgroup of the kubelet or of a container runtime, with its shims. */
bool pod_path_is_runtime(const char *path);

#endif /* FASTOOM_SENSE_POD_H */

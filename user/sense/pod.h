/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * pod: parses a cgroup path for the Kubernetes pod, its QoS class and the container.
 *
 * It knows both cgroup drivers of the kubelet (cgroupfs: kubepods/burstable/podUID/ID; systemd:
 * kubepods-burstable-podUID.slice/cri-containerd-ID.scope), static pods, and the sub-cgroup of
 * crun. It parses from the right: the node may itself run in a cgroup (kind, --cgroup-root).
 *
 * Purity:    pure.
 * Units:     lengths in bytes.
 * Errors:    none; false: the path is not in a pod.
 * Ownership: the result is a copy.
 */
#ifndef FASTOOM_SENSE_POD_H
#define FASTOOM_SENSE_POD_H

#include <stdbool.h>
#include <stddef.h>

#include "judge/candidate.h"

#define POD_UID_MAX 37 /* a UUID (RFC 4122) with its NUL */
#define POD_ID_MAX  65 /* 64 hex digits, the ID of a container, with the NUL */

struct pod_path {
	char uid[POD_UID_MAX];	    /* with dashes; of a static pod 32 hex digits without */
	char container[POD_ID_MAX]; /* "": the pod's own cgroup, or an unknown one in it */
	enum qos qos;
	bool helper;	/* the cgroup of conmon, CRI-O's monitor of a container */
	size_t pod_len; /* length of the part of the path that is the pod's cgroup */
};

bool pod_path_parse(const char *path, struct pod_path *ret);

/* Whether the path is in a cgroup of the kubelet or of a container runtime with its shims. */
bool pod_path_is_runtime(const char *path);

#endif /* FASTOOM_SENSE_POD_H */

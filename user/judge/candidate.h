/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * candidate: what is known of one process that could die. Measured values only: no rule,
 * score or preference is ever written into them.
 *
 * Purity:    data only.
 * Units:     bytes; start_boot_ns is CLOCK_BOOTTIME.
 * Missing:   a NULL string is not known: exe and cmdline not read yet (reading one may wait for
 *            the very process that is stuck), or the process is gone; cgroup: it was removed;
 *            pod .. container: the process is in none (place is PLACE_HOST), or the names are
 *            not known (PLACE_POD). Missing is never "".
 * Ownership: strings belong to whoever filled the candidate in (sense/tasks).
 */
#ifndef FASTOOM_JUDGE_CANDIDATE_H
#define FASTOOM_JUDGE_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kubelet's classes; which one a pod has stands in its cgroup's path. */
enum qos {
	QOS_NONE, /* in no pod */
	QOS_GUARANTEED,
	QOS_BURSTABLE,
	QOS_BESTEFFORT,
	QOS_MAX_,
};

enum place {	       /* where a process runs, by its memory cgroup */
	PLACE_UNKNOWN, /* its cgroup could not be looked at */
	PLACE_HOST,
	PLACE_POD,
	PLACE_SANDBOX, /* holds a pod together (pause) or watches over a container (conmon) */
	PLACE_RUNTIME, /* the kubelet, a container runtime, or one of its shims */
};

struct candidate {
	uint64_t start_boot_ns; /* with pid: the identity */
	uint64_t memcg_id;	/* its own memory cgroup */
	uint64_t anon_bytes;
	uint64_t shmem_bytes; /* may be shared: counted, but not given back for sure */
	uint64_t file_bytes;
	uint64_t swap_bytes;
	uint64_t pgtables_bytes;
	uint64_t growth_bytes; /* of anon + swap, within the last 15 to 30 s that we looked */
	uint64_t pod_bytes;    /* what the processes of its pod hold together */
	uint32_t pod_requests; /* thousandths of RAM that its pod asked for; 0: not known */
	enum place place;
	enum qos qos;
	int pid;
	int parent_pid;
	int group;   /* process group; 0: not known */
	int session; /* 0: not known */
	uint32_t uid;
	uint32_t threads;
	int oom_score_adj;
	bool kernel_thread;
	bool init;	/* the first process of a pid namespace: its end is the end of all in it */
	bool oom_group; /* its cgroup is to die as one (memory.oom.group) */
	const char *comm;
	const char *cmdline; /* arguments joined by spaces */
	size_t cmdline_len;
	const char *exe;       /* the file that it runs, as the kernel tells */
	const char *cgroup;    /* below the memory controller's root */
	const char *pod;       /* its pod's name */
	const char *pod_uid;   /* known for every process in a pod */
	const char *namespace; /* Kubernetes' */
	const char *container; /* its name in the pod */
};

/* What a kill gives back for sure: memory that is only this process's. */
static inline uint64_t candidate_freeable_bytes(const struct candidate *c)
{
	return c->anon_bytes + c->swap_bytes + c->pgtables_bytes;
}

#endif /* FASTOOM_JUDGE_CANDIDATE_H */

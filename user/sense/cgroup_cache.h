/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * places: memory cgroups by id, with what is known of each: path, pod, container. A cgroup is
 * looked at once and remembered, for its path never changes; and what the processes of a
 * reading hold is added up a pod.
 *
 * Purity:    asks the kernel for a path, and the index of names; the table is memory.
 * Units:     bytes; requests in thousandths of RAM.
 * Errors:    none; what could not be told is missing in the place.
 * Ownership: cgroup_cache_new() gives, cgroup_cache_free() takes; host and names are borrowed. A
 * place and its strings stay valid until the next cgroup_cache_begin().
 */
#ifndef FASTOOM_SENSE_CGROUP_CACHE_H
#define FASTOOM_SENSE_CGROUP_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/candidate.h"
#include "sense/pod.h"

struct cgroup_host;
struct cgroup_cache;
struct podnames;

struct place_info {
	enum place place;
	enum qos qos;
	const char *path; /* NULL: not known */
	const char *pod_uid;
	const char *namespace;
	const char *pod;
	const char *container;
	const char *container_id;
	bool oom_group; /* memory.oom.group, when it was first looked at */
};

struct pod_sum {
	char uid[POD_UID_MAX];
	uint64_t bytes;
	uint32_t requests; /* 0: not known */
	uint32_t reading;  /* that it is of */
	bool unclear;	   /* a container's request could not be told */
};

/* @names NULL: no pod has a name. */
int cgroup_cache_new(struct cgroup_cache **ret, const struct cgroup_host *host,
		     struct podnames *names);
void cgroup_cache_free(struct cgroup_cache *cgroup_cache);

/* A new reading begins; sums are nought again. */
void cgroup_cache_begin(struct cgroup_cache *cgroup_cache);
/* The names were exchanged: all places are looked at anew, from the next reading on. */
void cgroup_cache_forget(struct cgroup_cache *cgroup_cache);

/* Never NULL. */
const struct place_info *cgroup_cache_find(struct cgroup_cache *cgroup_cache, uint64_t memcg_id);
/* A process of that cgroup: for the pod's sum. */
void cgroup_cache_add(struct cgroup_cache *cgroup_cache, uint64_t memcg_id, uint64_t bytes,
		      int oom_score_adj);
/* NULL: it is in no pod. */
const struct pod_sum *cgroup_cache_pod(struct cgroup_cache *cgroup_cache, uint64_t memcg_id);

/* What a path and the index of names say; strings point into @path and the index. */
void place_of_path(const char *path, struct podnames *names, struct pod_path *pod,
		   struct place_info *ret);

#endif /* FASTOOM_SENSE_CGROUP_CACHE_H */

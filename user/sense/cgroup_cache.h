/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cgroup_cache: path, pod and container of memory cgroups by id, and the memory of each pod.
 *
 * A cgroup is looked up once, as its path never changes. The memory of a pod is summed over the
 * processes of one listing (sense/tasks.h). The table is bounded; when it is full it is cleared.
 *
 * Purity:    reads paths and memory.oom.group from the kernel, and the index of names.
 * Units:     bytes; requests in thousandths of RAM.
 * Errors:    0 or -errno from cgroup_cache_new(). What is not known is NULL or PLACE_UNKNOWN.
 * Ownership: cgroup_cache_new() gives, cgroup_cache_free() takes; host and names are borrowed. A
 *            struct place_info and its strings are valid until the next cgroup_cache_begin().
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
	bool oom_group; /* memory.oom.group at the lookup */
};

/* Of the processes of one listing. */
struct pod_sum {
	char uid[POD_UID_MAX];
	uint64_t bytes;	   /* freeable */
	uint32_t requests; /* 0: not known */
	uint32_t listing;  /* its number */
	bool unclear;	   /* the request of a container is not known */
};

/* @names NULL: names of pods are not known. */
int cgroup_cache_new(struct cgroup_cache **ret, const struct cgroup_host *host,
		     struct podnames *names);
void cgroup_cache_free(struct cgroup_cache *cgroup_cache);

/* Begins a listing: the sums of pods start at 0. */
void cgroup_cache_begin(struct cgroup_cache *cgroup_cache);
/* The index of names has changed: from the next listing on, all cgroups are looked up again. */
void cgroup_cache_forget(struct cgroup_cache *cgroup_cache);

/* Never NULL. */
const struct place_info *cgroup_cache_find(struct cgroup_cache *cgroup_cache, uint64_t memcg_id);
/* Adds the freeable bytes of a process to the sum of its pod. */
void cgroup_cache_add(struct cgroup_cache *cgroup_cache, uint64_t memcg_id, uint64_t bytes,
		      int oom_score_adj);
/* NULL: the cgroup is in no pod. */
const struct pod_sum *cgroup_cache_pod(struct cgroup_cache *cgroup_cache, uint64_t memcg_id);

/*
 * Place and names of a cgroup from its path and the index of names (NULL: none). The strings of
 * @ret point into @path, @pod and the index.
 */
void place_of_path(const char *path, struct podnames *names, struct pod_path *pod,
		   struct place_info *ret);

#endif /* FASTOOM_SENSE_CGROUP_CACHE_H */

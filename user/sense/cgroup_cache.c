// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/cgroup_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sense/cgroup.h"
#include "sense/podnames.h"

/* Cgroups with processes; chosen: a node with 300 pods has 900. */
#define CGROUP_CACHE_BITS 11
#define CGROUP_CACHE_MAX  (1U << CGROUP_CACHE_BITS)
/* The kubelet supports 500 pods a node. */
#define PODS_MAX 1024
/* Bytes of all strings; a path of the kubelet's systemd driver has 190. */
#define TEXT_MAX (512 * 1024)

/* Range of oom_score_adj that the kubelet gives to Burstable containers (qos/policy.go). */
#define BURSTABLE_ADJ_MIN 3
#define BURSTABLE_ADJ_MAX 999

struct entry {
	uint64_t id; /* 0: free */
	struct place_info info;
	struct pod_sum *pod; /* NULL: in no pod, or the table of pods is full */
	uint32_t counted;    /* the listing in which its request was added */
};

struct cgroup_cache {
	const struct cgroup_host *host;
	struct podnames *names;
	struct entry *entries;
	struct pod_sum *pods;
	char *text;
	size_t count;
	size_t pod_count;
	size_t text_len;
	uint32_t listing;
	bool full; /* cleared at the next listing */
};

static const struct place_info nowhere = {.place = PLACE_UNKNOWN};

int cgroup_cache_new(struct cgroup_cache **ret, const struct cgroup_host *host,
		     struct podnames *names)
{
	struct cgroup_cache *cgroup_cache = calloc(1, sizeof(*cgroup_cache));

	if (!cgroup_cache)
		return -ENOMEM;
	cgroup_cache->host = host;
	cgroup_cache->names = names;
	cgroup_cache->entries = calloc(CGROUP_CACHE_MAX, sizeof(*cgroup_cache->entries));
	cgroup_cache->pods = calloc(PODS_MAX, sizeof(*cgroup_cache->pods));
	cgroup_cache->text = malloc(TEXT_MAX);
	if (!cgroup_cache->entries || !cgroup_cache->pods || !cgroup_cache->text) {
		cgroup_cache_free(cgroup_cache);
		return -ENOMEM;
	}
	*ret = cgroup_cache;
	return 0;
}

void cgroup_cache_free(struct cgroup_cache *cgroup_cache)
{
	if (!cgroup_cache)
		return;
	free(cgroup_cache->entries);
	free(cgroup_cache->pods);
	free(cgroup_cache->text);
	free(cgroup_cache);
}

void cgroup_cache_forget(struct cgroup_cache *cgroup_cache)
{
	cgroup_cache->full = true;
}

void cgroup_cache_begin(struct cgroup_cache *cgroup_cache)
{
	if (cgroup_cache->full) {
		memset(cgroup_cache->entries, 0, CGROUP_CACHE_MAX * sizeof(*cgroup_cache->entries));
		cgroup_cache->count = cgroup_cache->pod_count = cgroup_cache->text_len = 0;
		cgroup_cache->full = false;
	}
	cgroup_cache->listing++;
}

static struct entry *entry_of(const struct cgroup_cache *cgroup_cache, uint64_t id)
{
	size_t at = (id * 0x9e3779b97f4a7c15ULL) >> (64 - CGROUP_CACHE_BITS);

	/* at most 7/8 are used, so the search ends */
	while (cgroup_cache->entries[at].id && cgroup_cache->entries[at].id != id)
		at = (at + 1) % CGROUP_CACHE_MAX;
	return &cgroup_cache->entries[at];
}

static const char *keep(struct cgroup_cache *cgroup_cache, const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;
	char *kept = cgroup_cache->text + cgroup_cache->text_len;

	if (!len)
		return NULL;
	if (cgroup_cache->text_len + len > TEXT_MAX) {
		cgroup_cache->full = true;
		return NULL;
	}
	memcpy(kept, text, len);
	cgroup_cache->text_len += len;
	return kept;
}

void place_of_path(const char *path, struct podnames *names, struct pod_path *pod,
		   struct place_info *ret)
{
	struct container_name container = {0};
	struct pod_name name = {0};

	*ret = (struct place_info){.place = PLACE_HOST, .path = path};
	if (!pod_path_parse(path, pod)) {
		if (pod_path_is_runtime(path))
			ret->place = PLACE_RUNTIME;
		return;
	}
	ret->place = pod->helper ? PLACE_SANDBOX : PLACE_POD;
	ret->qos = pod->qos;
	ret->pod_uid = pod->uid;
	if (names && pod->container[0] && podnames_container(names, pod->container, &container)) {
		ret->container = container.container;
		name = container.pod;
		if (container.sandbox)
			ret->place = PLACE_SANDBOX;
	}
	if (names && !name.pod)
		(void)podnames_pod(names, pod->uid, &name);
	ret->pod = name.pod;
	ret->namespace = name.namespace;
	ret->container_id = pod->container[0] ? pod->container : NULL;
}

static struct pod_sum *sum_of(struct cgroup_cache *cgroup_cache, const char *uid)
{
	for (size_t i = 0; i < cgroup_cache->pod_count; i++)
		if (!strcmp(cgroup_cache->pods[i].uid, uid))
			return &cgroup_cache->pods[i];
	if (cgroup_cache->pod_count == PODS_MAX) {
		cgroup_cache->full = true;
		return NULL;
	}
	cgroup_cache->pods[cgroup_cache->pod_count] = (struct pod_sum){0};
	strcpy(cgroup_cache->pods[cgroup_cache->pod_count].uid, uid);
	return &cgroup_cache->pods[cgroup_cache->pod_count++];
}

static void look_up(struct cgroup_cache *cgroup_cache, struct entry *entry, uint64_t id)
{
	char path[CGROUP_PATH_MAX];
	struct place_info info;
	struct pod_path pod;

	*entry = (struct entry){.id = id};
	cgroup_cache->count++;
	if (cgroup_path_of(cgroup_cache->host, id, path))
		return;
	place_of_path(path, cgroup_cache->names, &pod, &info);
	info.oom_group = cgroup_oom_group(cgroup_cache->host, path);
	entry->info = info;
	entry->info.path = keep(cgroup_cache, info.path);
	entry->info.namespace = keep(cgroup_cache, info.namespace);
	entry->info.pod = keep(cgroup_cache, info.pod);
	entry->info.container = keep(cgroup_cache, info.container);
	entry->info.container_id = keep(cgroup_cache, info.container_id);
	entry->info.pod_uid = keep(cgroup_cache, info.pod_uid);
	if (entry->info.pod_uid)
		entry->pod = sum_of(cgroup_cache, entry->info.pod_uid);
}

const struct place_info *cgroup_cache_find(struct cgroup_cache *cgroup_cache, uint64_t memcg_id)
{
	struct entry *entry = entry_of(cgroup_cache, memcg_id);

	if (!entry->id) {
		if (!memcg_id)
			return &nowhere;
		if (cgroup_cache->count >= CGROUP_CACHE_MAX / 8 * 7) {
			cgroup_cache->full = true;
			return &nowhere;
		}
		look_up(cgroup_cache, entry, memcg_id);
	}
	return &entry->info;
}

void cgroup_cache_add(struct cgroup_cache *cgroup_cache, uint64_t memcg_id, uint64_t bytes,
		      int oom_score_adj)
{
	struct entry *entry = entry_of(cgroup_cache, memcg_id);
	struct pod_sum *pod = entry->id ? entry->pod : NULL;

	if (!pod)
		return;
	if (pod->listing != cgroup_cache->listing) {
		pod->listing = cgroup_cache->listing;
		pod->bytes = 0;
		pod->requests = 0;
		pod->unclear = false;
	}
	pod->bytes += bytes;
	/* the kubelet sets the same value for all of a container; a sandbox has no request */
	if (entry->info.place != PLACE_POD || entry->info.qos != QOS_BURSTABLE ||
	    entry->counted == cgroup_cache->listing)
		return;
	entry->counted = cgroup_cache->listing;
	if (oom_score_adj < BURSTABLE_ADJ_MIN || oom_score_adj > BURSTABLE_ADJ_MAX)
		pod->unclear = true;
	else
		pod->requests += (uint32_t)(1000 - oom_score_adj);
}

const struct pod_sum *cgroup_cache_pod(struct cgroup_cache *cgroup_cache, uint64_t memcg_id)
{
	struct entry *entry = entry_of(cgroup_cache, memcg_id);

	return entry->id && entry->pod && entry->pod->listing == cgroup_cache->listing ? entry->pod
										       : NULL;
}

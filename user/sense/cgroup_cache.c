// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/cgroup_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sense/cgroup.h"
#include "sense/podnames.h"

/* Cgroups with processes. 300 pods have 900; when all are taken the table begins anew. */
#define PLACES_BITS 11
#define PLACES_MAX  (1U << PLACES_BITS)
#define PODS_MAX    1024
/* A path of the systemd driver has 190 bytes. */
#define TEXT_MAX (512 * 1024)

/* The kubelet gives 1000 to BestEffort, and at most 999 and at least 3 to Burstable
 * (qos/policy.go).
 */
#define BURSTABLE_LEAST 3
#define BURSTABLE_MOST	999

struct entry {
	uint64_t id; /* 0: free */
	struct place_info info;
	struct pod_sum *pod; /* NULL: in none, or no place for its sum */
	uint32_t counted;    /* the reading in which its request was added */
};

struct places {
	const struct cgroup_host *host;
	struct podnames *names;
	struct entry *entries;
	struct pod_sum *pods;
	char *text;
	size_t count;
	size_t pod_count;
	size_t text_len;
	uint32_t reading;
	bool full;
};

static const struct place_info nowhere = {.place = PLACE_UNKNOWN};

int places_new(struct places **ret, const struct cgroup_host *host, struct podnames *names)
{
	struct places *places = calloc(1, sizeof(*places));

	if (!places)
		return -ENOMEM;
	places->host = host;
	places->names = names;
	places->entries = calloc(PLACES_MAX, sizeof(*places->entries));
	places->pods = calloc(PODS_MAX, sizeof(*places->pods));
	places->text = malloc(TEXT_MAX);
	if (!places->entries || !places->pods || !places->text) {
		places_free(places);
		return -ENOMEM;
	}
	*ret = places;
	return 0;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	free(places->entries);
	free(places->pods);
	free(places->text);
	free(places);
}

void places_forget(struct places *places)
{
	places->full = true;
}

void places_begin(struct places *places)
{
	if (places->full) {
		memset(places->entries, 0, PLACES_MAX * sizeof(*places->entries));
		places->count = places->pod_count = places->text_len = 0;
		places->full = false;
	}
	places->reading++;
}

static struct entry *entry_of(const struct places *places, uint64_t id)
{
	size_t at = (id * 0x9e3779b97f4a7c15ULL) >> (64 - PLACES_BITS);

	/* never quite full, so there is an end */
	while (places->entries[at].id && places->entries[at].id != id)
		at = (at + 1) % PLACES_MAX;
	return &places->entries[at];
}

static const char *keep(struct places *places, const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;
	char *kept = places->text + places->text_len;

	if (!len)
		return NULL;
	if (places->text_len + len > TEXT_MAX) {
		places->full = true;
		return NULL;
	}
	memcpy(kept, text, len);
	places->text_len += len;
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

static struct pod_sum *sum_of(struct places *places, const char *uid)
{
	for (size_t i = 0; i < places->pod_count; i++)
		if (!strcmp(places->pods[i].uid, uid))
			return &places->pods[i];
	if (places->pod_count == PODS_MAX) {
		places->full = true;
		return NULL;
	}
	places->pods[places->pod_count] = (struct pod_sum){0};
	strcpy(places->pods[places->pod_count].uid, uid);
	return &places->pods[places->pod_count++];
}

static void look(struct places *places, struct entry *entry, uint64_t id)
{
	char path[CGROUP_PATH_MAX];
	struct place_info info;
	struct pod_path pod;

	*entry = (struct entry){.id = id};
	places->count++;
	if (cgroup_path_of(places->host, id, path))
		return;
	place_of_path(path, places->names, &pod, &info);
	info.oom_group = cgroup_oom_group(places->host, path);
	entry->info = info;
	entry->info.path = keep(places, info.path);
	entry->info.namespace = keep(places, info.namespace);
	entry->info.pod = keep(places, info.pod);
	entry->info.container = keep(places, info.container);
	entry->info.container_id = keep(places, info.container_id);
	entry->info.pod_uid = keep(places, info.pod_uid);
	if (entry->info.pod_uid)
		entry->pod = sum_of(places, entry->info.pod_uid);
}

const struct place_info *places_find(struct places *places, uint64_t memcg_id)
{
	struct entry *entry = entry_of(places, memcg_id);

	if (!entry->id) {
		if (!memcg_id)
			return &nowhere;
		if (places->count >= PLACES_MAX / 8 * 7) {
			places->full = true;
			return &nowhere;
		}
		look(places, entry, memcg_id);
	}
	return &entry->info;
}

void places_add(struct places *places, uint64_t memcg_id, uint64_t bytes, int oom_score_adj)
{
	struct entry *entry = entry_of(places, memcg_id);
	struct pod_sum *pod = entry->id ? entry->pod : NULL;

	if (!pod)
		return;
	if (pod->reading != places->reading) {
		pod->reading = places->reading;
		pod->bytes = 0;
		pod->requests = 0;
		pod->unclear = false;
	}
	pod->bytes += bytes;
	/* all processes of a container have what the kubelet gave it; a sandbox asks for nothing */
	if (entry->info.place != PLACE_POD || entry->info.qos != QOS_BURSTABLE ||
	    entry->counted == places->reading)
		return;
	entry->counted = places->reading;
	if (oom_score_adj < BURSTABLE_LEAST || oom_score_adj > BURSTABLE_MOST)
		pod->unclear = true;
	else
		pod->requests += (uint32_t)(1000 - oom_score_adj);
}

const struct pod_sum *places_pod(struct places *places, uint64_t memcg_id)
{
	struct entry *entry = entry_of(places, memcg_id);

	return entry->id && entry->pod && entry->pod->reading == places->reading ? entry->pod
										 : NULL;
}

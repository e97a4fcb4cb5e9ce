// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/scope_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "sense/loader.h"

/* An entry that is not muted and whose scope is not watched: its event waits, or was lost. */
#define STALE_NS 10000000000ULL

static const enum loader_map loader_maps[SCOPE_MAPS_] = {
	[SCOPE_MAP_HOT] = LOADER_MAP_HOT,
	[SCOPE_MAP_SUMS] = LOADER_MAP_SCOPES,
	[SCOPE_MAP_MEMSTALLS] = LOADER_MAP_MEMSTALLS,
};

static const size_t value_bytes[SCOPE_MAPS_] = {
	[SCOPE_MAP_HOT] = sizeof(struct fo_hot),
	[SCOPE_MAP_SUMS] = sizeof(struct fo_scope_stat),
	[SCOPE_MAP_MEMSTALLS] = sizeof(struct fo_memstall),
};

static const size_t rooms[SCOPE_MAPS_] = {
	[SCOPE_MAP_HOT] = FO_HOT_MAX,
	[SCOPE_MAP_SUMS] = FO_SCOPES_MAX,
	[SCOPE_MAP_MEMSTALLS] = FO_SCOPES_MAX,
};

static int fd_of(const struct scope_maps *maps, enum scope_map map)
{
	return loader_map(maps->loader, loader_maps[map]);
}

static bool is_node(uint64_t scope)
{
	return scope == FO_SCOPE_NODE || scope == FO_SCOPE_KERNEL;
}

/* Sums with an open stall stay: its end would be subtracted from nothing. */
static void forget_waits(const struct scope_maps *maps, uint64_t scope)
{
	int fd = loader_map(maps->loader, LOADER_MAP_WAITS);
	struct fo_wait_key key = {.scope = scope};
	struct fo_wait_stat stat;

	for (; key.stripe < loader_stripes(maps->loader); key.stripe++)
		if (!bpf_map_lookup_elem(fd, &key, &stat) && !stat.io.nr)
			(void)bpf_map_delete_elem(fd, &key);
}

void scope_maps_forget(struct scope_maps *maps, uint64_t scope)
{
	(void)bpf_map_delete_elem(loader_map(maps->loader, LOADER_MAP_REACH), &scope);
	if (is_node(scope)) {
		scope_maps_mute(maps, scope, 1); /* long over: not hot */
		return;
	}
	/* in this order: no wait begins in a scope that is not hot */
	(void)bpf_map_delete_elem(fd_of(maps, SCOPE_MAP_HOT), &scope);
	forget_waits(maps, scope);
}

void scope_maps_mute(struct scope_maps *maps, uint64_t scope, uint64_t until_ns)
{
	int fd = fd_of(maps, SCOPE_MAP_HOT);
	struct fo_hot hot;

	if (bpf_map_lookup_elem(fd, &scope, &hot))
		return; /* its cgroup was removed */
	hot.muted_until_ns = until_ns;
	/* BPF_EXIST: nothing would delete the entry of a removed cgroup */
	(void)bpf_map_update_elem(fd, &scope, &hot, BPF_EXIST);
}

void scope_maps_quiet(struct scope_maps *maps, uint64_t scope, uint64_t until_ns)
{
	if (is_node(scope)) {
		scope_maps_mute(maps, scope, until_ns);
		return;
	}
	(void)bpf_map_update_elem(loader_map(maps->loader, LOADER_MAP_QUIET), &scope, &until_ns,
				  BPF_ANY);
	scope_maps_forget(maps, scope);
}

void scope_maps_set_reach(struct scope_maps *maps, uint64_t scope, uint64_t pages)
{
	(void)bpf_map_update_elem(loader_map(maps->loader, LOADER_MAP_REACH), &scope, &pages,
				  BPF_ANY);
}

/* ---- room ---- */

/* @any_mute: a mute that is not over does not keep the entry: the scope is reported sooner. */
static bool may_go(const struct scope_maps *maps, enum scope_map map, uint64_t scope,
		   const uint8_t *value, uint64_t now_ns, bool any_mute)
{
	struct fo_hot hot;
	struct fo_scope_stat sums;
	struct fo_memstall memstall;

	if (is_node(scope) || maps->is_watched(maps->userdata, scope))
		return false;
	switch (map) {
	case SCOPE_MAP_HOT:
		memcpy(&hot, value, sizeof(hot));
		if (!hot.muted_until_ns)
			return now_ns > hot.since_ns && now_ns - hot.since_ns > STALE_NS;
		return any_mute || hot.muted_until_ns <= now_ns;
	case SCOPE_MAP_SUMS:
		memcpy(&sums, value, sizeof(sums));
		return !sums.stall.nr && !sums.fragment.nr && !sums.soft.nr;
	default:
		memcpy(&memstall, value, sizeof(memstall));
		return !memstall.nr;
	}
}

/* The next batch; deletes what may go if @delete. False: the map is through. */
static bool sweep(struct scope_maps *maps, enum scope_map map, uint64_t now_ns, bool delete,
		  bool any_mute)
{
	struct scope_maps_cursor *cursor = &maps->cursors[map];
	uint32_t count = SCOPE_MAPS_BATCH, next = 0;
	int fd = fd_of(maps, map), err;

	err = bpf_map_lookup_batch(fd, cursor->begun ? &cursor->batch : NULL, &next, maps->keys,
				   maps->values, &count, NULL);
	if (err && errno != ENOENT)
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t scope = maps->keys[i];

		cursor->seen++;
		if (!delete || !may_go(maps, map, scope, maps->values + i * value_bytes[map],
				       now_ns, any_mute))
			continue;
		if (map == SCOPE_MAP_HOT)
			scope_maps_forget(maps, scope);
		else
			(void)bpf_map_delete_elem(fd, &scope);
	}
	cursor->begun = !err;
	cursor->batch = next;
	if (!err)
		return true;
	cursor->filled = cursor->seen;
	cursor->seen = 0;
	return false;
}

void scope_maps_sweep(struct scope_maps *maps, uint64_t now_ns)
{
	enum scope_map map = maps->next;

	maps->next = (map + 1) % SCOPE_MAPS_;
	(void)sweep(maps, map, now_ns, maps->cursors[map].filled > rooms[map] / 4 * 3, false);
}

static void sweep_all(struct scope_maps *maps, enum scope_map map, uint64_t now_ns, bool any_mute)
{
	maps->cursors[map] = (struct scope_maps_cursor){0};
	for (size_t batches = 0; batches <= rooms[map] / SCOPE_MAPS_BATCH; batches++)
		if (!sweep(maps, map, now_ns, true, any_mute))
			break;
}

static int make_entry(struct scope_maps *maps, enum scope_map map, uint64_t scope, uint64_t now_ns)
{
	static const struct fo_scope_stat zero; /* the largest value */
	const struct fo_hot hot = {.since_ns = now_ns};
	const void *value = map == SCOPE_MAP_HOT ? (const void *)&hot : &zero;
	int fd = fd_of(maps, map);

	for (int attempt = 0;; attempt++) {
		if (!bpf_map_update_elem(fd, &scope, value, BPF_NOEXIST) || errno == EEXIST)
			return 0;
		if (errno != E2BIG || attempt == 2)
			return -errno;
		sweep_all(maps, map, now_ns, attempt == 1);
	}
}

int scope_maps_enter(struct scope_maps *maps, uint64_t scope, uint64_t now_ns)
{
	int result = 0;

	for (int map = 0; map < SCOPE_MAPS_; map++) {
		int err = make_entry(maps, (enum scope_map)map, scope, now_ns);

		if (err)
			result = err;
	}
	return result;
}

int scope_maps_begin(struct scope_maps *maps, const struct loader *loader,
		     bool (*is_watched)(const void *userdata, uint64_t scope), const void *userdata)
{
	int err;

	*maps = (struct scope_maps){
		.loader = loader, .is_watched = is_watched, .userdata = userdata};
	err = scope_maps_enter(maps, FO_SCOPE_NODE, 0);
	if (!err)
		err = make_entry(maps, SCOPE_MAP_MEMSTALLS, FO_SCOPE_KERNEL, 0);
	if (!err)
		scope_maps_mute(maps, FO_SCOPE_NODE, 1);
	return err;
}

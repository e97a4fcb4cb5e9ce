// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/processes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "event.h"
#include "judge/process.h"
#include "sense/loader.h"

/* An entry that does not change for this long is deleted: the process is gone, or reads no more. */
#define UNCHANGED_NS 10000000000ULL

/* Tasks of one process that can end a wait between two readings; more is a torn reading. */
#define TASKS_MOST 64

_Static_assert(PROCESS_DISTANCES == FO_DISTANCE_SLOTS, "one definition of the slots");
_Static_assert(PROCESS_DISTANCE_SHIFT == FO_DISTANCE_SHIFT, "one definition of the slots");

/* A process in a scope, as it was read last. */
struct known {
	struct fo_process_key key;
	struct fo_process value;
	uint64_t lost_ns;
	uint64_t changed_ns;
	struct process_span span; /* of the last reading */
	bool seen;		  /* in the last reading */
	bool changed;
};

struct processes {
	const struct loader *loader;
	size_t room;
	struct known *list; /* the first `count` are in use */
	size_t count;
	uint16_t *homes; /* twice as many as `room`: 0, or 1 + the place in `list` */
	uint64_t read_ns;
	/* of the map */
	struct fo_process_key *keys;
	struct fo_process *values;
	/* of the scope that was asked for last */
	struct process_span *spans;
};

static void free_p(struct processes **p)
{
	processes_free(*p);
}

int processes_new(struct processes **ret, const struct loader *loader)
{
	_cleanup_(free_p) struct processes *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->loader = loader;
	p->room = loader_processes_max(loader);
	p->list = calloc(p->room, sizeof(*p->list));
	p->keys = calloc(p->room, sizeof(*p->keys));
	p->values = calloc(p->room, sizeof(*p->values));
	p->spans = calloc(p->room, sizeof(*p->spans));
	p->homes = calloc(2 * p->room, sizeof(*p->homes));
	if (!p->homes || !p->list || !p->keys || !p->values || !p->spans)
		return -ENOMEM;
	*ret = p;
	p = NULL;
	return 0;
}

void processes_free(struct processes *p)
{
	if (!p)
		return;
	free(p->list);
	free(p->homes);
	free(p->keys);
	free(p->values);
	free(p->spans);
	free(p);
}

/* The slot of the process, or the free one where it belongs. */
static uint16_t *home_of(struct processes *p, const struct fo_process_key *key)
{
	size_t at = ((key->scope ^ (uint64_t)key->tgid << 32) * 0x9e3779b97f4a7c15ULL) >> 32;

	for (;; at++) {
		uint16_t *home = &p->homes[at % (2 * p->room)];
		const struct known *known = &p->list[*home ? *home - 1 : 0];

		if (!*home || (known->key.tgid == key->tgid && known->key.scope == key->scope))
			return home;
	}
}

/* NULL: there is no room. */
static struct known *find(struct processes *p, const struct fo_process_key *key)
{
	uint16_t *home = home_of(p, key);

	if (!*home) {
		if (p->count == p->room)
			return NULL;
		p->list[p->count] = (struct known){.key = *key};
		*home = (uint16_t)++p->count;
	}
	return &p->list[*home - 1];
}

static uint64_t step(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

/* The kernel copies while programs change the value, so its open part may be that of the uptime. */
static uint64_t lost_ns(const struct fo_process *value, uint64_t now_ns)
{
	int64_t open = value->nr > 0 ? value->nr * (int64_t)now_ns - value->start_sum_ns : 0;

	return (uint64_t)(value->done_ns + (open > 0 ? open : 0));
}

static void take(struct processes *p, struct known *known, const struct fo_process *value,
		 uint64_t now_ns)
{
	struct process_span *span = &known->span;
	struct fo_process *was = &known->value;
	uint64_t lost = lost_ns(value, now_ns), elapsed_ns = now_ns - p->read_ns;

	if (was->start_boot_ns != value->start_boot_ns || was->generation != value->generation) {
		*was = (struct fo_process){0};
		known->lost_ns = 0;
	}
	if (p->read_ns && step(known->lost_ns, lost) / TASKS_MOST > elapsed_ns)
		lost = known->lost_ns;
	*span = (struct process_span){
		.start_boot_ns = value->start_boot_ns,
		.pid = (int)known->key.tgid,
		.lost_ns = step(known->lost_ns, lost),
		.run_ns = step(was->run_ns, value->run_ns),
		.fault_sys_ns = step(was->fault_sys_ns, value->fault_sys_ns),
		.unproductive_ns = step(was->unproductive_ns, value->unproductive_ns),
		.blocked_ns = step(was->blocked_ns, value->blocked_ns),
		.added_pages = step(was->added_pages, value->added_pages),
		.swapins = step(was->swapins, value->swapins),
		.samples = step(was->samples, value->samples),
	};
	for (int i = 0; i < PROCESS_DISTANCES; i++) {
		span->refaults[i] = step(was->refaults[i], value->refaults[i]);
		span->workingset[i] = step(was->workingset[i], value->workingset[i]);
	}
	if (lost > known->lost_ns)
		known->lost_ns = lost;
	known->seen = true;
	known->changed = span->lost_ns || memcmp(was, value, sizeof(*was)) != 0;
	if (known->changed)
		known->changed_ns = now_ns;
	*was = *value;
}

/* Forgets those that are gone, and deletes those that do not change. */
static void sweep(struct processes *p, int fd, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct known *known = &p->list[i];

		if (known->seen && now_ns - known->changed_ns > UNCHANGED_NS) {
			(void)bpf_map_delete_elem(fd, &known->key);
			known->seen = false;
		}
		if (!known->seen)
			continue;
		if (kept < i)
			p->list[kept] = *known;
		kept++;
	}
	p->count = kept;
	memset(p->homes, 0, 2 * p->room * sizeof(*p->homes));
	for (size_t i = 0; i < kept; i++)
		*home_of(p, &p->list[i].key) = (uint16_t)(i + 1);
}

int processes_read(struct processes *p, uint64_t now_ns)
{
	int fd = loader_map(p->loader, LOADER_MAP_PROCESSES);
	uint32_t n = (uint32_t)p->room, place = 0;

	for (size_t i = 0; i < p->count; i++)
		p->list[i].seen = p->list[i].changed = false;
	if (bpf_map_lookup_batch(fd, NULL, &place, p->keys, p->values, &n, NULL) < 0 &&
	    errno != ENOENT)
		return -errno;
	for (uint32_t i = 0; i < n; i++) {
		struct known *known = find(p, &p->keys[i]);

		if (known)
			take(p, known, &p->values[i], now_ns);
	}
	sweep(p, fd, now_ns);
	p->read_ns = now_ns;
	return 0;
}

size_t processes_of(struct processes *p, uint64_t scope, const struct process_span **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].changed && p->list[i].key.scope == scope)
			p->spans[n++] = p->list[i].span;
	*ret = p->spans;
	return n;
}

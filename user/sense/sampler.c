// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/sampler.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "judge/sample.h"
#include "sense/cgroup.h"
#include "sense/held_by.h"
#include "sense/loader.h"
#include "sense/node.h"

/* Open stalls are checked this often while anything is sampled. */
#define CHECK_NS 1000000000ULL

struct sampler {
	const struct loader *loader;
	const struct cgroup_host *host;
	const struct node *node;
	uint64_t page_bytes;
	uint64_t checked_ns; /* when open stalls were checked last */
};

int sampler_new(struct sampler **ret, const struct loader *loader, const struct cgroup_host *host,
		const struct node *node)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));

	if (!sampler)
		return -ENOMEM;
	sampler->loader = loader;
	sampler->host = host;
	sampler->node = node;
	sampler->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	*ret = sampler;
	return 0;
}

void sampler_free(struct sampler *sampler)
{
	free(sampler);
}

/* Includes open stalls. Stripes are read one after the other, so the open part can be negative. */
static uint64_t clock_ns(const struct fo_stall *stall, uint64_t now_ns)
{
	int64_t open = stall->nr > 0 ? stall->nr * (int64_t)now_ns - stall->start_sum_ns : 0;

	return (uint64_t)(stall->done_ns + (open > 0 ? open : 0));
}

/*
 * Each value is read twice, and the lower clock is used. The kernel copies while programs
 * change the value: an end between `nr` and `start_sum_ns` makes nr * now the uptime,
 * once in one to five million readings.
 */
static bool is_lower(const struct fo_stall *a, const struct fo_stall *b)
{
	uint64_t now_ns = clock_mono_ns();

	return clock_ns(a, now_ns) < clock_ns(b, now_ns);
}

static int lookup(const struct sampler *sampler, enum loader_map map, const void *key, void *ret)
{
	return bpf_map_lookup_elem(loader_map(sampler->loader, map), key, ret) < 0 ? -errno : 0;
}

int sampler_stall(struct sampler *sampler, uint64_t scope, struct fo_scope_stat *ret)
{
	struct fo_scope_stat first, second;
	int err = lookup(sampler, LOADER_MAP_SCOPES, &scope, &first);

	if (!err)
		err = lookup(sampler, LOADER_MAP_SCOPES, &scope, &second);
	if (!err)
		*ret = is_lower(&second.stall, &first.stall) ? second : first;
	return err;
}

/* A stripe is nothing but 64-bit sums. */
static int waits_once(const struct sampler *sampler, uint64_t scope, struct fo_wait_stat *ret)
{
	struct fo_wait_key key = {.scope = scope};
	int result = -ENOENT;

	memset(ret, 0, sizeof(*ret));
	for (; key.stripe < loader_stripes(sampler->loader); key.stripe++) {
		uint64_t stripe[sizeof(*ret) / sizeof(uint64_t)], *sums = (uint64_t *)ret;
		int err = lookup(sampler, LOADER_MAP_WAITS, &key, stripe);

		if (err == -ENOENT)
			continue; /* no CPU of it had any */
		if (err)
			return err;
		result = 0;
		for (size_t i = 0; i < ARRAY_SIZE(stripe); i++)
			sums[i] += stripe[i];
	}
	return result;
}

int sampler_waits(struct sampler *sampler, uint64_t scope, struct fo_wait_stat *ret)
{
	struct fo_wait_stat first, second;
	int err = waits_once(sampler, scope, &first);

	if (!err)
		err = waits_once(sampler, scope, &second);
	if (!err)
		*ret = is_lower(&second.io, &first.io) ? second : first;
	return err;
}

int sampler_memstall(struct sampler *sampler, uint64_t scope, uint64_t now_ns, uint64_t *ret_ns)
{
	struct fo_memstall once;
	int err;

	if (!loader_has(sampler->loader, "fo_memstall_enter") ||
	    !loader_has(sampler->loader, "fo_memstall_leave"))
		return -EOPNOTSUPP;
	*ret_ns = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		struct fo_stall stall = {0};
		uint64_t ns;

		err = lookup(sampler, LOADER_MAP_MEMSTALLS, &scope, &once);
		if (err == -ENOENT)
			memset(&once, 0, sizeof(once)); /* no task has stalled yet */
		else if (err)
			return err;
		stall.nr = once.nr;
		stall.start_sum_ns = once.start_sum_ns;
		stall.done_ns = once.done_ns;
		ns = clock_ns(&stall, now_ns);
		if (ns < *ret_ns)
			*ret_ns = ns;
	}
	return 0;
}

static void sample_memstall(struct sampler *sampler, uint64_t scope, struct sample *sample)
{
	if (!sampler_memstall(sampler, scope, sample->at_ns, &sample->memstall_ns))
		sample->has |= SAMPLE_HAS_MEMSTALL;
}

/* Whether unproductive time is measured: that needs the begin and end of faults (bpf/). */
static bool knows_unproductive(const struct loader *loader)
{
	return loader_has(loader, "fo_fault_begin") && loader_has(loader, "fo_major_fault");
}

/* A stall whose end was not seen would keep its scope hot for as long as its task sleeps. */
static void check_open(struct sampler *sampler, uint64_t now_ns)
{
	if (sampler->checked_ns && now_ns < sampler->checked_ns + CHECK_NS)
		return;
	sampler->checked_ns = now_ns;
	(void)loader_check_open(sampler->loader);
}

static void sample_sums(struct sampler *sampler, uint64_t scope, bool tracking,
			struct sample *sample)
{
	struct fo_counters counters;
	struct fo_scope_stat stat;
	struct fo_wait_stat waits;

	check_open(sampler, sample->at_ns);
	loader_counters(sampler->loader, &counters);
	sample->losses = (uint32_t)(counters.tasks_full + counters.waits_full);
	sample->page_bytes = sampler->page_bytes;
	sample->has |= SAMPLE_HAS_PAGE_BYTES;
	sample_memstall(sampler, scope, sample);

	if (!sampler_stall(sampler, scope, &stat)) {
		sample->stall_ns = clock_ns(&stat.stall, sample->at_ns);
		sample->stall_open = stat.stall.nr > 0 ? (uint64_t)stat.stall.nr : 0;
		sample->reclaims = stat.stall.begun;
		sample->reclaimed_pages = stat.stall.reclaimed_pages;
		sample->compaction_ns = stat.compaction_ns;
		sample->has |= SAMPLE_HAS_STALL | SAMPLE_HAS_COMPACTION;
	}
	if (!tracking)
		return;
	if (sampler_waits(sampler, scope, &waits)) {
		/* page tracking is on and has no sums: there were no waits */
		memset(&waits, 0, sizeof(waits));
	}
	sample->io_ns = clock_ns(&waits.io, sample->at_ns);
	sample->io_open = waits.io.nr > 0 ? (uint64_t)waits.io.nr : 0;
	sample->io_done_ns = (uint64_t)waits.io.done_ns;
	sample->refault_ns = waits.refault_ns;
	sample->run_ns = waits.run_ns;
	sample->refault_sys_ns = waits.refault_sys_ns;
	sample->refault_stall_ns = waits.refault_stall_ns;
	sample->unproductive_ns = waits.unproductive_ns;
	sample->added_pages = waits.added_pages;
	sample->pages_per_sample = loader_pages_per_sample(sampler->loader);
	sample->samples = waits.samples;
	sample->refaults = waits.refaults;
	sample->within_reach = waits.within_reach;
	sample->has |= SAMPLE_HAS_WAITS | SAMPLE_HAS_SAMPLING | SAMPLE_HAS_REFAULT_STALL;
	if (knows_unproductive(sampler->loader))
		sample->has |= SAMPLE_HAS_UNPRODUCTIVE;
	if (loader_has(sampler->loader, "fo_refault")) {
		/* exact and current; the files lag by seconds */
		sample->refault_pages = waits.workingset_refaults;
		sample->has |= SAMPLE_HAS_REFAULTS;
	}
	if (loader_has(sampler->loader, "fo_major_fault")) {
		sample->swapins = waits.swapins;
		sample->has |= SAMPLE_HAS_SWAPINS;
	}
}

int sampler_node(struct sampler *sampler, uint64_t now_ns, bool tracking, struct sample *ret)
{
	struct sample sample = {.at_ns = now_ns};
	struct node_memory memory;
	int err;

	sample_sums(sampler, FO_SCOPE_NODE, tracking, &sample);
	err = node_read(sampler->node, &memory);
	if (!err) {
		if (memory.has & NODE_HAS_AVAILABLE) {
			sample.total_bytes = memory.total_bytes;
			sample.held_bytes = node_held_bytes(&memory);
			sample.usage_bytes = memory.total_bytes - memory.free_bytes;
			sample.anon_bytes = memory.anon_bytes;
			sample.file_lru_bytes = memory.file_lru_bytes;
			sample.free_bytes = memory.free_bytes;
			sample.has |= SAMPLE_HAS_LEVEL;
		}
		if (memory.has & NODE_HAS_MAPPED) {
			sample.mapped_file_bytes = memory.mapped_file_bytes;
			sample.has |= SAMPLE_HAS_MAPPED;
		}
		if ((memory.has & NODE_HAS_REFAULTS) && !(sample.has & SAMPLE_HAS_REFAULTS)) {
			sample.refault_pages = memory.refault_pages;
			sample.has |= SAMPLE_HAS_REFAULTS;
		}
		if (memory.has & NODE_HAS_FAULTS) {
			sample.major_faults = memory.major_faults;
			sample.has |= SAMPLE_HAS_FAULTS;
		}
		if (memory.has & NODE_HAS_SWAP) {
			sample.swap_total_bytes = memory.swap_total_bytes;
			sample.swap_free_bytes = memory.swap_free_bytes;
			sample.has |= SAMPLE_HAS_SWAP;
		}
		if (memory.has & NODE_HAS_SCANS) {
			sample.scanned_pages = memory.scanned_pages;
			sample.has |= SAMPLE_HAS_SCANS;
		}
		if (memory.has & NODE_HAS_MARKS) {
			sample.mark_low_bytes = memory.mark_low_bytes;
			sample.has |= SAMPLE_HAS_MARKS;
		}
	}
	*ret = sample;
	return err;
}

static void sample_cgroup_level(struct sampler *sampler, const struct cgroup_memory *memory,
				struct sample *sample)
{
	uint64_t swap_free = 0;
	struct node_memory node;

	/* memory that fits into swap is reclaimable too; how slow that is shows in the waits */
	if ((memory->has & CGROUP_HAS_SWAP) && !node_read(sampler->node, &node) &&
	    (node.has & NODE_HAS_SWAP)) {
		swap_free = cgroup_swap_free_bytes(memory, node.swap_free_bytes);
		sample->swap_total_bytes = memory->swap_bytes + swap_free;
		sample->swap_free_bytes = swap_free;
		sample->has |= SAMPLE_HAS_SWAP;
	}
	sample->total_bytes = memory->limit_bytes;
	sample->held_bytes = cgroup_held_bytes(memory, swap_free);
	sample->usage_bytes = memory->usage_bytes;
	sample->anon_bytes = memory->anon_bytes;
	sample->file_lru_bytes = memory->file_lru_bytes;
	if (memory->has & CGROUP_HAS_MAPPED) {
		sample->mapped_file_bytes = memory->mapped_file_bytes;
		sample->has |= SAMPLE_HAS_MAPPED;
	}
	sample->has |= SAMPLE_HAS_LEVEL;
}

int sampler_cgroup(struct sampler *sampler, const struct cgroup *cgroup, uint64_t now_ns,
		   bool tracking, struct sample *ret)
{
	struct sample sample = {.at_ns = now_ns};
	struct cgroup_memory memory;
	int err;

	sample_sums(sampler, cgroup->id, tracking, &sample);
	err = cgroup_read(sampler->host, cgroup, &memory);
	if (!err) {
		if ((memory.has & CGROUP_HAS_LEVEL) == CGROUP_HAS_LEVEL)
			sample_cgroup_level(sampler, &memory, &sample);
		if ((memory.has & CGROUP_HAS_REFAULTS) && !(sample.has & SAMPLE_HAS_REFAULTS)) {
			sample.refault_pages = memory.refault_pages;
			sample.has |= SAMPLE_HAS_REFAULTS;
		}
		if (memory.has & CGROUP_HAS_UNDER_OOM) {
			sample.under_oom = memory.under_oom;
			sample.has |= SAMPLE_HAS_UNDER_OOM;
		}
		if (memory.has & CGROUP_HAS_FAULTS) {
			sample.major_faults = memory.major_faults;
			sample.has |= SAMPLE_HAS_FAULTS;
		}
	}
	*ret = sample;
	return err;
}

void sampler_held_by(const struct sampler *sampler, const struct cgroup *cgroup,
		     struct held_by *ret)
{
	if (cgroup)
		held_by_cgroup(sampler->host, cgroup, ret);
	else
		held_by_node(sampler->node, ret);
}

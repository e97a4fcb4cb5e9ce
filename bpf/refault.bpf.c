// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * refault: counts the evicted pages that are read again, and their refault distance. Part of page
 * tracking.
 *
 * In the most common livelock, tasks lose their time to refaults (docs/measurements.md). Two
 * tracepoints measure them; they need no fentry, and the result does not depend on the speed of the
 * disk. An evicted page is stored with the scope's clock, the number of pages read in so far. When
 * the page is read again, the difference of the clock is its refault distance: the number of pages
 * by which the cache was too small to keep it. A task in a livelock reads pages that a kill would
 * have kept in memory. A stream reads new pages, or refaults at larger distances.
 *
 * One page in 2^fo_sample_shift is tracked: the one whose index has that many low bits clear.
 * Folios of all sizes are therefore sampled alike.
 */
#include "open.bpf.h"
#include "reader.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline __u64 folio_flags(struct folio *folio)
{
	struct folio___flags_struct *flags_struct = (void *)folio;
	struct folio___flags_word *flags_word = (void *)folio;

	if (bpf_core_field_exists(flags_struct->flags.f))
		return flags_struct->flags.f;
	return flags_word->flags;
}

static __always_inline __u64 folio_pages(struct folio *folio)
{
	struct folio___before615 *before615 = (void *)folio;

	if (!(folio_flags(folio) & (1ULL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(folio->_nr_pages))
		return folio->_nr_pages;
	if (bpf_core_field_exists(before615->_folio_nr_pages))
		return before615->_folio_nr_pages;
	/* 5.17 to 6.0: a large folio counts as one page, for the clock and for every distance */
	return 1;
}

/* The sampled pages of one folio: first, first + 2^shift, ... below end. */
struct sampled {
	__u64 inode; /* and its device; not set if no page of the folio is sampled */
	__u64 first;
	__u64 end;
	__u64 pages;	 /* of the folio */
	bool workingset; /* it was active before: the kernel's mark of pages in use more than once
			  */
};

/* The sampled pages of a folio of 2 MiB at a shift of 4. */
#define FO_SAMPLED_MAX 32

static __always_inline void sampled_pages(u64 *ctx, struct sampled *ret)
{
	struct address_space *mapping;
	struct inode *inode;
	__u64 index, flags, mask = (1ULL << fo_sample_shift) - 1;

	if (fo_cache_has_folio) {
		struct folio *folio = (struct folio *)ctx[0];

		mapping = folio->mapping;
		index = folio->index;
		ret->pages = folio_pages(folio);
		flags = folio_flags(folio);
	} else {
		struct page *page = (struct page *)ctx[0];

		mapping = page->mapping;
		index = page->index;
		ret->pages = 1;
		flags = page->flags;
	}
	inode = mapping->host;
	ret->first = (index + mask) & ~mask;
	ret->end = index + ret->pages;
	ret->workingset = flags & (1ULL << bpf_core_enum_value(enum pageflags, PG_workingset));
	if (ret->first < ret->end)
		ret->inode = inode->i_ino ^ ((__u64)inode->i_sb->s_dev << 32);
}

/* A hash of the page, never 0. The multipliers are those of splitmix64. */
static __always_inline __u64 page_of(__u64 inode, __u64 index)
{
	__u64 page = inode ^ index * 0x9e3779b97f4a7c15ULL;

	page = (page ^ page >> 30) * 0xbf58476d1ce4e5b9ULL;
	page = (page ^ page >> 27) * 0x94d049bb133111ebULL;
	return page | 1;
}

static __always_inline struct fo_shadow_set *set_of(__u64 page)
{
	__u32 set = page >> 32 & (FO_SHADOW_SETS - 1);

	return bpf_map_lookup_elem(&fo_shadows, &set);
}

/* Bit 0 is left clear. */
static __always_inline __u32 owner_of(__u64 scope)
{
	return ((scope * 0x9e3779b97f4a7c15ULL >> 32) + fo_tracking_generation * 0x85ebca6bU) << 1;
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int fo_page_evicted(u64 *ctx)
{
	struct sampled sampled = {};
	struct fo_shadow shadow;
	__u64 scope = FO_SCOPE_NODE;
	struct fo_open *open;
	struct fo_hot *hot;

	/* truncation and unlink also delete pages: only those that reclaim deletes are evicted */
	open = fo_open_find(FO_SECTION_RECLAIM);
	if (open && !open->not_a_stall)
		scope = open->scope;
	else if (!fo_tracking_node || !(fo_current_flags() & PF_KSWAPD))
		return 0;

	hot = bpf_map_lookup_elem(&fo_hot, &scope);
	if (!hot)
		return 0;
	sampled_pages(ctx, &sampled);
	shadow.owner = owner_of(scope) | sampled.workingset;
	shadow.added_pages = hot->added_pages;
	for (int i = 0; i < FO_SAMPLED_MAX; i++) {
		struct fo_shadow_set *set;

		if (sampled.first >= sampled.end)
			break;
		shadow.page = page_of(sampled.inode, sampled.first);
		set = set_of(shadow.page);
		if (!set)
			break; /* for the verifier */
		for (int way = FO_SHADOW_WAYS - 1; way > 0; way--)
			set->ways[way] = set->ways[way - 1];
		set->ways[0] = shadow;
		sampled.first += 1ULL << fo_sample_shift;
	}
	return 0;
}

/* Removes the page's shadow (the entry of an evicted page) from its set. False: no shadow. */
static __always_inline bool take_shadow(__u64 page, struct fo_shadow *ret)
{
	struct fo_shadow_set *set = set_of(page);

	if (!set)
		return false;
	for (int way = 0; way < FO_SHADOW_WAYS; way++) {
		if (set->ways[way].page != page)
			continue;
		*ret = set->ways[way];
		set->ways[way].page = 0;
		return true;
	}
	return false;
}

static __always_inline void count_distance(struct fo_process *process, __u32 distance,
					   bool workingset)
{
	__u32 slot = fo_log2(distance >> FO_DISTANCE_SHIFT);

	if (slot >= FO_DISTANCE_SLOTS)
		slot = FO_DISTANCE_SLOTS - 1;
	fo_add(process->refaults[slot], 1);
	if (workingset)
		fo_add(process->workingset[slot], 1);
}

static __always_inline void sample_refault(struct fo_reader *reader, __u64 page)
{
	struct fo_task_state *state = reader->state;
	struct fo_wait_stat *stat = reader->stat;
	struct fo_shadow shadow;
	struct fo_reach *reach;
	__s32 distance;

	if (!state->is_new) {
		fo_add(stat->samples, 1);
		fo_count_sample(state);
	}
	if (reader->process)
		fo_add(reader->process->samples, 1);
	if (!take_shadow(page, &shadow) || state->is_new ||
	    (shadow.owner & ~1U) != owner_of(reader->scope))
		return;
	distance = (__u32)reader->hot->added_pages - shadow.added_pages;
	if (distance < 0)
		return; /* the clock restarted in between */
	fo_add(stat->refaults, 1);
	reach = bpf_map_lookup_elem(&fo_reach, &reader->scope);
	/* reading back what was lost before a kill is no loss of the time after it */
	if (reach && reach->has_kill && (__s32)(shadow.added_pages - reach->evicted_from) < 0)
		return;
	if (reader->process)
		count_distance(reader->process, distance, shadow.owner & 1);
	if (reach && (__u64)distance <= reach->pages) {
		state->within_reach++;
		fo_add(stat->within_reach, 1);
	}
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int fo_page_added(u64 *ctx)
{
	struct sampled sampled = {};
	struct fo_reader reader;

	if (!fo_find_reader(&reader))
		return 0;
	reader.state->read_in = 1;
	fo_reads_page(reader.state);
	sampled_pages(ctx, &sampled);
	fo_add(reader.stat->added_pages, sampled.pages);
	fo_add(reader.hot->added_pages, sampled.pages);
	if (reader.process)
		fo_add(reader.process->added_pages, sampled.pages);
	for (int i = 0; i < FO_SAMPLED_MAX; i++) {
		if (sampled.first >= sampled.end)
			break;
		sample_refault(&reader, page_of(sampled.inode, sampled.first));
		sampled.first += 1ULL << fo_sample_shift;
	}
	return 0;
}

/* The kernel also recognises refaults of pages that were evicted before page tracking was on. */
SEC("fentry/workingset_refault")
int fo_refault(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_wait_stat *stat;

	if (!state || state->generation != fo_tracking_generation)
		return 0;
	stat = fo_wait_stat(state->scope, fo_stripe());
	if (stat)
		fo_add(stat->workingset_refaults,
		       fo_cache_has_folio ? folio_pages((struct folio *)ctx[0]) : 1);
	return 0;
}

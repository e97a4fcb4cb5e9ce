// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * refault: pages that reclaim evicts, and their return. Part of page tracking.
 *
 * The commonest livelock loses its time in reading back what reclaim took (docs/measurements.md).
 * Three tracepoints measure that without fentry and whatever the speed of the disk. An evicted page
 * is remembered with the scope's clock, which counts the pages read in. When the page returns, the
 * difference is its refault distance: by so many pages memory was too small for it. A task whose
 * reads are refaults that a kill would have avoided is in a livelock; one whose reads are new
 * pages, or refaults from farther away, is a stream.
 *
 * One page in 2^fo_sample_shift is tracked: the one whose index has that many low bits clear, so
 * that folios of all sizes are sampled alike.
 */
#include "open.bpf.h"
#include "reader.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline __u64 folio_pages(struct folio *folio)
{
	struct folio___before615 *before615 = (void *)folio;
	struct folio___flags_struct *flags_struct = (void *)folio;
	struct folio___flags_word *flags_word = (void *)folio;
	__u64 flags;

	if (bpf_core_field_exists(flags_struct->flags.f))
		flags = flags_struct->flags.f;
	else
		flags = flags_word->flags;
	if (!(flags & (1ULL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(folio->_nr_pages))
		return folio->_nr_pages;
	if (bpf_core_field_exists(before615->_folio_nr_pages))
		return before615->_folio_nr_pages;
	/* 5.17 to 6.0: a large folio counts as one page, and the clock of all runs slower */
	return 1;
}

/* The sampled pages of one folio: first, first + 2^shift, ... below end. */
struct span {
	__u64 inode;
	__u64 first;
	__u64 end;
	__u64 pages;
};

/* A folio of 2 MiB has so many sampled pages at a shift of 4. */
#define FO_SPAN_SAMPLES 32

static __always_inline void span_of(u64 *ctx, struct span *span)
{
	struct address_space *mapping;
	struct inode *inode;
	__u64 index, mask = (1ULL << fo_sample_shift) - 1;

	if (fo_cache_has_folio) {
		struct folio *folio = (struct folio *)ctx[0];

		mapping = folio->mapping;
		index = folio->index;
		span->pages = folio_pages(folio);
	} else {
		struct page *page = (struct page *)ctx[0];

		mapping = page->mapping;
		index = page->index;
		span->pages = 1;
	}
	inode = mapping->host;
	span->first = (index + mask) & ~mask;
	span->end = index + span->pages;
	if (span->first < span->end)
		span->inode = inode->i_ino ^ ((__u64)inode->i_sb->s_dev << 32);
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int fo_page_evicted(u64 *ctx)
{
	struct fo_open *open;
	struct fo_shadow shadow = {};
	struct fo_page_key key;
	struct fo_hot *hot;
	struct span span = {};

	/* only reclaim evicts; truncation and unlink delete */
	open = fo_open_find(FO_SECTION_RECLAIM);
	if (open && !open->not_a_stall)
		shadow.scope = open->scope;
	else if (!fo_tracking_node || !(fo_current_flags() & PF_KSWAPD))
		return 0;

	hot = bpf_map_lookup_elem(&fo_hot, &shadow.scope);
	if (!hot)
		return 0;
	span_of(ctx, &span);
	shadow.added_pages = hot->added_pages;
	shadow.generation = fo_tracking_generation;
	key.inode = span.inode;
	key.index = span.first;
	for (int i = 0; i < FO_SPAN_SAMPLES; i++) {
		if (key.index >= span.end)
			break;
		bpf_map_update_elem(&fo_shadows, &key, &shadow, BPF_ANY);
		key.index += 1ULL << fo_sample_shift;
	}
	return 0;
}

static __always_inline void sample_refault(struct fo_task_state *state, struct fo_wait_stat *stat,
					   struct fo_hot *hot, __u64 scope, struct fo_page_key *key)
{
	struct fo_shadow *shadow = bpf_map_lookup_elem(&fo_shadows, key);
	__u64 distance, *within_reach;
	__u32 slot;

	if (!state->is_new) {
		fo_add(stat->samples, 1);
		fo_count_sample(state);
	}
	if (!shadow)
		return;
	if (!state->is_new && shadow->scope == scope &&
	    shadow->generation == fo_tracking_generation &&
	    hot->added_pages >= shadow->added_pages) {
		distance = hot->added_pages - shadow->added_pages;
		within_reach = bpf_map_lookup_elem(&fo_reach, &scope);
		if (within_reach && distance <= *within_reach) {
			state->within_reach++;
			fo_add(stat->within_reach, 1);
		}
		slot = fo_log2(distance);
		if (slot >= FO_DISTANCE_SLOTS)
			slot = FO_DISTANCE_SLOTS - 1;
		fo_add(stat->refaults, 1);
		fo_add(stat->distance[slot], 1);
	}
	bpf_map_delete_elem(&fo_shadows, key);
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int fo_page_added(u64 *ctx)
{
	struct fo_reader reader;
	struct fo_page_key key;
	struct span span = {};

	if (!fo_find_reader(&reader))
		return 0;
	reader.state->read_in = 1;
	fo_reads_page(reader.state);
	span_of(ctx, &span);
	fo_add(reader.stat->added_pages, span.pages);
	fo_add(reader.hot->added_pages, span.pages);
	key.inode = span.inode;
	key.index = span.first;
	for (int i = 0; i < FO_SPAN_SAMPLES; i++) {
		if (key.index >= span.end)
			break;
		sample_refault(reader.state, reader.stat, reader.hot, reader.scope, &key);
		key.index += 1ULL << fo_sample_shift;
	}
	return 0;
}

/* The kernel knows a refault also of a page that was evicted before page tracking was on. */
SEC("fentry/workingset_refault")
int fo_refault(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_wait_stat *stat;

	if (!state || state->generation != fo_tracking_generation)
		return 0;
	stat = fo_wait_stat(state->scope, false);
	if (stat)
		fo_add(stat->workingset_refaults,
		       fo_cache_has_folio ? folio_pages((struct folio *)ctx[0]) : 1);
	return 0;
}

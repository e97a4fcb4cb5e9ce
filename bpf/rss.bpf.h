/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * rss: the pages that a process holds, in each way that kernels count them.
 *
 * Since 6.2 (f1a7941243c1) the counters are per-CPU ones. Their sum lags by up to a batch for each
 * CPU, 0.25 MB on 2 CPUs: exact enough to rank processes, not to bill them.
 */
#ifndef FASTOOM_RSS_BPF_H
#define FASTOOM_RSS_BPF_H

#include "maps.bpf.h"

enum {
	FO_RSS_FILE,
	FO_RSS_ANON,
	FO_RSS_SWAP,
	FO_RSS_SHMEM
}; /* include/linux/mm_types_task.h */

static __always_inline __s64 fo_rss_pages(struct mm_struct *mm, int kind)
{
	struct mm_struct___before62 *before62 = (void *)mm;
	__s64 pages;

	if (bpf_core_type_exists(struct mm_rss_stat)) {
		/* 6.1's verifier does not follow a typedef within an array: read by probing */
		if (!fo_have_probe_read)
			return 0;
		switch (kind) {
		case FO_RSS_FILE:
			pages = BPF_CORE_READ(before62, rss_stat.count[FO_RSS_FILE].counter);
			break;
		case FO_RSS_ANON:
			pages = BPF_CORE_READ(before62, rss_stat.count[FO_RSS_ANON].counter);
			break;
		case FO_RSS_SWAP:
			pages = BPF_CORE_READ(before62, rss_stat.count[FO_RSS_SWAP].counter);
			break;
		default:
			pages = BPF_CORE_READ(before62, rss_stat.count[FO_RSS_SHMEM].counter);
		}
	} else {
		switch (kind) {
		case FO_RSS_FILE:
			pages = mm->rss_stat[FO_RSS_FILE].count;
			break;
		case FO_RSS_ANON:
			pages = mm->rss_stat[FO_RSS_ANON].count;
			break;
		case FO_RSS_SWAP:
			pages = mm->rss_stat[FO_RSS_SWAP].count;
			break;
		default:
			pages = mm->rss_stat[FO_RSS_SHMEM].count;
		}
	}
	return pages > 0 ? pages : 0;
}

/* The most pages that a process held, as of the last time that pages were unmapped from it. */
static __always_inline __u64 fo_rss_most_pages(struct mm_struct *mm)
{
	if (!bpf_core_type_exists(struct mm_rss_stat))
		return mm->hiwater_rss;
	/* before 6.2, as above: 5.10 has no BTF pointer here */
	return fo_have_probe_read ? BPF_CORE_READ(mm, hiwater_rss) : 0;
}

/* Through BTF: bpf_probe_read_kernel_str() is forbidden under lockdown. */
static __always_inline void fo_copy_comm(char *to, const char *from)
{
	for (int i = 0; i < FO_COMM_LEN; i++)
		to[i] = from[i];
	to[FO_COMM_LEN - 1] = 0;
}

#endif /* FASTOOM_RSS_BPF_H */

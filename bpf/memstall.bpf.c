// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * memstall: the kernel's own notion of a task that waits for memory, with PSI off or on.
 *
 * The kernel calls psi_memstall_enter() and _leave() around every such section, whether PSI counts
 * or not. Sections nest; the outermost counts. Their argument tells which one that is: the place on
 * the stack where the section keeps its flags. The stack grows down. An enter at a lower address is
 * an inner section; one at the same or a higher address means that a leave was not seen. Before
 * 5.17 programs may not read the argument, so the depth is counted; up to 5.11 no program is
 * skipped.
 *
 * Kernel threads have a sum of their own: kswapd reclaims for all scopes.
 */
#include "open.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The cgroup whose limit current last hit, or its own cgroup. Reclaim is attributed alike. */
static __always_inline __u64 stalled_scope(void)
{
	__u64 leaf, *limited;

	if (fo_current_flags() & PF_KTHREAD)
		return FO_SCOPE_KERNEL;
	leaf = fo_current_memcg();
	limited = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	return limited ? *limited : leaf;
}

SEC("fentry/psi_memstall_enter")
int fo_memstall_enter(u64 *ctx)
{
	struct fo_open *outer = fo_open_find(FO_SECTION_MEMSTALL), open = {};

	if (outer && !fo_have_int_args) {
		outer->depth++;
		return 0;
	}
	if (fo_have_int_args)
		open.at = ctx[0];
	if (outer && open.at < outer->at)
		return 0;
	open.start_ns = bpf_ktime_get_ns();
	open.scope = stalled_scope();
	if (fo_open_begin(FO_SECTION_MEMSTALL, &open))
		fo_memstall_begin(open.scope, open.start_ns);
	return 0;
}

SEC("fentry/psi_memstall_leave")
int fo_memstall_leave(u64 *ctx)
{
	struct fo_open *outer = fo_open_find(FO_SECTION_MEMSTALL), open;
	__u64 now;

	if (!outer)
		return 0;
	if (fo_have_int_args) {
		if (ctx[0] < outer->at)
			return 0;
	} else if (outer->depth) {
		outer->depth--;
		return 0;
	}
	if (!fo_open_end(FO_SECTION_MEMSTALL, &open))
		return 0;
	now = bpf_ktime_get_ns();
	fo_memstall_end(open.scope, open.start_ns, now > open.start_ns ? now - open.start_ns : 0);
	return 0;
}

/* Contiguous memory is short: kcompactd's work, and that of tasks, which wait for it. */
SEC("tp_btf/mm_compaction_begin")
int fo_compact_begin(u64 *ctx)
{
	struct fo_open open = {};

	if (fo_current_flags() & PF_KTHREAD)
		return 0;
	open.start_ns = bpf_ktime_get_ns();
	(void)fo_open_begin(FO_SECTION_COMPACTION, &open);
	return 0;
}

SEC("tp_btf/mm_compaction_end")
int fo_compact_end(u64 *ctx)
{
	struct fo_scope_stat *stat;
	struct fo_open open;

	if (!fo_open_end(FO_SECTION_COMPACTION, &open))
		return 0;
	stat = fo_scope_stat(FO_SCOPE_NODE, true);
	if (stat) {
		fo_add(stat->compactions, 1);
		fo_add(stat->compaction_ns, bpf_ktime_get_ns() - open.start_ns);
	} else {
		fo_count(scopes_full);
	}
	return 0;
}

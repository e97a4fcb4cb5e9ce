/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * sums: what the tasks of a scope lost, and how a stall enters and leaves these sums.
 */
#ifndef FASTOOM_SUMS_BPF_H
#define FASTOOM_SUMS_BPF_H

#include "maps.bpf.h"

static __always_inline struct fo_scope_stat *fo_scope_stat(__u64 scope, bool create)
{
	static const struct fo_scope_stat zero; /* too large for the stack */
	struct fo_scope_stat *stat = bpf_map_lookup_elem(&fo_scopes, &scope);

	if (stat || !create)
		return stat;
	bpf_map_update_elem(&fo_scopes, &scope, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_scopes, &scope);
}

static __always_inline __u32 fo_stripe(void)
{
	return bpf_get_smp_processor_id() >> fo_cpu_shift;
}

/* NULL: the scope is not hot any more. Tasks that read for it while it was may live on. */
static __always_inline struct fo_wait_stat *fo_wait_stat(__u64 scope, __u32 stripe)
{
	static const struct fo_wait_stat zero;
	struct fo_wait_key key = {.scope = scope, .stripe = stripe};
	struct fo_wait_stat *stat = bpf_map_lookup_elem(&fo_waits, &key);

	if (stat)
		return stat;
	if (!bpf_map_lookup_elem(&fo_hot, &scope))
		return NULL;
	bpf_map_update_elem(&fo_waits, &key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_waits, &key);
}

static __always_inline __u32 fo_log2(__u64 v)
{
	__u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

static __always_inline void fo_stall_begin(struct fo_stall *stall, __u64 now)
{
	/* in this order: a reader in between must not take nr * now for a stall */
	fo_add(stall->start_sum_ns, now);
	fo_add(stall->nr, 1);
	fo_add(stall->begun, 1);
}

/* A stall whose end was not seen: how long it took is not known, and nothing is added. */
static __always_inline void fo_stall_forget(struct fo_stall *stall, __u64 start)
{
	fo_add(stall->nr, -1);
	fo_add(stall->start_sum_ns, -start);
	fo_add(stall->ended, 1);
}

static __always_inline void fo_stall_end(struct fo_stall *stall, __u64 start, __u64 now,
					 __u64 pages)
{
	fo_stall_forget(stall, start);
	fo_add(stall->done_ns, now > start ? now - start : 0);
	if (pages) /* adding a constant 0 becomes an atomic OR, which 5.10 does not have */
		fo_add(stall->reclaimed_pages, pages);
}

static __always_inline void fo_count_slot(struct fo_scope_stat *stat, __u64 took)
{
	__u32 slot = fo_log2(took / 1000);

	if (slot >= FO_STALL_SLOTS)
		slot = FO_STALL_SLOTS - 1;
	fo_add(stat->slots[slot], 1);
}

static __always_inline void fo_memstall_add(__u64 scope, __s64 nr, __s64 start_sum_ns,
					    __u64 done_ns)
{
	static const struct fo_memstall zero;
	struct fo_memstall *sum = bpf_map_lookup_elem(&fo_memstalls, &scope);

	if (!sum && nr > 0) {
		bpf_map_update_elem(&fo_memstalls, &scope, &zero, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&fo_memstalls, &scope);
		if (!sum)
			fo_count(memstalls_full);
	}
	if (!sum)
		return;
	/* in this order, as in fo_stall_begin() */
	fo_add(sum->start_sum_ns, start_sum_ns);
	fo_add(sum->nr, nr);
	if (nr > 0)
		fo_add(sum->begun, 1);
	if (done_ns)
		fo_add(sum->done_ns, done_ns);
}

static __always_inline void fo_memstall_begin(__u64 scope, __u64 now)
{
	fo_memstall_add(scope, 1, now, 0);
	if (scope != FO_SCOPE_KERNEL)
		fo_memstall_add(FO_SCOPE_NODE, 1, now, 0);
}

static __always_inline void fo_memstall_end(__u64 scope, __u64 start, __u64 took)
{
	fo_memstall_add(scope, -1, -start, took);
	if (scope != FO_SCOPE_KERNEL)
		fo_memstall_add(FO_SCOPE_NODE, -1, -start, took);
}

/* Ends a task's wait for IO whose end was not seen. */
static __always_inline void fo_wait_forget(struct fo_task_state *state)
{
	struct fo_wait_stat *stat = fo_wait_stat(state->wait_scope, state->wait_stripe);

	if (stat)
		fo_stall_forget(&stat->io, state->wait_start_ns);
	state->wait_start_ns = 0;
}

#endif /* FASTOOM_SUMS_BPF_H */

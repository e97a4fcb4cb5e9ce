// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * open: ends the stalls whose end was not seen, by what the kernel knows of their tasks.
 *
 * User space runs this once a second while a scope is hot. A task whose stall's end was not seen
 * and that then sleeps would otherwise keep its scope hot, with one task's full stall, until it
 * reclaims again or exits.
 */
#include "open.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* No memory stall sleeps interruptibly; this long after its begin that is no coincidence. */
#define FO_ASLEEP_NS 1000000000ULL

static __always_inline bool sleeps_interruptibly(struct task_struct *task)
{
	struct task_struct___before514 *before514 = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state) & TASK_INTERRUPTIBLE;
	return BPF_CORE_READ(before514, state) & TASK_INTERRUPTIBLE;
}

/* The task may be freed memory by now: all of it is read by probing, and compared. */
static __always_inline bool is_over(const struct fo_open_key *key, const struct fo_open *open)
{
	struct task_struct *task = (void *)open->task;

	if ((__u32)BPF_CORE_READ(task, pid) != key->pid ||
	    BPF_CORE_READ(task, start_boottime) != open->task_start_boot_ns ||
	    BPF_CORE_READ(task, exit_state))
		return true;
	/* vmscan.c sets it before begin and clears it after end, since 5.4, 1732d2b01184 */
	if ((key->section == FO_SECTION_RECLAIM || key->section == FO_SECTION_SOFT) &&
	    bpf_core_field_exists(task->reclaim_state))
		return !BPF_CORE_READ(task, reclaim_state);
	return bpf_ktime_get_ns() > open->start_ns + FO_ASLEEP_NS && sleeps_interruptibly(task);
}

SEC("iter/bpf_map_elem")
int fo_open_check(struct bpf_iter__bpf_map_elem *ctx)
{
	struct fo_open_key *key_at = ctx->key, key;
	struct fo_open *open_at = ctx->value, open;

	if (!fo_have_probe_read || !key_at || !open_at)
		return 0;
	key = *key_at;
	open = *open_at;
	if (!is_over(&key, &open) || !fo_open_delete(&key))
		return 0;
	fo_count(stalls_forgotten);
	fo_open_forget(key.section, &open);
	return 0;
}

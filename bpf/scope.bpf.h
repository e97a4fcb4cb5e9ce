/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * scope: whose trouble it is. All walking of tasks and cgroups lives here.
 *
 * Pointers are dereferenced directly through BTF: measured 115 ns faster than
 * bpf_probe_read_kernel() a chain, and the only form that lockdown=confidentiality
 * loads. Two places cannot: 5.10, which has no BTF pointer to current, and the
 * walk up to the limit, which casts.
 */
#ifndef FASTOOM_SCOPE_BPF_H
#define FASTOOM_SCOPE_BPF_H

#include "maps.bpf.h"

/* Deeper trees than this are attributed to the task's own cgroup. systemd nests 5 deep, kubelet 4.
 */
#define FO_DEPTH_MAX 16

/*
 * A charge takes MEMCG_CHARGE_BATCH pages at once, so usage stops that short of the limit;
 * one of a large folio up to 512 (readahead makes them since 5.18, 793917d997df).
 */
#define FO_CHARGE_BATCH 64
#define FO_CHARGE_MOST	512

static __always_inline int fo_memory_index(void)
{
	return bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
}

static __always_inline __u64 fo_task_memcg(struct task_struct *task)
{
	return task->cgroups->subsys[fo_memory_index()]->cgroup->kn->id;
}

/* current's memory cgroup; a remote charge (active_memcg) counts for whom it is charged to. */
static __always_inline __u64 fo_current_memcg(void)
{
	if (!fo_have_task_storage) {
		struct task_struct *task = (void *)bpf_get_current_task();

		return BPF_CORE_READ(task, cgroups, subsys[fo_memory_index()], cgroup, kn, id);
	}

	struct task_struct *task = bpf_get_current_task_btf();

	if (bpf_core_field_exists(task->active_memcg)) {
		struct mem_cgroup *memcg = task->active_memcg;

		if (memcg)
			return memcg->css.cgroup->kn->id;
	}
	return fo_task_memcg(task);
}

static __always_inline __u32 fo_current_flags(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (fo_have_task_storage)
		return bpf_get_current_task_btf()->flags;
	return BPF_CORE_READ(task, flags);
}

static __always_inline __u64 fo_current_age_ns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 start;

	if (fo_have_task_storage)
		start = bpf_get_current_task_btf()->group_leader->start_boottime;
	else
		start = BPF_CORE_READ(task, group_leader, start_boottime);
	return bpf_ktime_get_boot_ns() - start;
}

static __always_inline __u64 fo_current_stime(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (fo_have_task_storage)
		return bpf_get_current_task_btf()->stime;
	return BPF_CORE_READ(task, stime);
}

static __always_inline __u64 fo_current_min_flt(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (fo_have_task_storage)
		return bpf_get_current_task_btf()->min_flt;
	return BPF_CORE_READ(task, min_flt);
}

static __always_inline struct mm_struct *fo_current_mm(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (fo_have_task_storage)
		return bpf_get_current_task_btf()->mm;
	return BPF_CORE_READ(task, mm);
}

/*
 * How much of a CPU current usually takes, in 1/1024 of one: in the last tenth of a second or so,
 * but not more than over all of its life. What it lost until it is asked for here, the kernel's
 * work in its faults, is much of the one and little of the other. 0: not known.
 */
static __always_inline __u64 fo_current_util(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 now = bpf_ktime_get_boot_ns(), util, ran, start, life;

	if (!bpf_core_field_exists(task->se.avg.util_avg))
		return 0;
	if (fo_have_task_storage) {
		task = bpf_get_current_task_btf();
		util = task->se.avg.util_avg;
		ran = task->se.sum_exec_runtime;
		start = task->start_boottime;
	} else {
		util = BPF_CORE_READ(task, se.avg.util_avg);
		ran = BPF_CORE_READ(task, se.sum_exec_runtime);
		start = BPF_CORE_READ(task, start_boottime);
	}
	life = now > start ? ran * 1024 / (now - start + 1) : 1024;
	return util < life ? util : life;
}

/* Whether @task's memory cgroup is @scope or lies below it. */
static __always_inline bool fo_task_is_in(struct task_struct *task, __u64 scope)
{
	struct cgroup_subsys_state *css = task->cgroups->subsys[fo_memory_index()];

	for (int depth = 0; depth < FO_DEPTH_MAX; depth++) {
		if (!css)
			break;
		if (css->cgroup->kn->id == scope)
			return true;
		css = css->parent;
	}
	return false;
}

/* Pages that are left below the nearest of a cgroup's own limits. */
static __always_inline __s64 fo_headroom_pages(struct mem_cgroup *memcg)
{
	__s64 usage = BPF_CORE_READ(memcg, memory.usage.counter);
	__s64 left = BPF_CORE_READ(memcg, memory.max) - usage;
	__s64 other = BPF_CORE_READ(memcg, memory.high) - usage;

	if (other < left)
		left = other;
	if (fo_cgroup_v1) {
		other = BPF_CORE_READ(memcg, memsw.max) - BPF_CORE_READ(memcg, memsw.usage.counter);
		if (other < left)
			left = other;
	}
	return left;
}

/*
 * The cgroup whose limit current is reclaiming for: the first ancestor that is at its
 * limit, or else the one nearest to it (docs/measurements.md: 7473 of 7473 equal to the reclaiming
 * function's own argument, with single pages). Returns FO_SCOPE_NODE when none is near:
 * somebody asks for reclaim on purpose.
 */
static __always_inline __u64 fo_limit_scope(__u64 leaf_id)
{
	struct cgroup_subsys_state *css, *nearest = NULL;
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mem_cgroup *active = NULL;
	__s64 left, least = FO_CHARGE_MOST + 1;

	if (!fo_have_probe_read)
		return leaf_id;

	if (bpf_core_field_exists(task->active_memcg))
		active = BPF_CORE_READ(task, active_memcg);
	css = active ? (struct cgroup_subsys_state *)active
		     : BPF_CORE_READ(task, cgroups, subsys[fo_memory_index()]);

	for (int depth = 0; depth < FO_DEPTH_MAX; depth++) {
		if (!css)
			break;
		/* css is the first member of struct mem_cgroup: include/linux/memcontrol.h */
		left = fo_headroom_pages((struct mem_cgroup *)css);
		if (left < least) {
			least = left;
			nearest = css;
		}
		if (left <= FO_CHARGE_BATCH)
			break;
		css = BPF_CORE_READ(css, parent);
	}
	return nearest ? BPF_CORE_READ(nearest, cgroup, kn, id) : FO_SCOPE_NODE;
}

/* ---- state of a task --------------------------------------------------- */

/*
 * With its task, where the kernel can; making it there needs memory, and fails just when a node has
 * none (seen: 158 of 2000 reclaims). Then, and on older kernels, in a table that is there already.
 */
static __always_inline struct fo_task_state *fo_task_state(struct task_struct *task, bool create)
{
	struct fo_task_state zero = {}, *state;
	__u32 pid;

	if (fo_have_task_storage) {
		state = bpf_task_storage_get(&fo_tasks, task, 0, 0);
		if (state)
			return state;
	}
	pid = task ? task->pid : (__u32)bpf_get_current_pid_tgid();
	state = bpf_map_lookup_elem(&fo_tasks_by_pid, &pid);
	if (state || !create)
		return state;
	if (fo_have_task_storage) {
		state = bpf_task_storage_get(&fo_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (state)
			return state;
		fo_count(tasks_by_pid);
	}
	bpf_map_update_elem(&fo_tasks_by_pid, &pid, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_tasks_by_pid, &pid);
}

static __always_inline struct fo_task_state *fo_current_state(bool create)
{
	return fo_task_state(fo_have_task_storage ? bpf_get_current_task_btf() : NULL, create);
}

/*
 * The pages of one fault come in within this of each other, and it waits for the next one; later
 * ones are another's, and work lies between.
 */
#define FO_READ_NS 1000000ULL

/* From now on @state's task is @doing that. */
static __always_inline void fo_does(struct fo_task_state *state, __u16 doing, __u64 now)
{
	__u64 took = now > state->doing_since_ns ? now - state->doing_since_ns : 0;
	__u16 was = state->doing;

	if (!state->span_start_ns)
		return;
	if (was == FO_READS || (was == FO_RETURNS && doing == FO_RESTS)) {
		state->undecided_ns += took;
		if (doing != FO_RESTS) {
			if (doing == FO_LOSES)
				state->span_lost_ns += state->undecided_ns;
			else
				state->span_worked_ns += state->undecided_ns;
			state->undecided_ns = 0;
		}
	} else if (was == FO_LOSES ||
		   (was == FO_RETURNS && doing == FO_LOSES && took < FO_READ_NS)) {
		state->span_lost_ns += took;
	} else if (was != FO_RESTS) {
		state->span_worked_ns += took;
	}
	state->doing = doing;
	state->doing_since_ns = now;
}

/* ---- a scope's sums ---------------------------------------------------- */

static __always_inline struct fo_scope_stat *fo_scope_stat(__u64 scope, bool create)
{
	static const struct fo_scope_stat zero; /* too large for the stack */
	struct fo_scope_stat *stat = bpf_map_lookup_elem(&fo_scopes, &scope);

	if (stat || !create)
		return stat;
	bpf_map_update_elem(&fo_scopes, &scope, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_scopes, &scope);
}

static __always_inline struct fo_wait_stat *fo_wait_stat(__u64 scope, bool create)
{
	static const struct fo_wait_stat zero;
	struct fo_wait_stat *stat = bpf_map_lookup_elem(&fo_waits, &scope);

	if (stat || !create)
		return stat;
	bpf_map_update_elem(&fo_waits, &scope, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_waits, &scope);
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

static __always_inline void fo_stall_end(struct fo_stall *stall, __u64 start, __u64 now,
					 __u64 pages)
{
	__u64 took = now > start ? now - start : 0;
	__u32 slot = fo_log2(took / 1000);

	fo_add(stall->nr, -1);
	fo_add(stall->start_sum_ns, -start);
	fo_add(stall->done_ns, took);
	fo_add(stall->ended, 1);
	if (pages) /* adding a constant 0 becomes an atomic OR, which 5.10 does not have */
		fo_add(stall->reclaimed_pages, pages);
	if (took > stall->max_ns)
		stall->max_ns = took;
	if (slot >= FO_STALL_SLOTS)
		slot = FO_STALL_SLOTS - 1;
	fo_add(stall->slots[slot], 1);
}

static __always_inline void fo_memstall_add(__u64 scope, __s64 nr, __s64 start_sum_ns,
					    __s64 done_ns)
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
	else
		fo_add(sum->done_ns, done_ns);
}

/* Ends a task's memory stall. */
static __always_inline void fo_memstall_close(struct fo_task_state *state, __u64 now)
{
	__u64 start = state->memstall_start_ns, took = now > start ? now - start : 0;

	fo_memstall_add(state->memstall_scope, -1, -start, took);
	if (state->memstall_scope != FO_SCOPE_KERNEL)
		fo_memstall_add(FO_SCOPE_NODE, -1, -start, took);
	state->memstall_start_ns = 0;
	state->memstall_depth = 0;
}

/* Closes a task's wait for IO as if it had never been. */
static __always_inline void fo_wait_forget(struct fo_task_state *state)
{
	struct fo_wait_stat *stat = fo_wait_stat(state->wait_scope, false);

	if (stat) {
		fo_add(stat->io.nr, -1);
		fo_add(stat->io.start_sum_ns, -state->wait_start_ns);
		fo_add(stat->io.ended, 1);
	}
	state->wait_start_ns = 0;
}

#endif /* FASTOOM_SCOPE_BPF_H */

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

/* Of the thread itself. */
static __always_inline __u64 fo_current_start_boot_ns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (fo_have_task_storage)
		return bpf_get_current_task_btf()->start_boottime;
	return BPF_CORE_READ(task, start_boottime);
}

/* Of its process. */
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

#endif /* FASTOOM_SCOPE_BPF_H */

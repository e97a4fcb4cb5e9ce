/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * scope: the scope that a task belongs to, and what the kernel knows of the task itself.
 *
 * Pointers are dereferenced directly through BTF: 115 ns faster for each chain than
 * bpf_probe_read_kernel(), and the only way under lockdown=confidentiality. Two cases cannot: up to
 * 5.12 current is no BTF pointer here, and the walk up to the limit casts.
 */
#ifndef FASTOOM_SCOPE_BPF_H
#define FASTOOM_SCOPE_BPF_H

#include "maps.bpf.h"

/* Levels that are looked at. systemd nests 5 deep, kubelet 4. */
#define FO_DEPTH_MAX 16

/*
 * Usage stops this short of the limit: a charge takes MEMCG_CHARGE_BATCH pages at once, and one of
 * a large folio up to 512 (readahead makes them since 5.18, 793917d997df).
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

/* Of current, or the cgroup that current charges remotely (active_memcg). */
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

static __always_inline __u64 fo_current_process_start_boot_ns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (fo_have_task_storage)
		return bpf_get_current_task_btf()->group_leader->start_boottime;
	return BPF_CORE_READ(task, group_leader, start_boottime);
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
 * The part of a CPU that current usually takes, in 1/1024: of the last tenth of a second or so, and
 * at most of its lifetime, for kernel work in faults is much of the former and little of the
 * latter. 0: not known.
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

/* Pages left below the lowest of a cgroup's own limits. */
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
 * The cgroup whose limit current reclaims for: the first ancestor that is at its limit, or else the
 * one with the least headroom. In 7,473 of 7,473 reclaims equal to the argument of the kernel's own
 * function, with single pages. FO_SCOPE_NODE: all have headroom, so it is proactive reclaim.
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

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * vmlinux: the kernel types and fields that the programs read, and no others.
 *
 * CO-RE finds the real offsets at load time. Where kernels differ, there is one block for each
 * change, with the kernel commit beside it and a flavour (`___suffix`, which CO-RE ignores when it
 * looks up the type). tests/bpf/test_btf compares this file with the running kernel: it has every
 * field here, or the test lists the field as optional.
 */
#ifndef FASTOOM_VMLINUX_H
#define FASTOOM_VMLINUX_H

#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
#ifndef __cplusplus
typedef _Bool bool;
#define true 1
#define false 0
#endif

/* include/linux/sched.h, the same in 5.10 to 7.3 */
#define PF_KSWAPD	   0x00020000
#define PF_KTHREAD	   0x00200000
#define TASK_INTERRUPTIBLE 1
#define NULL		   ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* ---- cgroup ---------------------------------------------------------- */

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[14];
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct css_set {
	struct cgroup_subsys_state *subsys[14];
};

/* the value depends on the configuration: read it by bpf_core_enum_value() */
enum cgroup_subsys_id {
	memory_cgrp_id = 4,
};

typedef struct {
	s64 counter;
} atomic_long_t;

struct page_counter {
	atomic_long_t usage; /* pages */
	unsigned long max;   /* pages */
	unsigned long high;  /* pages */
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter memsw; /* v1: memory + swap; in a union with v2's swap */
};

/* ---- tasks ----------------------------------------------------------- */

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

enum pid_type {
	PIDTYPE_PGID = 2, /* since 4.19, 6883f81aac6f; relocated by the kernel's BTF */
	PIDTYPE_SID = 3,
};

struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1]; /* flexible since 6.5, b69f0aeb0689 */
};

struct signal_struct {
	int nr_threads;
	unsigned int flags;
	struct pid *pids[4];
	s16 oom_score_adj;
};

struct percpu_counter {
	s64 count;
};

struct mm_struct {
	atomic_long_t pgtables_bytes;
	unsigned long total_vm;
	unsigned long locked_vm;	   /* pages */
	unsigned long hiwater_rss;	   /* pages */
	struct percpu_counter rss_stat[4]; /* since 6.2, f1a7941243c1 */
};

/* before 6.2 (f1a7941243c1 "mm: convert mm's rss stats into percpu_counter") */
struct mm_rss_stat {
	atomic_long_t count[4];
};

struct mm_struct___before62 {
	struct mm_rss_stat rss_stat;
};

struct sched_avg {
	unsigned long util_avg; /* CONFIG_SMP */
};

struct sched_entity {
	u64 sum_exec_runtime; /* ns */
	struct sched_avg avg;
};

struct task_struct___before514 {
	long state; /* until 5.14, 2f064a59a11f */
};

struct task_struct {
	unsigned int flags;
	unsigned int __state;
	int exit_state;
	int pid;
	int tgid;
	unsigned in_iowait : 1;
	struct sched_entity se;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct signal_struct *signal;
	const struct cred *cred;
	struct css_set *cgroups;
	struct reclaim_state *reclaim_state;
	struct mem_cgroup *active_memcg; /* since 4.19, d46eb14b735b; CONFIG_MEMCG */
	u64 stime;
	unsigned long min_flt;
	u64 start_boottime; /* ns; since 5.5, cf25e24db61c */
	u64 self_exec_id;   /* since 5.7, d1e7fd6462ca; a u32 before */
	char comm[16];
};

/* ---- page cache ------------------------------------------------------ */

struct super_block {
	u32 s_dev;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct address_space {
	struct inode *host;
};

/* arguments of the page-cache tracepoints before 5.17 (a0580c6f9bab made them folios) */
struct page {
	unsigned long flags;
	struct address_space *mapping;
	unsigned long index;
};

struct folio {
	struct address_space *mapping;
	unsigned long index;
	unsigned int _nr_pages; /* since 6.15, 4eeec8c89a0c */
	unsigned long
		_flags_1; /* since 6.4; its low 8 bits are the order since 6.6, ebc1baf5c9b4 */
};

/* folio->flags became a struct in 6.18 (53fbef56e07d) */
typedef struct {
	unsigned long f;
} memdesc_flags_t;

struct folio___flags_struct {
	memdesc_flags_t flags;
};

struct folio___flags_word {
	unsigned long flags;
};

struct folio___before615 {
	unsigned int _folio_nr_pages; /* 6.1 to 6.14, 379708ffde1b */
};

enum pageflags {
	PG_head = 6,
	PG_workingset = 9, /* since 4.20, 1899ad18c607; relocated by the kernel's BTF */
};

/* ---- iterator -------------------------------------------------------- */

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__bpf_map_elem {
	void *key;   /* NULL: the end */
	void *value; /* likewise */
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif /* FASTOOM_VMLINUX_H */

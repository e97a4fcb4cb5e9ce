/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * maps: every map, constant and counter of the kernel side, declared once.
 *
 * Maps are weak: each object of the link carries the definition and the linker keeps one.
 * Constants are rodata. User space sets them before loading, and the verifier drops the
 * branches that this kernel cannot run.
 *
 * Memory: every map but fo_tasks is allocated when it is created, so that no program allocates
 * memory while memory is short. No map has a value for each CPU: they would take 200 MB on 256
 * CPUs. Sums are added atomically; those of fo_waits, which every task switch changes, are spread
 * over stripes. docs/measurements.md has the bytes, and what contention costs.
 */
#ifndef FASTOOM_MAPS_BPF_H
#define FASTOOM_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "event.h"

/* ---- constants, with the value that is safe everywhere ------------------ */

/* 5.13, a10787e6d58c; current as a BTF pointer is 5.11, 3ca1032ab7ab */
extern const volatile bool fo_have_task_storage;
/* 7.1, 874a0a566ede: begin(gfp, order, memcg) */
extern const volatile bool fo_begin_has_memcg;
extern const volatile bool fo_cache_has_folio; /* page-cache tracepoints carry a folio */
extern const volatile bool fo_have_probe_read; /* not under lockdown=confidentiality */
extern const volatile bool fo_cgroup_v1;       /* memsw is memory + swap, not swap */
extern const volatile __u32 fo_fault_ns;       /* cost of a minor fault; 0: high, or not known */
extern const volatile __u32 fo_sample_shift;   /* one page in 2^shift is tracked */
extern const volatile __u32 fo_cpu_shift;      /* 2^shift neighbouring CPUs share a stripe */
/* a function's argument may be an int pointer: 5.17, bb6728d75611 */
extern const volatile bool fo_have_int_args;

/* ---- state that user space changes while programs run ------------------- */

extern struct fo_counters fo_counters;
extern volatile __u64 fo_open_count;	      /* entries of fo_open: an exit need not look for 0 */
extern volatile __u32 fo_tracking_generation; /* raised whenever page tracking is switched on */
extern volatile __u32 fo_tracking_node;	      /* the node is tracked, not only limited cgroups */
extern volatile __u32 fo_tracking_faults;     /* fo_major_fault is attached */
extern volatile __u64 fo_list_scope;	      /* the task iterator lists this scope's processes */

/* ---- sizes --------------------------------------------------------------- */

/* Scopes that ever reclaimed. A removed cgroup's entry is deleted. */
#define FO_SCOPES_MAX 1024
#define FO_HOT_MAX    256
/* Tasks in reclaim or a memory stall at one time; a task may have one entry for each. */
#define FO_OPEN_MAX 16384
/* Tasks that are tracked on kernels without task storage; user space sets less elsewhere. */
#define FO_TASKS_MAX 6000
/* Processes in hot scopes that read pages; one may be in two scopes. */
#define FO_PROCESSES_MAX 2048
/* Evicted pages that are remembered, in sets. */
#define FO_SHADOW_SETS 32768
#define FO_SHADOW_WAYS 4

/* ---- maps ---------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} fo_events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_SCOPES_MAX);
	__type(key, __u64);
	__type(value, struct fo_scope_stat);
} fo_scopes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_HOT_MAX *FO_STRIPES_MAX);
	__type(key, struct fo_wait_key);
	__type(value, struct fo_wait_stat);
} fo_waits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_PROCESSES_MAX);
	__type(key, struct fo_process_key);
	__type(value, struct fo_process);
} fo_processes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_HOT_MAX);
	__type(key, __u64);
	__type(value, struct fo_hot);
} fo_hot __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_SCOPES_MAX);
	__type(key, __u64);
	__type(value, struct fo_memstall);
} fo_memstalls __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_HOT_MAX);
	__type(key, __u64);
	__type(value, struct fo_reach);
} fo_reach __weak SEC(".maps");

/* a task's own cgroup -> the ancestor whose limit it last hit */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4 * FO_SCOPES_MAX);
	__type(key, __u64);
	__type(value, __u64);
} fo_limit_of __weak SEC(".maps");

/*
 * The stalls that are open. The only place that knows of them, so that begin, end, exit and
 * fo_open_check cannot disagree. Not LRU: an evicted entry would be a stall that never ends.
 */
struct fo_open_key {
	__u32 pid; /* of the thread */
	__u32 section;
};

enum fo_section {
	FO_SECTION_RECLAIM,
	FO_SECTION_SOFT,
	FO_SECTION_MEMSTALL,
	FO_SECTION_COMPACTION,
	FO_SECTIONS,
};

struct fo_open {
	__u64 start_ns;
	__u64 scope;
	__u64 task; /* address of its task_struct */
	__u64 task_start_boot_ns;
	__u64 at;	  /* memory stall: stack address of the outermost section's flags */
	__u32 depth;	  /* memory stall: nesting, where the address cannot be read */
	__u8 fragment;	  /* reclaim: for contiguous memory */
	__u8 not_a_stall; /* reclaim: proactive; in no sum */
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_OPEN_MAX);
	__type(key, struct fo_open_key);
	__type(value, struct fo_open);
} fo_open __weak SEC(".maps");

/*
 * Pages that reclaim evicted: a page's set by its hash, newest first. With a sample shift of 4, one
 * page in 600 is forgotten before 1 GiB of evictions, one in 50 before 2 GiB, one in 7 before 4
 * GiB. An LRU hash takes three times the memory for each page, and locks.
 */
struct fo_shadow {
	__u64 page; /* inode, device and index, mixed; 0: none */
	/* scope and tracking generation, mixed, for other owners' clocks differ; bit 0: the page
	 * had PG_workingset */
	__u32 owner;
	__u32 added_pages; /* the scope's clock when the page was evicted; it may wrap around */
};

struct fo_shadow_set {
	struct fo_shadow ways[FO_SHADOW_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FO_SHADOW_SETS);
	__type(key, __u32);
	__type(value, struct fo_shadow_set);
} fo_shadows __weak SEC(".maps");

/* ---- tracked tasks ------------------------------------------------------- */

/*
 * What a task does with its time. Whether it works or loses it is known at once, or only by what
 * comes next.
 */
enum fo_doing {
	FO_SLEEPS,  /* off the CPU, and not for a page */
	FO_WORKS,   /* on a CPU, for itself */
	FO_LOSES,   /* waits for a page, or reclaims */
	FO_FAULTS,  /* a fault began or pages came in: it waits for them next, or goes on working */
	FO_RESUMES, /* has waited for a page: still in the fault, or out of a read() */
};

/* A task that reads pages while page tracking is on. */
struct fo_task_state {
	__u64 scope;	     /* whose page cache it reads into */
	__u64 wait_start_ns; /* 0: not waiting for IO */
	__u64 wait_scope;
	__u64 run_start_ns;
	__u64 run_start_stime; /* the task's kernel time then */
	__u64 fault_sys_ns;    /* kernel time since its last major fault */
	__u32 wait_stripe;
	__u32 generation; /* the fields below are of this tracking generation */
	__u16 samples;
	__u16 within_reach;
	__u8 in_reclaim;
	__u8 read_in; /* it read pages into the page cache since its last major fault */
	__u8 is_new;  /* a new process: its waits are its start's */
	__u8 known;   /* seen from its beginning, or seen productive: see fo_progress_end() */
	__u16 doing;  /* enum fo_doing */
	__u16 usual;  /* 1/1024: the part of its time that it works while it loses little */
	__u64 doing_since_ns;
	__u64 span_start_ns; /* begin of the current span; 0: not followed yet */
	__u64 span_worked_ns;
	__u64 span_lost_ns;
	__u64 span_min_flt;    /* its minor faults at the begin of the span */
	__u64 undecided_ns;    /* time that counts as work or as lost by what comes next */
	__u64 most_file_pages; /* most mapped file pages since it last lost little */
	__u64 most_pages;      /* most pages of all kinds since then; at first: ever */
	__u64 own_start_ns;    /* since when it runs for itself; 0: it does not */
	__u64 loss_start_ns;   /* since when it waits for IO or reclaims; 0: it does not */
	__u64 loss_scope;
	__u32 tgid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct fo_task_state);
} fo_tasks __weak SEC(".maps");

/* Before 5.13 for all tasks; later for those that get no task storage. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_TASKS_MAX);
	__type(key, __u32);
	__type(value, struct fo_task_state);
} fo_tasks_by_pid __weak SEC(".maps");

#define fo_count(field)	 __sync_fetch_and_add(&fo_counters.field, 1)
#define fo_add(place, n) __sync_fetch_and_add(&(place), (n))

#endif /* FASTOOM_MAPS_BPF_H */

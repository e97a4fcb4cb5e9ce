/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * maps: every map, knob and counter of the kernel side, declared once.
 *
 * Maps are weak so that each object of the link may carry the definition and
 * the linker keeps one. Knobs are rodata: user space sets them before loading
 * and the verifier drops the branches that this kernel cannot run.
 */
#ifndef FASTOOM_MAPS_BPF_H
#define FASTOOM_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "event.h"

/* ---- knobs, with the value that is safe everywhere -------------------- */

/* 5.13, a10787e6d58c; current as a BTF pointer is 5.11, 3ca1032ab7ab */
extern const volatile bool fo_have_task_storage;
/* 7.1, 874a0a566ede: begin(gfp, order, memcg) */
extern const volatile bool fo_begin_has_memcg;
extern const volatile bool fo_cache_has_folio; /* page-cache tracepoints carry a folio */
extern const volatile bool fo_have_probe_read; /* not under lockdown=confidentiality */
extern const volatile bool fo_cgroup_v1;       /* memsw is memory + swap, not swap */
extern const volatile __u32 fo_fault_ns;       /* of a minor one; 0: dear, or not known */
extern const volatile __u32 fo_sample_shift;   /* one page in 2^shift is followed */
/* a function's argument may be an int pointer: 5.17, bb6728d75611 */
extern const volatile bool fo_have_int_args;

/* ---- state that user space changes while we run ----------------------- */

extern struct fo_counters fo_counters;
extern volatile __u32 fo_tracking_generation; /* raised at each opening; 0 = shut */
extern volatile __u32 fo_tracking_node;	      /* the node is watched, not only limited cgroups */
extern volatile __u32 fo_tracking_faults;     /* major faults are told of */
extern volatile __u64 fo_list_scope;	      /* the task iterator lists this scope's processes */

/* ---- maps -------------------------------------------------------------- */

/*
 * 1024 scopes that ever reclaimed; a removed cgroup gives its place back. The
 * value is about 800 bytes a CPU, so this is 1.6 MB on two CPUs.
 */
#define FO_SCOPES_MAX 1024
#define FO_HOT_MAX    256
/* Threads between begin and end on kernels without task storage; user space sets less elsewhere. */
#define FO_TASKS_MAX 16384
/* Evicted pages that are followed; with a shift of 4 that is 4 GiB of evictions. */
#define FO_SHADOWS_MAX 65536

struct fo_task_state {
	__u64 stall_start_ns; /* 0: not in reclaim */
	__u64 stall_scope;
	__u64 soft_start_ns;
	__u64 scope;	     /* whose page cache this task reads into */
	__u64 wait_start_ns; /* 0: not waiting for IO */
	__u64 wait_scope;
	__u64 run_start_ns;
	__u64 run_start_stime; /* the kernel time of the task then */
	__u64 fault_sys_ns;    /* since its last major fault */
	__u32 generation;      /* of the eyes that wrote the fields on waits */
	__u16 samples;
	__u16 within_reach;
	__u8 fragment;	     /* the open stall wants contiguous memory */
	__u8 proactive;	     /* an open reclaim that nobody is stalled by */
	__u8 read_in;	     /* pages were read into the page cache since its last major fault */
	__u8 is_new;	     /* its process has only just begun: its waits are its start's */
	__u8 memstall_depth; /* where the kernel's argument cannot be read */
	__u64 memstall_start_ns; /* 0: not in a memory stall */
	__u64 memstall_scope;
	__u64 memstall_at; /* where on the stack the outermost one keeps its flags */
	__u64 compact_start_ns;
	__u64 span_start_ns; /* what it does is summed from then on; 0: it is not followed */
	__u64 span_worked_ns;
	__u64 span_lost_ns;
	__u64 span_min_flt;    /* its minor faults until then */
	__u64 undecided_ns;    /* on a CPU, for a page or not: see FO_READS */
	__u64 most_file_pages; /* mapped, since it last lost little */
	__u64 most_pages;      /* likewise, of all; at first: ever */
	__u64 doing_since_ns;
	__u16 doing; /* enum fo_doing */
	__u16 usual; /* 1/1024 of its time: what it works while it loses little */
	__u16 known; /* the eyes saw it begin, or work: half of the usual, or lose little */
};

/*
 * What a task does with its time. Whether it works or loses it is known at once, or only by what
 * comes next.
 */
enum fo_doing {
	FO_RESTS,   /* off the CPU, and for no page */
	FO_WORKS,   /* on a CPU, for itself */
	FO_LOSES,   /* waits for a page, or reclaims */
	FO_READS,   /* a fault began, or pages came in: it will wait for them, or goes on with its
		       work */
	FO_RETURNS, /* has waited for a page: in a fault still, or out of a read() */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} fo_events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, FO_SCOPES_MAX);
	__type(key, __u64);
	__type(value, struct fo_scope_stat);
} fo_scopes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, FO_HOT_MAX);
	__type(key, __u64);
	__type(value, struct fo_wait_stat);
} fo_waits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_HOT_MAX);
	__type(key, __u64);
	__type(value, struct fo_hot);
} fo_hot __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, FO_SCOPES_MAX);
	__type(key, __u64);
	__type(value, struct fo_memstall);
} fo_memstalls __weak SEC(".maps");

/*
 * scope -> pages. A refault at most this far would not have been, had the memory been free
 * that a kill in the scope can give back; farther ones no kill can mend.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FO_HOT_MAX);
	__type(key, __u64);
	__type(value, __u64);
} fo_reach __weak SEC(".maps");

/* a task's own cgroup -> the ancestor whose limit it last hit */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4 * FO_SCOPES_MAX);
	__type(key, __u64);
	__type(value, __u64);
} fo_limit_of __weak SEC(".maps");

struct fo_page_key {
	__u64 inode; /* i_ino, mixed with the device */
	__u64 index;
};

struct fo_shadow {
	__u64 scope;
	__u64 added_pages; /* the scope's clock when the page was evicted */
	__u32 generation;  /* of the eyes: an older clock is another clock */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FO_SHADOWS_MAX);
	__type(key, struct fo_page_key);
	__type(value, struct fo_shadow);
} fo_shadows __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct fo_task_state);
} fo_tasks __weak SEC(".maps");

/* before 5.13 for all; later for those that find no memory for storage of their own */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FO_TASKS_MAX);
	__type(key, __u32);
	__type(value, struct fo_task_state);
} fo_tasks_by_pid __weak SEC(".maps");

#define fo_count(field)	 __sync_fetch_and_add(&fo_counters.field, 1)
#define fo_add(place, n) __sync_fetch_and_add(&(place), (n))

#endif /* FASTOOM_MAPS_BPF_H */

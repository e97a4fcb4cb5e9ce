/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * event: what the kernel side hands to user space; the only header that both include.
 *
 * Units:  *_ns are CLOCK_MONOTONIC nanoseconds or durations in ns, start_boot_ns is
 *         CLOCK_BOOTTIME; *_pages are base pages; *_bytes bytes.
 * Scope:  a memory cgroup's kernfs id (its directory's inode number), or FO_SCOPE_NODE for what
 *         happens to the node as a whole.
 * Zero:   every record is zeroed before it is filled; 0 means unknown.
 * Sizes:  asserted below, for both compilers. One binary holds both sides, built from this
 *         header, so there is nothing to check at run time.
 * FO_ABI: traces store it. Raise it when a value that is recorded changes its meaning.
 */
#ifndef FASTOOM_EVENT_H
#define FASTOOM_EVENT_H

#include <linux/types.h>

#define FO_ABI		6
#define FO_SCOPE_NODE	0ULL
#define FO_SCOPE_KERNEL (~0ULL) /* in fo_memstalls only */
#define FO_COMM_LEN	16

/* Power-of-two slots of stall durations: slot i counts [2^i, 2^(i+1)) us, the last all above. */
#define FO_STALL_SLOTS 20

enum fo_event_type {
	FO_EVENT_HOT = 1,	/* struct fo_event_hot: reclaim began in an idle scope */
	FO_EVENT_KERNEL_KILL,	/* struct fo_event_kill: the kernel's OOM killer chose */
	FO_EVENT_SCOPE_REMOVED, /* struct fo_event: a hot scope's cgroup was removed */
};

struct fo_event {
	__u32 type;
	__u32 size;
	__u64 mono_ns;
	__u64 scope_id;
};

enum fo_hot_cause {
	FO_HOT_DIRECT = 1,
	FO_HOT_LIMIT,
	FO_HOT_KSWAPD,
};

struct fo_event_hot {
	struct fo_event head;
	__u64 leaf_id; /* the reclaiming task's own cgroup */
	__u32 pid;
	__u32 cause;
};

struct fo_event_kill {
	struct fo_event head; /* scope_id: the victim's own memory cgroup */
	__u64 start_boot_ns;
	__s64 file_pages;
	__s64 anon_pages;
	__s64 swap_pages;
	__s64 shmem_pages;
	__u64 pgtables_bytes;
	__u64 total_vm_pages;
	__u32 tgid;
	__u32 uid;
	__s32 oom_score_adj;
	__u32 invoker_tgid; /* the task whose allocation brought the kill */
	char comm[FO_COMM_LEN];
	char invoker_comm[FO_COMM_LEN];
};

/*
 * Stalls of one scope.
 *	stall(now) = done_ns + nr * now - start_sum_ns
 * includes the stalls that are still open, and needs only atomic additions.
 */
struct fo_stall {
	__s64 nr;
	__s64 start_sum_ns;
	__s64 done_ns;
	__u64 begun;
	__u64 ended;
	__u64 reclaimed_pages;
};

/* One scope: reclaim. Node: direct reclaim; cgroup: reclaim at its own limit. */
struct fo_scope_stat {
	struct fo_stall stall;
	struct fo_stall fragment; /* order > 0: contiguous memory is short, not memory */
	struct fo_stall soft;	  /* v1 soft limit; lies within other reclaim, never added to it */
	__u64 throttled;	  /* sleeps within reclaim */
	__u64 throttled_ns;
	__u64 kswapd_wakes;
	__u64 kswapd_sleeps;
	__u64 compactions;
	__u64 compaction_ns;	     /* of tasks; lies within memory stalls, never added to them */
	__u64 slots[FO_STALL_SLOTS]; /* of stall, by duration */
};

/*
 * One scope, or a cgroup that never hit a limit: memory stalls as PSI defines them, the sum over
 * tasks, read as struct fo_stall. FO_SCOPE_NODE: all tasks but kernel threads; FO_SCOPE_KERNEL:
 * kernel threads.
 */
struct fo_memstall {
	__s64 nr;
	__s64 start_sum_ns;
	__s64 done_ns;
	__u64 begun;
};

/* Neighbouring CPUs share a stripe of a scope's sums; on up to 16 CPUs each has its own. */
#define FO_STRIPES_MAX 16

struct fo_wait_key {
	__u64 scope;
	__u32 stripe;
	__u32 pad;
};

/* One stripe of one scope: pages read back, only while page tracking is on. */
struct fo_wait_stat {
	struct fo_stall io;	/* tasks waiting for IO (open waits included) */
	__u64 refault_ns;	/* of it: by the share of refaults within reach in their reads */
	__u64 run_ns;		/* the same tasks on a CPU */
	__u64 refault_sys_ns;	/* of it: in the kernel, by the same share */
	__u64 refault_stall_ns; /* in reclaim, on a CPU or not, by the same share */
	__u64 unproductive_ns;	/* of unproductive tasks */
	__u64 added_pages;
	__u64 samples;		   /* added pages that were looked up among the evicted */
	__u64 refaults;		   /* of them: evicted since page tracking is on */
	__u64 within_reach;	   /* of them: at a distance that a kill would avoid */
	__u64 swapins;		   /* major faults that read nothing into the page cache */
	__u64 workingset_refaults; /* pages, by the kernel, where its function can be attached to */
};

/*
 * Refault distances in powers of two: slot 0 counts those below 512 pages (2 MiB of 4 KiB pages),
 * slot i those in [2^(i+8), 2^(i+9)) pages, the last all above.
 */
#define FO_DISTANCE_SLOTS 12
#define FO_DISTANCE_SHIFT 8

struct fo_process_key {
	__u64 scope;
	__u32 tgid;
	__u32 pad;
};

/* One established process in one hot scope, only while page tracking is on. */
struct fo_process {
	__u64 start_boot_ns; /* of its leader: with the pid, its identity */
	__s64 nr; /* tasks that wait for IO or reclaim; time lost, as in struct fo_stall */
	__s64 start_sum_ns;
	__s64 done_ns;
	__u64 run_ns;	       /* on a CPU, without reclaim */
	__u64 fault_sys_ns;    /* of it: kernel time up to the end of major faults */
	__u64 unproductive_ns; /* see struct fo_wait_stat */
	__u64 blocked_ns;      /* of tasks in spans of which they lost most: see fo_span_end() */
	__u64 added_pages;     /* pages that it read in */
	__u32 swapins;
	__u32 samples;			     /* of added_pages: looked up among the evicted */
	__u32 refaults[FO_DISTANCE_SLOTS];   /* of samples, by distance */
	__u32 workingset[FO_DISTANCE_SLOTS]; /* of refaults: PG_workingset when evicted */
	__u32 generation;
	__u32 pad;
};

/* Of one scope, by user space: which refaults a kill there would avoid. */
struct fo_reach {
	__u64 pages;	    /* those at most this far away */
	__u32 evicted_from; /* and evicted at this clock (fo_hot.added_pages) or later, */
	__u32 has_kill;	    /* if this is not 0: the clock when a kill freed memory */
};

/* One hot scope. */
struct fo_hot {
	__u64 since_ns;
	__u64 muted_until_ns; /* not 0: user space wants no event before then */
	__u64 added_pages;    /* the clock of refault distances: pages read in so far */
};

/* What was counted, and what was lost and why; of all CPUs. */
struct fo_counters {
	__u64 events_sent;
	__u64 events_dropped;	/* the ring buffer was full */
	__u64 scopes_full;	/* a reclaim was not counted: no room for its scope */
	__u64 hot_full;		/* a scope did not become hot: no room */
	__u64 tasks_full;	/* a stall was not counted: no room for its task */
	__u64 ends_unpaired;	/* an end whose begin was not seen */
	__u64 ends_missed;	/* a begin while the task's last stall was open */
	__u64 exits_open;	/* a task that exited within a stall */
	__u64 stalls_forgotten; /* a stall that fo_open_check found to be over */
	__u64 begins_proactive; /* limit reclaim with no limit hit: memory.reclaim, or a lower limit
				 */
	__u64 limit_begins;
	__u64 limit_ends;
	__u64 direct_begins;
	__u64 direct_ends;
	__u64 soft_begins;
	__u64 soft_ends;
	__u64 scopes_removed;
	__u64 cgroups_made;
	__u64 waits_full;     /* a read was not counted: no room for its task or scope */
	__u64 waits_missed;   /* a wait for IO whose end was not seen */
	__u64 memstalls_full; /* a memory stall was not counted: no room for its scope */
	__u64 processes_full; /* what a process lost was not counted: no room for it */
	__u64 tasks_by_pid;   /* not lost: a tracked task that got no task storage */
};

/* One process, as the task iterator writes it. One whose leader has exited may come several times.
 */
struct fo_task {
	__u64 start_boot_ns;
	__u64 memcg_id;
	__s64 file_pages;
	__s64 anon_pages;
	__s64 swap_pages;
	__s64 shmem_pages;
	__u64 pgtables_bytes;
	__u32 tgid;
	__u32 ppid;
	__u32 uid;
	__u32 flags;
	__u32 threads;
	__s32 oom_score_adj;
	__s32 group; /* process group and session, as the first pid namespace numbers them */
	__s32 session;
	__u32 is_init; /* of a pid namespace */
	__u32 pad;
	__u64 exec_id;	    /* changes with every exec */
	__u64 mm;	    /* the same in processes that share their memory (CLONE_VM) */
	__u64 locked_pages; /* of mlocked mappings, present or not */
	char comm[FO_COMM_LEN];
};

_Static_assert(sizeof(struct fo_event) == 24, "ABI");
_Static_assert(sizeof(struct fo_event_hot) == 40, "ABI");
_Static_assert(sizeof(struct fo_event_kill) == 128, "ABI");
_Static_assert(sizeof(struct fo_stall) == 48, "ABI");
_Static_assert(sizeof(struct fo_scope_stat) == 192 + 8 * FO_STALL_SLOTS, "ABI");
_Static_assert(sizeof(struct fo_memstall) == 32, "ABI");
_Static_assert(sizeof(struct fo_wait_key) == 16, "ABI");
_Static_assert(sizeof(struct fo_wait_stat) == 136, "ABI");
_Static_assert(sizeof(struct fo_process_key) == 16, "ABI");
_Static_assert(sizeof(struct fo_process) == 88 + 8 * FO_DISTANCE_SLOTS, "ABI");
_Static_assert(sizeof(struct fo_reach) == 16, "ABI");
_Static_assert(sizeof(struct fo_hot) == 24, "ABI");
_Static_assert(sizeof(struct fo_counters) == 184, "ABI");
_Static_assert(sizeof(struct fo_task) == 136, "ABI");

#endif /* FASTOOM_EVENT_H */

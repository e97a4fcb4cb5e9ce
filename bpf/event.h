/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * event: what crosses from the kernel side to user space; the only header that both include.
 *
 * Units:  *_ns are CLOCK_MONOTONIC nanoseconds or durations in ns, start_boot_ns is
 *         CLOCK_BOOTTIME; *_pages are base pages; *_bytes bytes.
 * Scope:  a memory cgroup's kernfs id (its directory's inode number), or
 *         FO_SCOPE_NODE for what happens to the node as a whole.
 * Zero:   every record is zeroed before it is filled; 0 means unknown.
 * Sizes are asserted; a change of any struct raises FO_ABI.
 */
#ifndef FASTOOM_EVENT_H
#define FASTOOM_EVENT_H

#include <linux/types.h>

#define FO_ABI		4
#define FO_SCOPE_NODE	0ULL
#define FO_SCOPE_KERNEL (~0ULL) /* of memstalls only */
#define FO_COMM_LEN	16

/* Power-of-two slots of stall durations: slot i counts [2^i, 2^(i+1)) us, the last all above. */
#define FO_STALL_SLOTS 20

enum fo_event_type {
	FO_EVENT_HOT = 1,	/* struct fo_event_hot: reclaim began in a scope that was quiet */
	FO_EVENT_KERNEL_KILL,	/* struct fo_event_kill: the kernel's OOM killer chose */
	FO_EVENT_SCOPE_REMOVED, /* struct fo_event: a scope's cgroup was removed */
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
 * Stall of one scope on one CPU. Summed over CPUs,
 *	stall(now) = done_ns + nr * now - start_sum_ns
 * includes the stalls that are still open, needs only atomic additions, and is
 * right when a task changes the CPU within a stall.
 */
struct fo_stall {
	__s64 nr;
	__s64 start_sum_ns;
	__s64 done_ns;
	__u64 begun;
	__u64 ended;
	__u64 reclaimed_pages;
	__u64 max_ns;
	__u64 slots[FO_STALL_SLOTS];
};

/* One scope on one CPU: reclaim. Node: direct reclaim; cgroup: reclaim at its own limit. */
struct fo_scope_stat {
	struct fo_stall stall;
	struct fo_stall fragment; /* order > 0: contiguous memory is short, not memory */
	struct fo_stall soft;	  /* v1 soft limit; lies within other reclaim, never added to it */
	__u64 throttled;	  /* sleeps within reclaim */
	__u64 throttled_ns;
	__u64 kswapd_wakes;
	__u64 kswapd_sleeps;
	__u64 compactions;
	__u64 compaction_ns; /* of tasks; lies within memory stalls, never added to them */
};

/*
 * One scope (or a cgroup that never hit a limit) on one CPU, by the kernel's own notion of a memory
 * stall (what PSI is made of): reclaim, compaction, throttling, and waits for pages that were in
 * use when they were taken. The sum over tasks, read as struct fo_stall's. FO_SCOPE_NODE: all
 * tasks, FO_SCOPE_KERNEL: all kernel threads, which are in no other.
 */
struct fo_memstall {
	__s64 nr;
	__s64 start_sum_ns;
	__s64 done_ns;
	__u64 begun;
};

/*
 * Distances, in pages that the scope read into the page cache meanwhile, between the
 * eviction of a page and its return: slot i counts [2^i, 2^(i+1)).
 */
#define FO_DISTANCE_SLOTS 32

/* One scope on one CPU: reading back, only while its wide eyes are open. */
struct fo_wait_stat {
	struct fo_stall io;	/* tasks waiting for IO (open waits included); slots unused */
	__u64 refault_ns;	/* of it: by tasks whose reads were pages evicted shortly before */
	__u64 run_ns;		/* the same tasks on a CPU */
	__u64 refault_sys_ns;	/* of it: in the kernel, by tasks whose reads were such pages */
	__u64 refault_stall_ns; /* in reclaim, on a CPU or not, by the same */
	__u64 unproductive_ns;	/* of tasks that did next to nothing of their usual work for it */
	__u64 added_pages;
	__u64 samples;		   /* added pages that were looked up among the evicted */
	__u64 refaults;		   /* of them: had been evicted since the eyes opened */
	__u64 within_reach;	   /* of them: at a distance that a kill could mend */
	__u64 swapins;		   /* major faults that read nothing into the page cache */
	__u64 workingset_refaults; /* pages, by the kernel; where its function can be had */
	__u64 distance[FO_DISTANCE_SLOTS];
};

/* One hot scope. */
struct fo_hot {
	__u64 since_ns;
	__u64 muted_until_ns; /* not 0: user space wants no event before then */
	__u64 added_pages;    /* the clock of refault distances: pages read in so far */
};

/* Everything that was lost, and why; summed over CPUs by being atomic. */
struct fo_counters {
	__u64 events_sent;
	__u64 events_dropped; /* ring buffer full */
	__u64 scopes_full;    /* a reclaim was not counted: no room for its scope */
	__u64 hot_full;
	__u64 tasks_full;	/* a reclaim was not counted: no storage for its task */
	__u64 ends_unpaired;	/* an end whose begin we did not see */
	__u64 ends_missed;	/* a begin while the task's last stall was open */
	__u64 exits_open;	/* a task that exited within a stall */
	__u64 stalls_forgotten; /* a stall that fo_open_check found to be over */
	__u64 begins_proactive; /* limit reclaim with no limit hit: memory.reclaim, a limit being
				   written */
	__u64 limit_begins;
	__u64 limit_ends;
	__u64 direct_begins;
	__u64 direct_ends;
	__u64 soft_begins;
	__u64 soft_ends;
	__u64 scopes_removed;
	__u64 cgroups_made;
	__u64 waits_full;
	__u64 waits_missed; /* a wait for IO whose end we did not see */
	__u64 memstalls_full;
	__u64 tasks_by_pid; /* not lost: a task whose storage found no memory has a place elsewhere
			     */
};

/* One process, as the task iterator writes it; one whose leader is gone may come several times. */
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
	__u64 exec_id; /* changes with every exec */
	char comm[FO_COMM_LEN];
};

_Static_assert(sizeof(struct fo_event) == 24, "ABI");
_Static_assert(sizeof(struct fo_event_hot) == 40, "ABI");
_Static_assert(sizeof(struct fo_event_kill) == 128, "ABI");
_Static_assert(sizeof(struct fo_task) == 120, "ABI");
_Static_assert(sizeof(struct fo_stall) == 56 + 8 * FO_STALL_SLOTS, "ABI");

#endif /* FASTOOM_EVENT_H */

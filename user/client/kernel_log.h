/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kernel_log: reads the report of an OOM kill from the kernel's log (mm/oom_kill.c, dump_header()
 * and __oom_kill_process()).
 *
 * Purity:    the parser is pure; kernel_log_read() reads /dev/kmsg or a file.
 * Units:     in the names; kb is KiB, as in the log.
 * Errors:    0 or -errno; -ENODATA: the log has no such kill. What a report lacks stays 0 or "".
 * Ownership: kernel_log_read() gives a text to free(); the rest are values.
 */
#ifndef FASTOOM_CLIENT_KERNEL_LOG_H
#define FASTOOM_CLIENT_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oom_constraint {
	OOM_UNKNOWN,
	OOM_NODE,   /* none: the whole node */
	OOM_CPUSET, /* the NUMA nodes of a cpuset */
	OOM_POLICY, /* the NUMA nodes of a memory policy */
	OOM_MEMCG,  /* the limit of a memory cgroup */
};

enum oom_cause {
	OOM_EXHAUSTED,	/* memory and swap are used up */
	OOM_LEAK,	/* memory grew until it was used up */
	OOM_LIMIT_LOW,	/* the cgroup's limit is below what its processes need */
	OOM_CONTIGUOUS, /* memory was free, but not so many contiguous pages */
	OOM_NUMA,	/* memory was free, but not on the allowed NUMA nodes */
};

struct oom_report {
	char invoker[32]; /* its comm; "": the log has lost the beginning of the report */
	int order;
	char gfp[256]; /* "GFP_KERNEL|__GFP_ZERO" */
	int invoker_adj;
	enum oom_constraint constraint;
	char mems[64];	      /* the allowed NUMA nodes */
	char limit_path[512]; /* the memory cgroup at its limit */
	uint64_t usage_kb, limit_kb;
	uint64_t free_kb, min_kb; /* sums over the zones; 0: the log does not list them */
	uint64_t swap_total_kb, swap_free_kb;
	bool swap_known;
	bool allocating_task; /* vm.oom_kill_allocating_task: the invoker is the victim */
	bool group;	      /* memory.oom.group: its whole cgroup was killed */
	int pid;
	char comm[32];
	uint64_t uid, total_vm_kb, anon_kb, file_kb, shmem_kb, pgtables_kb;
	int oom_score_adj;
	bool reaped;
	uint64_t left_kb; /* anonymous and shared memory that the reaper left */
};

/* The last kill of @pid (0: of any process) in @text. */
int kernel_log_find(const char *text, int pid, struct oom_report *ret);

/* @path: a file; NULL: /dev/kmsg. */
int kernel_log_read(const char *path, char **ret);

/* @growth: by how much the level rose in the minute before, 0..1; negative: not known. */
enum oom_cause kernel_log_cause(const struct oom_report *report, double growth);

/* "GFP_KERNEL|__GFP_ZERO" in words: "may sleep and reclaim; zeroed". Returns buf. */
char *kernel_log_gfp_words(char *buf, size_t size, const char *gfp);

#endif /* FASTOOM_CLIENT_KERNEL_LOG_H */

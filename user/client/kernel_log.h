/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kernel_log: what the kernel's log says of an OOM kill, taken apart and named.
 *
 * Purity:    the parser is pure; kernel_log_read() reads /dev/kmsg or a file.
 * Units:     as named.
 * Errors:    0 or -errno; -ENODATA: the log has no such kill. What a report lacks stays zero,
 *            negative or empty.
 * Ownership: kernel_log_read() gives a text to free(); the rest are values.
 */
#ifndef FASTOOM_CLIENT_KERNEL_LOG_H
#define FASTOOM_CLIENT_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oom_constraint {
	OOM_UNKNOWN,
	OOM_NODE,   /* the whole node */
	OOM_CPUSET, /* the memory nodes of a cpuset */
	OOM_POLICY, /* those of a NUMA policy */
	OOM_MEMCG,  /* a memory cgroup's limit */
};

enum oom_cause {
	OOM_EXHAUSTED,	/* memory and swap are used up */
	OOM_LEAK,	/* one process grew until nothing was left */
	OOM_LIMIT_LOW,	/* the cgroup's limit is below what its processes need */
	OOM_CONTIGUOUS, /* there was memory, but not so much in one piece */
	OOM_NUMA,	/* there was memory, but not where it was allowed */
};

struct oom_report {
	char invoker[32]; /* "": the log's beginning of it is gone */
	int order;
	char gfp[256]; /* "GFP_KERNEL|__GFP_ZERO" */
	int invoker_adj;
	enum oom_constraint constraint;
	char mems[64];	      /* the memory nodes that were allowed */
	char limit_path[512]; /* the memory cgroup at its limit */
	uint64_t usage_kb, limit_kb;
	uint64_t free_kb, min_kb; /* of the zones that the log lists; 0: not listed */
	uint64_t swap_total_kb, swap_free_kb;
	bool swap_known;
	bool allocating_task; /* vm.oom_kill_allocating_task chose */
	bool group;	      /* memory.oom.group: all of the cgroup die */
	int pid;
	char comm[32];
	uint64_t uid, total_vm_kb, anon_kb, file_kb, shmem_kb, pgtables_kb;
	int oom_score_adj;
	bool reaped;
	uint64_t left_kb; /* after that */
};

/* The last kill of @pid (0: of anyone) in @text. */
int kernel_log_find(const char *text, int pid, struct oom_report *ret);

/* @path NULL: the kernel's own, from /dev/kmsg. */
int kernel_log_read(const char *path, char **ret);

/*
 * @growth is how much of the scope's memory was taken within the minute before, 0..1; negative:
 * not known.
 */
enum oom_cause kernel_log_cause(const struct oom_report *report, double growth);

/* "GFP_KERNEL: for the kernel itself, may wait"; returns buf. */
char *kernel_log_gfp_words(char *buf, size_t size, const char *gfp);

#endif /* FASTOOM_CLIENT_KERNEL_LOG_H */

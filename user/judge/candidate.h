/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * candidate: what is known of one process that could die. Measured values only: no rule,
 * score or preference is ever written into them.
 *
 * Purity:    data only.
 * Units:     bytes; start_boot_ns is CLOCK_BOOTTIME.
 * Missing:   cmdline NULL: not read yet (reading one may wait for the very process that is
 *            stuck), or the process is gone.
 * Ownership: strings belong to whoever filled the candidate in (sense/tasks).
 */
#ifndef FASTOOM_JUDGE_CANDIDATE_H
#define FASTOOM_JUDGE_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct candidate {
	uint64_t start_boot_ns; /* with pid: the identity */
	uint64_t memcg_id;	/* its own memory cgroup */
	uint64_t anon_bytes;
	uint64_t shmem_bytes; /* may be shared: counted, but not given back for sure */
	uint64_t file_bytes;
	uint64_t swap_bytes;
	uint64_t pgtables_bytes;
	uint64_t growth_bytes; /* of anon + swap, within the last 15 to 30 s that we looked */
	int pid;
	int parent_pid;
	uint32_t uid;
	uint32_t threads;
	int oom_score_adj;
	bool kernel_thread;
	const char *comm;
	const char *cmdline; /* arguments joined by spaces */
	size_t cmdline_len;
	uint32_t slot; /* sense/tasks's own */
};

/* What a kill gives back for sure: memory that is only this process's. */
static inline uint64_t candidate_gives_bytes(const struct candidate *c)
{
	return c->anon_bytes + c->swap_bytes + c->pgtables_bytes;
}

#endif /* FASTOOM_JUDGE_CANDIDATE_H */

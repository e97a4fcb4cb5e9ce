/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * procs: lists the processes of a scope from /proc, with the same result as the BPF task iterator
 * (bpf/task.bpf.c). For hosts that refuse the iterator, and for the test of the iterator. About
 * twenty times slower.
 *
 * It reads stat, status, cgroup and oom_score_adj of each process. These do not take the mmap lock,
 * as cmdline and smaps do; a stalled process may hold that lock for seconds.
 *
 * Differences from the iterator: start times are in whole clock ticks, the precision of a pidref;
 * exec_id is a hash of addresses of the program and its stack, which an exec changes where they are
 * randomized; pids are those of the pid namespace of the /proc mount; mm is not known.
 *
 * Purity:    reads files; allocates only in procs_new().
 * Units:     as in struct fo_task.
 * Errors:    0 or -errno. A process that ends meanwhile or cannot be read is left out.
 * Ownership: procs_new() gives, procs_free() takes; the host is borrowed.
 */
#ifndef FASTOOM_SENSE_PROCS_H
#define FASTOOM_SENSE_PROCS_H

#include <stdint.h>

#include "event.h"

struct cgroup_host;
struct procs;

int procs_new(struct procs **ret, const struct cgroup_host *host);
void procs_free(struct procs *procs);

/*
 * Calls @take for each process of @scope and its descendants. @scope: the id of a memory cgroup, or
 * FO_SCOPE_NODE. The task is valid during the call.
 */
int procs_read(struct procs *procs, uint64_t scope,
	       void (*take)(void *context, const struct fo_task *task), void *context);

/* How many files the last listing could not open for lack of memory or descriptors. */
uint64_t procs_unreadable(const struct procs *procs);

#endif /* FASTOOM_SENSE_PROCS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * procs: the processes of a scope from /proc, as the BPF task iterator tells them (bpf/task.bpf.c):
 * for hosts that refuse the iterator, and the oracle that it is held against. Some twenty times
 * slower.
 *
 * Of each process stat, status, cgroup and oom_score_adj are read: none of them takes the mmap lock
 * of a process in trouble, as cmdline and smaps do.
 *
 * What differs from the iterator: start times are whole ticks, which is as exact as a pidref
 * compares them; exec_id is made of where the program and its stack lie, which every exec changes
 * where addresses are random; pids are those of the pid namespace that /proc was mounted in.
 *
 * Purity:    reads files; keeps a descriptor and its buffers, and allocates nothing after
 *            procs_new().
 * Units:     as in struct fo_task.
 * Errors:    0 or -errno. A process that exits meanwhile, or that may not be read, is left out.
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

/* @take gets each process of @scope, a memory cgroup's id or FO_SCOPE_NODE, and what is below it.
 */
int procs_read(struct procs *procs, uint64_t scope,
	       void (*take)(void *context, const struct fo_task *task), void *context);

/* Files that the last reading could not open because memory or descriptors are short. */
uint64_t procs_unreadable(const struct procs *procs);

#endif /* FASTOOM_SENSE_PROCS_H */

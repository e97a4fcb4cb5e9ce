/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * tasks: lists the processes of a scope as candidates.
 *
 * A listing is one pass of the BPF task iterator, or of /proc where the kernel refuses the
 * iterator. Between listings a table keeps the former size of each process, for its growth, and its
 * command line and executable. A worker reads these: /proc/PID/cmdline takes the mmap lock, which a
 * stalled process may hold for seconds. There is a bounded number of such texts. Processes that
 * find no place take those of the smallest ones, so that no number of small processes hides a large
 * one.
 *
 * Purity:    reads the kernel through the loader or /proc; allocates only in tasks_new().
 * Units:     bytes; *_boot_ns CLOCK_BOOTTIME.
 * Errors:    0 or -errno. Processes beyond the limit are counted.
 * Ownership: tasks_new() gives, tasks_free() takes; the arguments of tasks_new() are borrowed.
 *            Candidates and their strings are valid until the next listing.
 */
#ifndef FASTOOM_SENSE_TASKS_H
#define FASTOOM_SENSE_TASKS_H

#include <stddef.h>
#include <stdint.h>

struct candidate;
struct cgroup_host;
struct loader;
struct cgroup_cache;
struct tasks;
struct worker;

/* How many processes a listing has at most. */
size_t tasks_max(void);

/*
 * @worker reads command lines and executables; it must be stopped before tasks_free(). /proc is
 * listed if @loader is NULL or has no iterator.
 */
int tasks_new(struct tasks **ret, const struct loader *loader, const struct cgroup_host *host,
	      struct cgroup_cache *cgroup_cache, struct worker *worker);
void tasks_free(struct tasks *tasks);

/* Lists the processes of @scope. @boot_ns: now. -EIO: the iterator returned part of a record. */
int tasks_read(struct tasks *tasks, uint64_t scope, uint64_t boot_ns,
	       const struct candidate **ret_candidates, size_t *ret_count);

/* By choice: how many processes get the places of others' texts at one listing. */
#define TASKS_WANTED_MAX 16

/*
 * The command line and executable of @candidate, one of the last listing, are wanted now: the next
 * listing gives it the place of another text if it has none.
 */
void tasks_want(struct tasks *tasks, const struct candidate *candidate);

/*
 * How many processes the last listing left out: beyond tasks_max(), or unreadable for lack of
 * memory or descriptors.
 */
uint64_t tasks_overflow(const struct tasks *tasks);

#endif /* FASTOOM_SENSE_TASKS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * tasks: lists the processes of a scope as candidates.
 *
 * A listing is one pass of the BPF task iterator, or of /proc where the kernel refuses the
 * iterator. Between listings a table keeps the last size of each process, from which its growth is
 * computed, and its command line and executable. Another thread (the worker) reads the latter two,
 * because /proc/PID/cmdline takes the mmap lock, which a stalled process may hold for seconds. The
 * number of such texts is bounded. A process without a text takes that of the smallest process, so
 * that small processes, however many, do not hide a large one.
 *
 * Purity:    reads the kernel through the loader or /proc; allocates only in tasks_new().
 * Units:     bytes; *_boot_ns CLOCK_BOOTTIME.
 * Errors:    0 or -errno. Processes beyond tasks_max() are counted, not listed.
 * Ownership: tasks_new() allocates, tasks_free() frees; the arguments of tasks_new() are borrowed.
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

/* The most processes that a listing can have. */
size_t tasks_max(void);

/*
 * @worker reads command lines and executables; it must be stopped before tasks_free(). /proc is
 * listed if @loader is NULL or has no iterator.
 */
int tasks_new(struct tasks **ret, const struct loader *loader, const struct cgroup_host *host,
	      struct cgroup_cache *cgroup_cache, struct worker *worker);
void tasks_free(struct tasks *tasks);

/* Lists the processes of @scope. @boot_ns: the time. -EIO: the iterator returned half a record. */
int tasks_read(struct tasks *tasks, uint64_t scope, uint64_t boot_ns,
	       const struct candidate **ret_candidates, size_t *ret_count);

/* Chosen: how many processes take the texts of others at one listing. */
#define TASKS_WANTED_MAX 16

/*
 * Asks for the command line and executable of @candidate, which is of the last listing. The next
 * listing gives it the text of another process if it has none.
 */
void tasks_want(struct tasks *tasks, const struct candidate *candidate);

/*
 * The number of processes that are missing in the last listing: those beyond tasks_max(), and those
 * that could not be read for lack of memory or descriptors.
 */
uint64_t tasks_overflow(const struct tasks *tasks);

#endif /* FASTOOM_SENSE_TASKS_H */

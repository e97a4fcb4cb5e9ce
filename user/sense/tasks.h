/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * tasks: the processes of a scope as candidates, and what they were a moment ago.
 *
 * A reading is one pass of the BPF task iterator, or, where the kernel refuses that, of /proc.
 * Between readings a table keeps, for each
 * process, how large it was, so that growth is known, and its command line and file, which
 * another thread reads: /proc/PID/cmdline waits for the process's mmap lock, and the process that
 * is in trouble may hold it for seconds.
 *
 * Purity:    touches the kernel through the loader; the table is memory.
 * Units:     bytes; times in ns, CLOCK_BOOTTIME where they say boot.
 * Errors:    0 or -errno. Processes that found no place are counted, never dropped silently.
 * Ownership: candidates and their strings stay valid until the next reading.
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

/* The most processes that a reading lists. */
size_t tasks_max(void);

/*
 * Command lines and files are read by @worker, which must be stopped before tasks_free(). @loader
 * may be NULL, and may lack the iterator: then /proc is read.
 */
int tasks_new(struct tasks **ret, const struct loader *loader, const struct cgroup_host *host,
	      struct cgroup_cache *cgroup_cache, struct worker *worker);
void tasks_free(struct tasks *tasks);

/* Lists @scope's processes into *ret_candidates; -EIO when the kernel's list broke off. */
int tasks_read(struct tasks *tasks, uint64_t scope, uint64_t boot_ns,
	       const struct candidate **ret_candidates, size_t *ret_count);

/*
 * Processes that the last reading left out: they found no place in the table (it holds
 * tasks_max()), or memory or descriptors were short for reading them.
 */
uint64_t tasks_overflow(const struct tasks *tasks);

#endif /* FASTOOM_SENSE_TASKS_H */

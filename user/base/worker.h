/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * worker: a helper thread for work that may block: writing to a disk, attaching programs, reading
 * the command line of a stuck process.
 *
 * Purity:    one thread; it runs tasks in the order in which they were given.
 * Units:     sizes in bytes, *_ns durations.
 * Errors:    0 or -errno. worker_give() fails as queue_push() does, and counts that.
 * Ownership: worker_start() gives, worker_stop() takes; arguments are copied. One thread gives.
 */
#ifndef FASTOOM_BASE_WORKER_H
#define FASTOOM_BASE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

/* @argument is the copy of what was given; it is valid during the call. */
typedef void worker_task(void *argument, size_t len);

/*
 * @name: of the thread, at most 15 characters. @size: the longest argument. @depth: how many tasks
 * wait at most, the running one included; a power of two.
 */
int worker_start(struct worker **ret, const char *name, size_t size, unsigned depth);
int worker_give(struct worker *worker, worker_task *task, const void *argument, size_t len);
/* How many tasks worker_give() accepts at least. Only the giving thread may call it. */
unsigned worker_room(const struct worker *worker);
/* How many tasks worker_give() refused. */
uint64_t worker_refused(const struct worker *worker);
/*
 * Finishes all tasks, then frees the worker; NULL is accepted. False: it is not finished within
 * @timeout_ns, being stuck on a disk, say. Then the thread lives on and nothing is freed.
 */
bool worker_stop(struct worker *worker, uint64_t timeout_ns);

#endif /* FASTOOM_BASE_WORKER_H */

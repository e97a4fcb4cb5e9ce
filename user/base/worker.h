/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * worker: a thread that does what may wait, one piece after the other, for a thread that
 * must not: writing to a disk, attaching programs, reading a stuck process's command line.
 *
 * Purity:    one thread; pieces run in the order they were handed over.
 * Units:     sizes in bytes.
 * Errors:    worker_give() as queue_push(): -ENOSPC is an answer, and is counted.
 * Ownership: arguments are copied. worker_stop() waits at most the time given, for a
 *            worker may be stuck on a disk; what it had then is lost and said so.
 */
#ifndef FASTOOM_BASE_WORKER_H
#define FASTOOM_BASE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

typedef void worker_task(void *argument, size_t len);

/* @name is the thread's; @depth, a power of two, and @size are all it can hold. */
int worker_start(struct worker **ret, const char *name, size_t size, unsigned depth);
int worker_give(struct worker *worker, worker_task *task, const void *argument, size_t len);
/* Pieces that found no place. */
uint64_t worker_refused(const struct worker *worker);
/* Finishes what was given, then frees. False: it did not within @timeout_ns, and is left. */
bool worker_stop(struct worker *worker, uint64_t timeout_ns);

#endif /* FASTOOM_BASE_WORKER_H */

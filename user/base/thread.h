/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * thread: starts helper threads, and waits with a deadline on the monotonic clock.
 *
 * The waits use CLOCK_MONOTONIC, so a step of the wall clock neither prolongs nor shortens them.
 *
 * Purity:    creates threads, reads the clock, sleeps.
 * Units:     *_ns CLOCK_MONOTONIC or durations; THREAD_NO_DEADLINE: no deadline.
 * Errors:    0 or -errno; -ETIMEDOUT: the deadline is over.
 * Ownership: thread_start() gives the thread; thread_join() takes it when it returns 0.
 */
#ifndef FASTOOM_BASE_THREAD_H
#define FASTOOM_BASE_THREAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>

/*
 * Stack of each helper thread: eight times its largest buffer (32 KiB, sense/node.c). The daemon
 * locks its memory, so the size counts.
 */
#define THREAD_STACK_BYTES (256 * 1024)

#define THREAD_NO_DEADLINE UINT64_MAX

/*
 * Runs @run(@context) in a new thread that blocks all signals: the main thread reads them from a
 * descriptor. @name has at most 15 characters, the kernel's limit.
 */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *context), void *context);

/* The deadline @timeout_ns from now; THREAD_NO_DEADLINE where the sum overflows. */
uint64_t thread_deadline(uint64_t timeout_ns);

int thread_join(pthread_t thread, uint64_t deadline_ns);
int thread_sem_wait(sem_t *sem, uint64_t deadline_ns);

#endif /* FASTOOM_BASE_THREAD_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * queue: fixed slots from one writing thread to one reading thread. The writer never waits.
 *
 * A push copies into memory that is allocated already, so the decision path can hand records and
 * slow work to other threads. A full queue is an error, not a wait.
 *
 * Purity:    memory, and a semaphore.
 * Units:     sizes in bytes, depth in slots, *_ns durations.
 * Errors:    0 or -errno. queue_init() -EINVAL: @depth is no power of two; -ENOMEM.
 *            queue_push() -ENOSPC: full; -EMSGSIZE: longer than a slot.
 * Ownership: queue_init() allocates all slots, queue_done() frees them and accepts a zeroed queue.
 */
#ifndef FASTOOM_BASE_QUEUE_H
#define FASTOOM_BASE_QUEUE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
	char *slots;
	size_t slot_size;
	unsigned depth;	  /* a power of two */
	atomic_uint head; /* next to read, written by the reader */
	atomic_uint tail; /* next to write, written by the writer */
	sem_t ready;
};

int queue_init(struct queue *queue, size_t slot_size, unsigned depth);
void queue_done(struct queue *queue);

/* Copies @len bytes; never blocks. */
int queue_push(struct queue *queue, const void *bytes, size_t len);

/* How many pushes the queue takes at least. Only the pushing thread may call it. */
unsigned queue_room(const struct queue *queue);

/* Waits for the oldest slot, which stays valid until queue_pop(). */
void *queue_wait(struct queue *queue, size_t *ret_len);
/* The same for at most @wait_ns (UINT64_MAX: without limit); NULL: nothing came. */
void *queue_wait_for(struct queue *queue, size_t *ret_len, uint64_t wait_ns);
/* The same without waiting. */
void *queue_try(struct queue *queue, size_t *ret_len);
void queue_pop(struct queue *queue);

#endif /* FASTOOM_BASE_QUEUE_H */

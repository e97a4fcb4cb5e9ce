/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * queue: fixed slots from one thread to one other; neither ever waits for the other.
 *
 * The killer hands records to its writer and slow work to its aide through these: a
 * push is a copy into memory that is already there, and a full queue is an answer, not
 * a wait.
 *
 * Purity:    memory only, plus sem_post(), which does not block.
 * Units:     sizes in bytes, depth in slots.
 * Errors:    queue_push() -ENOSPC when full, -EMSGSIZE when too long; the caller counts.
 * Ownership: queue_init() allocates all the slots, queue_done() frees them.
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

/* Copies len bytes; never blocks. */
int queue_push(struct queue *queue, const void *bytes, size_t len);

/* Waits for the oldest slot, which stays valid until queue_pop(). */
void *queue_wait(struct queue *queue, size_t *ret_len);
/* The same, or NULL after @wait_ns; UINT64_MAX: for ever. By the wall clock: a jump of it may cut a
 * wait short or make it longer. */
void *queue_wait_for(struct queue *queue, size_t *ret_len, uint64_t wait_ns);
/* The same, or NULL at once. */
void *queue_try(struct queue *queue, size_t *ret_len);
void queue_pop(struct queue *queue);

#endif /* FASTOOM_BASE_QUEUE_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

struct slot {
	size_t len;
	/* the reader uses the bytes in place, as any type */
	char bytes[] __attribute__((aligned(16)));
};

static struct slot *slot_at(const struct queue *queue, unsigned position)
{
	size_t stride = sizeof(struct slot) + queue->slot_size;

	return (struct slot *)(queue->slots + (position & (queue->depth - 1)) * stride);
}

int queue_init(struct queue *queue, size_t slot_size, unsigned depth)
{
	/* keeps the next slot aligned */
	slot_size = (slot_size + 15) & ~(size_t)15;
	if (depth == 0 || (depth & (depth - 1)))
		return -EINVAL;
	*queue = (struct queue){.slot_size = slot_size, .depth = depth};
	queue->slots = calloc(depth, sizeof(struct slot) + slot_size);
	if (!queue->slots)
		return -ENOMEM;
	if (sem_init(&queue->ready, 0, 0) < 0) {
		int err = -errno;

		free(queue->slots);
		queue->slots = NULL;
		return err;
	}
	return 0;
}

void queue_done(struct queue *queue)
{
	if (!queue->slots)
		return;
	sem_destroy(&queue->ready);
	free(queue->slots);
	queue->slots = NULL;
}

unsigned queue_room(const struct queue *queue)
{
	return queue->depth - (atomic_load_explicit(&queue->tail, memory_order_relaxed) -
			       atomic_load_explicit(&queue->head, memory_order_acquire));
}

int queue_push(struct queue *queue, const void *bytes, size_t len)
{
	unsigned tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
	unsigned head = atomic_load_explicit(&queue->head, memory_order_acquire);
	struct slot *slot;

	if (len > queue->slot_size)
		return -EMSGSIZE;
	if (tail - head >= queue->depth)
		return -ENOSPC;
	slot = slot_at(queue, tail);
	slot->len = len;
	memcpy(slot->bytes, bytes, len);
	atomic_store_explicit(&queue->tail, tail + 1, memory_order_release);
	sem_post(&queue->ready);
	return 0;
}

static void *oldest(const struct queue *queue, size_t *ret_len)
{
	struct slot *slot;

	/* pairs with the release in queue_push() */
	atomic_load_explicit(&queue->tail, memory_order_acquire);
	slot = slot_at(queue, atomic_load_explicit(&queue->head, memory_order_relaxed));
	*ret_len = slot->len;
	return slot->bytes;
}

void *queue_wait(struct queue *queue, size_t *ret_len)
{
	return queue_wait_for(queue, ret_len, UINT64_MAX);
}

void *queue_wait_for(struct queue *queue, size_t *ret_len, uint64_t wait_ns)
{
	const uint64_t deadline_ns =
		wait_ns == UINT64_MAX ? THREAD_NO_DEADLINE : thread_deadline(wait_ns);

	return thread_sem_wait(&queue->ready, deadline_ns) ? NULL : oldest(queue, ret_len);
}

void *queue_try(struct queue *queue, size_t *ret_len)
{
	return sem_trywait(&queue->ready) < 0 ? NULL : oldest(queue, ret_len);
}

void queue_pop(struct queue *queue)
{
	atomic_fetch_add_explicit(&queue->head, 1, memory_order_release);
}

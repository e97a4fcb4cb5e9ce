// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct slot {
	size_t len;
	/* whatever is copied in is used in place */
	char bytes[] __attribute__((aligned(16)));
};

static struct slot *slot_at(const struct queue *queue, unsigned position)
{
	size_t stride = sizeof(struct slot) + queue->slot_size;

	return (struct slot *)(queue->slots + (position & (queue->depth - 1)) * stride);
}

int queue_init(struct queue *queue, size_t slot_size, unsigned depth)
{
	/* slots stay aligned for whatever is copied in */
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
	while (sem_wait(&queue->ready) < 0)
		; /* EINTR is all there is */
	return oldest(queue, ret_len);
}

void *queue_wait_for(struct queue *queue, size_t *ret_len, uint64_t wait_ns)
{
	struct timespec until;

	if (wait_ns == UINT64_MAX)
		return queue_wait(queue, ret_len);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(wait_ns / 1000000000ULL);
	until.tv_nsec += (long)(wait_ns % 1000000000ULL);
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	while (sem_timedwait(&queue->ready, &until) < 0)
		if (errno != EINTR)
			return NULL;
	return oldest(queue, ret_len);
}

void *queue_try(struct queue *queue, size_t *ret_len)
{
	return sem_trywait(&queue->ready) < 0 ? NULL : oldest(queue, ret_len);
}

void queue_pop(struct queue *queue)
{
	atomic_fetch_add_explicit(&queue->head, 1, memory_order_release);
}

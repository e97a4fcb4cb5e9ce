// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/queue.h"

/* Threads of ours write and read files with small buffers; 256 KiB are locked for each. */
#define STACK_BYTES (256 * 1024)

struct piece {
	worker_task *task; /* NULL: stop */
	size_t len;
	char argument[] __attribute__((aligned(16)));
};

struct worker {
	pthread_t thread;
	struct queue queue;
	size_t size;
	uint64_t refused;
	struct piece *piece; /* where worker_give() puts one together */
};

static void *work(void *context)
{
	struct worker *worker = context;

	for (;;) {
		size_t len;
		struct piece *piece = queue_wait(&worker->queue, &len);

		if (!piece->task)
			return NULL;
		piece->task(piece->argument, piece->len);
		queue_pop(&worker->queue);
	}
}

int worker_start(struct worker **ret, const char *name, size_t size, unsigned depth)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	sigset_t all, before;
	pthread_attr_t attr;
	int err;

	if (!worker)
		return -ENOMEM;
	worker->size = size;
	worker->piece = malloc(sizeof(struct piece) + size);
	err = worker->piece ? queue_init(&worker->queue, sizeof(struct piece) + size, depth)
			    : -ENOMEM;
	if (err)
		goto fail;

	/* signals are the main thread's: it reads them from a descriptor */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = -pthread_create(&worker->thread, &attr, work, worker);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		goto fail;
	pthread_setname_np(worker->thread, name);
	*ret = worker;
	return 0;
fail:
	queue_done(&worker->queue);
	free(worker->piece);
	free(worker);
	return err;
}

int worker_give(struct worker *worker, worker_task *task, const void *argument, size_t len)
{
	int err = -EMSGSIZE;

	if (len <= worker->size) {
		worker->piece->task = task;
		worker->piece->len = len;
		if (len)
			memcpy(worker->piece->argument, argument, len);
		err = queue_push(&worker->queue, worker->piece, sizeof(struct piece) + len);
	}
	if (err)
		worker->refused++;
	return err;
}

uint64_t worker_refused(const struct worker *worker)
{
	return worker->refused;
}

bool worker_stop(struct worker *worker, uint64_t timeout_ns)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	const struct piece stop = {0};
	struct timespec until, now;

	if (!worker)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(timeout_ns / 1000000000);
	until.tv_nsec += (long)(timeout_ns % 1000000000);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	/* a full queue has a place as soon as the piece in hand is done */
	while (queue_push(&worker->queue, &stop, sizeof(stop))) {
		clock_gettime(CLOCK_REALTIME, &now);
		if (now.tv_sec > until.tv_sec ||
		    (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec))
			return false;
		nanosleep(&pause, NULL);
	}
	if (pthread_timedjoin_np(worker->thread, NULL, &until))
		return false; /* it may still run: nothing of it can be freed */
	queue_done(&worker->queue);
	free(worker->piece);
	free(worker);
	return true;
}

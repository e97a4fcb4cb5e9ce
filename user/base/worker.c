// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/thread.h"

/* How often worker_stop() tries to get into a full queue. */
#define RETRY_NS 10000000

struct job {
	worker_task *task; /* NULL: stop */
	size_t len;
	char argument[] __attribute__((aligned(16)));
};

struct worker {
	pthread_t thread;
	struct queue queue;
	size_t size;
	uint64_t refused;
	struct job *job; /* where worker_give() builds one */
};

static void *run(void *context)
{
	struct worker *worker = context;

	for (;;) {
		size_t len;
		struct job *job = queue_wait(&worker->queue, &len);

		if (!job->task)
			return NULL;
		job->task(job->argument, job->len);
		queue_pop(&worker->queue);
	}
}

int worker_start(struct worker **ret, const char *name, size_t size, unsigned depth)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return -ENOMEM;
	worker->size = size;
	worker->job = malloc(sizeof(struct job) + size);
	err = worker->job ? queue_init(&worker->queue, sizeof(struct job) + size, depth) : -ENOMEM;
	if (!err)
		err = thread_start(&worker->thread, name, run, worker);
	if (err) {
		queue_done(&worker->queue);
		free(worker->job);
		free(worker);
		return err;
	}
	*ret = worker;
	return 0;
}

int worker_give(struct worker *worker, worker_task *task, const void *argument, size_t len)
{
	int err = -EMSGSIZE;

	if (len <= worker->size) {
		worker->job->task = task;
		worker->job->len = len;
		if (len)
			memcpy(worker->job->argument, argument, len);
		err = queue_push(&worker->queue, worker->job, sizeof(struct job) + len);
	}
	if (err)
		worker->refused++;
	return err;
}

unsigned worker_room(const struct worker *worker)
{
	return queue_room(&worker->queue);
}

uint64_t worker_refused(const struct worker *worker)
{
	return worker->refused;
}

bool worker_stop(struct worker *worker, uint64_t timeout_ns)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};
	const struct job stop = {0};
	uint64_t deadline_ns;

	if (!worker)
		return true;
	deadline_ns = thread_deadline(timeout_ns);
	/* a full queue has a free slot when the running task ends */
	while (queue_push(&worker->queue, &stop, sizeof(stop))) {
		if (clock_mono_ns() >= deadline_ns)
			return false;
		nanosleep(&pause, NULL);
	}
	if (thread_join(worker->thread, deadline_ns))
		return false; /* the thread still uses the worker */
	queue_done(&worker->queue);
	free(worker->job);
	free(worker);
	return true;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "act/proactive_reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/thread.h"
#include "base/util.h"
#include "judge/proactive.h"

/* Watched cgroups. The kubelet runs at most 110 pods by default (maxPods). */
#define SCOPES_MAX 256
/* Requests and events that wait; chosen, a power of two. */
#define QUEUE_DEPTH 64
#define FOREVER_NS  UINT64_MAX
/*
 * Chosen. On a busy CPU this thread must not take time from the tasks it works for: what it does
 * not reclaim in time, they reclaim themselves at the limit.
 */
#define NICE 10

#define PAGE_BYTES ((uint64_t)sysconf(_SC_PAGESIZE))

enum request_kind {
	REQUEST_WATCH,
	REQUEST_FORGET,
	REQUEST_STOP,
};

struct request {
	enum request_kind kind;
	uint64_t cgroup_id;
	double ratio;
};

struct scope {
	struct cgroup cgroup; /* id 0: free */
	double ratio;
	uint64_t next_ns;	  /* of the next look */
	uint64_t reclaimed_bytes; /* by the last step */
	uint64_t reclaimed_sum_bytes;
	bool began; /* PROACTIVE_RECLAIM_BEGAN is reported */
	struct proactive proactive;
};

struct proactive_reclaim {
	pthread_t thread;
	const struct cgroup_host *host;
	struct queue requests;
	struct queue events;
	int event_fd;
	bool unsupported; /* this kernel has no memory.reclaim */
	/* read by other threads */
	atomic_uint scope_count;
	atomic_ullong reclaimed_bytes;
	atomic_ullong stops;
	struct scope scopes[SCOPES_MAX];
};

static void report(struct proactive_reclaim *r, const struct scope *scope,
		   enum proactive_reclaim_event_kind kind, int error)
{
	struct proactive_reclaim_event event = {
		.kind = kind,
		.error = error,
		.backoff_ns = scope->proactive.backoff_ns,
		.reclaimed_bytes = scope->reclaimed_sum_bytes,
	};
	const uint64_t one = 1;

	memcpy(event.path, scope->cgroup.path, sizeof(event.path));
	/* an event is dropped when the queue is full */
	if (!queue_push(&r->events, &event, sizeof(event)) &&
	    write(r->event_fd, &one, sizeof(one)) < 0)
		return;
}

static void release(struct scope *scope)
{
	cgroup_close(&scope->cgroup);
	memset(scope, 0, sizeof(*scope));
}

static void watch(struct proactive_reclaim *r, const struct request *request)
{
	struct scope *free = NULL;

	if (r->unsupported)
		return;
	for (size_t i = 0; i < SCOPES_MAX; i++) {
		struct scope *scope = &r->scopes[i];

		if (scope->cgroup.id == request->cgroup_id) {
			/* it reached its limit again: look at once */
			scope->ratio = request->ratio;
			scope->next_ns = clock_mono_ns();
			return;
		}
		if (!scope->cgroup.id && !free)
			free = scope;
	}
	if (!free || cgroup_open_id(r->host, request->cgroup_id, &free->cgroup))
		return; /* no free slot, or removed; its next limit hit requests it again */
	free->cgroup.id = request->cgroup_id;
	free->ratio = request->ratio;
	free->next_ns = clock_mono_ns();
}

static uint64_t read_bytes(const struct scope *scope, const char *name)
{
	_cleanup_close_ int fd = openat(scope->cgroup.dir_fd, name, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	return fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ? 0 : strtoull(text, NULL, 10);
}

/*
 * Whether the cgroup uses more than its request, which the kubelet (memory QoS) and systemd write
 * to memory.min or memory.low. "max" reads as 0: then the limit is far.
 */
static bool is_above_request(const struct scope *scope)
{
	uint64_t usage = scope->proactive.usage_bytes;

	return usage > read_bytes(scope, "memory.min") && usage > read_bytes(scope, "memory.low");
}

/* -EAGAIN: it reclaimed less than @bytes. */
static int reclaim(const struct scope *scope, uint64_t bytes)
{
	_cleanup_close_ int fd =
		openat(scope->cgroup.dir_fd, "memory.reclaim", O_WRONLY | O_CLOEXEC);
	char text[32];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);

	if (fd < 0)
		return -errno;
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

/* Reads the cgroup, and reclaims one step if that is due. */
static void look(struct proactive_reclaim *r, struct scope *scope)
{
	struct proactive_look look = {.reclaimed_bytes = scope->reclaimed_bytes};
	unsigned stops = scope->proactive.stops;
	struct cgroup_memory memory;
	struct proactive_step step;
	uint64_t before_bytes;
	int err = cgroup_read(r->host, &scope->cgroup, &memory);

	if (err) {
		release(scope);
		return;
	}
	look.at_ns = clock_mono_ns();
	look.usage_bytes = before_bytes = memory.usage_bytes;
	look.limit_bytes = memory.limit_bytes;
	/* not all refaults: a stream that repeats refaults all it reads; these were in use */
	look.refault_bytes = memory.activated_pages * PAGE_BYTES;
	step = proactive_decide(&scope->proactive, scope->ratio, &look);
	scope->reclaimed_bytes = 0;
	if (step.over) {
		if (scope->began)
			report(r, scope, PROACTIVE_RECLAIM_ENDED, 0);
		release(scope);
		return;
	}
	if (scope->proactive.stops != stops)
		report(r, scope, PROACTIVE_RECLAIM_PAUSED, 0);
	atomic_fetch_add(&r->stops, scope->proactive.stops - stops);
	if (step.bytes) {
		if (!scope->began)
			report(r, scope, PROACTIVE_RECLAIM_BEGAN, 0);
		scope->began = true;
		err = reclaim(scope, step.bytes);
		if (err == -ENOENT && !cgroup_read(r->host, &scope->cgroup, &memory)) {
			/* the cgroup exists, but not the file */
			r->unsupported = true;
			report(r, scope, PROACTIVE_RECLAIM_UNSUPPORTED, err);
			return;
		}
		if (err && err != -EAGAIN && err != -EINTR) {
			release(scope);
			return;
		}
		scope->reclaimed_bytes = step.bytes;
		/* it reclaimed less: the usage shows how much, unless more was charged meanwhile */
		if (err)
			scope->reclaimed_bytes = !cgroup_read(r->host, &scope->cgroup, &memory) &&
								 memory.usage_bytes < before_bytes
							 ? before_bytes - memory.usage_bytes
							 : 0;
		scope->reclaimed_sum_bytes += scope->reclaimed_bytes;
		atomic_fetch_add(&r->reclaimed_bytes, scope->reclaimed_bytes);
	}
	scope->next_ns = clock_mono_ns() + step.wait_ns;
}

/* Looks at all scopes that are due, those above their request first. Returns the time to the next
 * look; FOREVER_NS: none. */
static uint64_t look_at_due(struct proactive_reclaim *r)
{
	uint64_t now = clock_mono_ns(), next_ns = FOREVER_NS;
	unsigned count = 0;

	for (int above = 1; above >= 0; above--)
		for (size_t i = 0; i < SCOPES_MAX && !r->unsupported; i++) {
			struct scope *scope = &r->scopes[i];

			if (scope->cgroup.id && scope->next_ns <= now &&
			    (!above || is_above_request(scope)))
				look(r, scope);
		}
	for (size_t i = 0; i < SCOPES_MAX; i++) {
		struct scope *scope = &r->scopes[i];

		if (!scope->cgroup.id)
			continue;
		if (r->unsupported) {
			release(scope);
			continue;
		}
		count++;
		if (scope->next_ns < next_ns)
			next_ns = scope->next_ns;
	}
	atomic_store(&r->scope_count, count);
	now = clock_mono_ns();
	return next_ns == FOREVER_NS ? FOREVER_NS : next_ns > now ? next_ns - now : 0;
}

static void *run(void *context)
{
	struct proactive_reclaim *r = context;
	uint64_t wait_ns = FOREVER_NS;

	/* 0 is this thread only: setpriority(2), "C library/kernel differences" */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	for (;;) {
		size_t len;
		const struct request *request = queue_wait_for(&r->requests, &len, wait_ns);

		if (request) {
			enum request_kind kind = request->kind;

			if (kind == REQUEST_WATCH)
				watch(r, request);
			queue_pop(&r->requests);
			for (size_t i = 0; kind != REQUEST_WATCH && i < SCOPES_MAX; i++)
				if (r->scopes[i].cgroup.id)
					release(&r->scopes[i]);
			if (kind == REQUEST_STOP)
				return NULL;
		}
		wait_ns = look_at_due(r);
	}
}

int proactive_reclaim_start(struct proactive_reclaim **ret, const struct cgroup_host *host)
{
	struct proactive_reclaim *r;
	int err;

	if (!host->ops || host->version != 2)
		return -EOPNOTSUPP;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->host = host;
	r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = r->event_fd < 0 ? -errno : 0;
	if (!err)
		err = queue_init(&r->requests, sizeof(struct request), QUEUE_DEPTH);
	if (!err)
		err = queue_init(&r->events, sizeof(struct proactive_reclaim_event), QUEUE_DEPTH);
	if (!err)
		err = thread_start(&r->thread, "fo-reclaim", run, r);
	if (err) {
		queue_done(&r->requests);
		queue_done(&r->events);
		if (r->event_fd >= 0)
			close(r->event_fd);
		free(r);
		return err;
	}
	*ret = r;
	return 0;
}

bool proactive_reclaim_stop(struct proactive_reclaim *r, uint64_t timeout_ns)
{
	const struct request request = {.kind = REQUEST_STOP};

	if (!r)
		return true;
	if (queue_push(&r->requests, &request, sizeof(request)) ||
	    thread_join(r->thread, thread_deadline(timeout_ns)))
		return false;
	queue_done(&r->requests);
	queue_done(&r->events);
	close(r->event_fd);
	free(r);
	return true;
}

int proactive_reclaim_watch(struct proactive_reclaim *r, uint64_t cgroup_id, double ratio)
{
	const struct request request = {REQUEST_WATCH, cgroup_id, ratio};

	return queue_push(&r->requests, &request, sizeof(request));
}

int proactive_reclaim_forget(struct proactive_reclaim *r)
{
	const struct request request = {.kind = REQUEST_FORGET};

	return queue_push(&r->requests, &request, sizeof(request));
}

struct proactive_reclaim_sums proactive_reclaim_sums(const struct proactive_reclaim *r)
{
	return (struct proactive_reclaim_sums){
		.scopes = atomic_load(&r->scope_count),
		.reclaimed_bytes = atomic_load(&r->reclaimed_bytes),
		.stops = atomic_load(&r->stops),
	};
}

int proactive_reclaim_fd(const struct proactive_reclaim *r)
{
	return r->event_fd;
}

bool proactive_reclaim_next(struct proactive_reclaim *r, struct proactive_reclaim_event *ret)
{
	struct proactive_reclaim_event *event;
	uint64_t count;
	size_t len;

	event = queue_try(&r->events, &len);
	if (!event) {
		/* a later event makes the descriptor readable again */
		if (read(r->event_fd, &count, sizeof(count)) < 0)
			return false;
		event = queue_try(&r->events, &len);
		if (!event)
			return false;
	}
	*ret = *event;
	queue_pop(&r->events);
	return true;
}

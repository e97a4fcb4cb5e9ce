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

/* Cgroups at a time; a node has at most 110 pods by default. */
#define SCOPES_MAX 256
/* Orders and news that wait: a power of two. */
#define QUEUE_DEPTH 64
#define FOREVER_NS  UINT64_MAX
/*
 * After those that it is done for: on a busy processor reclaim that comes too late is done by who
 * needs it, as it would be without us, but time that is taken from them is lost.
 */
#define NICE 10

#define PAGE_BYTES ((uint64_t)sysconf(_SC_PAGESIZE))

enum order_kind {
	ORDER_WATCH,
	ORDER_FORGET,
	ORDER_END,
};

struct order {
	enum order_kind kind;
	uint64_t cgroup_id;
	double ratio;
};

struct scope {
	struct cgroup cgroup; /* id 0: free */
	double ratio;
	uint64_t next_ns;
	uint64_t given_bytes; /* of the latest step */
	uint64_t given_sum_bytes;
	bool began;
	struct proactive proactive;
};

struct proactive_reclaim {
	pthread_t thread;
	const struct cgroup_host *host;
	struct queue orders;
	struct queue news;
	int news_fd;
	bool cannot; /* this kernel has no memory.reclaim */
	/* for whoever asks, in another thread */
	atomic_uint scope_count;
	atomic_ullong given_bytes;
	atomic_ullong stops;
	struct scope scopes[SCOPES_MAX];
};

static void tell(struct proactive_reclaim *r, const struct scope *scope,
		 enum proactive_reclaim_news news, int error)
{
	struct proactive_reclaim_event event = {
		.news = news,
		.error = error,
		.backoff_ns = scope->proactive.backoff_ns,
		.given_bytes = scope->given_sum_bytes,
	};
	const uint64_t one = 1;

	memcpy(event.path, scope->cgroup.path, sizeof(event.path));
	/* news that find no room are of no more use then */
	if (!queue_push(&r->news, &event, sizeof(event)) &&
	    write(r->news_fd, &one, sizeof(one)) < 0)
		return;
}

static void let_go(struct scope *scope)
{
	cgroup_shut(&scope->cgroup);
	memset(scope, 0, sizeof(*scope));
}

static void watch(struct proactive_reclaim *r, const struct order *order)
{
	struct scope *free = NULL;

	if (r->cannot)
		return;
	for (size_t i = 0; i < SCOPES_MAX; i++) {
		struct scope *scope = &r->scopes[i];

		if (scope->cgroup.id == order->cgroup_id) {
			/* its limit was hit all the same */
			scope->ratio = order->ratio;
			scope->next_ns = clock_mono_ns();
			return;
		}
		if (!scope->cgroup.id && !free)
			free = scope;
	}
	if (!free || cgroup_open_id(r->host, order->cgroup_id, &free->cgroup))
		return; /* no room, or gone: its next hit asks again */
	free->cgroup.id = order->cgroup_id;
	free->ratio = order->ratio;
	free->next_ns = clock_mono_ns();
}

static uint64_t read_bytes(const struct scope *scope, const char *name)
{
	_cleanup_close_ int fd = openat(scope->cgroup.dir_fd, name, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	return fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ? 0 : strtoull(text, NULL, 10);
}

/*
 * Holds more than it requested: the kubelet (memory QoS) and systemd write that to memory.min or
 * memory.low; who has neither requested nothing. "max" reads as 0, and no limit is near then.
 */
static bool is_above_request(const struct scope *scope)
{
	uint64_t usage = scope->proactive.usage_bytes;

	return usage > read_bytes(scope, "memory.min") && usage > read_bytes(scope, "memory.low");
}

/* 0, -EAGAIN: it got less than that, or -errno. */
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

/* One look, and one step. */
static void look(struct proactive_reclaim *r, struct scope *scope)
{
	struct proactive_look look = {.given_bytes = scope->given_bytes};
	unsigned stops = scope->proactive.stops;
	struct cgroup_memory memory;
	struct proactive_step step;
	uint64_t before_bytes;
	int err = cgroup_read(r->host, &scope->cgroup, &memory);

	if (err) {
		let_go(scope);
		return;
	}
	look.at_ns = clock_mono_ns();
	look.usage_bytes = before_bytes = memory.usage_bytes;
	look.limit_bytes = memory.limit_bytes;
	/* a stream that comes round again refaults all it reads; only what was in use counts */
	look.back_bytes = memory.activated_pages * PAGE_BYTES;
	step = proactive_decide(&scope->proactive, scope->ratio, &look);
	scope->given_bytes = 0;
	if (step.over) {
		if (scope->began)
			tell(r, scope, PROACTIVE_RECLAIM_ENDED, 0);
		let_go(scope);
		return;
	}
	if (scope->proactive.stops != stops)
		tell(r, scope, PROACTIVE_RECLAIM_PAUSED, 0);
	atomic_fetch_add(&r->stops, scope->proactive.stops - stops);
	if (step.bytes) {
		if (!scope->began)
			tell(r, scope, PROACTIVE_RECLAIM_BEGAN, 0);
		scope->began = true;
		err = reclaim(scope, step.bytes);
		if (err == -ENOENT && !cgroup_read(r->host, &scope->cgroup, &memory)) {
			/* the cgroup is there, and the file is not */
			r->cannot = true;
			tell(r, scope, PROACTIVE_RECLAIM_UNSUPPORTED, err);
			return;
		}
		if (err && err != -EAGAIN && err != -EINTR) {
			let_go(scope);
			return;
		}
		scope->given_bytes = step.bytes;
		/* less than asked for: what it was is seen in the usage, if nothing else came in */
		if (err)
			scope->given_bytes = !cgroup_read(r->host, &scope->cgroup, &memory) &&
							     memory.usage_bytes < before_bytes
						     ? before_bytes - memory.usage_bytes
						     : 0;
		scope->given_sum_bytes += scope->given_bytes;
		atomic_fetch_add(&r->given_bytes, scope->given_bytes);
	}
	scope->next_ns = clock_mono_ns() + step.wait_ns;
}

/* Looks at all whose time it is; returns how long until the next, FOREVER_NS: there is none. */
static uint64_t round_of_looks(struct proactive_reclaim *r)
{
	uint64_t now = clock_mono_ns(), next_ns = FOREVER_NS;
	unsigned count = 0;

	for (int above = 1; above >= 0; above--)
		for (size_t i = 0; i < SCOPES_MAX && !r->cannot; i++) {
			struct scope *scope = &r->scopes[i];

			if (scope->cgroup.id && scope->next_ns <= now &&
			    (!above || is_above_request(scope)))
				look(r, scope);
		}
	for (size_t i = 0; i < SCOPES_MAX; i++) {
		struct scope *scope = &r->scopes[i];

		if (!scope->cgroup.id)
			continue;
		if (r->cannot) {
			let_go(scope);
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

	/* 0 is this thread alone: setpriority(2), "C library/kernel differences" */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	for (;;) {
		size_t len;
		const struct order *order = queue_wait_for(&r->orders, &len, wait_ns);

		if (order) {
			enum order_kind kind = order->kind;

			if (kind == ORDER_WATCH)
				watch(r, order);
			queue_pop(&r->orders);
			for (size_t i = 0; kind != ORDER_WATCH && i < SCOPES_MAX; i++)
				if (r->scopes[i].cgroup.id)
					let_go(&r->scopes[i]);
			if (kind == ORDER_END)
				return NULL;
		}
		wait_ns = round_of_looks(r);
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
	r->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = r->news_fd < 0 ? -errno : 0;
	if (!err)
		err = queue_init(&r->orders, sizeof(struct order), QUEUE_DEPTH);
	if (!err)
		err = queue_init(&r->news, sizeof(struct proactive_reclaim_event), QUEUE_DEPTH);
	if (!err)
		err = thread_start(&r->thread, "fo-reclaim", run, r);
	if (err) {
		queue_done(&r->orders);
		queue_done(&r->news);
		if (r->news_fd >= 0)
			close(r->news_fd);
		free(r);
		return err;
	}
	*ret = r;
	return 0;
}

bool proactive_reclaim_stop(struct proactive_reclaim *r, uint64_t timeout_ns)
{
	const struct order order = {.kind = ORDER_END};

	if (!r)
		return true;
	if (queue_push(&r->orders, &order, sizeof(order)) ||
	    thread_join(r->thread, thread_deadline(timeout_ns)))
		return false;
	queue_done(&r->orders);
	queue_done(&r->news);
	close(r->news_fd);
	free(r);
	return true;
}

int proactive_reclaim_watch(struct proactive_reclaim *r, uint64_t cgroup_id, double ratio)
{
	const struct order order = {ORDER_WATCH, cgroup_id, ratio};

	return queue_push(&r->orders, &order, sizeof(order));
}

int proactive_reclaim_forget(struct proactive_reclaim *r)
{
	const struct order order = {.kind = ORDER_FORGET};

	return queue_push(&r->orders, &order, sizeof(order));
}

struct proactive_reclaim_sums proactive_reclaim_sums(const struct proactive_reclaim *r)
{
	return (struct proactive_reclaim_sums){
		.scopes = atomic_load(&r->scope_count),
		.given_bytes = atomic_load(&r->given_bytes),
		.stops = atomic_load(&r->stops),
	};
}

int proactive_reclaim_fd(const struct proactive_reclaim *r)
{
	return r->news_fd;
}

bool proactive_reclaim_next(struct proactive_reclaim *r, struct proactive_reclaim_event *ret)
{
	struct proactive_reclaim_event *event;
	uint64_t count;
	size_t len;

	event = queue_try(&r->news, &len);
	if (!event) {
		/* what is told after this wakes again */
		if (read(r->news_fd, &count, sizeof(count)) < 0)
			return false;
		event = queue_try(&r->news, &len);
		if (!event)
			return false;
	}
	*ret = *event;
	queue_pop(&r->news);
	return true;
}

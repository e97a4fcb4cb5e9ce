// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/page_tracking.h"

#include <errno.h>
#include <sched.h>

#include "base/harden.h"
#include "base/worker.h"
#include "sense/loader.h"

/* Page tracking stays on this long after the last need: attaching takes tens of ms. */
#define LINGER_NS 10000000000ULL

struct request {
	struct page_tracking *tracking;
};

static void raise_priority(void *argument, size_t len)
{
	const struct sched_param param = {.sched_priority = HARDEN_PRIORITY};

	(void)argument;
	(void)len;
	/* 0 is this thread alone; harden() warns where it is not allowed */
	(void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param);
}

int page_tracking_start(struct page_tracking *tracking, struct loader *loader)
{
	int err;

	tracking->loader = loader;
	err = worker_start(&tracking->worker, "fo-tracking", sizeof(struct request), 4);
	return err ? err : worker_give(tracking->worker, raise_priority, NULL, 0);
}

bool page_tracking_stop(struct page_tracking *tracking, uint64_t timeout_ns)
{
	return worker_stop(tracking->worker, timeout_ns);
}

static void attach(void *argument, size_t len)
{
	struct page_tracking *tracking = ((struct request *)argument)->tracking;
	int err = loader_tracking_on(tracking->loader);

	(void)len;
	atomic_store(&tracking->error, err);
	atomic_store(&tracking->state, err ? TRACKING_FAILED : TRACKING_ON);
	if (!err)
		loader_tracking_extend(tracking->loader);
}

static void detach(void *argument, size_t len)
{
	(void)len;
	loader_tracking_off(((struct request *)argument)->tracking->loader);
}

enum tracking_state page_tracking_state(const struct page_tracking *tracking)
{
	return (enum tracking_state)atomic_load(&tracking->state);
}

int page_tracking_error(const struct page_tracking *tracking)
{
	return atomic_load(&tracking->error);
}

bool page_tracking_is_active(const struct page_tracking *tracking)
{
	enum tracking_state state = page_tracking_state(tracking);

	return state == TRACKING_ON || state == TRACKING_STARTING;
}

void page_tracking_manage(struct page_tracking *tracking, bool needed, uint64_t now_ns)
{
	struct request request = {tracking};

	if (needed)
		tracking->needed_ns = now_ns;
	switch (page_tracking_state(tracking)) {
	case TRACKING_FAILED:
		/* a hook that this kernel lacks will not come; memory for attaching it may */
		if (page_tracking_error(tracking) == -ENOENT ||
		    now_ns - tracking->tried_ns < LINGER_NS)
			return;
		/* fallthrough */
	case TRACKING_OFF:
		if (!needed)
			return;
		tracking->tried_ns = now_ns;
		atomic_store(&tracking->state, TRACKING_STARTING);
		if (worker_give(tracking->worker, attach, &request, sizeof(request)))
			atomic_store(&tracking->state, TRACKING_OFF);
		return;
	case TRACKING_ON:
		if (now_ns - tracking->needed_ns < LINGER_NS)
			return;
		atomic_store(&tracking->state, TRACKING_OFF);
		if (worker_give(tracking->worker, detach, &request, sizeof(request)))
			atomic_store(&tracking->state, TRACKING_ON);
		return;
	default:
		return;
	}
}

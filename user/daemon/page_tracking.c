// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/page_tracking.h"

#include <errno.h>
#include <sched.h>

#include "base/worker.h"
#include "daemon/daemon.h"
#include "daemon/harden.h"
#include "sense/loader.h"

/* The wide eyes stay open this long after the last need: attaching takes tens of ms. */
#define TRACKING_LINGER_NS 10000000000ULL

struct tracking_request {
	struct daemon *daemon;
};

static void hurry(void *argument, size_t len)
{
	const struct sched_param param = {.sched_priority = HARDEN_PRIORITY};

	(void)argument;
	(void)len;
	/* 0 is this thread alone; harden() warns where it is not allowed */
	(void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param);
}

int tracking_start(struct daemon *daemon)
{
	int err = worker_start(&daemon->opener, "fo-tracking", sizeof(struct tracking_request), 4);

	return err ? err : worker_give(daemon->opener, hurry, NULL, 0);
}

bool tracking_stop(struct daemon *daemon, uint64_t timeout_ns)
{
	return worker_stop(daemon->opener, timeout_ns);
}

static void tracking_attach(void *argument, size_t len)
{
	struct daemon *daemon = ((struct tracking_request *)argument)->daemon;
	int err = loader_tracking_on(daemon->loader);

	(void)len;
	atomic_store(&daemon->tracking_error, err);
	atomic_store(&daemon->tracking, err ? TRACKING_FAILED : TRACKING_ON);
	if (!err)
		loader_tracking_extend(daemon->loader);
}

static void tracking_detach(void *argument, size_t len)
{
	(void)len;
	loader_tracking_off(((struct tracking_request *)argument)->daemon->loader);
}

void tracking_manage(struct daemon *daemon, bool needed, uint64_t now_ns)
{
	struct tracking_request request = {daemon};

	if (needed)
		daemon->tracking_needed_ns = now_ns;
	switch (atomic_load(&daemon->tracking)) {
	case TRACKING_FAILED:
		/* a hook that this kernel lacks will not come; memory for attaching it may */
		if (atomic_load(&daemon->tracking_error) == -ENOENT ||
		    now_ns - daemon->tracking_tried_ns < TRACKING_LINGER_NS)
			return;
		/* fallthrough */
	case TRACKING_OFF:
		if (!needed)
			return;
		daemon->tracking_tried_ns = now_ns;
		atomic_store(&daemon->tracking, TRACKING_STARTING);
		if (worker_give(daemon->opener, tracking_attach, &request, sizeof(request)))
			atomic_store(&daemon->tracking, TRACKING_OFF);
		return;
	case TRACKING_ON:
		if (now_ns - daemon->tracking_needed_ns < TRACKING_LINGER_NS)
			return;
		atomic_store(&daemon->tracking, TRACKING_OFF);
		if (worker_give(daemon->opener, tracking_detach, &request, sizeof(request)))
			atomic_store(&daemon->tracking, TRACKING_ON);
	}
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/page_tracking.h"

#include <errno.h>
#include <sched.h>

#include "base/worker.h"
#include "daemon/daemon.h"
#include "daemon/harden.h"
#include "sense/loader.h"

/* The wide eyes stay open this long after the last need: attaching takes tens of ms. */
#define EYES_LINGER_NS 10000000000ULL

struct eyes_request {
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

int eyes_start(struct daemon *daemon)
{
	int err = worker_start(&daemon->opener, "fo-eyes", sizeof(struct eyes_request), 4);

	return err ? err : worker_give(daemon->opener, hurry, NULL, 0);
}

bool eyes_stop(struct daemon *daemon, uint64_t patience_ns)
{
	return worker_stop(daemon->opener, patience_ns);
}

static void eyes_attach(void *argument, size_t len)
{
	struct daemon *daemon = ((struct eyes_request *)argument)->daemon;
	int err = loader_eyes_open(daemon->loader);

	(void)len;
	atomic_store(&daemon->eyes_error, err);
	atomic_store(&daemon->eyes, err ? EYES_FAILED : EYES_OPEN);
	if (!err)
		loader_eyes_widen(daemon->loader);
}

static void eyes_detach(void *argument, size_t len)
{
	(void)len;
	loader_eyes_shut(((struct eyes_request *)argument)->daemon->loader);
}

void eyes_manage(struct daemon *daemon, bool needed, uint64_t now_ns)
{
	struct eyes_request request = {daemon};

	if (needed)
		daemon->eyes_needed_ns = now_ns;
	switch (atomic_load(&daemon->eyes)) {
	case EYES_FAILED:
		/* a hook that this kernel lacks will not come; memory for attaching it may */
		if (atomic_load(&daemon->eyes_error) == -ENOENT ||
		    now_ns - daemon->eyes_tried_ns < EYES_LINGER_NS)
			return;
		/* fallthrough */
	case EYES_SHUT:
		if (!needed)
			return;
		daemon->eyes_tried_ns = now_ns;
		atomic_store(&daemon->eyes, EYES_OPENING);
		if (worker_give(daemon->opener, eyes_attach, &request, sizeof(request)))
			atomic_store(&daemon->eyes, EYES_SHUT);
		return;
	case EYES_OPEN:
		if (now_ns - daemon->eyes_needed_ns < EYES_LINGER_NS)
			return;
		atomic_store(&daemon->eyes, EYES_SHUT);
		if (worker_give(daemon->opener, eyes_detach, &request, sizeof(request)))
			atomic_store(&daemon->eyes, EYES_OPEN);
	}
}

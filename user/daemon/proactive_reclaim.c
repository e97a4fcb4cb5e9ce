// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/proactive_reclaim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "act/proactive_reclaim.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/hot_scope.h"
#include "daemon/report.h"
#include "judge/config.h"

static bool is_wanted(const struct config *config)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (config->policies[i].proactive_reclaim > 0)
			return true;
	return false;
}

void daemon_reclaim_start(struct daemon_reclaim *reclaim, const struct config *config, int epoll_fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int err;

	if (reclaim->thread) {
		/* a cgroup that is still wanted hits its limit once more */
		(void)proactive_reclaim_forget(reclaim->thread);
		return;
	}
	if (reclaim->off || !is_wanted(config))
		return;
	err = proactive_reclaim_start(&reclaim->thread, reclaim->host);
	if (!err) {
		event.data.fd = proactive_reclaim_fd(reclaim->thread);
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
		return;
	}
	log_warn("proactive_reclaim: nothing is reclaimed: %s",
		 err == -EOPNOTSUPP ? "cgroup v1 cannot reclaim a given amount; it needs v2"
				    : strerror(-err));
}

bool daemon_reclaim_stop(struct daemon_reclaim *reclaim, uint64_t timeout_ns)
{
	return proactive_reclaim_stop(reclaim->thread, timeout_ns);
}

int daemon_reclaim_fd(const struct daemon_reclaim *reclaim)
{
	return reclaim->thread ? proactive_reclaim_fd(reclaim->thread) : -1;
}

void daemon_reclaim_watch(const struct daemon_reclaim *reclaim, const struct hot_scope *scope)
{
	const struct policy *policy = scope->policy;

	if (!reclaim->thread || !(policy->proactive_reclaim > 0) ||
	    report_is_dry_run(reclaim->reporter, scope))
		return;
	/* one that finds no room now is given again with its next limit hit */
	(void)proactive_reclaim_watch(reclaim->thread, scope->id, policy->proactive_reclaim);
}

static void describe(const struct proactive_reclaim_event *event, char *text, size_t size)
{
	char bytes[UNITS_TEXT_MAX];

	units_format_bytes(bytes, sizeof(bytes), event->reclaimed_bytes);
	switch (event->kind) {
	case PROACTIVE_RECLAIM_BEGAN:
		snprintf(text, size, "%s: is reclaimed proactively, before it reaches its limit",
			 event->path);
		break;
	case PROACTIVE_RECLAIM_PAUSED:
		snprintf(text, size,
			 "%s: proactive reclaim pauses for %.0f s: what it takes is read straight "
			 "back, or nothing can be taken; %s so far",
			 event->path, (double)event->backoff_ns / 1e9, bytes);
		break;
	case PROACTIVE_RECLAIM_ENDED:
		snprintf(text, size,
			 "%s: proactive reclaim ends, its usage no longer changes; %s were "
			 "reclaimed",
			 event->path, bytes);
		break;
	default:
		snprintf(text, size,
			 "proactive_reclaim: this kernel has no memory.reclaim (Linux 5.19): "
			 "nothing is reclaimed proactively");
	}
}

void daemon_reclaim_drain(const struct daemon_reclaim *reclaim)
{
	struct proactive_reclaim_event event;

	while (proactive_reclaim_next(reclaim->thread, &event)) {
		char text[CGROUP_PATH_MAX + 160];

		describe(&event, text, sizeof(text));
		if (event.kind == PROACTIVE_RECLAIM_UNSUPPORTED)
			log_warn("%s", text);
		else
			log_info("%s", text);
		report_message(reclaim->reporter, NULL, "proactive_reclaim", text);
	}
}

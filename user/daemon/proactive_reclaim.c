// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/proactive_reclaim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "act/proactive_reclaim.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "daemon/publish.h"
#include "daemon/watch.h"
#include "judge/config.h"

static bool is_wanted(const struct config *config)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (config->policies[i].proactive_reclaim > 0)
			return true;
	return false;
}

void daemon_reclaim_start(struct daemon *daemon)
{
	struct epoll_event event = {.events = EPOLLIN};
	int err;

	if (daemon->proactive_reclaim) {
		/* what is still wanted hits its limit once more */
		(void)proactive_reclaim_forget(daemon->proactive_reclaim);
		return;
	}
	if (!is_wanted(daemon->config) || daemon->options.record_path)
		return;
	err = proactive_reclaim_start(&daemon->proactive_reclaim, &daemon->host);
	if (!err) {
		event.data.fd = proactive_reclaim_fd(daemon->proactive_reclaim);
		(void)epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
		return;
	}
	log_warn("proactive_reclaim: nothing is reclaimed: %s",
		 err == -EOPNOTSUPP ? "cgroup v1 has nothing that reclaims a little; it needs v2"
				    : strerror(-err));
}

void daemon_reclaim_watch(struct daemon *daemon, const struct watch *watch)
{
	const struct policy *policy = watch->policy;

	if (!daemon->proactive_reclaim || !(policy->proactive_reclaim > 0) || policy->dry_run ||
	    daemon->options.dry_run)
		return;
	/* what finds no room now is there again with its next limit hit */
	(void)proactive_reclaim_watch(daemon->proactive_reclaim, watch->scope,
				      policy->proactive_reclaim);
}

void daemon_reclaim_drain(struct daemon *daemon)
{
	struct proactive_reclaim_event event;

	while (proactive_reclaim_next(daemon->proactive_reclaim, &event)) {
		char text[CGROUP_PATH_MAX + 160], bytes[UNITS_TEXT_MAX];

		units_format_bytes(bytes, sizeof(bytes), event.given_bytes);
		switch (event.news) {
		case PROACTIVE_RECLAIM_BEGAN:
			snprintf(text, sizeof(text),
				 "%s: is reclaimed proactively, before it reaches its limit",
				 event.path);
			break;
		case PROACTIVE_RECLAIM_PAUSED:
			snprintf(text, sizeof(text),
				 "%s: proactive reclaim pauses for %.0f s: what it takes is read "
				 "straight back, or nothing can be taken; %s so far",
				 event.path, (double)event.backoff_ns / 1e9, bytes);
			break;
		case PROACTIVE_RECLAIM_ENDED:
			snprintf(text, sizeof(text),
				 "%s: proactive reclaim ends, its usage no longer changes; %s "
				 "were reclaimed",
				 event.path, bytes);
			break;
		default:
			snprintf(text, sizeof(text),
				 "proactive_reclaim: this kernel has no memory.reclaim (Linux "
				 "5.19): nothing is reclaimed proactively");
		}
		if (event.news == PROACTIVE_RECLAIM_UNSUPPORTED)
			log_warn("%s", text);
		else
			log_info("%s", text);
		report_message(daemon, NULL, "proactive_reclaim", text);
	}
	/* nothing else is hot perhaps, and then nobody ticks */
	publish(daemon);
}

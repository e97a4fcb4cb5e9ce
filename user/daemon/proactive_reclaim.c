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
		if (config->policies[i].background_reclaim > 0)
			return true;
	return false;
}

void background_start(struct daemon *daemon)
{
	struct epoll_event event = {.events = EPOLLIN};
	int err;

	if (daemon->reclaimer) {
		/* what is still wanted hits its limit once more */
		(void)reclaimer_forget(daemon->reclaimer);
		return;
	}
	if (!is_wanted(daemon->config) || daemon->options.record_path)
		return;
	err = reclaimer_start(&daemon->reclaimer, &daemon->host);
	if (!err) {
		event.data.fd = reclaimer_fd(daemon->reclaimer);
		(void)epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
		return;
	}
	log_warn("background_reclaim: nothing is reclaimed: %s",
		 err == -EOPNOTSUPP ? "cgroup v1 has nothing that reclaims a little; it needs v2"
				    : strerror(-err));
}

void background_watch(struct daemon *daemon, const struct watch *watch)
{
	const struct policy *policy = watch->policy;

	if (!daemon->reclaimer || !(policy->background_reclaim > 0) || policy->dry_run ||
	    daemon->options.dry_run)
		return;
	/* what finds no room now is there again with its next limit hit */
	(void)reclaimer_watch(daemon->reclaimer, watch->scope, policy->background_reclaim);
}

void background_drain(struct daemon *daemon)
{
	struct reclaimer_event event;

	while (reclaimer_next(daemon->reclaimer, &event)) {
		char text[CGROUP_PATH_MAX + 160], bytes[UNITS_TEXT_MAX];

		units_format_bytes(bytes, sizeof(bytes), event.given_bytes);
		switch (event.news) {
		case RECLAIMER_BEGAN:
			snprintf(text, sizeof(text),
				 "%s: is reclaimed from in the background, before its limit",
				 event.path);
			break;
		case RECLAIMER_STOPPED:
			snprintf(text, sizeof(text),
				 "%s: is not reclaimed from in the background for %.0f s: what is "
				 "taken comes straight back, or nothing can be; %s so far",
				 event.path, (double)event.backoff_ns / 1e9, bytes);
			break;
		case RECLAIMER_ENDED:
			snprintf(text, sizeof(text),
				 "%s: moves no more, and is let go; %s were reclaimed in the "
				 "background",
				 event.path, bytes);
			break;
		default:
			snprintf(text, sizeof(text),
				 "background_reclaim: this kernel has no memory.reclaim (Linux "
				 "5.19): nothing is reclaimed in the background");
		}
		if (event.news == RECLAIMER_CANNOT)
			log_warn("%s", text);
		else
			log_info("%s", text);
		note_message(daemon, NULL, "background", text);
	}
	/* nothing else is hot perhaps, and then nobody ticks */
	publish(daemon);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * proactive_reclaim: the daemon's side of the key `proactive_reclaim`: starts the thread that
 * reclaims, gives it the cgroups that hit their limit, and reports what it did.
 *
 * Purity:    never waits.
 * Errors:    logged.
 * Ownership: daemon_reclaim_stop() takes the thread; everything else is borrowed.
 */
#ifndef FASTOOM_DAEMON_PROACTIVE_RECLAIM_H
#define FASTOOM_DAEMON_PROACTIVE_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup_host;
struct config;
struct hot_scope;
struct proactive_reclaim;
struct reporter;

struct daemon_reclaim {
	struct proactive_reclaim *thread; /* NULL: no policy asks for it, or this host cannot */
	const struct cgroup_host *host;
	const struct reporter *reporter;
	bool off; /* a recorder changes nothing */
};

/*
 * Where a policy of @config asks for it; again after each reload. Adds its descriptor to
 * @epoll_fd.
 */
void daemon_reclaim_start(struct daemon_reclaim *reclaim, const struct config *config,
			  int epoll_fd);
/* False: the thread is in the kernel and did not end within @timeout_ns; the host must stay. */
bool daemon_reclaim_stop(struct daemon_reclaim *reclaim, uint64_t timeout_ns);
/* -1: there is no thread. */
int daemon_reclaim_fd(const struct daemon_reclaim *reclaim);
/* A scope hit its limit. */
void daemon_reclaim_watch(const struct daemon_reclaim *reclaim, const struct hot_scope *scope);
/* Reports what the thread did. */
void daemon_reclaim_drain(const struct daemon_reclaim *reclaim);

#endif /* FASTOOM_DAEMON_PROACTIVE_RECLAIM_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * background: the daemon's side of `proactive_reclaim`: starts the thread that reclaims, gives it
 * the cgroups that hit their limit, and tells what it did.
 *
 * Purity:    the daemon's; never waits.
 * Errors:    told in the log.
 */
#ifndef FASTOOM_DAEMON_PROACTIVE_RECLAIM_H
#define FASTOOM_DAEMON_PROACTIVE_RECLAIM_H

struct daemon;
struct watch;

/* Where a policy asks for it; again after each reload. */
void daemon_reclaim_start(struct daemon *daemon);
/* A scope hit its limit. */
void daemon_reclaim_watch(struct daemon *daemon, const struct watch *watch);
/* There is news. */
void daemon_reclaim_drain(struct daemon *daemon);

#endif /* FASTOOM_DAEMON_PROACTIVE_RECLAIM_H */

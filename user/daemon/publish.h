/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * publish: what the daemon sees, copied out for those who read the control socket.
 *
 * Purity:    memory only; see tell/control.h for why nothing here can wait.
 * Errors:    none: without a socket nothing is published.
 */
#ifndef FASTOOM_DAEMON_PUBLISH_H
#define FASTOOM_DAEMON_PUBLISH_H

#include <stddef.h>

struct candidate;
struct daemon;
struct watch;

/* At the end of a tick, and whenever something else of it changed. */
void publish(struct daemon *daemon);

/* Who of these, just listed, would die next; only while somebody wants to know. */
void publish_next(struct daemon *daemon, struct watch *watch, const struct candidate *candidates,
		  size_t n);

#endif /* FASTOOM_DAEMON_PUBLISH_H */

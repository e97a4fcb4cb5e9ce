/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * publish: copies what the daemon sees for the clients of the control socket.
 *
 * Purity:    memory only; see tell/control.h for why nothing here can wait.
 * Units:     as in tell/snapshot.h.
 * Errors:    none: without a socket nothing is published.
 * Ownership: everything is borrowed from the daemon.
 */
#ifndef FASTOOM_DAEMON_PUBLISH_H
#define FASTOOM_DAEMON_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

struct control;
struct daemon_reclaim;
struct watches;

struct publisher {
	struct control *control; /* NULL: there is no socket */
	const struct watches *watches;
	const struct daemon_reclaim *reclaim;
	const char *config_path; /* in force; NULL: built in */
	const char *events_path; /* "": none */
	uint64_t started_ns;
	uint64_t maps_bytes; /* of all BPF maps; they do not change */
	int cgroup_version;
	bool dry_run;
};

/* @hot: the tick runs. @lost: what losses_report() counted so far. */
void publish(const struct publisher *publisher, bool hot, uint64_t lost);

#endif /* FASTOOM_DAEMON_PUBLISH_H */

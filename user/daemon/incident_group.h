/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * incident_group: the processes that die together with a victim: chosen, signalled, followed.
 *
 * A member that must not die (protected, not known whether it is, spared PID 1) is spared and
 * named in the record, and the others die. More than the policy's max_victims: only the victim.
 *
 * Purity:    lists processes and sends signals.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    none; a group that cannot be listed is GROUP_NOT_LISTED, never gone.
 */
#ifndef FASTOOM_DAEMON_INCIDENT_GROUP_H
#define FASTOOM_DAEMON_INCIDENT_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct candidate;
struct hot_scope;
struct incident;
struct incident_parts;

enum group_state {
	GROUP_GONE,	 /* but for spared members */
	GROUP_ALIVE,	 /* members that were signalled are still there */
	GROUP_UNDECIDED, /* of the rest it is not known yet whether they may die */
	GROUP_NOT_LISTED,
};

/* What dies with incident->victims[0]; @candidates are the scope's processes. */
void incident_choose_group(struct incident_parts *parts, struct incident *incident,
			   const struct hot_scope *scope, const struct candidate *candidates,
			   size_t n, uint64_t now_ns);
/* Signals the other members as they are now: SIGTERM if @term, else SIGKILL. */
void incident_signal_group(struct incident_parts *parts, struct incident *incident,
			   const struct hot_scope *scope, bool term, uint64_t now_ns);
/* Signals what was forked meanwhile, too. */
enum group_state incident_look_at_group(struct incident_parts *parts, struct incident *incident,
					const struct hot_scope *scope, uint64_t now_ns);
/* Whether all processes of the victim's cgroup may be stopped: then they may also die. */
bool incident_may_stop_cgroup(struct incident_parts *parts, struct incident *incident,
			      const struct hot_scope *scope, uint64_t now_ns);

#endif /* FASTOOM_DAEMON_INCIDENT_GROUP_H */

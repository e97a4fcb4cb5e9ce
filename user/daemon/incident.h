/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * incident: one action against a Near-OOM, from the verdict to the record of its outcome. This is
 * the decision path: it allocates nothing, forks nothing and waits for nothing. Reclaiming,
 * freeing a victim's memory, writing and notifying are the work of other threads or processes.
 *
 * Purity:    drives the scope's case with system calls; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    an incident always has an outcome, which is recorded.
 * Ownership: the parts are borrowed from the daemon; an incident copies what it needs of its
 *            victims.
 */
#ifndef FASTOOM_DAEMON_INCIDENT_H
#define FASTOOM_DAEMON_INCIDENT_H

#include <stdint.h>

struct hot_scope;
struct incident;
struct incident_parts;
struct judgement;

/* Acts on @scope. May end at once, with its record written. */
void incident_begin(struct incident_parts *parts, struct incident *incident,
		    struct hot_scope *scope, const struct judgement *judgement, uint64_t now_ns);

/* Looks after an open one; ends and records it when its victim is gone or stuck. */
void incident_look(struct incident_parts *parts, struct incident *incident, struct hot_scope *scope,
		   uint64_t now_ns);

/* Ends an open one without a record: its scope is no longer watched. */
void incident_drop(struct incident_parts *parts, struct incident *incident,
		   struct hot_scope *scope);

#endif /* FASTOOM_DAEMON_INCIDENT_H */

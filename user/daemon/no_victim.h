/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * no_victim: tells that a scope is in Near-OOM and no process of it may be killed, and what holds
 * its memory.
 *
 * Purity:    reads memory.stat or meminfo; hands a record to the writer.
 * Units:     bytes.
 * Errors:    none: what cannot be read is missing in the record.
 * Ownership: everything is borrowed.
 */
#ifndef FASTOOM_DAEMON_NO_VICTIM_H
#define FASTOOM_DAEMON_NO_VICTIM_H

#include <stddef.h>

struct hot_scope;
struct incident_parts;
struct judgement;

/* The ranking of @parts has the @n processes of the scope, all of them excluded. */
void no_victim_report(struct incident_parts *parts, const struct hot_scope *scope,
		      const struct judgement *judgement, size_t n);

#endif /* FASTOOM_DAEMON_NO_VICTIM_H */

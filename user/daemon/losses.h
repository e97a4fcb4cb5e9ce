/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * losses: everything that was dropped, wherever: reported when it grows, and at the end.
 *
 * Purity:    reads counters.
 * Units:     counts.
 * Errors:    none.
 * Ownership: everything is borrowed.
 */
#ifndef FASTOOM_DAEMON_LOSSES_H
#define FASTOOM_DAEMON_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

struct ingest;
struct loader;
struct mutes;
struct reporter;
struct trace_store;

struct losses {
	const struct loader *loader;
	const struct ingest *ingest;
	const struct trace_store *trace_store; /* NULL: there is none */
	const struct mutes *mutes;
	const struct reporter *reporter;
	uint64_t reported;
};

/* @scopes_refused: hot scopes that found no place. @end: the daemon ends; report in any case. */
void losses_report(struct losses *losses, uint64_t scopes_refused, bool end);

#endif /* FASTOOM_DAEMON_LOSSES_H */

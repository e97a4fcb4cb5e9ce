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
struct watches_full;

struct losses {
	const struct loader *loader;
	const struct ingest *ingest;
	const struct trace_store *trace_store; /* NULL: there is none */
	const struct mutes *mutes;
	const struct reporter *reporter;
	uint64_t all;	      /* losses of every kind, up to the latest call */
	uint64_t reported;    /* losses, up to the latest report */
	uint64_t reported_ns; /* when that was; 0: never */
};

/* Reports new losses, at most once in 10 s. @end: the daemon ends; reports in any case. */
void losses_report(struct losses *losses, const struct watches_full *full, uint64_t now_ns,
		   bool end);

#endif /* FASTOOM_DAEMON_LOSSES_H */

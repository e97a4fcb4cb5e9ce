// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/losses.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/mutes.h"
#include "daemon/report.h"
#include "daemon/watch.h"
#include "event.h"
#include "sense/ingest.h"
#include "sense/loader.h"
#include "tell/trace_store.h"
#include "tell/writer.h"

/* Chosen: a tenant can cause losses without end. */
#define REPORT_EVERY_NS 10000000000ULL

static uint64_t kernel_losses(const struct fo_counters *c)
{
	return c->events_dropped + c->scopes_full + c->hot_full + c->tasks_full + c->waits_full +
	       c->processes_full;
}

void losses_report(struct losses *l, const struct watches_full *full, uint64_t now_ns, bool end)
{
	const struct writer *writer = l->reporter->writer;
	uint64_t failed, malformed, not_traced;
	struct fo_counters c;
	char text[1536];
	int error, trace_error;

	loader_counters(l->loader, &c);
	failed = writer_failed(writer, &error);
	malformed = ingest_malformed(l->ingest);
	not_traced = trace_store_lost(l->trace_store, &trace_error);
	l->all = kernel_losses(&c) + failed + writer_dropped(writer) + malformed + not_traced +
		 l->mutes->failed + full->refused + full->displaced;
	if (!end && (l->all == l->reported ||
		     (l->reported_ns && now_ns - l->reported_ns < REPORT_EVERY_NS)))
		return;
	l->reported = l->all;
	l->reported_ns = now_ns;
	snprintf(
		text, sizeof(text),
		"reclaims begun: direct %llu, at a limit %llu (proactive: %llu), soft %llu; "
		"events sent %llu, dropped %llu, malformed %llu; "
		"full tables: scopes %llu, hot %llu, tasks %llu, waits %llu, processes %llu; "
		"scopes not watched: no place %llu, displaced %llu%s%s; "
		"stalls: end without begin %llu, end missed %llu, ended by exit %llu, by the check %llu; "
		"waits without end %llu; "
		"programs skipped %llu; map changes refused %llu%s%s; "
		"records dropped %llu, not written %llu%s%s; "
		"not traced %llu%s%s",
		c.direct_begins, c.limit_begins, c.begins_proactive, c.soft_begins, c.events_sent,
		c.events_dropped, (unsigned long long)malformed, c.scopes_full, c.hot_full,
		c.tasks_full, c.waits_full, c.processes_full, (unsigned long long)full->refused,
		(unsigned long long)full->displaced, *full->path ? ", the latest " : "", full->path,
		c.ends_unpaired, c.ends_missed, c.exits_open, c.stalls_forgotten, c.waits_missed,
		(unsigned long long)loader_recursion_misses(l->loader),
		(unsigned long long)l->mutes->failed, l->mutes->error ? ": " : "",
		l->mutes->error ? strerror(-l->mutes->error) : "",
		(unsigned long long)writer_dropped(writer), (unsigned long long)failed,
		failed ? ": " : "", failed ? strerror(error) : "", (unsigned long long)not_traced,
		trace_error ? ": " : "", trace_error ? strerror(trace_error) : "");
	if (end) {
		log_info("%s", text);
		report_message(l->reporter, NULL, "stop", text);
		return;
	}
	log_warn("measurements or records were lost: %s", text);
	report_message(l->reporter, NULL, "error", text);
}

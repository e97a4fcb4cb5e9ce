// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/losses.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/mutes.h"
#include "daemon/report.h"
#include "event.h"
#include "sense/ingest.h"
#include "sense/loader.h"
#include "tell/trace_store.h"
#include "tell/writer.h"

static uint64_t kernel_losses(const struct fo_counters *c)
{
	return c->events_dropped + c->scopes_full + c->hot_full + c->tasks_full + c->waits_full +
	       c->processes_full;
}

void losses_report(struct losses *l, uint64_t scopes_refused, bool end)
{
	const struct writer *writer = l->reporter->writer;
	uint64_t failed, malformed, not_traced, all;
	struct fo_counters c;
	char text[768];
	int error, trace_error;

	loader_counters(l->loader, &c);
	failed = writer_failed(writer, &error);
	malformed = ingest_malformed(l->ingest);
	not_traced = trace_store_lost(l->trace_store, &trace_error);
	all = kernel_losses(&c) + failed + writer_dropped(writer) + malformed + not_traced +
	      l->mutes->failed;
	if (!end && all == l->reported)
		return;
	l->reported = all;
	snprintf(
		text, sizeof(text),
		"reclaims begun: direct %llu, at a limit %llu (proactive: %llu), soft %llu; "
		"events sent %llu, dropped %llu, malformed %llu; "
		"full tables: scopes %llu, hot %llu, tasks %llu, waits %llu, processes %llu, "
		"hot scopes of the daemon %llu; "
		"stalls: end without begin %llu, end missed %llu, ended by exit %llu, by the check %llu; "
		"waits without end %llu; "
		"programs skipped %llu; map changes refused %llu%s%s; "
		"records dropped %llu, not written %llu%s%s; "
		"not traced %llu%s%s",
		c.direct_begins, c.limit_begins, c.begins_proactive, c.soft_begins, c.events_sent,
		c.events_dropped, (unsigned long long)malformed, c.scopes_full, c.hot_full,
		c.tasks_full, c.waits_full, c.processes_full, (unsigned long long)scopes_refused,
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

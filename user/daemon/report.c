// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "sense/ingest.h"
#include "sense/loader.h"
#include "tell/trace_store.h"
#include "tell/writer.h"

struct record_head report_head(const struct daemon *daemon, const struct watch *watch, uint64_t id)
{
	struct record_head head = {
		.wall_ns = clock_wall_ns(),
		.mono_ns = clock_mono_ns(),
		.id = id,
		.dry_run = daemon->options.dry_run || (watch && watch->policy->dry_run),
	};

	if (watch) {
		head.policy = watch->policy->name;
		head.scope_kind = watch->scope == FO_SCOPE_NODE ? "node"
				  : watch->names.in_pod		? "pod"
								: "cgroup";
		head.scope_path = watch->names.path;
		head.scope_id = watch->scope;
		head.pod = watch->names.pod;
		head.namespace = watch->names.namespace;
		head.container = watch->names.container;
		head.pod_uid = watch->names.in_pod ? watch->pod_path.uid : NULL;
	}
	return head;
}

void report_message(struct daemon *daemon, const struct watch *watch, const char *event,
		    const char *message)
{
	struct record_head head = report_head(daemon, watch, 0);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_message(line, sizeof(line), &head, event, message, &len))
		(void)writer_event(daemon->writer, line, len);
}

void report_verdict(struct daemon *daemon, const struct watch *watch, const char *event,
		    const struct verdict *verdict, const struct evidence *evidence)
{
	struct record_head head = report_head(daemon, watch, 0);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_verdict(line, sizeof(line), &head, event, verdict, evidence, &len))
		(void)writer_event(daemon->writer, line, len);
}

static uint64_t losses_of(const struct fo_counters *c)
{
	return c->events_dropped + c->scopes_full + c->hot_full + c->tasks_full + c->waits_full;
}

/* What was lost, wherever: shown when it grows, and at the end. */
void report_losses(struct daemon *daemon, bool always)
{
	uint64_t failed, losses, not_traced;
	struct fo_counters c;
	char text[768];
	int error, trace_error;

	loader_counters(daemon->loader, &c);
	failed = writer_failed(daemon->writer, &error);
	not_traced = trace_store_lost(daemon->trace_store, &trace_error);
	losses = losses_of(&c) + failed + writer_dropped(daemon->writer) +
		 ingest_malformed(daemon->ingest) + not_traced;
	if (!always && losses == daemon->losses_told)
		return;
	daemon->losses_told = losses;
	snprintf(text, sizeof(text),
		 "reclaims begun: direct %llu, at a limit %llu (asked for: %llu), soft %llu; "
		 "events sent %llu, dropped %llu, malformed %llu; "
		 "no place for: scope %llu, hot %llu, task %llu, wait %llu, hot scopes %llu; "
		 "ends unpaired %llu, missed %llu, at exit %llu, of waits %llu; "
		 "programs skipped %llu; records dropped %llu, not written %llu%s%s; "
		 "not recorded %llu%s%s",
		 c.direct_begins, c.limit_begins, c.begins_proactive, c.soft_begins, c.events_sent,
		 c.events_dropped, (unsigned long long)ingest_malformed(daemon->ingest),
		 c.scopes_full, c.hot_full, c.tasks_full, c.waits_full,
		 (unsigned long long)daemon->watches_full, c.ends_unpaired, c.ends_missed,
		 c.exits_open, c.waits_missed,
		 (unsigned long long)loader_recursion_misses(daemon->loader),
		 (unsigned long long)writer_dropped(daemon->writer), (unsigned long long)failed,
		 failed ? ": " : "", failed ? strerror(error) : "", (unsigned long long)not_traced,
		 trace_error ? ": " : "", trace_error ? strerror(trace_error) : "");
	if (!always) {
		log_warn("something was lost: %s", text);
		report_message(daemon, NULL, "error", text);
	} else {
		log_info("%s", text);
		report_message(daemon, NULL, "stop", text);
	}
}

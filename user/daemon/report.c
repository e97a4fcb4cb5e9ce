// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/report.h"

#include "base/clock.h"
#include "daemon/hot_scope.h"
#include "judge/config.h"
#include "tell/writer.h"

bool report_is_dry_run(const struct reporter *reporter, const struct hot_scope *scope)
{
	return reporter->dry_run || (scope && scope->policy->dry_run);
}

struct record_head report_head(const struct reporter *reporter, const struct hot_scope *scope,
			       uint64_t id)
{
	struct record_head head = {
		.wall_ns = clock_wall_ns(),
		.mono_ns = clock_mono_ns(),
		.id = id,
		.dry_run = report_is_dry_run(reporter, scope),
	};

	if (scope) {
		head.policy = scope->policy->name;
		head.scope_kind = hot_scope_is_node(scope) ? "node"
				  : scope->names.in_pod	   ? "pod"
							   : "cgroup";
		head.scope_path = scope->names.path;
		head.scope_id = scope->id;
		head.pod = scope->names.pod;
		head.namespace = scope->names.namespace;
		head.container = scope->names.container;
		head.pod_uid = scope->names.in_pod ? scope->pod_path.uid : NULL;
	}
	return head;
}

void report_message(const struct reporter *reporter, const struct hot_scope *scope,
		    const char *event, const char *message)
{
	struct record_head head = report_head(reporter, scope, 0);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_message(line, sizeof(line), &head, event, message, &len))
		(void)writer_event(reporter->writer, line, len);
}

void report_verdict(const struct reporter *reporter, const struct hot_scope *scope,
		    const char *event, const struct verdict *verdict,
		    const struct evidence *evidence)
{
	struct record_head head = report_head(reporter, scope, 0);
	char line[WRITER_LINE_MAX];
	size_t len;

	if (!record_verdict(line, sizeof(line), &head, event, verdict, evidence, &len))
		(void)writer_event(reporter->writer, line, len);
}

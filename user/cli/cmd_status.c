// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* status: what the daemon sees right now, from the control socket. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/event_text.h"
#include "base/exit.h"
#include "client/reader.h"

struct status_options {
	const char *socket_path;
	bool json;
};

static const struct option_spec options[] = {
	{"json", 'j', NULL, "one JSON object instead of lines", option_switch, NULL,
	 offsetof(struct status_options, json)},
	{"socket", 's', "FILE", "the control socket (default: /run/fastoom-bpf/control.sock)",
	 option_text, "a path", offsetof(struct status_options, socket_path)},
};

static void print_scope(const json_t *scope)
{
	char name[EVENT_SCOPE_MAX], comm[64], size[UNITS_TEXT_MAX];
	double pid = event_get_number(scope, "next_victim.pid", 0);

	printf("  %s: risk %.2f, level %.0f %%, %.0f %% of its tasks' time lost; policy %s%s: %s, "
	       "%s\n",
	       event_scope_name(name, sizeof(name), scope), event_get_number(scope, "risk", NAN),
	       event_get_number(scope, "evidence.level", NAN) * 100,
	       event_get_number(scope, "evidence.lost_share", 0) * 100,
	       event_get_text(scope, "policy", "?"),
	       json_is_true(json_object_get(scope, "acts")) ? "" : " (warns only)",
	       event_get_text(scope, "verdict", "?"), event_get_text(scope, "reason", "?"));
	if (pid > 0)
		printf("    next to die: %s[%.0f], %s\n",
		       event_clean(comm, sizeof(comm),
				   event_get_text(scope, "next_victim.comm", "?")),
		       pid,
		       units_format_bytes(
			       size, sizeof(size),
			       (uint64_t)event_get_number(scope, "next_victim.freeable_bytes", 0)));
}

static void print_status(const json_t *status)
{
	const json_t *scopes = json_object_get(status, "scopes"), *scope;
	char since[UNITS_TEXT_MAX], bytes[UNITS_TEXT_MAX];
	double started_ns = event_get_number(status, "daemon.started_mono_ns", 0);
	size_t i;

	units_format_duration(since, sizeof(since),
			      (uint64_t)((double)clock_mono_ns() - started_ns));
	printf("fastoom-bpf runs, pid %.0f, for %s%s\n", event_get_number(status, "daemon.pid", 0),
	       since,
	       json_is_true(json_object_get(json_object_get(status, "daemon"), "dry_run"))
		       ? ", dry run: nothing is killed"
		       : "");
	printf("configuration: %s\nevents: %s\n",
	       event_get_text(status, "daemon.config", "built in"),
	       event_get_text(status, "daemon.events", "nowhere but the log"));
	if (json_object_get(json_object_get(status, "daemon"), "proactive_reclaim")) {
		units_format_bytes(bytes, sizeof(bytes),
				   (uint64_t)event_get_number(
					   status, "daemon.proactive_reclaim.reclaimed_bytes", 0));
		printf("reclaimed in the background: %s, stopped %.0f times, looked after now: "
		       "%.0f cgroups\n",
		       bytes, event_get_number(status, "daemon.proactive_reclaim.stops", 0),
		       event_get_number(status, "daemon.proactive_reclaim.scopes", 0));
	}
	if (event_get_number(status, "daemon.lost", 0) > 0)
		printf("lost: %.0f (fastoom-bpf events --kind error tells what)\n",
		       event_get_number(status, "daemon.lost", 0));
	if (json_object_get(json_object_get(status, "daemon"), "not_watched"))
		printf("not watched, because all places were taken: %.0f times, displaced %.0f "
		       "times, the latest %s\n",
		       event_get_number(status, "daemon.not_watched.refused", 0),
		       event_get_number(status, "daemon.not_watched.displaced", 0),
		       event_get_text(status, "daemon.not_watched.latest", "none"));
	if (!json_array_size(scopes)) {
		puts("nothing reclaims memory");
		return;
	}
	printf("these reclaim memory (page tracking: %s):\n",
	       event_get_text(status, "daemon.page_tracking", "?"));
	json_array_foreach((json_t *)scopes, i, scope) print_scope(scope);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct status_options chosen = {0};
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);
	char why[512];
	json_t *status;

	if (code >= 0)
		return code;
	err = reader_status(chosen.socket_path, &status);
	if (err) {
		reader_explain(err, chosen.socket_path, why, sizeof(why));
		log_error("%s", why);
		return EXIT_FAILED;
	}
	if (chosen.json) {
		json_dumpf(status, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	} else {
		print_status(status);
	}
	json_decref(status);
	return EXIT_OK;
}

const struct command command_status = {
	.name = "status",
	.summary = "Tell what the daemon sees right now.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

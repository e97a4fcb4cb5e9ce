// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
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
#include "client/words.h"

struct status_options {
	const char *socket_path;
	bool json;
};

static const struct option_spec options[] = {
	{"json", 'j', NULL, "print one JSON object", option_switch, NULL,
	 offsetof(struct status_options, json)},
	{"socket", 's', "FILE", "the control socket (default: /run/fastoom-bpf/control.sock)",
	 option_text, "a path", offsetof(struct status_options, socket_path)},
};

static void print_scope(const json_t *scope)
{
	char name[EVENT_SCOPE_MAX], process[96], size[UNITS_TEXT_MAX];
	const char *reason = event_get_text(scope, "reason", "?");
	const json_t *next = json_object_get(scope, "next_victim");
	double risk = event_get_number(scope, "risk", NAN);
	struct words words = {0};

	event_add_evidence(&words, scope);
	printf("  %s: ", event_scope_name(name, sizeof(name), scope));
	if (isnan(risk))
		printf("risk not known%s\n", words.text);
	else
		printf("risk %.2f%s\n", risk, words.text);
	printf("    policy %s%s: %s (%s)\n", event_get_text(scope, "policy", "?"),
	       !json_is_true(json_object_get(scope, "acts"))	 ? " (only warns)"
	       : json_is_true(json_object_get(scope, "dry_run")) ? " (dry run)"
								 : "",
	       event_reason_words(reason), reason);
	if (next)
		printf("    next victim: %s, %s freeable\n",
		       event_process(process, sizeof(process), next),
		       units_format_bytes(size, sizeof(size),
					  (uint64_t)event_get_number(next, "freeable_bytes", 0)));
}

static void print_proactive(const json_t *status)
{
	char bytes[UNITS_TEXT_MAX];

	if (!json_object_get(json_object_get(status, "daemon"), "proactive_reclaim"))
		return;
	units_format_bytes(
		bytes, sizeof(bytes),
		(uint64_t)event_get_number(status, "daemon.proactive_reclaim.reclaimed_bytes", 0));
	printf("proactive reclaim: %s so far, in %.0f cgroups now, stopped %.0f times\n", bytes,
	       event_get_number(status, "daemon.proactive_reclaim.scopes", 0),
	       event_get_number(status, "daemon.proactive_reclaim.stops", 0));
}

static void print_status(const json_t *status)
{
	const json_t *scopes = json_object_get(status, "scopes"), *scope;
	char since[UNITS_TEXT_MAX], bytes[UNITS_TEXT_MAX];
	double started_ns = event_get_number(status, "daemon.started_mono_ns", 0);
	size_t i;

	units_format_duration(since, sizeof(since),
			      (uint64_t)((double)clock_mono_ns() - started_ns));
	printf("fastoom-bpf is running, pid %.0f, for %s%s\n",
	       event_get_number(status, "daemon.pid", 0), since,
	       json_is_true(json_object_get(json_object_get(status, "daemon"), "dry_run"))
		       ? "; dry run: nothing is killed"
		       : "");
	printf("configuration: %s\nevents file: %s\n",
	       event_get_text(status, "daemon.config", "built in"),
	       event_get_text(status, "daemon.events", "none, events are in the log only"));
	units_format_bytes(bytes, sizeof(bytes),
			   (uint64_t)event_get_number(status, "daemon.maps_bytes", 0));
	printf("kernel memory of the BPF maps: %s\n", bytes);
	print_proactive(status);
	if (event_get_number(status, "daemon.lost", 0) > 0)
		printf("lost: %.0f events, records or samples; see: fastoom-bpf events --kind error\n",
		       event_get_number(status, "daemon.lost", 0));
	if (json_object_get(json_object_get(status, "daemon"), "not_watched"))
		printf("scopes not watched: %.0f times no place, %.0f times displaced, %.0f times "
		       "no place in the kernel; the latest: %s\n",
		       event_get_number(status, "daemon.not_watched.refused", 0),
		       event_get_number(status, "daemon.not_watched.displaced", 0),
		       event_get_number(status, "daemon.not_watched.table_full", 0),
		       event_get_text(status, "daemon.not_watched.latest", "none"));
	if (!json_array_size(scopes)) {
		puts("no scope reclaims memory");
		return;
	}
	printf("scopes that reclaim memory (page tracking: %s):\n",
	       event_get_text(status, "daemon.page_tracking", "?"));
	json_array_foreach((json_t *)scopes, i, scope) print_scope(scope);
	if (event_get_number(status, "scopes_omitted", 0) > 0)
		printf("  and %.0f more\n", event_get_number(status, "scopes_omitted", 0));
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
	.summary = "Show the present state of the daemon and its scopes.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

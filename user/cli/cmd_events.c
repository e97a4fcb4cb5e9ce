// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/events_file.h"
#include "client/events_print.h"

struct events_options {
	const char *file;
	const char *since;
	bool follow;
	struct events_filter filter;
};

static const struct option_spec options[] = {
	{"follow", 'f', NULL, "then print new records as they are written", option_switch, NULL,
	 offsetof(struct events_options, follow)},
	{"json", 'j', NULL, "print the records themselves, one JSON object a line", option_switch,
	 NULL, offsetof(struct events_options, filter.json)},
	{"since", 'S', "TIME", "only records since TIME: 10m (ago), 2026-11-25, 2026-11-25T03:00",
	 option_text, "a time", offsetof(struct events_options, since)},
	{"policy", 'p', "NAME", "only records of this policy; * and ? match", option_text, "a name",
	 offsetof(struct events_options, filter.policy)},
	{"pod", 'P', "NAME", "only records of this pod; * and ? match", option_text, "a name",
	 offsetof(struct events_options, filter.pod)},
	{"kind", 'k', "KIND,...",
	 "only these events: kill, kernel_kill, act, warn, recovered, error, ...", option_text,
	 "names of events", offsetof(struct events_options, filter.kinds)},
	{"file", 'e', "FILE", "the events file (default: the daemon's)", option_text, "a path",
	 offsetof(struct events_options, file)},
};

/* A duration before now, or a date with or without a time: local time, or UTC with a Z. */
static bool parse_since(const char *text, int64_t *ret_ms)
{
	static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					      "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	uint64_t ns;

	if (!units_parse_duration(text, &ns)) {
		*ret_ms = (int64_t)time(NULL) * 1000 - (int64_t)(ns / 1000000);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *rest = strptime(text, formats[i], &tm);

		if (!rest)
			continue;
		if (!strcmp(rest, "Z"))
			*ret_ms = (int64_t)timegm(&tm) * 1000;
		else if (!*rest)
			*ret_ms = (int64_t)mktime(&tm) * 1000;
		else
			continue;
		return true;
	}
	return false;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct events_options chosen = {0};
	struct events_file file;
	char path[4096];
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	chosen.filter.has_since = chosen.since != NULL;
	if (chosen.since && !parse_since(chosen.since, &chosen.filter.since_ms)) {
		log_error("events: --since %s: that is not a duration such as 10m, nor a time such "
			  "as 2026-11-25T03:00",
			  chosen.since);
		return EXIT_USAGE;
	}
	events_file_name(chosen.file, path, sizeof(path));
	err = events_file_open(&file, path);
	/* a user who cannot read the file can still read the socket */
	if (err && chosen.follow && !chosen.file)
		return events_listen(&chosen.filter);
	if (err) {
		log_error("%s: %s; %s", path, strerror(-err),
			  err == -EACCES ? "read it as root, or print new records with --follow"
			  : err == -ENOENT
				  ? "the daemon creates it when it starts: sudo fastoom-bpf run"
				  : "pass another one with --file");
		return EXIT_FAILED;
	}
	code = chosen.follow ? events_follow(&chosen.filter, &file, path)
			     : events_print(&chosen.filter, &file);
	if (file.bad)
		log_warn("%s: %zu lines are not records", path, file.bad);
	events_file_close(&file);
	return code;
}

const struct command command_events = {
	.name = "events",
	.summary = "Show what the daemon did, and the kernel's OOM kills.",
	.details = "Prints a line for each record: kills, kills by the kernel, warnings, "
		   "recoveries, reloads, errors.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

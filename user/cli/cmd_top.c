// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/top_batch.h"
#include "client/top_model.h"
#include "client/top_screen.h"

#define INTERVAL_LEAST_MS 100 /* the daemon's tick */

struct top_options {
	const char *root;
	const char *socket_path;
	const char *sort;
	const char *filter;
	const char *count;
	uint64_t interval_ns;
	bool once;
	bool batch;
	bool json;
	bool tree;
	bool ascii;
};

static const struct option_spec options[] = {
	{"once", '1', NULL, "print one table and exit", option_switch, NULL,
	 offsetof(struct top_options, once)},
	{"batch", 'b', NULL, "print a table in each interval", option_switch, NULL,
	 offsetof(struct top_options, batch)},
	{"json", 'j', NULL, "print a JSON object in each interval; with --once, one object",
	 option_switch, NULL, offsetof(struct top_options, json)},
	{"count", 'n', "N", "with --batch or --json: exit after N of them", option_text, "a number",
	 offsetof(struct top_options, count)},
	{"interval", 'd', "DURATION", "time between two refreshes (default: 1s)", option_duration,
	 "a duration such as 500ms or 2s", offsetof(struct top_options, interval_ns)},
	{"sort", 'o', "COLUMN", "risk, level, stall, thrash, growth, usage or name", option_text,
	 "a column", offsetof(struct top_options, sort)},
	{"filter", 'f', "TEXT", "only scopes whose name contains TEXT", option_text, "a text",
	 offsetof(struct top_options, filter)},
	{"tree", 't', NULL, "show cgroups below their parents", option_switch, NULL,
	 offsetof(struct top_options, tree)},
	{"ascii", 0, NULL, "print ASCII only", option_switch, NULL,
	 offsetof(struct top_options, ascii)},
	{"root", 0, "DIR", "read /proc and the cgroups below DIR, such as a copy of another host's",
	 option_text, "a path", offsetof(struct top_options, root)},
	{"socket", 's', "FILE", "the control socket (default: /run/fastoom-bpf/control.sock)",
	 option_text, "a path", offsetof(struct top_options, socket_path)},
};

static bool parse_sort(const char *text, enum top_sort *ret)
{
	for (int i = 0; i < TOP_SORTS_; i++)
		if (!strcmp(text, top_sort_name((enum top_sort)i))) {
			*ret = (enum top_sort)i;
			return true;
		}
	return false;
}

/* Each cgroup keeps a file descriptor open. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_in_mode(struct top_model *model, struct top_view *view,
		       const struct top_options *chosen, unsigned interval_ms)
{
	const char *no_color = getenv("NO_COLOR");
	const bool utf8 = !chosen->ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	const struct top_batch_options batch = {
		.json = chosen->json,
		.utf8 = utf8,
		.count = chosen->once	 ? 1
			 : chosen->count ? atol(chosen->count)
					 : 0,
		.interval_ns = chosen->interval_ns,
	};
	const struct top_screen_options screen = {
		.interval_ms = interval_ms,
		.utf8 = utf8,
		.color = !no_color || !*no_color,
	};

	if (chosen->once || chosen->batch || chosen->json)
		return top_batch_run(model, view, &batch);
	return top_screen_run(model, view, &screen);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct top_options chosen = {.interval_ns = 1000000000, .root = ""};
	struct top_view view = {0};
	struct top_model *model;
	unsigned interval_ms;
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	if (chosen.sort && !parse_sort(chosen.sort, &view.sort)) {
		log_error("top: --sort %s: that is not risk, level, stall, thrash, growth, usage "
			  "or name",
			  chosen.sort);
		return EXIT_USAGE;
	}
	if (chosen.count && atol(chosen.count) < 1) {
		log_error("top: --count %s: that is not a number from 1", chosen.count);
		return EXIT_USAGE;
	}
	if (chosen.filter)
		snprintf(view.filter, sizeof(view.filter), "%s", chosen.filter);
	view.tree = chosen.tree;
	setlocale(LC_ALL, "");
	/* JSON has decimal points in every language */
	setlocale(LC_NUMERIC, "C");
	raise_descriptors();
	interval_ms = (unsigned)(chosen.interval_ns / 1000000);
	if (interval_ms < INTERVAL_LEAST_MS)
		interval_ms = INTERVAL_LEAST_MS;
	err = top_model_new(&model, chosen.root, chosen.socket_path, interval_ms);
	if (err) {
		log_error("top: %s/proc/meminfo: %s; mount /proc", chosen.root, strerror(-err));
		return EXIT_HOST;
	}
	code = run_in_mode(model, &view, &chosen, interval_ms);
	top_model_free(model);
	return code;
}

const struct command command_top = {
	.name = "top",
	.summary = "Show the node and its cgroups live.",
	.details =
		"Shows the risk, the stalls, the level and the next victim of each scope (the node or a cgroup), and the latest kills. Needs no root. F1 explains the columns.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

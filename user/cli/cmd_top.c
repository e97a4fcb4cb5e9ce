// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* top: the scopes, live: in a terminal, or as text or JSON for scripts. */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "base/exit.h"
#include "client/top_model.h"
#include "client/top_screen.h"
#include "client/top_text.h"

#define BATCH_WIDTH 160 /* where neither the terminal nor COLUMNS says */

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
	{"once", '1', NULL, "print one table and leave", option_switch, NULL,
	 offsetof(struct top_options, once)},
	{"batch", 'b', NULL, "print tables, one each interval", option_switch, NULL,
	 offsetof(struct top_options, batch)},
	{"json", 'j', NULL, "print JSON, one object each interval; with --once one", option_switch,
	 NULL, offsetof(struct top_options, json)},
	{"count", 'n', "N", "with --batch or --json: so many, then leave", option_text, "a number",
	 offsetof(struct top_options, count)},
	{"interval", 'd', "DURATION", "between refreshes (default: 1s)", option_duration,
	 "a duration such as 500ms or 2s", offsetof(struct top_options, interval_ns)},
	{"sort", 'o', "COLUMN", "risk, level, stall, thrash, growth, usage or name", option_text,
	 "a column", offsetof(struct top_options, sort)},
	{"filter", 'f', "TEXT", "only scopes whose name has it", option_text, "a text",
	 offsetof(struct top_options, filter)},
	{"tree", 't', NULL, "cgroups below their parents", option_switch, NULL,
	 offsetof(struct top_options, tree)},
	{"ascii", 0, NULL, "no characters but ASCII", option_switch, NULL,
	 offsetof(struct top_options, ascii)},
	{"root", 0, "DIR", "read /proc and cgroups below DIR: a copy of another host's",
	 option_text, "a path", offsetof(struct top_options, root)},
	{"socket", 's', "FILE", "the control socket (default: /run/fastoom-bpf/control.sock)",
	 option_text, "a path", offsetof(struct top_options, socket_path)},
};

static unsigned width_of_output(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int width = columns ? atoi(columns) : 0;

	if (width < 20 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	return width < 20 ? BATCH_WIDTH : width > 500 ? 500 : (unsigned)width;
}

/* Without the filling at the end, which only a screen needs. */
static void print_line(char *line)
{
	size_t len = strlen(line);

	while (len && line[len - 1] == ' ')
		line[--len] = '\0';
	puts(line);
}

static void print_table(struct top_model *model, const struct top_view *view, bool utf8)
{
	struct top_layout layout;
	size_t n;
	struct top_row *rows = top_model_rows(model, &n);
	char line[TOP_LINE_MAX];

	top_layout(&layout, width_of_output(), utf8);
	print_line(top_node_line(line, sizeof(line), &layout, top_model_node(model)));
	print_line(top_head(line, sizeof(line), &layout));
	for (size_t i = 0; i < n; i++) {
		top_model_look(model, &rows[i]);
		print_line(top_line(line, sizeof(line), &layout, view, &rows[i]));
	}
	for (size_t i = 0; top_model_kill(model, i); i++)
		print_line(top_kill_line(line, sizeof(line), &layout, top_model_kill(model, i)));
}

static void put_number(struct json *json, const char *key, double value)
{
	if (!isnan(value))
		json_double(json, key, value);
}

static void put_row(struct json *json, const struct top_row *row)
{
	json_open_map(json, NULL);
	json_text(json, "kind", !*row->path ? "node" : row->in_pod ? "pod" : "cgroup");
	if (*row->path)
		json_text(json, "path", row->path);
	if (*row->namespace)
		json_text(json, "namespace", row->namespace);
	if (*row->pod)
		json_text(json, "pod", row->pod);
	if (*row->container)
		json_text(json, "container", row->container);
	json_bool(json, "watched", row->hot);
	put_number(json, "risk", row->risk);
	put_number(json, "stall_tasks", row->stall);
	put_number(json, "thrash_tasks", row->thrash);
	put_number(json, "lost_share", row->lost);
	put_number(json, "level", row->level);
	put_number(json, "growth_bytes_per_s", row->growth);
	put_number(json, "exhausted_s", row->exhausted_s);
	json_u64(json, "usage_bytes", row->usage_bytes);
	if (row->limit_bytes != UINT64_MAX)
		json_u64(json, "limit_bytes", row->limit_bytes);
	if (*row->policy)
		json_text(json, "policy", row->policy);
	if (*row->next)
		json_text(json, "next_victim", row->next);
	json_close_map(json);
}

static int print_json(struct top_model *model)
{
	/* not static: that would be locked in the daemon's memory */
	const size_t size = 4 * 1024 * 1024;
	_cleanup_free_ char *text = malloc(size);
	size_t n, len;
	struct top_row *rows = top_model_rows(model, &n);
	struct json json;

	if (!text)
		return EXIT_FAILED;
	json_begin(&json, text, size);
	json_u64(&json, "schema", 1);
	json_text(&json, "trouble", *top_model_trouble(model) ? top_model_trouble(model) : NULL);
	json_open_list(&json, "scopes");
	for (size_t i = 0; i < n; i++) {
		top_model_look(model, &rows[i]);
		put_row(&json, &rows[i]);
	}
	json_close_list(&json);
	json_u64(&json, "omitted", top_model_omitted(model));
	if (json_end(&json, &len)) {
		log_error("top: %zu scopes are more than %zu bytes of JSON", n, size);
		return EXIT_FAILED;
	}
	puts(text);
	return EXIT_OK;
}

static int print_all(struct top_model *model, const struct top_view *view,
		     const struct top_options *chosen, bool utf8)
{
	long left = chosen->once ? 1 : chosen->count ? atol(chosen->count) : -1;
	const struct timespec pause = {.tv_sec = (time_t)(chosen->interval_ns / 1000000000),
				       .tv_nsec = (long)(chosen->interval_ns % 1000000000)};

	for (;;) {
		int code = EXIT_OK;

		top_model_refresh(model, view);
		if (*top_model_trouble(model))
			log_warn("%s", top_model_trouble(model));
		if (chosen->json)
			code = print_json(model);
		else
			print_table(model, view, utf8);
		if (code != EXIT_OK)
			return code;
		if (fflush(stdout))
			return EXIT_FAILED;
		if (left > 0 && --left == 0)
			return *top_model_trouble(model) ? EXIT_FAILED : EXIT_OK;
		if (!chosen->json)
			putchar('\n');
		nanosleep(&pause, NULL);
	}
}

static bool parse_sort(const char *text, enum top_sort *ret)
{
	for (int i = 0; i < TOP_SORTS_; i++)
		if (!strcmp(text, top_sort_name((enum top_sort)i))) {
			*ret = (enum top_sort)i;
			return true;
		}
	return false;
}

/* A descriptor a cgroup is kept open. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct top_options chosen = {.interval_ns = 1000000000, .root = ""};
	const char *no_color = getenv("NO_COLOR");
	struct top_screen_options screen;
	struct top_view view = {0};
	struct top_model *model;
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);
	bool utf8;

	if (code >= 0)
		return code;
	if (chosen.sort && !parse_sort(chosen.sort, &view.sort)) {
		log_error(
			"top: --sort %s: that is not risk, level, stall, thrash, growth, usage or "
			"name",
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
	/* numbers of JSON have points */
	setlocale(LC_NUMERIC, "C");
	utf8 = !chosen.ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	raise_descriptors();
	screen = (struct top_screen_options){
		.interval_ms = (unsigned)(chosen.interval_ns / 1000000),
		.utf8 = utf8,
		.color = !no_color || !*no_color,
	};
	if (screen.interval_ms < 100)
		screen.interval_ms = 100;
	err = top_model_new(&model, chosen.root, chosen.socket_path, screen.interval_ms);
	if (err) {
		log_error("top: %s/proc/meminfo: %s; mount /proc", chosen.root, strerror(-err));
		return EXIT_HOST;
	}
	if (chosen.once || chosen.batch || chosen.json)
		code = print_all(model, &view, &chosen, utf8);
	else
		code = top_screen_run(model, &view, &screen);
	top_model_free(model);
	return code;
}

const struct command command_top = {
	.name = "top",
	.summary = "Show the node and its cgroups live: risk, stall, level, who would die next.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "client/top_daemon.h"
#include "client/top_model.h"
#include "client/top_text.h"

/* Columns, where neither COLUMNS nor the terminal says. */
#define WIDTH_DEFAULT 160
#define WIDTH_LEAST   20
#define WIDTH_MOST    500

/* One scope has about 500 bytes; CGROUP_TREE_MAX of them fit. */
#define JSON_BYTES (4 * 1024 * 1024)

static unsigned output_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int width = columns ? atoi(columns) : 0;

	if (width < WIDTH_LEAST && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	return width < WIDTH_LEAST  ? WIDTH_DEFAULT
	       : width > WIDTH_MOST ? WIDTH_MOST
				    : (unsigned)width;
}

/* Without the trailing spaces that a screen needs. */
static void print_line(char *line)
{
	size_t len = strlen(line);

	while (len && line[len - 1] == ' ')
		line[--len] = '\0';
	puts(line);
}

static void print_table(struct top_model *model, const struct top_view *view, bool utf8)
{
	const struct top_daemon *daemon = top_model_daemon(model);
	struct top_layout layout;
	size_t n;
	struct top_row *rows = top_model_rows(model, &n);
	char line[TOP_LINE_MAX];

	top_layout(&layout, output_width(), utf8);
	print_line(top_node_line(line, sizeof(line), &layout, top_model_node(model)));
	print_line(top_head(line, sizeof(line), &layout));
	for (size_t i = 0; i < n; i++) {
		top_model_look(model, &rows[i]);
		print_line(top_line(line, sizeof(line), &layout, view, &rows[i]));
	}
	for (size_t i = 0; top_daemon_kill(daemon, i); i++)
		print_line(top_kill_line(line, sizeof(line), &layout, top_daemon_kill(daemon, i)));
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
	const char *trouble = top_daemon_trouble(top_model_daemon(model));
	/* not static: the daemon would lock it in memory */
	_cleanup_free_ char *text = malloc(JSON_BYTES);
	size_t n, len;
	struct top_row *rows = top_model_rows(model, &n);
	struct json json;

	if (!text)
		return EXIT_FAILED;
	json_begin(&json, text, JSON_BYTES);
	json_u64(&json, "schema", 1);
	json_text(&json, "trouble", *trouble ? trouble : NULL);
	json_open_list(&json, "scopes");
	for (size_t i = 0; i < n; i++) {
		top_model_look(model, &rows[i]);
		put_row(&json, &rows[i]);
	}
	json_close_list(&json);
	json_u64(&json, "omitted", top_model_omitted(model));
	if (json_end(&json, &len)) {
		log_error("top: %zu scopes need more than %d bytes of JSON; use --filter", n,
			  JSON_BYTES);
		return EXIT_FAILED;
	}
	puts(text);
	return EXIT_OK;
}

int top_batch_run(struct top_model *model, const struct top_view *view,
		  const struct top_batch_options *options)
{
	const char *trouble = top_daemon_trouble(top_model_daemon(model));
	const struct timespec pause = {.tv_sec = (time_t)(options->interval_ns / 1000000000),
				       .tv_nsec = (long)(options->interval_ns % 1000000000)};

	for (long n = 1;; n++) {
		int code = EXIT_OK;

		top_model_refresh(model, view);
		if (*trouble)
			log_warn("%s", trouble);
		if (options->json)
			code = print_json(model);
		else
			print_table(model, view, options->utf8);
		if (code != EXIT_OK)
			return code;
		if (fflush(stdout))
			return EXIT_FAILED;
		if (n == options->count)
			return *trouble ? EXIT_FAILED : EXIT_OK;
		if (!options->json)
			putchar('\n');
		nanosleep(&pause, NULL);
	}
}

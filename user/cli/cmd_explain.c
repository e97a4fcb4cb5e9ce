// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/event_text.h"
#include "client/events_file.h"
#include "client/explain.h"
#include "client/plot.h"

struct explain_options {
	const char *file;
	const char *svg;
	const char *kernel_log;
	bool ascii;
};

static const struct option_spec options[] = {
	{"svg", 0, "FILE", "also draw the last minute into FILE", option_text, "a path",
	 offsetof(struct explain_options, svg)},
	{"file", 'e', "FILE", "the events file (default: the daemon's)", option_text, "a path",
	 offsetof(struct explain_options, file)},
	{"kernel-log", 'k', "FILE", "a saved kernel log (default: the kernel's own)", option_text,
	 "a path", offsetof(struct explain_options, kernel_log)},
	{"ascii", 0, NULL, "print ASCII only", option_switch, NULL,
	 offsetof(struct explain_options, ascii)},
};

static bool is_explained(const json_t *record)
{
	const char *event = event_get_text(record, "event", "");

	return !strcmp(event, "kill") || !strcmp(event, "kernel_kill") ||
	       !strcmp(event, "no_victim");
}

/* The last record with this id: a kill comes after its act. NULL: the last kill, or no_victim.
 * SIZE_MAX: none. */
static size_t find_event(const json_t *records, const char *id)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		char text[32];

		snprintf(text, sizeof(text), "%.0f", event_get_number(record, "id", 0));
		/* a later record of the same id tells only what the kill gave back */
		if (!strcmp(event_get_text(record, "event", ""), "relief"))
			continue;
		if (id ? !strcmp(id, text) : is_explained(record))
			found = i;
	}
	return found;
}

static json_t *read_records(const char *path, int *ret_err)
{
	json_t *records = json_array(), *record;
	struct events_file file;

	*ret_err = events_file_open(&file, path);
	if (*ret_err)
		return records;
	while ((record = events_file_next(&file)))
		json_array_append_new(records, record);
	events_file_close(&file);
	return records;
}

static int draw(const json_t *record, const struct explain_options *chosen)
{
	char title[300], process[96], when[40];
	bool utf8;
	int err;

	setlocale(LC_CTYPE, "");
	utf8 = !chosen->ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	puts("\nHistory (the last minute). Gaps: not sampled, because the scope did not reclaim memory.");
	if (!plot_text(stdout, record, utf8))
		puts("  The record has no history.");
	if (!chosen->svg)
		return EXIT_OK;
	snprintf(title, sizeof(title), "%s, %s: the minute before",
		 event_process(process, sizeof(process), json_object_get(record, "victim")),
		 event_time(when, sizeof(when), record));
	err = plot_svg(chosen->svg, record, title);
	if (err)
		log_error("%s: %s", chosen->svg,
			  err == -ENODATA ? "not drawn: the record does not have the minute before"
					  : strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

static int explain(const json_t *records, const char *id, const struct explain_options *chosen,
		   const char *path)
{
	size_t at = id && !strcmp(id, "kernel") ? SIZE_MAX : find_event(records, id);
	const json_t *record = json_array_get(records, at);
	int code;

	if (id && at == SIZE_MAX && strcmp(id, "kernel") != 0) {
		log_error("explain: %s has no event %s; fastoom-bpf events --json | grep '\"id\"' "
			  "lists them",
			  path, id);
		return EXIT_FAILED;
	}
	if (!record)
		return explain_kernel_kill(records, at, chosen->kernel_log);
	if (!strcmp(event_get_text(record, "event", ""), "no_victim")) {
		explain_no_victim(records, at);
		return EXIT_OK; /* it has no history to draw */
	}
	if (!strcmp(event_get_text(record, "event", ""), "kernel_kill")) {
		code = explain_kernel_kill(records, at, chosen->kernel_log);
		if (code != EXIT_OK)
			return code;
	} else {
		explain_kill(records, at);
	}
	return draw(record, chosen);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct explain_options chosen = {0};
	char path[4096];
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);
	const char *id;
	json_t *records;

	if (code >= 0)
		return code;
	id = operands < argc ? argv[operands] : NULL;
	if (operands + 1 < argc) {
		log_error("explain: %s: only one EVENT can be explained; see fastoom-bpf explain "
			  "--help",
			  argv[operands + 1]);
		return EXIT_USAGE;
	}
	events_file_name(chosen.file, path, sizeof(path));
	records = read_records(path, &err);
	/* without a daemon the kernel's log still has kills */
	if (err && (chosen.file || err != -ENOENT)) {
		log_error("%s: %s; %s", path, strerror(-err),
			  err == -EACCES ? "read it as root" : "pass another one with --file");
		code = EXIT_FAILED;
	} else {
		code = explain(records, id, &chosen, path);
	}
	json_decref(records);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "Explain why a process was killed.",
	.details =
		"Explains the last kill, by fastoom-bpf or by the kernel; or EVENT: the id of a record, or `kernel` for the last kill in the kernel's log.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.operands = "[EVENT]",
};

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* events: what the daemon did, from the file of records; and what it does, with --follow. */
#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/event_text.h"
#include "client/events_file.h"
#include "base/exit.h"
#include "client/reader.h"

/* Where the file cannot be watched it is looked at so often. */
#define LOOK_MS 1000

struct events_options {
	const char *file;
	const char *since;
	const char *policy;
	const char *pod;
	const char *kind;
	bool follow;
	bool json;
	int64_t since_ms;
};

static const struct option_spec options[] = {
	{"follow", 'f', NULL, "go on with what happens from now on", option_switch, NULL,
	 offsetof(struct events_options, follow)},
	{"json", 'j', NULL, "the records themselves, one JSON object a line", option_switch, NULL,
	 offsetof(struct events_options, json)},
	{"since", 'S', "TIME", "only later ones: 10m (ago), 2026-11-25, 2026-11-25T03:00",
	 option_text, "a time", offsetof(struct events_options, since)},
	{"policy", 'p', "NAME", "only those of a policy; * and ? match", option_text, "a name",
	 offsetof(struct events_options, policy)},
	{"pod", 'P', "NAME", "only those of a pod; * and ? match", option_text, "a name",
	 offsetof(struct events_options, pod)},
	{"kind", 'k', "KIND,...", "only such: kill, kernel_kill, act, warn, recovered, error, ...",
	 option_text, "names of events", offsetof(struct events_options, kind)},
	{"file", 'e', "FILE", "the file of records (default: where the daemon writes them)",
	 option_text, "a path", offsetof(struct events_options, file)},
};

/* A duration before now, or a date with or without a time, local unless it ends in Z. */
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

/* Whether a comma-separated list names it. */
static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, len) && (at[len] == ',' || !at[len]))
			return true;
	}
	return false;
}

static bool is_wanted(const struct events_options *chosen, const json_t *record)
{
	int64_t ms;

	if (chosen->since && (!event_time_ms(record, &ms) || ms < chosen->since_ms))
		return false;
	if (chosen->policy && fnmatch(chosen->policy, event_get_text(record, "policy", ""), 0) != 0)
		return false;
	/* when the node is short of memory, the pod is the victim's */
	if (chosen->pod && fnmatch(chosen->pod, event_get_text(record, "scope.pod", ""), 0) != 0 &&
	    fnmatch(chosen->pod, event_get_text(record, "victim.pod", ""), 0) != 0)
		return false;
	return !chosen->kind || is_listed(chosen->kind, event_get_text(record, "event", ""));
}

/* False: nobody reads what is written. */
static bool show(const struct events_options *chosen, const json_t *record)
{
	char when[40], line[1024];

	if (!is_wanted(chosen, record))
		return true;
	if (chosen->json) {
		json_dumpf(record, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	} else {
		printf("%s  %s\n", event_time(when, sizeof(when), record),
		       event_line(line, sizeof(line), record, 0));
	}
	return fflush(stdout) == 0;
}

static bool show_all(const struct events_options *chosen, struct events_file *file)
{
	json_t *record;
	bool more = true;

	while (more && (record = events_file_next(file))) {
		more = show(chosen, record);
		json_decref(record);
	}
	return more;
}

/* Whether the name stands for another file now, or for a shorter one. */
static bool was_replaced(const struct events_file *file, const char *path)
{
	struct stat ours, named;

	if (fstat(fileno(file->file), &ours) < 0 || stat(path, &named) < 0)
		return false;
	return ours.st_ino != named.st_ino || ours.st_dev != named.st_dev ||
	       named.st_size < ftello(file->file);
}

static int follow_file(const struct events_options *chosen, struct events_file *file,
		       const char *path)
{
	_cleanup_close_ int watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd readable = {.fd = watcher, .events = POLLIN};
	char ignored[4096];

	if (watcher >= 0)
		(void)inotify_add_watch(watcher, path, IN_MODIFY);
	while (show_all(chosen, file)) {
		/* rotation is not told by the file itself: look now and then */
		(void)poll(&readable, watcher >= 0, LOOK_MS);
		while (watcher >= 0 && read(watcher, ignored, sizeof(ignored)) > 0)
			;
		if (!was_replaced(file, path))
			continue;
		if (!show_all(chosen, file))
			break;
		events_file_close(file);
		if (events_file_open(file, path))
			return EXIT_FAILED;
		if (watcher >= 0)
			(void)inotify_add_watch(watcher, path, IN_MODIFY);
	}
	return EXIT_OK;
}

static int follow_socket(const struct events_options *chosen)
{
	struct reader *reader;
	char why[512];
	int err = reader_open(&reader, NULL);
	json_t *reply;

	if (!err) {
		err = reader_ask(reader, "{\"method\":\"io.fastoom.Watch\",\"more\":true,"
					 "\"parameters\":{\"snapshots\":false}}");
		while (!err && !(err = reader_next(reader, -1, &reply))) {
			bool more = show(chosen, json_object_get(reply, "event"));

			json_decref(reply);
			if (!more)
				break;
		}
		reader_close(reader);
	}
	if (!err)
		return EXIT_OK;
	reader_explain(err, NULL, why, sizeof(why));
	log_error("%s", why);
	return EXIT_FAILED;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct events_options chosen = {0};
	struct events_file file;
	char path[4096];
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	if (chosen.since && !parse_since(chosen.since, &chosen.since_ms)) {
		log_error("events: --since %s: that is not a duration such as 10m, nor a time such "
			  "as 2026-11-25T03:00",
			  chosen.since);
		return EXIT_USAGE;
	}
	events_file_name(chosen.file, path, sizeof(path));
	err = events_file_open(&file, path);
	if (err && chosen.follow && !chosen.file)
		/* who may not read the file may still listen */
		return follow_socket(&chosen);
	if (err) {
		log_error("%s: %s; %s", path, strerror(-err),
			  err == -EACCES ? "read it as root, or see what happens from now on with "
					   "--follow"
			  : err == -ENOENT
				  ? "the daemon makes it when it starts: sudo fastoom-bpf run"
				  : "name another one with --file");
		return EXIT_FAILED;
	}
	if (chosen.follow)
		code = follow_file(&chosen, &file, path);
	else
		code = show_all(&chosen, &file) ? EXIT_OK : EXIT_FAILED;
	if (file.bad)
		log_warn("%s: %zu lines are no records", path, file.bad);
	events_file_close(&file);
	return code;
}

const struct command command_events = {
	.name = "events",
	.summary = "Tell what the daemon did: kills, the kernel's too, warnings, recoveries.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/events_print.h"

#include <fnmatch.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "client/event_text.h"
#include "client/events_file.h"
#include "client/reader.h"

/* How often the path is looked at, and the file where inotify is not possible. */
#define LOOK_MS 1000

/* Whether the list, with commas, has the name. */
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

static bool is_wanted(const struct events_filter *filter, const json_t *record)
{
	int64_t ms;

	if (filter->has_since && (!event_time_ms(record, &ms) || ms < filter->since_ms))
		return false;
	if (filter->policy && fnmatch(filter->policy, event_get_text(record, "policy", ""), 0) != 0)
		return false;
	/* a kill for the node has no pod of its own: then the victim's counts */
	if (filter->pod && fnmatch(filter->pod, event_get_text(record, "scope.pod", ""), 0) != 0 &&
	    fnmatch(filter->pod, event_get_text(record, "victim.pod", ""), 0) != 0)
		return false;
	return !filter->kinds || is_listed(filter->kinds, event_get_text(record, "event", ""));
}

/* False: stdout is closed. */
static bool show(const struct events_filter *filter, const json_t *record)
{
	char when[40], line[1024];

	if (!is_wanted(filter, record))
		return true;
	if (filter->json) {
		json_dumpf(record, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	} else {
		printf("%s  %s\n", event_time(when, sizeof(when), record),
		       event_line(line, sizeof(line), record, 0));
	}
	return fflush(stdout) == 0;
}

static bool show_all(const struct events_filter *filter, struct events_file *file)
{
	json_t *record;
	bool more = true;

	while (more && (record = events_file_next(file))) {
		more = show(filter, record);
		json_decref(record);
	}
	return more;
}

/* Whether the path is another file now (rotated), or a shorter one (truncated). */
static bool was_replaced(const struct events_file *file, const char *path)
{
	struct stat ours, named;

	if (fstat(fileno(file->file), &ours) < 0 || stat(path, &named) < 0)
		return false;
	return ours.st_ino != named.st_ino || ours.st_dev != named.st_dev ||
	       named.st_size < ftello(file->file);
}

int events_print(const struct events_filter *filter, struct events_file *file)
{
	return show_all(filter, file) ? EXIT_OK : EXIT_FAILED;
}

int events_follow(const struct events_filter *filter, struct events_file *file, const char *path)
{
	_cleanup_close_ int watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd readable = {.fd = watcher, .events = POLLIN};
	char ignored[4096];

	if (watcher >= 0)
		(void)inotify_add_watch(watcher, path, IN_MODIFY);
	while (show_all(filter, file)) {
		/* inotify on the file does not report that it was rotated */
		(void)poll(&readable, watcher >= 0, LOOK_MS);
		while (watcher >= 0 && read(watcher, ignored, sizeof(ignored)) > 0)
			;
		if (!was_replaced(file, path))
			continue;
		if (!show_all(filter, file))
			break;
		events_file_close(file);
		if (events_file_open(file, path))
			return EXIT_FAILED;
		if (watcher >= 0)
			(void)inotify_add_watch(watcher, path, IN_MODIFY);
	}
	return EXIT_OK;
}

int events_listen(const struct events_filter *filter)
{
	struct reader *reader;
	char why[512];
	int err = reader_open(&reader, NULL);
	json_t *reply;

	if (!err) {
		err = reader_ask(reader, "{\"method\":\"io.fastoom.Watch\",\"more\":true,"
					 "\"parameters\":{\"snapshots\":false}}");
		while (!err && !(err = reader_next(reader, -1, &reply))) {
			bool more = show(filter, json_object_get(reply, "event"));

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

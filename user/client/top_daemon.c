// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_daemon.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/event_text.h"
#include "client/events_file.h"
#include "client/reader.h"
#include "config/config.h"
#include "config/read.h"

#define CONNECT_MS 1000 /* between two attempts to connect */
#define SILENT_MS  3000 /* a hot daemon sends a snapshot in each interval */
#define PING_MS	   5000 /* an idle one sends nothing: ask it so often */
#define ANSWER_MS  2000

/* How much of the end of the events file is read for the latest kills. */
#define TAIL_BYTES (256 * 1024L)

struct top_daemon {
	char *socket_path; /* NULL: the default */
	unsigned interval_ms;
	struct reader *reader;
	struct reader *ping; /* a question whose answer is awaited */
	int64_t tried_ms, heard_ms, asked_ms;
	bool hangs;
	json_t *snapshot; /* NULL: none yet */
	int64_t snapshot_ms;
	json_t *kills[TOP_KILLS];
	size_t kill_newest, kill_count;
	char trouble[600], text[200];
	struct config *config;
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_mono_ns() / 1000000);
}

/* ---- kills ----------------------------------------------------------------------- */

static bool is_kill(const json_t *record)
{
	const char *event = event_get_text(record, "event", "");

	return !strcmp(event, "kill") || !strcmp(event, "kernel_kill");
}

static void keep_kill(struct top_daemon *daemon, json_t *record)
{
	daemon->kill_newest = (daemon->kill_newest + 1) % TOP_KILLS;
	json_decref(daemon->kills[daemon->kill_newest]);
	daemon->kills[daemon->kill_newest] = json_incref(record);
	if (daemon->kill_count < TOP_KILLS)
		daemon->kill_count++;
}

static void forget_kills(struct top_daemon *daemon)
{
	for (size_t i = 0; i < TOP_KILLS; i++) {
		json_decref(daemon->kills[i]);
		daemon->kills[i] = NULL;
	}
	daemon->kill_count = 0;
}

/* Those before the connection was made, if the file is readable. */
static void read_kills(struct top_daemon *daemon)
{
	const char *path = event_get_text(daemon->snapshot, "daemon.events", NULL);
	struct events_file file;
	json_t *record;

	if (!path || events_file_open(&file, path))
		return;
	forget_kills(daemon);
	if (!fseek(file.file, 0, SEEK_END)) {
		long size = ftell(file.file);

		(void)fseek(file.file, size > TAIL_BYTES ? size - TAIL_BYTES : 0, SEEK_SET);
	}
	while ((record = events_file_next(&file))) {
		if (is_kill(record))
			keep_kill(daemon, record);
		json_decref(record);
	}
	events_file_close(&file);
}

/* ---- the connection ------------------------------------------------------------------ */

static void read_config(struct top_daemon *daemon)
{
	const char *path = event_get_text(daemon->snapshot, "daemon.config", NULL);

	config_free(daemon->config);
	daemon->config = NULL;
	if (!path)
		daemon->config = config_default();
	else if (config_read(path, &daemon->config, NULL))
		daemon->config = NULL;
}

static void disconnect(struct top_daemon *daemon, int err)
{
	reader_explain(err, daemon->socket_path, daemon->trouble, sizeof(daemon->trouble));
	reader_close(daemon->reader);
	reader_close(daemon->ping);
	daemon->reader = daemon->ping = NULL;
	daemon->hangs = false;
	/* the snapshot is out of date */
	json_decref(daemon->snapshot);
	daemon->snapshot = NULL;
	daemon->text[0] = '\0';
}

static void take(struct top_daemon *daemon, json_t *reply)
{
	json_t *snapshot = json_object_get(reply, "snapshot");
	json_t *event = json_object_get(reply, "event");
	bool first = !daemon->snapshot;

	daemon->heard_ms = now_ms();
	if (event && is_kill(event))
		keep_kill(daemon, event);
	if (event && !strcmp(event_get_text(event, "event", ""), "reload"))
		read_config(daemon);
	if (!snapshot)
		return;
	json_decref(daemon->snapshot);
	daemon->snapshot = json_incref(snapshot);
	daemon->snapshot_ms = daemon->heard_ms;
	snprintf(daemon->text, sizeof(daemon->text), "pid %.0f%s, page tracking %s%s",
		 event_get_number(snapshot, "daemon.pid", 0),
		 json_is_true(json_object_get(json_object_get(snapshot, "daemon"), "dry_run"))
			 ? ", dry run: nothing is killed"
			 : "",
		 event_get_text(snapshot, "daemon.page_tracking", "?"),
		 event_get_number(snapshot, "daemon.lost", 0) > 0
			 ? ", data was lost (see fastoom-bpf status)"
			 : "");
	if (first) {
		read_config(daemon);
		read_kills(daemon);
	}
}

void top_daemon_hear(struct top_daemon *daemon)
{
	json_t *reply;
	int err;

	if (!daemon->reader)
		return;
	while (!(err = reader_next(daemon->reader, 0, &reply))) {
		take(daemon, reply);
		json_decref(reply);
	}
	if (err != -EAGAIN)
		disconnect(daemon, err);
}

static void connect_daemon(struct top_daemon *daemon)
{
	char request[160];
	json_t *reply;
	int err;

	daemon->tried_ms = now_ms();
	err = reader_open(&daemon->reader, daemon->socket_path);
	if (err) {
		daemon->reader = NULL;
		disconnect(daemon, err);
		return;
	}
	snprintf(request, sizeof(request),
		 "{\"method\":\"io.fastoom.Watch\",\"more\":true,"
		 "\"parameters\":{\"interval_ms\":%u}}",
		 daemon->interval_ms);
	err = reader_ask(daemon->reader, request);
	if (!err)
		err = reader_next(daemon->reader, ANSWER_MS / 4, &reply);
	if (err) {
		disconnect(daemon, err);
		return;
	}
	daemon->trouble[0] = '\0';
	take(daemon, reply);
	json_decref(reply);
}

/* Neither an idle daemon nor a stopped one sends anything: ask on a second connection. */
static void ask_whether_it_answers(struct top_daemon *daemon)
{
	int64_t now = now_ms();
	json_t *reply;
	int err;

	if (!daemon->ping) {
		if (now - daemon->heard_ms < PING_MS || now - daemon->asked_ms < PING_MS)
			return;
		daemon->asked_ms = now;
		if (reader_open(&daemon->ping, daemon->socket_path)) {
			daemon->ping = NULL;
			return;
		}
		(void)reader_ask(daemon->ping, "{\"method\":\"io.fastoom.GetStatus\"}");
		return;
	}
	err = reader_next(daemon->ping, 0, &reply);
	if (err == -EAGAIN) {
		daemon->hangs |= now - daemon->asked_ms > ANSWER_MS;
		return;
	}
	if (!err) {
		daemon->heard_ms = now;
		daemon->hangs = false;
		json_decref(reply);
	}
	reader_close(daemon->ping);
	daemon->ping = NULL;
}

void top_daemon_refresh(struct top_daemon *daemon)
{
	const json_t *self;
	int64_t silent_ms;

	top_daemon_hear(daemon);
	if (!daemon->reader && now_ms() - daemon->tried_ms >= CONNECT_MS)
		connect_daemon(daemon);
	if (!daemon->reader)
		return;
	ask_whether_it_answers(daemon);
	self = json_object_get(daemon->snapshot, "daemon");
	silent_ms = now_ms() - daemon->snapshot_ms;
	if (daemon->hangs || (json_is_true(json_object_get(self, "hot")) &&
			      silent_ms > SILENT_MS + 2 * (int64_t)daemon->interval_ms))
		snprintf(daemon->trouble, sizeof(daemon->trouble),
			 "the daemon (pid %.0f) has not answered for %lld s: it is stopped or "
			 "stalled",
			 event_get_number(self, "pid", 0),
			 (long long)((now_ms() - daemon->heard_ms) / 1000));
	else
		daemon->trouble[0] = '\0';
}

/* ---- the rest ------------------------------------------------------------------------ */

int top_daemon_new(struct top_daemon **ret, const char *socket_path, unsigned interval_ms)
{
	struct top_daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon)
		return -ENOMEM;
	if (socket_path) {
		daemon->socket_path = strdup(socket_path);
		if (!daemon->socket_path) {
			free(daemon);
			return -ENOMEM;
		}
	}
	daemon->interval_ms = interval_ms;
	daemon->tried_ms = now_ms() - CONNECT_MS;
	daemon->asked_ms = now_ms();
	*ret = daemon;
	return 0;
}

void top_daemon_free(struct top_daemon *daemon)
{
	if (!daemon)
		return;
	reader_close(daemon->reader);
	reader_close(daemon->ping);
	json_decref(daemon->snapshot);
	forget_kills(daemon);
	config_free(daemon->config);
	free(daemon->socket_path);
	free(daemon);
}

int top_daemon_fd(const struct top_daemon *daemon)
{
	return daemon->reader ? reader_fd(daemon->reader) : -1;
}

const json_t *top_daemon_snapshot(const struct top_daemon *daemon)
{
	return daemon->snapshot;
}

const struct config *top_daemon_config(const struct top_daemon *daemon)
{
	return daemon->config;
}

const json_t *top_daemon_kill(const struct top_daemon *daemon, size_t back)
{
	return back < daemon->kill_count
		       ? daemon->kills[(daemon->kill_newest + TOP_KILLS - back) % TOP_KILLS]
		       : NULL;
}

const char *top_daemon_trouble(const struct top_daemon *daemon)
{
	return daemon->trouble;
}

const char *top_daemon_text(const struct top_daemon *daemon)
{
	return daemon->text;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/event_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "base/utf8.h"

static const json_t *get(const json_t *record, const char *path)
{
	char key[64];

	for (const char *dot; record && (dot = strchr(path, '.')); path = dot + 1) {
		snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
		record = json_object_get(record, key);
	}
	return json_object_get(record, path);
}

const char *event_get_text(const json_t *record, const char *path, const char *none)
{
	const char *text = json_string_value(get(record, path));

	return text ? text : none;
}

double event_get_number(const json_t *record, const char *path, double none)
{
	const json_t *value = get(record, path);

	return json_is_number(value) ? json_number_value(value) : none;
}

char *event_clean(char *buf, size_t size, const char *text)
{
	size_t n = (size_t)snprintf(buf, size, "%s", text);

	if (n >= size) {
		/* a character that was cut in the middle is no character */
		for (n = size - 1; n && ((unsigned char)buf[n - 1] & 0xc0) == 0x80;)
			n--;
		if (n && !utf8_length(buf + n - 1, size - n))
			n--;
		else
			n = size - 1;
	}
	utf8_tame(buf, n);
	buf[n] = '\0';
	return buf;
}

bool event_time_ms(const json_t *record, int64_t *ret_ms)
{
	const char *text = event_get_text(record, "time", "");
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = 0;

	if (!rest)
		return false;
	if (*rest == '.')
		(void)sscanf(rest, "%lf", &fraction);
	*ret_ms = (int64_t)timegm(&tm) * 1000 + (int64_t)(fraction * 1000 + 0.5);
	return true;
}

char *event_time(char *buf, size_t size, const json_t *record)
{
	struct tm tm;
	int64_t ms;
	time_t s;

	if (!event_time_ms(record, &ms)) {
		snprintf(buf, size, "?");
		return buf;
	}
	s = (time_t)(ms / 1000);
	localtime_r(&s, &tm);
	strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

char *event_pod(char *buf, size_t size, const char *namespace, const char *pod,
		const char *container)
{
	snprintf(buf, size, "%s/%s%s%s", *namespace ? namespace : "?", pod, *container ? "/" : "",
		 container);
	return buf;
}

char *event_scope_name(char *buf, size_t size, const json_t *scope)
{
	const char *pod = event_get_text(scope, "pod", NULL);
	const char *path = event_get_text(scope, "path", NULL);
	char text[EVENT_SCOPE_MAX];

	if (pod)
		event_pod(text, sizeof(text), event_get_text(scope, "namespace", ""), pod,
			  event_get_text(scope, "container", ""));
	else
		snprintf(text, sizeof(text), "%s", path ? path : event_get_text(scope, "kind", ""));
	return event_clean(buf, size, text);
}

char *event_scope(char *buf, size_t size, const json_t *record)
{
	return event_scope_name(buf, size, json_object_get(record, "scope"));
}

static void line_of_victim(char *buf, size_t size, const json_t *record, const char *event)
{
	char comm[64], freed[UNITS_TEXT_MAX];
	const char *outcome = event_get_text(record, "outcome", "");
	double took_ms = event_get_number(record, "took_ms", 0);
	bool killed = !strcmp(outcome, "killed");

	event_clean(comm, sizeof(comm), event_get_text(record, "victim.comm", "?"));
	if (!strcmp(event, "kill"))
		snprintf(buf, size, "%s[%.0f] %s after %.1f ms%s%s: %s, risk %.2f", comm,
			 event_get_number(record, "victim.pid", 0), outcome, took_ms,
			 killed ? ", gave back " : "",
			 killed ? units_format_bytes(
					  freed, sizeof(freed),
					  (uint64_t)event_get_number(record, "freed_bytes", 0))
				: "",
			 event_get_text(record, "reason", "?"),
			 event_get_number(record, "risk", NAN));
	else if (!strcmp(event, "kernel_kill"))
		snprintf(buf, size,
			 "%s[%.0f] was chosen by the kernel, %s of it anonymous; "
			 "%.60s[%.0f] had asked for memory",
			 comm, event_get_number(record, "victim.pid", 0),
			 units_format_bytes(
				 freed, sizeof(freed),
				 (uint64_t)event_get_number(record, "victim.anon_bytes", 0)),
			 event_get_text(record, "invoker.comm", "?"),
			 event_get_number(record, "invoker.pid", 0));
	else
		snprintf(buf, size, "%s[%.0f] is to die: %s, risk %.2f", comm,
			 event_get_number(record, "victim.pid", 0),
			 event_get_text(record, "reason", "?"),
			 event_get_number(record, "risk", NAN));
}

char *event_line(char *buf, size_t size, const json_t *record, size_t scope_most)
{
	const char *event = event_get_text(record, "event", "?");
	char scope[EVENT_SCOPE_MAX], what[600], all[1600];
	bool dry = json_is_true(json_object_get(record, "dry_run"));

	const char *shown = event_scope(scope, sizeof(scope), record);

	if (scope_most && strlen(shown) > scope_most)
		shown += strlen(shown) - scope_most;
	while (((unsigned char)*shown & 0xc0) == 0x80)
		shown++;
	if (json_object_get(record, "victim"))
		line_of_victim(what, sizeof(what), record, event);
	else if (json_object_get(record, "message"))
		snprintf(what, sizeof(what), "%s", event_get_text(record, "message", ""));
	else if (json_object_get(record, "verdict"))
		snprintf(what, sizeof(what),
			 "%s, risk %.2f, %.0f %% of the tasks' time lost, "
			 "level %.0f %%",
			 event_get_text(record, "reason", "?"),
			 event_get_number(record, "risk", NAN),
			 event_get_number(record, "evidence.lost_share", 0) * 100,
			 event_get_number(record, "evidence.level", 0) * 100);
	else
		what[0] = '\0';
	snprintf(all, sizeof(all), "%-11s %s%s%s%s", event, shown, *shown ? "  " : "",
		 dry && strcmp(event, "start") != 0 ? "(dry run) " : "", what);
	return event_clean(buf, size, all);
}

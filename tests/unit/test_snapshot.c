// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/event_text.h"
#include "tell/snapshot.h"

static struct snapshot snapshot;
static char text[64 * 1024];

/* The scope of the snapshot, written as JSON and read again. */
static json_t *read_back(void)
{
	json_t *all, *scope;
	size_t len;

	snapshot.tracking = TRACKING_OFF;
	snapshot.scope_count = 1;
	assert_int_equal(snapshot_json(text, sizeof(text), &snapshot, &len), 0);
	all = json_loadb(text, len, 0, NULL);
	assert_non_null(all);
	scope = json_incref(json_array_get(json_object_get(all, "scopes"), 0));
	json_decref(all);
	assert_non_null(scope);
	return scope;
}

static void assert_reads(const char *kind, const char *name)
{
	char buf[EVENT_SCOPE_MAX];
	json_t *scope = read_back();

	assert_string_equal(event_get_text(scope, "kind", NULL), kind);
	assert_string_equal(event_scope_name(buf, sizeof(buf), scope), name);
	json_decref(scope);
}

static void test_pod(void **state)
{
	struct snapshot_scope *scope = &snapshot.scopes[0];
	json_t *json;

	(void)state;
	*scope = (struct snapshot_scope){.id = 7,
					 .in_pod = true,
					 .path = "/kubepods/podx/y",
					 .pod = "web-1",
					 .namespace = "prod",
					 .container = "app"};
	json = read_back();
	assert_string_equal(event_get_text(json, "pod", NULL), "web-1");
	assert_string_equal(event_get_text(json, "namespace", NULL), "prod");
	assert_string_equal(event_get_text(json, "container", NULL), "app");
	assert_string_equal(event_get_text(json, "path", NULL), "/kubepods/podx/y");
	json_decref(json);
	assert_reads("pod", "prod/web-1/app");
	scope->container[0] = '\0';
	assert_reads("pod", "prod/web-1");
	scope->namespace[0] = '\0';
	assert_reads("pod", "?/web-1");
	strcpy(scope->pod, "a\033b");
	assert_reads("pod", "?/a?b");
	memset(scope->pod, 'p', sizeof(scope->pod) - 1);
	json = read_back();
	assert_int_equal(strlen(event_get_text(json, "pod", "")), SNAPSHOT_POD_MAX - 1);
	json_decref(json);
}

/* Unknown names are absent; the path is then the name of the scope. */
static void test_no_pod(void **state)
{
	struct snapshot_scope *scope = &snapshot.scopes[0];
	static const char *const keys[] = {"pod", "namespace", "container"};
	json_t *json;

	(void)state;
	*scope = (struct snapshot_scope){.id = 7, .in_pod = true, .path = "/kubepods/podx/y"};
	assert_reads("pod", "/kubepods/podx/y");
	json = read_back();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_null(json_object_get(json, keys[i]));
	json_decref(json);
	scope->in_pod = false;
	assert_reads("cgroup", "/kubepods/podx/y");
	*scope = (struct snapshot_scope){.node = true};
	assert_reads("node", "node");
}

/* A record names its scope in the same way. */
static void test_record(void **state)
{
	json_t *record =
		json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:s}, s:s}", "event", "warn", "scope",
			  "kind", "pod", "path", "/kubepods/podx/y", "pod", "web-1", "namespace",
			  "prod", "container", "app", "message", "told");
	char buf[EVENT_SCOPE_MAX], line[1024];

	(void)state;
	assert_non_null(record);
	assert_string_equal(event_scope(buf, sizeof(buf), record), "prod/web-1/app");
	assert_string_equal(event_line(line, sizeof(line), record, 0),
			    "warn        prod/web-1/app  told");
	assert_string_equal(event_line(line, sizeof(line), record, 9),
			    "warn        web-1/app  told");
	json_decref(record);
}

/* proactive_reclaim is absent where it is off. */
static void test_proactive(void **state)
{
	size_t len;
	json_t *all;

	(void)state;
	snapshot.tracking = TRACKING_OFF;
	snapshot.scope_count = 0;
	for (int on = 0; on <= 1; on++) {
		snapshot.maps_bytes = 5ULL << 20;
		snapshot.proactive = (struct snapshot_proactive){
			.on = on, .scopes = 3, .reclaimed_bytes = 5ULL << 32, .stops = 7};
		assert_int_equal(snapshot_json(text, sizeof(text), &snapshot, &len), 0);
		all = json_loadb(text, len, 0, NULL);
		assert_non_null(all);
		assert_true(event_get_number(all, "daemon.maps_bytes", -1) == 5 << 20);
		assert_true(event_get_number(all, "daemon.proactive_reclaim.scopes", -1) ==
			    (on ? 3 : -1));
		assert_true(event_get_number(all, "daemon.proactive_reclaim.reclaimed_bytes", -1) ==
			    (on ? (double)(5ULL << 32) : -1));
		assert_true(event_get_number(all, "daemon.proactive_reclaim.stops", -1) ==
			    (on ? 7 : -1));
		json_decref(all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_no_pod),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_proactive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "unit/unit.h"

#include <jansson.h>
#include <string.h>

#include "base/util.h"
#include "client/event_text.h"
#include "judge/case.h"
#include "judge/model.h"
#include "judge/verdict.h"

/* A feature, reason or outcome without words is shown by its key, which says little. */
static void test_every_key_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < FEATURES_; i++) {
		const char *key = model_feature_name((enum feature)i);

		if (!strcmp(event_feature_words(key), key))
			fail_msg("the feature %s has no words", key);
	}
	assert_string_equal(event_feature_words("intercept"), "intercept");
	for (int i = 0; i < REASONS_; i++) {
		const char *key = verdict_reason_name((enum verdict_reason)i);

		if (!strcmp(event_reason_words(key), key))
			fail_msg("the reason %s has no words", key);
	}
	for (int i = 0; i < CASE_OUTCOMES_; i++) {
		const char *key = case_outcome_name((enum case_outcome)i);
		json_t *record = json_pack("{s:s}", "outcome", key);
		char words[120];

		assert_non_null(record);
		event_outcome_words(words, sizeof(words), record);
		if (!strcmp(words, key) || strstr(words, "null"))
			fail_msg("the outcome %s has no words", key);
		json_decref(record);
	}
}

static void test_old_and_unknown_keys(void **state)
{
	(void)state;
	assert_string_equal(event_feature_words("halted"), event_feature_words("unproductive"));
	assert_string_equal(event_reason_words("squeeze"), event_reason_words("low-headroom"));
	assert_string_equal(event_feature_words("of-tomorrow"), "of-tomorrow");
	assert_string_equal(event_reason_words("of-tomorrow"), "of-tomorrow");
}

/* A record of a kill with these members of its own. */
static json_t *kill_record(const char *event, const char *own)
{
	json_t *record =
		json_pack("{s:s, s:{s:s, s:s}, s:s, s:f, s:{s:s, s:i}, s:i}", "event", event,
			  "scope", "kind", "cgroup", "path", "/x", "reason", "near-oom", "risk",
			  0.9, "victim", "comm", "java", "pid", 7, "members", 1);
	json_t *more = json_loads(own, 0, NULL);

	assert_non_null(record);
	assert_non_null(more);
	assert_int_equal(json_object_update(record, more), 0);
	json_decref(more);
	return record;
}

/* What a dry run would have done is never told as done, and frees nothing. */
static void test_lines_of_kills(void **state)
{
	static const struct {
		const char *event, *own, *line;
	} rows[] = {
		{"act", "{\"dry_run\":false}",
		 "act         /x  java[7] was chosen to be killed: near-oom, risk 0.90"},
		{"act", "{\"dry_run\":true}",
		 "act         /x  java[7] would have been killed (dry run): near-oom, risk 0.90"},
		{"kill",
		 "{\"dry_run\":false,\"outcome\":\"killed\",\"took_ms\":2.5,\"freed_bytes\":2048}",
		 "kill        /x  java[7] was killed after 2.5 ms, 2.0 KiB freed: near-oom, risk "
		 "0.90"},
		{"kill",
		 "{\"dry_run\":true,\"outcome\":\"killed\",\"took_ms\":2.5,\"freed_bytes\":2048}",
		 "kill        /x  java[7] would have been killed (dry run): near-oom, risk 0.90"},
		{"kill",
		 "{\"dry_run\":true,\"outcome\":\"killed\",\"took_ms\":2.5,\"freed_bytes\":0,"
		 "\"members\":3}",
		 "kill        /x  java[7] would have been killed with 2 other processes (dry run): "
		 "near-oom, risk 0.90"},
		{"kill",
		 "{\"dry_run\":false,\"outcome\":\"refused\",\"error\":\"EPERM\",\"took_ms\":1,"
		 "\"freed_bytes\":0}",
		 "kill        /x  java[7] could not be killed (EPERM): near-oom, risk 0.90"},
		{"act",
		 "{\"dry_run\":false,\"outcome\":\"relieved\",\"took_ms\":9,\"freed_bytes\":0,"
		 "\"risk\":null}",
		 "act         /x  java[7] was not killed, as an earlier step relieved the scope: "
		 "near-oom, risk not known"},
	};
	char line[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *record = kill_record(rows[i].event, rows[i].own);

		assert_string_equal(event_line(line, sizeof(line), record, 0), rows[i].line);
		json_decref(record);
	}
}

/* What was not measured is not told as zero. */
static void test_missing(void **state)
{
	static const struct {
		const char *record, *line;
	} rows[] = {
		{"{\"event\":\"blind\",\"verdict\":\"wait\",\"reason\":\"blind\",\"risk\":null,"
		 "\"evidence\":{}}",
		 "blind       blind, risk not known"},
		{"{\"event\":\"warn\",\"verdict\":\"warn\",\"reason\":\"spike\",\"risk\":0.5,"
		 "\"evidence\":{\"level\":0.5}}",
		 "warn        spike, risk 0.50, level 50 %"},
	};
	char line[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *record = json_loads(rows[i].record, 0, NULL);

		assert_non_null(record);
		assert_string_equal(event_line(line, sizeof(line), record, 0), rows[i].line);
		json_decref(record);
	}
}

static void test_scope_titles(void **state)
{
	static const struct {
		const char *scope, *title;
	} rows[] = {
		{"{\"kind\":\"node\",\"id\":0}", "the node"},
		{"{\"kind\":\"cgroup\",\"path\":\"/a/b\"}", "the cgroup /a/b"},
		{"{\"kind\":\"pod\",\"path\":\"/kubepods/x\"}", "the cgroup /kubepods/x"},
		{"{\"kind\":\"pod\",\"path\":\"/k\",\"namespace\":\"prod\",\"pod\":\"web-1\"}",
		 "the pod prod/web-1"},
		{"{\"kind\":\"pod\",\"path\":\"/k\",\"namespace\":\"prod\",\"pod\":\"web-1\","
		 "\"container\":\"app\"}",
		 "the container app of the pod prod/web-1"},
		{"{\"kind\":\"cgroup\",\"path\":\"/a\\u001b[31m\"}", "the cgroup /a?[31m"},
	};
	char title[EVENT_SCOPE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *record = json_pack("{s:o}", "scope", json_loads(rows[i].scope, 0, NULL));

		assert_non_null(record);
		assert_string_equal(event_scope_title(title, sizeof(title), record), rows[i].title);
		json_decref(record);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_has_words),
		cmocka_unit_test(test_old_and_unknown_keys),
		cmocka_unit_test(test_lines_of_kills),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_scope_titles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

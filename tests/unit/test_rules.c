/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <string.h>

#include "base/regex.h"
#include "base/util.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/rules.h"
#include "unit/unit.h"

static struct regex *compiled[32];
static size_t compiled_count;

static struct regex *regex(const char *pattern)
{
	struct regex *ret = NULL;

	assert_int_equal(regex_compile(pattern, &ret, NULL, NULL, 0), 0);
	assert_true(compiled_count < ARRAY_SIZE(compiled));
	compiled[compiled_count++] = ret;
	return ret;
}

static int forget_regexes(void **state)
{
	(void)state;
	while (compiled_count)
		regex_free(compiled[--compiled_count]);
	return 0;
}

static struct candidate process(const char *comm, const char *cmdline)
{
	return (struct candidate){
		.pid = 10,
		.comm = comm,
		.cmdline = cmdline,
		.cmdline_len = cmdline ? strlen(cmdline) : 0,
	};
}

static const struct policy *policy_of(const struct config *config, const char *path)
{
	const struct scope_names names = {.path = path};

	return rules_policy_cgroup(config, &names);
}

/* '*' matches slashes; the first policy that matches wins. */
static void test_policy_cgroup(void **state)
{
	static struct policy policies[] = {
		{.name = (char *)"node", .match_node = true},
		{.name = (char *)"job1", .match_cgroup = (char *)"/batch/job1"},
		{.name = (char *)"batch", .match_cgroup = (char *)"/batch/*"},
		{.name = (char *)"late", .match_cgroup = (char *)"/batch/job2"},
		{.name = (char *)"pods", .match_cgroup = (char *)"*/kubepods*/pod[0-9a-f]?-*"},
		{.name = (char *)"exact", .match_cgroup = (char *)"/a\\*b"},
	};
	static const struct config config = {.policies = policies, .policy_count = 6};
	static const struct {
		const char *path, *name;
	} rows[] = {
		{"/batch/job1", "job1"},
		{"/batch/job2", "batch"},
		{"/batch/job1/step/2", "batch"},
		{"/batch/", "batch"},
		{"/batch", NULL},
		{"/batches/x", NULL},
		{"/BATCH/x", NULL},
		{"/x/batch/y", NULL},
		{"/", NULL},
		{"", NULL},
		{"/kubepods/pod1a-77", "pods"},
		{"/deep/er/kubepods.slice/burstable/pod0f-1/c1", "pods"},
		{"/kubepods/podzz-77", NULL},
		{"/a*b", "exact"},
		{"/axb", NULL},
		{"/batch/.hidden", "batch"},
		{"/batch/\xff\xfe", "batch"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct policy *policy = policy_of(&config, rows[i].path);
		const char *name = policy ? policy->name : NULL;

		if (!name != !rows[i].name || (name && strcmp(name, rows[i].name) != 0))
			fail_msg("%s: %s", rows[i].path, name ? name : "none");
	}
}

static void test_policy_node(void **state)
{
	struct policy policies[] = {
		{.name = (char *)"c", .match_cgroup = (char *)"*"},
		{.name = (char *)"first", .match_node = true},
		{.name = (char *)"second", .match_node = true},
	};
	const struct config config = {.policies = policies, .policy_count = 3};
	const struct config none = {.policies = policies, .policy_count = 1};
	const struct config empty = {0};

	(void)state;
	assert_ptr_equal(rules_policy_node(&config), &policies[1]);
	assert_null(rules_policy_node(&none));
	assert_null(rules_policy_node(&empty));
	assert_null(policy_of(&empty, "/x"));
	/* the policy of the node does not match cgroups */
	assert_ptr_equal(policy_of(&config, "/x"), &policies[0]);
}

/* All given patterns must match; a rule without patterns matches everything. */
static void test_and(void **state)
{
	struct rule rule = {.comm = regex("^java$"), .cmdline = regex("Web"), .text = (char *)""};
	struct policy policy = {.prefer = {&rule, 1}};
	static const struct {
		const char *comm, *cmdline;
		enum standing standing;
	} rows[] = {
		{"java", "java Web", STANDING_PREFER}, {"java", "java Db", STANDING_NONE},
		{"javac", "java Web", STANDING_NONE},  {"java", "", STANDING_NONE},
		{"java", NULL, STANDING_NONE}, /* unknown does not prefer */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct candidate c = process(rows[i].comm, rows[i].cmdline);
		const struct rule *by = &rule;
		enum standing standing = rules_standing(&policy, &c, &by);

		if (standing != rows[i].standing)
			fail_msg("%s: %d", rows[i].comm, standing);
		assert_ptr_equal(by, standing == STANDING_NONE ? NULL : &rule);
	}
}

/* A process that all lists name is protected; `avoid` wins over `prefer`. */
static void test_precedence(void **state)
{
	struct rule protect = {.comm = regex("^a"), .text = (char *)"protect"};
	struct rule avoid = {.comm = regex("^[ab]"), .text = (char *)"avoid"};
	struct rule prefer = {.comm = regex("^[abc]"), .text = (char *)"prefer"};
	struct policy policy = {
		.protect = {&protect, 1}, .avoid = {&avoid, 1}, .prefer = {&prefer, 1}};
	const struct {
		const char *comm;
		enum standing standing;
		const struct rule *rule;
	} rows[] = {
		{"a", STANDING_PROTECT, &protect}, {"b", STANDING_AVOID, &avoid},
		{"c", STANDING_PREFER, &prefer},   {"d", STANDING_NONE, NULL},
		{"", STANDING_NONE, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct candidate c = process(rows[i].comm, "x");
		const struct rule *rule = &protect;

		assert_int_equal(rules_standing(&policy, &c, &rule), rows[i].standing);
		assert_ptr_equal(rule, rows[i].rule);
	}
}

/* The first rule of a list that matches is returned. */
static void test_first_match(void **state)
{
	struct rule rules[] = {
		{.comm = regex("^x"), .text = (char *)"0"},
		{.comm = regex("^b"), .text = (char *)"1"},
		{.comm = regex("^ba"), .text = (char *)"2"},
		{.text = (char *)"3"}, /* matches all */
	};
	struct policy policy = {.avoid = {rules, ARRAY_SIZE(rules)}};
	struct candidate c = process("bash", "bash");
	const struct rule *rule = NULL;

	(void)state;
	assert_int_equal(rules_standing(&policy, &c, &rule), STANDING_AVOID);
	assert_string_equal(rule->text, "1");
	c.comm = "zsh";
	assert_int_equal(rules_standing(&policy, &c, &rule), STANDING_AVOID);
	assert_string_equal(rule->text, "3");
}

/*
 * With an unknown command line a process is spared if `protect` may match, avoided if `avoid` may
 * match, and not preferred if `prefer` may match. A rule whose comm does not match does not apply.
 */
static void test_unknown_line(void **state)
{
	struct rule java = {.comm = regex("^java$"), .cmdline = regex("Vault"), .text = (char *)""};
	struct rule line = {.cmdline = regex("--keep"), .text = (char *)""};
	struct rule comm = {.comm = regex("^java$"), .text = (char *)""};
	struct rule maybe_then_yes[] = {line, comm};
	const struct {
		struct policy policy;
		const char *comm;
		enum standing standing;
	} rows[] = {
		{{.protect = {&java, 1}}, "java", STANDING_UNKNOWN},
		{{.protect = {&java, 1}}, "ruby", STANDING_NONE},
		{{.protect = {&line, 1}}, "ruby", STANDING_UNKNOWN},
		{{.protect = {&line, 1}, .prefer = {&comm, 1}}, "java", STANDING_UNKNOWN},
		{{.protect = {maybe_then_yes, 2}}, "java", STANDING_PROTECT},
		{{.avoid = {&line, 1}}, "ruby", STANDING_AVOID},
		{{.avoid = {&line, 1}, .prefer = {&comm, 1}}, "java", STANDING_AVOID},
		{{.prefer = {&line, 1}}, "ruby", STANDING_NONE},
		{{.prefer = {maybe_then_yes, 2}}, "java", STANDING_PREFER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct candidate c = process(rows[i].comm, NULL);
		const struct rule *rule = NULL;
		enum standing standing = rules_standing(&rows[i].policy, &c, &rule);

		if (standing != rows[i].standing)
			fail_msg("row %zu: %d", i, standing);
		assert_int_equal(!rule, standing == STANDING_NONE);
	}
}

/* A command line has a length: text behind a NUL is matched too. */
static void test_line_length(void **state)
{
	struct rule rule = {.cmdline = regex("secret"), .text = (char *)""};
	struct policy policy = {.avoid = {&rule, 1}};
	struct candidate c = process("x", NULL);
	const struct rule *by = NULL;

	(void)state;
	c.cmdline = "prog\0secret";
	c.cmdline_len = 11;
	assert_int_equal(rules_standing(&policy, &c, &by), STANDING_AVOID);
	c.cmdline_len = 10;
	assert_int_equal(rules_standing(&policy, &c, &by), STANDING_NONE);
}

/* A command line on which a pattern reaches its limits is an unknown match; it ends in time. */
static void test_pattern_limits(void **state)
{
	struct rule rule = {.cmdline = regex("^(a+)+$"), .text = (char *)""};
	struct policy policy = {.prefer = {&rule, 1}};
	struct candidate c =
		process("x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	const struct rule *by = NULL;

	(void)state;
	assert_int_equal(rules_standing(&policy, &c, &by), STANDING_NONE);
	c.cmdline = "aaaa";
	c.cmdline_len = 4;
	assert_int_equal(rules_standing(&policy, &c, &by), STANDING_PREFER);
}

/* Without lists no process is named. */
static void test_empty(void **state)
{
	struct policy policy = {0};
	struct candidate c = process("x", NULL);
	const struct rule *rule = NULL;

	(void)state;
	assert_int_equal(rules_standing(&policy, &c, &rule), STANDING_NONE);
	assert_null(rule);
}

/* Pods by name, namespace, container and class; an unknown name does not match. */
static void test_policy_pod(void **state)
{
	struct policy policies[] = {
		{.name = (char *)"node", .match_node = true},
		{.name = (char *)"web",
		 .match_pods = true,
		 .match_pod = {.pod = regex("^web-"), .namespace = regex("^(?:prod)$")}},
		{.name = (char *)"side",
		 .match_pods = true,
		 .match_pod = {.container = regex("^sidecar$")}},
		{.name = (char *)"best", .match_pods = true, .match_pod = {.qos = QOS_BESTEFFORT}},
		{.name = (char *)"rest", .match_cgroup = (char *)"/*"},
	};
	const struct config config = {.policies = policies, .policy_count = 5};
	static const struct {
		struct scope_names scope;
		const char *name;
	} rows[] = {
		{{"/k", true, QOS_BURSTABLE, "web-1", "prod", "app"}, "web"},
		{{"/k", true, QOS_BURSTABLE, "web-1", "prod", NULL}, "web"},
		{{"/k", true, QOS_BURSTABLE, "web-1", "prod2", "app"}, "rest"},
		{{"/k", true, QOS_BURSTABLE, "web-1", NULL, "app"}, "rest"},
		{{"/k", true, QOS_BURSTABLE, NULL, "prod", "app"}, "rest"},
		{{"/k", true, QOS_BURSTABLE, "db-1", "prod", "sidecar"}, "side"},
		{{"/k", true, QOS_BURSTABLE, NULL, NULL, "sidecar"}, "side"},
		{{"/k", true, QOS_BESTEFFORT, NULL, NULL, NULL}, "best"},
		{{"/k", false, QOS_NONE, NULL, NULL, NULL}, "rest"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rules_policy_cgroup(&config, &rows[i].scope)->name, rows[i].name) != 0)
			fail_msg("row %zu: %s", i,
				 rules_policy_cgroup(&config, &rows[i].scope)->name);
}

/* Each key of a rule, for a process that matches, does not match, or whose value is unknown. */
static void test_keys(void **state)
{
	const struct candidate known = {
		.pid = 10,
		.uid = 1500,
		.comm = "java",
		.exe = "/opt/jdk/bin/java",
		.cmdline = "java -jar x",
		.cmdline_len = 11,
		.cgroup = "/kubepods/pod1/c1",
		.place = PLACE_POD,
		.qos = QOS_BURSTABLE,
		.pod_uid = "1",
		.pod = "web-1",
		.namespace = "prod",
		.container = "app",
	};
	struct candidate host = known, nameless = known, nowhere = known;
	const struct {
		struct rule rule;
		enum standing known, host, nameless, nowhere;
	} rows[] = {
		{{.has_uid = true, .uid_from = 1000, .uid_to = 1999},
		 STANDING_PROTECT,
		 STANDING_PROTECT,
		 STANDING_PROTECT,
		 STANDING_PROTECT},
		{{.has_uid = true, .uid_from = 0, .uid_to = 1499},
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_NONE},
		{{.exe = regex("/java$")},
		 STANDING_PROTECT,
		 STANDING_PROTECT,
		 STANDING_UNKNOWN,
		 STANDING_PROTECT},
		{{.exe = regex("^java$")},
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_UNKNOWN,
		 STANDING_NONE},
		{{.cgroup = (char *)"/kube*"},
		 STANDING_PROTECT,
		 STANDING_NONE,
		 STANDING_PROTECT,
		 STANDING_UNKNOWN},
		{{.pod = {.pod = regex("^web")}},
		 STANDING_PROTECT,
		 STANDING_NONE,
		 STANDING_UNKNOWN,
		 STANDING_UNKNOWN},
		{{.pod = {.namespace = regex("^prod$")}},
		 STANDING_PROTECT,
		 STANDING_NONE,
		 STANDING_UNKNOWN,
		 STANDING_UNKNOWN},
		{{.pod = {.container = regex("^b")}},
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_UNKNOWN,
		 STANDING_UNKNOWN},
		{{.pod = {.qos = QOS_BURSTABLE}},
		 STANDING_PROTECT,
		 STANDING_NONE,
		 STANDING_PROTECT,
		 STANDING_UNKNOWN},
		{{.pod = {.qos = QOS_BESTEFFORT}},
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_UNKNOWN},
		/* one mismatch decides, whatever else is unknown */
		{{.pod = {.qos = QOS_BESTEFFORT, .pod = regex("^web")}},
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_UNKNOWN},
		{{.comm = regex("^perl$"), .exe = regex("java")},
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_NONE,
		 STANDING_NONE},
		/* the built-in rules match on the host only */
		{{.comm = regex("^java$"), .host_only = true},
		 STANDING_NONE,
		 STANDING_PROTECT,
		 STANDING_NONE,
		 STANDING_PROTECT},
	};

	(void)state;
	host.place = PLACE_HOST;
	host.cgroup = "/system.slice/x.service";
	host.qos = QOS_NONE;
	host.pod = host.pod_uid = host.namespace = host.container = NULL;
	nameless.pod = nameless.namespace = nameless.container = nameless.exe = NULL;
	nowhere.place = PLACE_UNKNOWN;
	nowhere.qos = QOS_NONE;
	nowhere.cgroup = nowhere.pod = nowhere.pod_uid = NULL;
	nowhere.namespace = nowhere.container = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rule rule = rows[i].rule;
		const struct policy policy = {.protect = {&rule, 1}};
		const struct rule *by;

		if (rules_standing(&policy, &known, &by) != rows[i].known ||
		    rules_standing(&policy, &host, &by) != rows[i].host ||
		    rules_standing(&policy, &nameless, &by) != rows[i].nameless ||
		    rules_standing(&policy, &nowhere, &by) != rows[i].nowhere)
			fail_msg("row %zu: %d %d %d %d", i, rules_standing(&policy, &known, &by),
				 rules_standing(&policy, &host, &by),
				 rules_standing(&policy, &nameless, &by),
				 rules_standing(&policy, &nowhere, &by));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_cgroup),
		cmocka_unit_test(test_policy_node),
		cmocka_unit_test_teardown(test_policy_pod, forget_regexes),
		cmocka_unit_test_teardown(test_keys, forget_regexes),
		cmocka_unit_test_teardown(test_and, forget_regexes),
		cmocka_unit_test_teardown(test_precedence, forget_regexes),
		cmocka_unit_test_teardown(test_first_match, forget_regexes),
		cmocka_unit_test_teardown(test_unknown_line, forget_regexes),
		cmocka_unit_test_teardown(test_line_length, forget_regexes),
		cmocka_unit_test_teardown(test_pattern_limits, forget_regexes),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

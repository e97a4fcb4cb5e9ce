/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/regex.h"
#include "base/util.h"
#include "base/yaml.h"
#include "config/config.h"
#include "config/file_keys.h"
#include "config/files.h"
#include "config/read.h"
#include "config/watch.h"
#include "judge/candidate.h"
#include "judge/victim.h"

/* A text and its length: some texts hold a NUL. */
#define TEXT(s) (s), sizeof(s) - 1

/* The smallest policy, to which other keys are added. */
#define POLICY "policies:\n  - name: a\n    match: { cgroup: /a }\n"

static struct config *const untouched = (struct config *)0x5a50; /* never followed */

/* All lines as one text; the caller frees. */
static char *errors_join(const struct config_errors *errors)
{
	char *text = strdup("");

	for (size_t i = 0; i < errors->count; i++) {
		char *more = NULL;

		assert_true(asprintf(&more, "%s%s\n", text, errors->list[i].text) >= 0);
		free(text);
		text = more;
	}
	return text;
}

/* One file, called f. */
static int parse(const char *text, size_t len, struct config **ret, struct config_errors *errors)
{
	const struct config_file file = {(char *)"f", (char *)text, len};

	return config_parse(&file, 1, ret, errors);
}

static struct config *parse_good(const char *text, size_t len)
{
	struct config_errors errors = {0};
	struct config *config = NULL;

	if (parse(text, len, &config, &errors) != 0)
		fail_msg("%s\n%s", text, errors_join(&errors));
	assert_int_equal(errors.count, 0);
	assert_non_null(config);
	return config;
}

/* Whether some rule of a list names a process. */
static bool list_names(const struct rule_list *list, const char *comm, const char *cmdline)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct rule *rule = &list->rules[i];

		if ((!rule->comm || regex_match(rule->comm, comm, strlen(comm)) == 1) &&
		    (!rule->cmdline || regex_match(rule->cmdline, cmdline, strlen(cmdline)) == 1))
			return true;
	}
	return false;
}

/* What a file may hold and how it is read. */
static void test_whole(void **state)
{
	static const char text[] = "# a comment\n"
				   "events: /var/log/fastoom-bpf/events.jsonl\n"
				   "policies:\n"
				   "  - name: host\n"
				   "    match: { node: true }\n"
				   "    pressure: low\n"
				   "    kill: cgroup\n"
				   "    rank: kernel\n"
				   "    protect: [ { comm: '^(db|cache)$' } ]\n"
				   "    avoid:\n"
				   "      - { cmdline: python, comm: ^py }\n"
				   "      - cmdline: |-\n"
				   "          ^a b$\n"
				   "    prefer: []\n"
				   "  - name: batch.1_x-Y\n"
				   "    match:\n"
				   "      cgroup: '/batch/*'\n";
	struct config *config = parse_good(TEXT(text));
	const struct policy *p = &config->policies[0];

	(void)state;
	assert_string_equal(config->events_path, "/var/log/fastoom-bpf/events.jsonl");
	assert_int_equal(config->policy_count, 3);

	assert_string_equal(p->name, "host");
	assert_true(p->match_node);
	assert_null(p->match_cgroup);
	assert_false(p->warn_only);
	assert_int_equal(p->pressure, PRESSURE_LOW);
	assert_int_equal(p->kill, KILL_UNIT_CGROUP);
	assert_int_equal(p->rank, RANK_KERNEL);
	assert_true(p->protect.count > 1);
	assert_string_equal(p->protect.rules[0].text, "comm: ^(db|cache)$");
	assert_null(p->protect.rules[0].cmdline);
	assert_true(list_names(&p->protect, "db", ""));
	assert_true(list_names(&p->protect, "sshd", ""));
	assert_int_equal(p->avoid.count, 2);
	assert_string_equal(p->avoid.rules[0].text, "cmdline: python, comm: ^py");
	assert_string_equal(p->avoid.rules[1].text, "cmdline: ^a b$");
	assert_true(list_names(&p->avoid, "py3", "x python"));
	assert_false(list_names(&p->avoid, "py3", "x perl"));
	assert_true(list_names(&p->avoid, "other", "a b"));
	assert_int_equal(p->prefer.count, 0);

	p = &config->policies[1];
	assert_string_equal(p->name, "batch.1_x-Y");
	assert_false(p->match_node);
	assert_string_equal(p->match_cgroup, "/batch/*");
	assert_int_equal(p->pressure, PRESSURE_MEDIUM);
	assert_int_equal(p->kill, KILL_UNIT_PROCESS);
	assert_int_equal(p->rank, RANK_BLAME);
	assert_true(list_names(&p->protect, "sshd", ""));
	assert_int_equal(p->avoid.count, 0);

	p = &config->policies[2];
	assert_string_equal(p->name, "cgroups");
	assert_string_equal(p->match_cgroup, "/*");
	assert_true(p->warn_only);
	config_free(config);
}

/* The other keys of a policy and of a rule. */
static void test_keys(void **state)
{
	static const char text[] =
		"notify: /usr/local/bin/tell\n"
		"notify_timeout: 2s\n"
		"policies:\n"
		"  - name: web\n"
		"    match: { pod: '^web-', namespace: prod|test, container: app, qos: burstable }\n"
		"    kill: pod\n"
		"    ladder: [ notify, reclaim 500ms, throttle, freeze 1s, term 3s, kill ]\n"
		"    spare_pid1: true\n"
		"    min_free: 64MiB\n"
		"    max_victims: 12\n"
		"    kills_per_minute: 2\n"
		"    proactive_reclaim: 0.95\n"
		"    dry_run: true\n"
		"    protect: [ { exe: ^/usr/bin/db$, uid: 1000-1999 } ]\n"
		"    prefer:\n"
		"      - { pod: x, namespace: y, container: z, qos: besteffort, cgroup: '/k*' }\n"
		"      - { uid: 7 }\n"
		"  - name: rest\n"
		"    match: { qos: guaranteed }\n"
		"    kill: group\n";
	static const struct ladder_step ladder[] = {
		{STEP_NOTIFY, 0},	   {STEP_RECLAIM, 500000000}, {STEP_THROTTLE, 3000000000},
		{STEP_FREEZE, 1000000000}, {STEP_TERM, 3000000000},   {STEP_KILL, 0},
	};
	struct config *config = parse_good(TEXT(text));
	const struct policy *p = &config->policies[0];
	const struct rule *rule;

	(void)state;
	assert_string_equal(config->notify_program, "/usr/local/bin/tell");
	assert_int_equal(config->notify_timeout_ns, 2000000000);
	assert_true(p->match_pods);
	assert_false(p->match_node);
	assert_null(p->match_cgroup);
	assert_int_equal(regex_match(p->match_pod.pod, "web-1", 5), 1);
	assert_int_equal(regex_match(p->match_pod.namespace, "prod", 4), 1);
	assert_int_equal(regex_match(p->match_pod.namespace, "test", 4), 1);
	/* the whole namespace, although a part would match */
	assert_int_equal(regex_match(p->match_pod.namespace, "prod2", 5), 0);
	assert_int_equal(regex_match(p->match_pod.namespace, "my-test", 7), 0);
	assert_int_equal(regex_match(p->match_pod.container, "myapp", 5), 1);
	assert_int_equal(p->match_pod.qos, QOS_BURSTABLE);
	assert_int_equal(p->kill, KILL_UNIT_POD);
	assert_int_equal(p->ladder_count, ARRAY_SIZE(ladder));
	for (size_t i = 0; i < ARRAY_SIZE(ladder); i++) {
		assert_int_equal(p->ladder[i].kind, ladder[i].kind);
		assert_int_equal(p->ladder[i].wait_ns, ladder[i].wait_ns);
	}
	assert_true(p->spare_pid1);
	assert_int_equal(p->min_free_bytes, 64 << 20);
	assert_int_equal(p->max_victims, 12);
	assert_int_equal(p->kills_per_minute, 2);
	assert_true(p->proactive_reclaim > 0.9499 && p->proactive_reclaim < 0.9501);
	assert_true(p->dry_run);
	rule = &p->protect.rules[0];
	assert_string_equal(rule->text, "exe: ^/usr/bin/db$, uid: 1000-1999");
	assert_int_equal(regex_match(rule->exe, "/usr/bin/db", 11), 1);
	assert_true(rule->has_uid);
	assert_int_equal(rule->uid_from, 1000);
	assert_int_equal(rule->uid_to, 1999);
	rule = &p->prefer.rules[0];
	assert_string_equal(rule->text,
			    "pod: x, namespace: y, container: z, qos: besteffort, cgroup: /k*");
	assert_string_equal(rule->cgroup, "/k*");
	assert_int_equal(rule->pod.qos, QOS_BESTEFFORT);
	assert_int_equal(regex_match(rule->pod.namespace, "yy", 2), 0);
	assert_int_equal(p->prefer.rules[1].uid_from, 7);
	assert_int_equal(p->prefer.rules[1].uid_to, 7);
	p = &config->policies[1];
	assert_int_equal(p->match_pod.qos, QOS_GUARANTEED);
	assert_int_equal(p->kill, KILL_UNIT_GROUP);
	assert_int_equal(p->ladder_count, 0);
	assert_int_equal(p->max_victims, POLICY_MAX_VICTIMS);
	assert_int_equal(p->kills_per_minute, POLICY_KILLS_PER_MINUTE);
	assert_true(p->proactive_reclaim == 0);
	assert_false(p->dry_run);
	assert_false(p->spare_pid1);
	config_free(config);
}

/* Keys other than patterns: each wrong value alone is one error. */
static void test_values(void **state)
{
	static const struct {
		const char *key, *bad;
	} rows[] = {
		{"ladder", "[]"},
		{"ladder", "kill"},
		{"ladder", "[ kill, kill ]"},
		{"ladder", "[ kill, term ]"},
		{"ladder", "[ kill 2s ]"},
		{"ladder", "[ term, freeze ]"},
		{"ladder", "[ notify 1s ]"},
		{"ladder", "[ term 2 ]"},
		{"ladder", "[ term 0s ]"},
		{"ladder", "[ term  2s ]"},
		{"ladder", "[ term 61s ]"},
		{"ladder", "[ ter ]"},
		{"ladder", "[ { term: 2s } ]"},
		{"spare_pid1", "yes"},
		{"spare_pid1", "'true'"},
		{"dry_run", "1"},
		{"min_free", "0"},
		{"min_free", "-1"},
		{"min_free", "10 %"},
		{"min_free", "[]"},
		{"max_victims", "0"},
		{"max_victims", "100001"},
		{"max_victims", "1.5"},
		{"max_victims", "18446744073709551617"},
		{"kills_per_minute", "0"},
		{"kills_per_minute", "17"},
		{"kills_per_minute", "x"},
		{"proactive_reclaim", "0.49"},
		{"proactive_reclaim", "1"},
		{"proactive_reclaim", "0"},
		{"proactive_reclaim", "95 %"},
		{"proactive_reclaim", "[]"},
		{"prefer", "[ { uid: -1 } ]"},
		{"prefer", "[ { uid: 1- } ]"},
		{"prefer", "[ { uid: 2-1 } ]"},
		{"prefer", "[ { uid: 4294967296 } ]"},
		{"prefer", "[ { uid: root } ]"},
		{"prefer", "[ { cgroup: batch } ]"},
		{"prefer", "[ { qos: best } ]"},
		{"prefer", "[ { exe: '(' } ]"},
		{"prefer", "[ { namespace: '(' } ]"},
		{"prefer", "[ { namespace: ')' } ]"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_errors errors = {0};
		struct config *config = untouched;

		snprintf(text, sizeof(text), POLICY "    %s: %s\n", rows[i].key, rows[i].bad);
		assert_int_equal(parse(text, strlen(text), &config, &errors), -EINVAL);
		assert_ptr_equal(config, untouched);
		if (errors.count != 1)
			fail_msg("%s: %s: %zu errors", rows[i].key, rows[i].bad, errors.count);
		config_errors_free(&errors);
	}
}

static void check_warnings(const char *text, const char *wanted)
{
	struct config_errors errors = {0};
	struct config *config;
	char got[4096] = "";

	assert_int_equal(parse(text, strlen(text), &config, &errors), 0);
	for (size_t i = 0; i < errors.warning_count; i++) {
		strncat(got, errors.warnings[i].text, sizeof(got) - strlen(got) - 2);
		strcat(got, "\n");
	}
	assert_string_equal(got, wanted);
	config_errors_free(&errors);
	config_free(config);
}

#define MATCH(n, m) "  - { name: " n ", match: { " m " } }\n"
#define SHADOWED(place, a, b, by)                                                                  \
	"f:" place ": match: '" a "' never applies, because '" b "' (" by                          \
	") comes first and matches the same scopes; remove it or move it up\n"

static void test_warnings(void **state)
{
	static const struct {
		const char *policies, *warnings;
	} rows[] = {
		{MATCH("a", "cgroup: /x") MATCH("b", "cgroup: /y"), ""},
		{MATCH("a", "cgroup: /x") MATCH("b", "cgroup: /x"),
		 SHADOWED("3:13", "b", "a", "f:2")},
		{MATCH("a", "cgroup: '/*'") MATCH("b", "cgroup: '/x/*'"),
		 SHADOWED("3:13", "b", "a", "f:2")},
		{MATCH("a", "cgroup: '/*'") MATCH("b", "pod: x"),
		 SHADOWED("3:13", "b", "a", "f:2")},
		{MATCH("a", "cgroup: '/x/*'") MATCH("b", "pod: x"), ""},
		{MATCH("a", "cgroup: '/a?'") MATCH("b", "cgroup: '/ab'"),
		 SHADOWED("3:13", "b", "a", "f:2")},
		{MATCH("a", "cgroup: '/a?'") MATCH("b", "cgroup: '/a*'"), ""},
		{MATCH("a", "cgroup: '/[ab]'") MATCH("b", "cgroup: '/?'"), ""},
		{MATCH("a", "node: true") MATCH("b", "cgroup: '/*'"), ""},
		{MATCH("a", "pod: x") MATCH("b", "pod: x, namespace: n"),
		 SHADOWED("3:13", "b", "a", "f:2")},
		{MATCH("a", "pod: x, namespace: n") MATCH("b", "pod: x"), ""},
		{MATCH("a", "qos: burstable") MATCH("b", "qos: besteffort, pod: x"), ""},
		{MATCH("a", "qos: burstable") MATCH("b", "qos: burstable, pod: x"),
		 SHADOWED("3:13", "b", "a", "f:2")},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "policies:\n%s", rows[i].policies);
		check_warnings(text, rows[i].warnings);
	}
	check_warnings(POLICY "    protect: [ { exe: a }, { comm: b, uid: 1 }, { cgroup: /c } ]\n",
		       "");
	check_warnings(POLICY "    prefer: [ { comm: b } ]\n", "");
	check_warnings(
		POLICY "    protect: [ { comm: ^db$ } ]\n",
		"f:4:14: protect: 'comm: ^db$' protects every process that takes this name, for a "
		"process chooses its own comm and command line; use exe, uid or cgroup\n");
	check_warnings(
		POLICY "    ladder: [ notify, kill ]\n",
		"f:2:11: ladder: 'a' has the step notify, but no file names a program; add the key "
		"`notify`\n");
}

/* A renamed key is read by its old name too, with a warning. */
static void test_old_name(void **state)
{
	struct config *config;

	(void)state;
	check_warnings(
		POLICY "    background_reclaim: 0.9\n",
		"f:4:5: background_reclaim: is the old name of `proactive_reclaim`, and this "
		"is the last version that accepts it; use the new name\n");
	assert_int_equal(parse(TEXT(POLICY "    background_reclaim: 0.9\n"), &config, NULL), 0);
	assert_true(config->policies[0].proactive_reclaim > 0.8999 &&
		    config->policies[0].proactive_reclaim < 0.9001);
	config_free(config);
}

/* Odd texts that are valid. */
static void test_good(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		size_t policies;
		const char *first;
		const char *events;
	} cases[] = {
		{TEXT(""), 2, "node", NULL},
		{TEXT("\n\n"), 2, "node", NULL},
		{TEXT("# only a comment"), 2, "node", NULL},
		{TEXT("---\n"), 2, "node", NULL},
		{TEXT("---\n...\n"), 2, "node", NULL},
		{TEXT("%YAML 1.1\n---\nevents: /e\n"), 2, "node", "/e"},
		{TEXT("{}"), 2, "node", NULL},
		{TEXT("events: /e"), 2, "node", "/e"},
		{TEXT("\xef\xbb\xbf"
		      "events: /e\n"),
		 2, "node", "/e"},
		{TEXT("events: /e\r\npolicies:\r\n  - name: a\r\n    match: { node: true }\r\n"), 2,
		 "a", "/e"},
		{TEXT("{ \"events\": \"/e\", \"policies\": [] }"), 1, "cgroups", "/e"},
		{TEXT("policies: []\n"), 1, "cgroups", NULL},
		{TEXT("events: !!str /e\n"), 2, "node", "/e"},
		{TEXT("events: /a b/\xc3\xa9\n"), 2, "node", "/a b/\xc3\xa9"},
		{TEXT(POLICY), 2, "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *config = parse_good(cases[i].text, cases[i].len);

		if (config->policy_count != cases[i].policies ||
		    strcmp(config->policies[0].name, cases[i].first) != 0)
			fail_msg("'%s': %zu policies", cases[i].text, config->policy_count);
		if (cases[i].events)
			assert_string_equal(config->events_path, cases[i].events);
		else
			assert_null(config->events_path);
		config_free(config);
	}
}

#define RULE_KEYS    "comm, exe, cmdline, uid, cgroup, pod, namespace, container, qos"
#define RULE_ALLOWED "a mapping with any of " RULE_KEYS
#define COMM_ALLOWED                                                                               \
	"a regular expression (PCRE2) on the process name, which holds the first 15 characters "   \
	"only"
#define CGROUP_ALLOWED                                                                             \
	"a shell pattern that begins with '/', on the path below the memory controller's root"
#define NAME_ALLOWED "1 to 64 letters, digits, '.', '_' and '-'"
#define MATCH_ALLOWED                                                                              \
	"a mapping with 'node: true', or with cgroup, or with any of pod, namespace, container, "  \
	"qos"
#define POLICY_KEYS                                                                                \
	"name, match, pressure, kill, ladder, spare_pid1, min_free, max_victims, "                 \
	"kills_per_minute, proactive_reclaim, dry_run, rank, protect, avoid, prefer"
#define FILE_KEYS    "events, readers, rivals, notify, notify_timeout, policies"
#define FILE_ALLOWED "allowed: a mapping with any of " FILE_KEYS "\n"
#define A39	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A64	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Wrong texts, and every line of their errors. */
static void test_bad(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *errors;
	} cases[] = {
		/* keys */
		{TEXT("evnets: /e\n"),
		 "f:1:1: evnets: unknown key in the file (did you mean "
		 "`events`?); allowed: events, readers, rivals, notify, notify_timeout, policies\n"},
		{TEXT("colour: red\n"),
		 "f:1:1: colour: unknown key in the file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"},
		{TEXT("'': /e\n"),
		 "f:1:1: : unknown key in the file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"},
		{TEXT("\"\\e[31m\\u009b\": 1\n"),
		 "f:1:1: \\x1b[31m\\xc2\\x9b: unknown key in the "
		 "file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"},
		{TEXT(POLICY "    presure: low\n"),
		 "f:4:5: presure: unknown key in a policy (did you mean `pressure`?); "
		 "allowed: " POLICY_KEYS "\n"},
		{TEXT(POLICY "    avoid: [ { comn: x } ]\n"),
		 "f:4:16: comn: unknown key in a rule (did you mean `comm`?); allowed: " RULE_KEYS
		 "\n"},
		{TEXT(POLICY "    warn_only: true\n"),
		 "f:4:5: warn_only: unknown key in a policy; allowed: " POLICY_KEYS "\n"},
		{TEXT("events: /e\nevents: /f\n"),
		 "f:2:1: yaml: this key was given already, in line 1; once is allowed\n"},
		{TEXT("? [a]\n: b\nevents: /e\n"),
		 "f:1:3: yaml: a list or mapping cannot be a key; a key is a word\n"},
		{TEXT("? {a: {b: [c]}}\n: {d: [e]}\n"),
		 "f:1:3: yaml: a list or mapping cannot be a key; a key is a word\n"},
		{TEXT("<<: { events: /e }\n"),
		 "f:1:1: <<: unknown key in the file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"},

		/* kinds */
		{TEXT("hello\n"), "f:1:1: yaml: the file is 'hello'; " FILE_ALLOWED},
		{TEXT("''\n"), "f:1:1: yaml: the file is empty; " FILE_ALLOWED},
		{TEXT("~\n"), "f:1:1: yaml: the file is '~'; " FILE_ALLOWED},
		{TEXT("- a\n"), "f:1:1: yaml: the file is a list; " FILE_ALLOWED},
		{TEXT("events:\n"), "f:1:8: events: is empty; allowed: an absolute path\n"},
		{TEXT("events: e.jsonl\n"),
		 "f:1:9: events: is 'e.jsonl'; allowed: an absolute path\n"},
		{TEXT("events: [/e]\n"), "f:1:9: events: is a list; allowed: an absolute path\n"},
		{TEXT("events: {a: /e}\n"),
		 "f:1:9: events: is a mapping; allowed: an absolute path\n"},
		{TEXT("events: \"/a\\nb\"\n"),
		 "f:1:9: events: is '/a\\x0ab'; allowed: an absolute path\n"},
		{TEXT("policies:\n"), "f:1:10: policies: is empty; allowed: a list of policies, "
				      "each a mapping with at least name and match\n"},
		{TEXT("policies: { name: a }\n"),
		 "f:1:11: policies: is a mapping; allowed: a list of policies, each a mapping with "
		 "at least name and match\n"},
		{TEXT("policies: [ a, [b], { name: a, match: { node: true } } ]\n"),
		 "f:1:13: policies: a policy here is 'a'; allowed: a mapping with at least name "
		 "and match\n"
		 "f:1:16: policies: a policy here is a list; allowed: a mapping with at least name "
		 "and match\n"},

		/* names */
		{TEXT("policies: [ {} ]\n"),
		 "f:1:13: name: is missing; required: " NAME_ALLOWED
		 "\nf:1:13: match: is missing; required: " MATCH_ALLOWED "\n"},
		{TEXT("policies: [ { name: a b, match: { node: true } } ]\n"),
		 "f:1:21: name: is 'a b'; allowed: " NAME_ALLOWED "\n"},
		{TEXT("policies: [ { name: '', match: { node: true } } ]\n"),
		 "f:1:21: name: is empty; allowed: " NAME_ALLOWED "\n"},
		{TEXT("policies: [ { name: b" A64 ", match: { node: true } } ]\n"),
		 "f:1:21: name: is 'baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'; "
		 "allowed: " NAME_ALLOWED "\n"},
		{TEXT("policies: [ { name: \xc3\xa9, match: { node: true } } ]\n"),
		 "f:1:21: name: is '\\xc3\\xa9'; allowed: " NAME_ALLOWED "\n"},
		{TEXT("policies: [ { name: cgroups, match: { cgroup: /a } } ]\n"),
		 "f:1:21: name: is 'cgroups', the built-in policy that watches every other cgroup; "
		 "allowed: another name\n"},
		{TEXT(POLICY "  - match: { cgroup: /b }\n    name: a\n"),
		 "f:5:11: name: is 'a', the name of the policy of line 2; allowed: another name\n"},

		/* match */
		{TEXT("policies: [ { name: a, match: { } } ]\n"),
		 "f:1:31: match: is empty; allowed: " MATCH_ALLOWED "\n"},
		{TEXT("policies: [ { name: a, match: { node: true, cgroup: /a } } ]\n"),
		 "f:1:31: match: names more than one kind of scope; allowed: " MATCH_ALLOWED "\n"},
		{TEXT("policies: [ { name: a, match: node } ]\n"),
		 "f:1:31: match: is 'node'; allowed: " MATCH_ALLOWED "\n"},
		{TEXT("policies: [ { name: a, match: { node: yes } } ]\n"),
		 "f:1:39: node: is 'yes'; allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { node: no } } ]\n"),
		 "f:1:39: node: is 'no'; allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { node: false } } ]\n"),
		 "f:1:39: node: is 'false'; allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { node: True } } ]\n"),
		 "f:1:39: node: is 'True' (did you mean `true`?); allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { node: 'true' } } ]\n"),
		 "f:1:39: node: is 'true' in quotes; allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { node: 1 } } ]\n"),
		 "f:1:39: node: is '1'; allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { node: } } ]\n"),
		 "f:1:39: node: is empty; allowed: true\n"},
		{TEXT("policies: [ { name: a, match: { cgroup: batch/* } } ]\n"),
		 "f:1:41: cgroup: is 'batch/*'; allowed: " CGROUP_ALLOWED "\n"},
		{TEXT("policies: [ { name: a, match: { cgroup: [/a] } } ]\n"),
		 "f:1:41: cgroup: is a list; allowed: " CGROUP_ALLOWED "\n"},
		{TEXT("policies:\n- { name: a, match: { node: true } }\n"
		      "- { name: b, match: { node: true } }\n"),
		 "f:3:23: node: the policy of line 2 judges the node already; allowed: one policy of the "
		 "node\n"},

		{TEXT("policies:\n- { name: a, proactive_reclaim: 0.9, match: { node: true } }\n"),
		 "f:2:3: proactive_reclaim: is in the policy of the node, where kswapd reclaims; "
		 "allowed: in a policy of cgroups or pods\n"},

		/* old names */
		{TEXT(POLICY "    background_reclaim: 0.9\n    proactive_reclaim: 0.9\n"),
		 "f:5:5: proactive_reclaim: this key was given already, as `background_reclaim` "
		 "in line 4; once is allowed\n"},
		{TEXT(POLICY "    proactive_reclaim: 0.9\n    background_reclaim: 0.9\n"),
		 "f:5:5: background_reclaim: this key was given already, as `proactive_reclaim` "
		 "in line 4; once is allowed\n"},
		{TEXT(POLICY "    background_reclaim: 2\n"),
		 "f:4:25: background_reclaim: is '2'; allowed: a ratio from 0.50 to 0.99, such as "
		 "0.95; for a policy of cgroups or pods\n"},
		{TEXT(POLICY "    background_reclam: 2\n"),
		 "f:4:5: background_reclam: unknown key in a policy; allowed: " POLICY_KEYS "\n"},

		/* words */
		{TEXT(POLICY "    pressure: meduim\n"),
		 "f:4:15: pressure: is 'meduim' (did you mean `medium`?); allowed: low, medium or "
		 "high\n"},
		{TEXT(POLICY "    pressure: LOW\n"),
		 "f:4:15: pressure: is 'LOW'; allowed: low, medium or high\n"},
		{TEXT(POLICY "    kill: pods\n"),
		 "f:4:11: kill: is 'pods' (did you mean `pod`?); allowed: process, group, cgroup or pod\n"},
		{TEXT(POLICY "    rank:\n"),
		 "f:4:10: rank: is empty; allowed: blame, size or kernel\n"},
		{TEXT(POLICY "    rank: [size]\n"),
		 "f:4:11: rank: is a list; allowed: blame, size or kernel\n"},

		/* rules */
		{TEXT(POLICY "    protect: { comm: a }\n"),
		 "f:4:14: protect: is a mapping; allowed: a list of rules, each " RULE_ALLOWED
		 "\n"},
		{TEXT(POLICY "    protect: java\n"),
		 "f:4:14: protect: is 'java'; allowed: a list of rules, each " RULE_ALLOWED "\n"},
		{TEXT(POLICY "    protect: [ java, {}, [], { comm: b } ]\n"),
		 "f:4:16: protect: a rule here is 'java'; allowed: " RULE_ALLOWED
		 "\nf:4:22: protect: a rule here is empty; allowed: " RULE_ALLOWED
		 "\nf:4:26: protect: a rule here is a list; allowed: " RULE_ALLOWED "\n"},
		{TEXT(POLICY "    avoid: [ { comm: '^(foo', cmdline: 'a)' } ]\n"),
		 "f:4:22: comm: the pattern does not compile: missing closing parenthesis at "
		 "offset 5; allowed: " COMM_ALLOWED
		 "\nf:4:40: cmdline: the pattern does not compile: unmatched closing parenthesis "
		 "at offset 1; allowed: a regular expression (PCRE2) on the command line\n"},
		{TEXT(POLICY "    prefer: [ { comm: '' } ]\n"),
		 "f:4:23: comm: is empty; allowed: " COMM_ALLOWED "\n"},
		{TEXT(POLICY "    prefer: [ { comm: } ]\n"),
		 "f:4:23: comm: is empty; allowed: " COMM_ALLOWED "\n"},
		{TEXT(POLICY "    prefer: [ { comm: [a] } ]\n"),
		 "f:4:23: comm: is a list; allowed: " COMM_ALLOWED "\n"},

		/* several errors, of YAML and of keys, in the order of the file */
		{TEXT("policies:\n  - kill: x\n    match: &m { node: no }\n    name: a\n"
		      "    name: b\nevents: *m\n"),
		 "f:2:11: kill: is 'x'; allowed: process, group, cgroup or pod\n"
		 "f:3:12: yaml: anchors (&name) are not allowed; write the value out\n"
		 "f:3:23: node: is 'no'; allowed: true\n"
		 "f:5:5: yaml: this key was given already, in line 4; once is allowed\n"
		 "f:6:9: yaml: aliases (*name) are not allowed; write the value out\n"},

		/* features of YAML that are not allowed */
		{TEXT("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"),
		 "f:1:1: a: unknown key in the file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"
		 "f:1:4: yaml: anchors (&name) are not allowed; write the value out\n"
		 "f:2:1: b: unknown key in the file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"
		 "f:2:4: yaml: anchors (&name) are not allowed; write the value out\n"
		 "f:2:8: yaml: aliases (*name) are not allowed; write the value out\n"
		 "f:2:11: yaml: aliases (*name) are not allowed; write the value out\n"
		 "f:3:1: c: unknown key in the file; allowed: events, readers, rivals, notify, notify_timeout, policies\n"
		 "f:3:4: yaml: anchors (&name) are not allowed; write the value out\n"
		 "f:3:8: yaml: aliases (*name) are not allowed; write the value out\n"
		 "f:3:11: yaml: aliases (*name) are not allowed; write the value out\n"},
		{TEXT("&a [*a]\n"), "f:1:1: yaml: anchors (&name) are not allowed; write the value "
				    "out\nf:1:1: yaml: the file is a list; " FILE_ALLOWED
				    "f:1:5: yaml: aliases (*name) are not allowed; write the value "
				    "out\n"},
		{TEXT("*a\n"),
		 "f:1:1: yaml: aliases (*name) are not allowed; write the value out\n"},
		{TEXT("*a : b\n"),
		 "f:1:1: yaml: aliases (*name) are not allowed; write the value out\n"},
		{TEXT("events: !!binary aGk=\n"),
		 "f:1:9: yaml: tags (!name) are not allowed\n"
		 "f:1:9: events: is 'aGk='; allowed: an absolute path\n"},
		{TEXT("policies: !mine []\n"), "f:1:11: yaml: tags (!name) are not allowed\n"},
		{TEXT("%TAG !x! tag:x\n---\nevents: /e\n"), "f:1:1: yaml: %TAG is not allowed\n"},
		{TEXT("events: /e\n---\nevents: /f\n"),
		 "f:2:1: yaml: a second document begins; one is allowed\n"},
		{TEXT("---\n---\n"), "f:2:1: yaml: a second document begins; one is allowed\n"},
		{TEXT("events: \"/a\\0b\"\n"), "f:1:9: yaml: NUL bytes are not allowed\n"},

		/* not YAML */
		{TEXT("policies:\n\t- name: a\n"),
		 "f:2:1: yaml: a tab where only spaces may be; indent by spaces\n"},
		{TEXT("events: /e\n\0\n"),
		 "f:2:1: yaml: control characters are not allowed; the file must be UTF-8 text\n"},
		{TEXT("\0"), "f:1:1: yaml: control characters are not allowed; the file must be "
			     "UTF-8 text\n"},
		{TEXT("events: /\x01\n"), "f:1:10: yaml: control characters are not allowed; the "
					  "file must be UTF-8 text\n"},
		{TEXT("# \xc3\xa9\xc3\xa9 \xff\n"),
		 "f:1:6: yaml: invalid leading UTF-8 octet; the file must be UTF-8 text\n"},
		{TEXT("events: /e\r\n\xc3"),
		 "f:2:1: yaml: incomplete UTF-8 octet sequence; the file must be UTF-8 text\n"},
		{TEXT("events: /\xc0\x80\n"),
		 "f:1:10: yaml: invalid length of a UTF-8 sequence; the file must be UTF-8 text\n"},
		{TEXT("\xff\xfe{\0}\0"),
		 "f:1:1: yaml: invalid leading UTF-8 octet; the file must be UTF-8 text\n"},
		{TEXT("[a\n"),
		 "f:2:1: yaml: did not find expected ',' or ']' (while parsing a flow "
		 "sequence)\n"},
		{TEXT("a: b: c\n"),
		 "f:1:5: yaml: mapping values are not allowed in this context\n"},
		{TEXT("events: \"/e\n"), "f:2:1: yaml: found unexpected end of stream (while "
					 "scanning a quoted scalar)\n"},
		{TEXT("events: @e\n"), "f:1:9: yaml: found character that cannot start any token "
				       "(while scanning for the next token)\n"},
		{TEXT("%FOO\n---\nevents: /e\n"),
		 "f:1:5: yaml: found unknown directive name (while scanning a directive)\n"},
	};
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_errors errors = {0};
		struct config *config = untouched;
		int r = parse(cases[i].text, cases[i].len, &config, &errors);
		_cleanup_free_ char *lines = errors_join(&errors);

		if (r != -EINVAL || config != untouched || strcmp(lines, cases[i].errors) != 0) {
			print_error("%s\n%d, wanted:\n%sgot:\n%s\n", cases[i].text, r,
				    cases[i].errors, lines);
			failed++;
		}
		config_errors_free(&errors);
		assert_int_equal(errors.count, 0);
		/* also for a caller that only wants the outcome */
		assert_int_equal(parse(cases[i].text, cases[i].len, &config, NULL), -EINVAL);
		assert_ptr_equal(config, untouched);
	}
	assert_int_equal(failed, 0);
}

/* Long texts: a head, a unit many times, and a tail. */
static void test_big(void **state)
{
	static const struct {
		const char *head;
		const char *unit;
		size_t times;
		const char *tail;
		int r;
		const char *first; /* error, or NULL */
	} cases[] = {
		{"", "[", 300, "", -EINVAL, "f:1:17: yaml: too deep"},
		{"", "[", YDOC_SIZE_MAX, "", -EINVAL, "f:1:17: yaml: too deep"},
		{"", "{a: ", 300, "", -EINVAL, "f:1:65: yaml: too deep"},
		{"", "- ", 300, "a\n", -EINVAL, "f:1:33: yaml: too deep"},
		{"", "? ", 300, "a\n", -EINVAL, "f:1:3: yaml: a list or mapping cannot be a key"},
		{"a: ", "[", 15, "]]]]]]]]]]]]]]]", -EINVAL, "f:1:1: a: unknown key"},
		{"a: ", "[", 16, "]]]]]]]]]]]]]]]]", -EINVAL, "f:1:19: yaml: too deep"},
		{"", "#", YDOC_SIZE_MAX, "", 0, NULL},
		{"", "#", YDOC_SIZE_MAX + 1, "", -EINVAL, "f:1:1: yaml: too large"},
		{"", "\n", YDOC_SIZE_MAX, "", 0, NULL},
		{"[", "a,", 300000, "]", -EINVAL, "f:1:200000: yaml: too many values"},
		{"{", "? a,", 200000, "}", -EINVAL, "f:1:8: yaml: this key was given already"},
		{"events: /", "a", 4094, "\n", 0, NULL},
		{"events: /", "a", 4095, "\n", -EINVAL,
		 "f:1:9: events: is '/" A39
		 "...' (longer than 4095 bytes); allowed: an absolute path"},
		{"events: /", "a", YDOC_SIZE_MAX - 9, "", -EINVAL,
		 "f:1:9: events: is '/" A39
		 "...' (longer than 4095 bytes); allowed: an absolute path"},
		{"", "a", 2000, ": b\n", -EINVAL, "f:1:2001: yaml: mapping values are not allowed"},
		{"policies: [{name: a, match: {cgroup: /a}, avoid: [{comm: '", "a",
		 REGEX_PATTERN_MAX, "'}]}]", 0, NULL},
		{"policies: [{name: a, match: {cgroup: /a}, avoid: [{comm: '", "a",
		 REGEX_PATTERN_MAX + 1, "'}]}]", -EINVAL,
		 "f:1:58: comm: the pattern does not compile: pattern string is longer than the "
		 "limit"},
		{"policies: [{name: a, match: {cgroup: /a}, avoid: [", "{comm: a},", 20000, "]}]",
		 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t unit = strlen(cases[i].unit), head = strlen(cases[i].head);
		size_t tail = strlen(cases[i].tail), len = head + unit * cases[i].times + tail;
		_cleanup_free_ char *text = malloc(len);
		struct config_errors errors = {0};
		struct config *config = untouched;
		int r;

		assert_non_null(text);
		memcpy(text, cases[i].head, head);
		for (size_t t = 0; t < cases[i].times; t++)
			memcpy(text + head + t * unit, cases[i].unit, unit);
		memcpy(text + len - tail, cases[i].tail, tail);

		r = parse(text, len, &config, &errors);
		if (r != cases[i].r)
			fail_msg("case %zu: %d %s", i, r, errors.count ? errors.list[0].text : "");
		if (r == 0) {
			assert_int_equal(errors.count, 0);
			config_free(config);
			continue;
		}
		assert_ptr_equal(config, untouched);
		assert_true(errors.count > 0);
		if (strncmp(errors.list[0].text, cases[i].first, strlen(cases[i].first)) != 0)
			fail_msg("case %zu: %s", i, errors.list[0].text);
		config_errors_free(&errors);
	}
}

/* The number of keys is bounded, because the search for duplicates is quadratic. */
static void test_many_keys(void **state)
{
	struct config_errors errors = {0};
	struct config *config = untouched;
	size_t len = 0, room = 8192;
	_cleanup_free_ char *text = malloc(room);

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 300; i++)
		len += (size_t)snprintf(text + len, room - len, "k%d: v\n", i);

	/* the 257th key makes the text no tree, so the 256 unknown keys are not reported */
	assert_int_equal(parse(text, len, &config, &errors), -EINVAL);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.list[0].text, "f:257:7: yaml: too many keys in one mapping; at "
						 "most 256 are allowed");
	config_errors_free(&errors);
}

/* More errors than are kept: the first ones are kept, the others counted. */
static void test_many_errors(void **state)
{
	struct config_errors errors = {0};
	struct config *config = untouched;
	size_t len = 0, room = 8192;
	_cleanup_free_ char *text = malloc(room);

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 200; i++)
		len += (size_t)snprintf(text + len, room - len, "k%d: v\n", i);

	assert_int_equal(parse(text, len, &config, &errors), -EINVAL);
	assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
	assert_int_equal(errors.more, 200 - CONFIG_ERRORS_MAX);
	for (size_t i = 0; i < errors.count; i++)
		assert_int_equal(errors.list[i].line, i + 1);
	config_errors_free(&errors);
	config_errors_free(NULL);
}

static void test_policies_max(void **state)
{
	size_t len, room = 65536;
	_cleanup_free_ char *text = malloc(room);
	struct config *config;

	(void)state;
	assert_non_null(text);
	len = (size_t)snprintf(text, room, "policies:\n");
	for (int i = 0; i < CONFIG_POLICIES_MAX; i++)
		len += (size_t)snprintf(text + len, room - len,
					"- { name: p%d, match: { cgroup: /%d } }\n", i, i);

	config = parse_good(text, len);
	assert_int_equal(config->policy_count, CONFIG_POLICIES_MAX + 1);
	for (size_t i = 0; i < config->policy_count; i++)
		assert_true(list_names(&config->policies[i].protect, "sshd", ""));
	config_free(config);
}

/* comm as the kernel stores it: the first 15 bytes. */
static bool list_names_program(const struct rule_list *list, const char *program)
{
	char comm[16];

	snprintf(comm, sizeof(comm), "%s", program);
	return list_names(list, comm, "");
}

static void test_default(void **state)
{
	static const char *const protected[] = {
		"systemd",
		"(sd-pam)",
		"systemd-journald",
		"systemd-logind",
		"systemd-networkd",
		"systemd-resolved",
		"systemd-udevd",
		"systemd-timesyncd",
		"systemd-machined",
		"systemd-oomd",
		"elogind",
		"elogind-daemon",
		"supervise-daemon",
		"s6-supervise",
		"runsv",
		"dbus-daemon",
		"dbus-broker",
		"dbus-broker-launch",
		"sshd",
		"sshd-session",
		"sshd-auth",
		"dropbear",
		"login",
		"agetty",
		"getty",
		"(agetty)",
		"sulogin",
		"sssd",
		"sssd_be",
		"NetworkManager",
		"wpa_supplicant",
		"iwd",
		"dhclient",
		"dhcpcd",
		"udhcpc",
		"wickedd",
		"wickedd-dhcp4",
		"connmand",
		"ovs-vswitchd",
		"containerd",
		"containerd-shim",
		"containerd-shim-runc-v2",
		"dockerd",
		"docker-proxy",
		"crio",
		"conmon",
		"conmonrs",
		"runc",
		"crun",
		"kubelet",
		"kubelite",
		"k3s-server",
		"k3s-agent",
		"pause",
		"lxcfs",
		"iscsid",
		"multipathd",
		"google_guest_agent",
		"amazon-ssm-agent",
		"qemu-ga",
	};
	static const char *const not_protected[] = {
		"java",	    "python3", "bash",	      "sshd2", "mysshd", "ssh",	       "postgres",
		"systemdx", "pauses",  "containerdx", "dbus",  "loginx", "logcollect", "node",
		"chrome",   "",
	};
	static const char *const avoided[] = {
		"X",
		"Xorg",
		"Xwayland",
		"gnome-shell",
		"gnome-session-binary",
		"kwin_wayland",
		"kwin_x11",
		"plasmashell",
		"sway",
		"weston",
		"cinnamon",
		"xfwm4",
		"xfce4-session",
		"gdm-wayland-session",
		"sddm",
		"lightdm",
		"Hyprland",
	};
	static const char *const not_avoided[] = {"Xfoo", "x", "firefox", "java", "sshd", "i3bar"};
	struct config *config = config_default();
	const struct policy *node, *cgroups;

	(void)state;
	assert_non_null(config);
	assert_null(config->events_path);
	assert_int_equal(config->policy_count, 2);

	node = &config->policies[0];
	assert_string_equal(node->name, "node");
	assert_true(node->match_node);
	assert_null(node->match_cgroup);
	assert_false(node->warn_only);
	assert_int_equal(node->pressure, PRESSURE_MEDIUM);
	assert_int_equal(node->kill, KILL_UNIT_PROCESS);
	assert_int_equal(node->rank, RANK_BLAME);
	assert_int_equal(node->prefer.count, 0);

	cgroups = &config->policies[1];
	assert_string_equal(cgroups->name, "cgroups");
	assert_false(cgroups->match_node);
	assert_string_equal(cgroups->match_cgroup, "/*");
	assert_true(cgroups->warn_only);

	for (size_t i = 0; i < ARRAY_SIZE(protected); i++)
		if (!list_names_program(&node->protect, protected[i]))
			fail_msg("%s is not protected", protected[i]);
	for (size_t i = 0; i < ARRAY_SIZE(not_protected); i++)
		if (list_names_program(&node->protect, not_protected[i]))
			fail_msg("%s is protected", not_protected[i]);
	for (size_t i = 0; i < ARRAY_SIZE(avoided); i++)
		if (!list_names_program(&node->avoid, avoided[i]))
			fail_msg("%s is not avoided", avoided[i]);
	for (size_t i = 0; i < ARRAY_SIZE(not_avoided); i++)
		if (list_names_program(&node->avoid, not_avoided[i]))
			fail_msg("%s is avoided", not_avoided[i]);

	config_free(config);
	config_free(NULL);
}

/* Every key has all that the man page and the messages need. */
static void test_tables(void **state)
{
	(void)state;
	for (size_t t = 0; config_tables[t]; t++) {
		assert_non_null(config_tables[t]->name);
		assert_in_range(config_tables[t]->count, 1, 32);
		for (size_t k = 0; k < config_tables[t]->count; k++) {
			const struct config_key *key = &config_tables[t]->keys[k];
			char allowed[256];

			assert_non_null(key->name);
			assert_non_null(key->parse);
			assert_non_null(key->help);
			assert_true(!key->words != !key->allowed);
			assert_true(strlen(config_key_allowed(key, allowed, sizeof(allowed))) > 0);
			assert_true(strlen(allowed) < sizeof(allowed) - 1);
		}
	}
}

/* ---- files ---- */

static char dir[] = "/tmp/fastoom-test-config-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/f.yaml", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void write_file(const char *text, size_t len, mode_t mode)
{
	_cleanup_fclose_ FILE *f = NULL;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fchmod(fileno(f), mode), 0);
}

/* Root may read everything: become another user for a moment. False: not possible. */
static bool be_nobody(void)
{
	return geteuid() || seteuid(65534) == 0;
}

static void be_self(void)
{
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
}

/* Reading @file reports why @unread cannot be read, and nothing else. */
static void check_unread(const char *file, const char *unread, int want, const char *why)
{
	struct config_errors errors = {0};
	struct config *config = untouched;
	_cleanup_free_ char *line = NULL;

	assert_true(asprintf(&line, "%s: cannot be read: %s", unread, why) >= 0);
	assert_int_equal(config_read(file, &config, NULL), want);
	assert_int_equal(config_read(file, &config, &errors), want);
	assert_ptr_equal(config, untouched);
	assert_int_equal(errors.count, 1);
	assert_int_equal(errors.list[0].line, 0);
	assert_string_equal(errors.list[0].text, line);
	config_errors_free(&errors);
}

static void check_unreadable(const char *file, int want, const char *why)
{
	check_unread(file, file, want, why);
}

static void test_read(void **state)
{
	struct config_errors errors = {0};
	struct config *config = NULL;
	_cleanup_free_ char *line = NULL;

	(void)state;
	write_file(TEXT("events: /e\n"), 0600);
	assert_int_equal(config_read(path, &config, &errors), 0);
	assert_string_equal(config->events_path, "/e");
	config_free(config);

	config = untouched;
	write_file(TEXT("event: /e\n"), 0600);
	assert_int_equal(config_read(path, &config, &errors), -EINVAL);
	assert_ptr_equal(config, untouched);
	assert_int_equal(errors.count, 1);
	assert_true(asprintf(&line,
			     "%s:1:1: event: unknown key in the file (did you mean `events`?); "
			     "allowed: events, readers, rivals, notify, notify_timeout, policies",
			     path) >= 0);
	assert_string_equal(errors.list[0].text, line);
	config_errors_free(&errors);
}

static void put_file(const char *in, const char *name, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", in, name);
	file = fopen(full, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Ten thousand rules are read, and the last one applies; prints the CPU time of a ranking. */
static void test_many_rules(void **state)
{
	enum {
		RULES = 10000,
		PROCESSES = 300
	};
	static struct candidate candidates[PROCESSES];
	static struct victim victims[PROCESSES];
	struct victim_request request = {.scope_bytes = 1 << 30};
	struct config *config;
	struct timespec from, to;
	char *text = malloc(RULES * 64), *at = text;
	char exe[32];

	(void)state;
	assert_non_null(text);
	at += sprintf(at, POLICY "    protect:\n");
	for (int i = 0; i < RULES; i++)
		at += sprintf(at, "      - { exe: '^/opt/p%d/bin/x$' }\n", i);
	config = parse_good(text, (size_t)(at - text));
	request.policy = &config->policies[0];
	assert_true(request.policy->protect.count > RULES);
	snprintf(exe, sizeof(exe), "/opt/p%d/bin/x", RULES - 1);
	for (int i = 0; i < PROCESSES; i++)
		candidates[i] = (struct candidate){
			.pid = 100 + i,
			.start_boot_ns = (uint64_t)i,
			.anon_bytes = (uint64_t)(1000 - i) << 20,
			.place = PLACE_HOST,
			.comm = "x",
			.exe = i == 0 ? exe : "/usr/bin/something/else",
		};
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	assert_int_equal(victim_rank(&request, candidates, PROCESSES, victims), PROCESSES - 1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	/* the last rule protects the largest process */
	assert_int_equal(victims[0].candidate->pid, 101);
	assert_int_equal(victims[PROCESSES - 1].candidate->pid, 100);
	assert_int_equal(victims[PROCESSES - 1].excluded, VICTIM_PROTECTED);
	print_message("%d processes by %d rules: %.0f ms of CPU\n", PROCESSES, RULES,
		      (double)(to.tv_sec - from.tv_sec) * 1e3 +
			      (double)(to.tv_nsec - from.tv_nsec) / 1e6);
	config_free(config);
	free(text);
}

/* A file and its folder of drop-ins; folder_end() removes them. */
struct folder {
	char own[64], path[96], drop_ins[96];
};

static void folder_begin(struct folder *folder)
{
	snprintf(folder->own, sizeof(folder->own), "/tmp/fastoom-test-config-XXXXXX");
	assert_non_null(mkdtemp(folder->own));
	assert_int_equal(chmod(folder->own, 0755), 0);
	snprintf(folder->path, sizeof(folder->path), "%s/c.yaml", folder->own);
	snprintf(folder->drop_ins, sizeof(folder->drop_ins), "%s/config.d", folder->own);
	assert_int_equal(mkdir(folder->drop_ins, 0755), 0);
}

static void folder_end(const struct folder *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf -- '%s'", folder->own);
	assert_int_equal(system(command), 0);
}

/* Drop-ins are read in the order of their names, and all of them apply or none. */
static void test_drop_ins(void **state)
{
	struct config_errors errors = {0};
	struct config *config = untouched;
	struct folder folder;
	char *text;

	(void)state;
	folder_begin(&folder);
	put_file(folder.own, "c.yaml", "events: /first\n" POLICY);
	put_file(folder.drop_ins, "20-b.yaml",
		 "policies: [ { name: c, match: { cgroup: /c } } ]\n");
	put_file(folder.drop_ins, "10-a.yaml",
		 "events: /last\npolicies: [ { name: b, match: { node: true } } ]\n");
	put_file(folder.drop_ins, "30-x.yml", "nonsense");
	put_file(folder.drop_ins, ".40.yaml", "nonsense");
	assert_int_equal(config_read(folder.path, &config, &errors), 0);
	assert_int_equal(config->policy_count, 4);
	assert_string_equal(config->policies[0].name, "a");
	assert_string_equal(config->policies[1].name, "b");
	assert_string_equal(config->policies[2].name, "c");
	assert_string_equal(config->events_path, "/last");
	config_free(config);

	/* warnings are in the order of the files, too */
	put_file(folder.own, "c.yaml", POLICY "    ladder: [ notify, kill ]\n");
	put_file(folder.drop_ins, "20-b.yaml",
		 "policies: [ { name: c, match: { cgroup: /c }, protect: [ { comm: x } ] } ]\n");
	assert_int_equal(config_read(folder.path, &config, &errors), 0);
	assert_int_equal(errors.warning_count, 2);
	assert_non_null(strstr(errors.warnings[0].text, "/c.yaml:2:11: ladder: "));
	assert_non_null(strstr(errors.warnings[1].text, "/20-b.yaml:1:"));
	config_errors_free(&errors);
	config_free(config);
	put_file(folder.own, "c.yaml", "events: /first\n" POLICY);
	put_file(folder.drop_ins, "20-b.yaml",
		 "policies: [ { name: c, match: { cgroup: /c } } ]\n");

	config = untouched;
	put_file(folder.drop_ins, "15-c.yaml",
		 "policies:\n  - { name: a, match: { node: true } }\n  - { nam: d }\n");
	put_file(folder.drop_ins, "30-d.yaml", "policies: [ { name: e, match: { cgroup: x } } ]\n");
	assert_int_equal(config_read(folder.path, &config, &errors), -EINVAL);
	assert_ptr_equal(config, untouched);
	text = errors_join(&errors);
	/* in the order of the files, each with the place of the other policy */
	assert_non_null(strstr(text, "15-c.yaml:2:13: name: is 'a', the name of the policy of "));
	assert_non_null(strstr(text, "c.yaml, line 3;"));
	assert_non_null(strstr(text, "10-a.yaml, line 2 judges the node already"));
	assert_non_null(strstr(text, "15-c.yaml:3:7: nam: unknown key"));
	assert_true(strstr(text, "15-c.yaml:3:7") < strstr(text, "30-d.yaml:1:"));
	free(text);
	config_errors_free(&errors);
	folder_end(&folder);
}

/* A file of @count policies, one a line from line 2 on. */
static void put_policies(const char *in, const char *name, char letter, unsigned count)
{
	_cleanup_free_ char *text = malloc(64 * (count + 1));
	char *at = text;

	assert_non_null(text);
	at += sprintf(at, "policies:\n");
	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "- { name: %c%u, match: { cgroup: /%c%u } }\n", letter, i, letter,
			      i);
	put_file(in, name, text);
}

/* The limit of policies is of all files together, and exceeding it is an error. */
static void test_policies_max_of_all_files(void **state)
{
	struct config_errors errors = {0};
	struct config *config = untouched;
	_cleanup_free_ char *line = NULL;
	struct folder folder;

	(void)state;
	folder_begin(&folder);
	put_policies(folder.own, "c.yaml", 'a', 200);
	put_policies(folder.drop_ins, "1.yaml", 'b', CONFIG_POLICIES_MAX - 200);
	assert_int_equal(config_read(folder.path, &config, &errors), 0);
	assert_int_equal(config->policy_count, CONFIG_POLICIES_MAX + 1);
	config_free(config);

	config = untouched;
	put_policies(folder.drop_ins, "1.yaml", 'b', 200);
	put_policies(folder.drop_ins, "2.yaml", 'c', 10);
	assert_int_equal(config_read(folder.path, &config, &errors), -EINVAL);
	assert_ptr_equal(config, untouched);
	/* once, at the first policy beyond the limit */
	assert_int_equal(errors.count, 1);
	assert_true(
		asprintf(
			&line,
			"%s/1.yaml:%d:3: policies: is policy 257 of all files together; allowed: at most 256",
			folder.drop_ins, 2 + CONFIG_POLICIES_MAX - 200) >= 0);
	assert_string_equal(errors.list[0].text, line);
	config_errors_free(&errors);

	put_policies(folder.own, "c.yaml", 'a', CONFIG_POLICIES_MAX + 50);
	assert_int_equal(config_read(folder.path, &config, &errors), -EINVAL);
	assert_int_equal(errors.count, 1);
	assert_int_equal(errors.list[0].line, 2 + CONFIG_POLICIES_MAX);
	config_errors_free(&errors);
	folder_end(&folder);
}

/* A folder of drop-ins that cannot be read is an error: it may hold `protect` lists. */
static void test_drop_ins_unreadable(void **state)
{
	struct folder folder;

	(void)state;
	folder_begin(&folder);
	put_file(folder.own, "c.yaml", POLICY);
	assert_int_equal(rmdir(folder.drop_ins), 0);
	put_file(folder.own, CONFIG_DROP_INS, POLICY);
	check_unread(folder.path, folder.drop_ins, -ENOTDIR, "Not a directory");
	assert_int_equal(unlink(folder.drop_ins), 0);
	assert_int_equal(mkdir(folder.drop_ins, 0), 0);
	if (be_nobody())
		check_unread(folder.path, folder.drop_ins, -EACCES, "Permission denied");
	be_self();
	folder_end(&folder);
}

/* The order does not depend on the locale, which top sets and the daemon does not. */
static void test_drop_ins_order(void **state)
{
	struct config *config;
	struct folder folder;
	char command[256];

	(void)state;
	folder_begin(&folder);
	snprintf(command, sizeof(command),
		 "localedef --no-archive -i en_US -f ISO-8859-1 '%s/en_US' 2>/dev/null",
		 folder.own);
	setenv("LOCPATH", folder.own, 1);
	if (system(command) || !setlocale(LC_COLLATE, "en_US")) {
		folder_end(&folder);
		skip();
	}
	put_file(folder.own, "c.yaml", "policies: []\n");
	put_policies(folder.drop_ins, "B.yaml", 'B', 1);
	put_policies(folder.drop_ins, "a.yaml", 'a', 1);
	assert_int_equal(config_read(folder.path, &config, NULL), 0);
	setlocale(LC_COLLATE, "C");
	assert_string_equal(config->policies[0].name, "B0");
	assert_string_equal(config->policies[1].name, "a0");
	config_free(config);
	folder_end(&folder);
}

static void test_watch_unreadable(void **state)
{
	struct config_watch *watch = NULL;
	struct folder folder;

	(void)state;
	folder_begin(&folder);
	put_file(folder.own, "c.yaml", POLICY);
	assert_int_equal(config_watch_new(&watch, folder.path), 0);
	config_watch_free(watch);
	watch = NULL;
	/* the file can be read, its folder cannot be listed */
	assert_int_equal(chmod(folder.own, 0311), 0);
	if (be_nobody())
		assert_int_equal(config_watch_new(&watch, folder.path), -EACCES);
	be_self();
	assert_null(watch);
	folder_end(&folder);
}

/* Of several files the last value of `readers` applies, also when it is everyone. */
static void test_readers(void **state)
{
	static const struct {
		const char *first, *last, *readers;
	} rows[] = {
		{"readers: " A64 "\n", "readers: everyone\n", NULL},
		{"readers: everyone\n", "readers: two\n", "two"},
		{"readers: " A64 "\n", "readers: two\n", "two"},
		{"readers: one\n", "", "one"},
	};
	struct folder folder;

	(void)state;
	folder_begin(&folder);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *config;
		size_t held = 0;

		put_file(folder.own, "c.yaml", rows[i].first);
		put_file(folder.drop_ins, "a.yaml", rows[i].last);
		/* many times: the value of the first file must not leak */
		for (int n = 0; n < 300; n++) {
			assert_int_equal(config_read(folder.path, &config, NULL), 0);
			if (!config->readers || !rows[i].readers)
				assert_ptr_equal(config->readers, rows[i].readers);
			else
				assert_string_equal(config->readers, rows[i].readers);
			config_free(config);
			if (n == 100)
				held = mallinfo2().uordblks;
		}
		/* leaking A64 199 times exceeds this, the caches of malloc() do not */
		assert_in_range(mallinfo2().uordblks, 0, held + 8192);
	}
	folder_end(&folder);
}

static void test_read_too_large(void **state)
{
	struct config_errors errors = {0};
	struct config *config = untouched;
	const size_t len = 3 * YDOC_SIZE_MAX;
	_cleanup_free_ char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '#', len);
	write_file(text, len, 0600);
	assert_int_equal(config_read(path, &config, &errors), -EINVAL);
	assert_int_equal(errors.count, 1);
	assert_non_null(strstr(errors.list[0].text, ":1:1: yaml: too large"));
	config_errors_free(&errors);
}

static void test_read_not_a_file(void **state)
{
	(void)state;
	unlink(path);
	check_unreadable(path, -ENOENT, "No such file or directory");
	check_unreadable("", -ENOENT, "No such file or directory");
	check_unreadable(dir, -EISDIR, "Is a directory");
	check_unreadable("/dev/zero", -ENODEV, "Not a regular file");

	/* opening a FIFO must not wait for a writer */
	assert_int_equal(mkfifo(path, 0600), 0);
	check_unreadable(path, -ENODEV, "Not a regular file");

	unlink(path);
	assert_int_equal(symlink("f.yaml", path), 0);
	check_unreadable(path, -ELOOP, "Too many levels of symbolic links");
}

static void test_read_forbidden(void **state)
{
	(void)state;
	write_file(TEXT("events: /e\n"), 0);
	if (!be_nobody())
		skip();
	check_unreadable(path, -EACCES, "Permission denied");
	be_self();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_old_name),
		cmocka_unit_test(test_drop_ins),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_drop_ins_unreadable),
		cmocka_unit_test(test_drop_ins_order),
		cmocka_unit_test(test_watch_unreadable),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_policies_max),
		cmocka_unit_test(test_policies_max_of_all_files),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_too_large),
		cmocka_unit_test(test_read_not_a_file),
		cmocka_unit_test(test_read_forbidden),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

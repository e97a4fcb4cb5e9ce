// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/rule_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/regex.h"
#include "base/util.h"

/* "comm: ^java$", "comm: ^java$, cmdline: foo" */
static void rule_add_text(struct config_parser *p, struct rule *rule, const char *key,
			  const char *pattern)
{
	char *text = NULL;

	if (asprintf(&text, "%s%s%s: %s", rule->text ? rule->text : "", rule->text ? ", " : "", key,
		     pattern) < 0) {
		p->no_memory = true;
		return;
	}
	free(rule->text);
	rule->text = text;
}

bool parse_pattern(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		   bool whole, struct regex **regex)
{
	_cleanup_free_ char *wrapped = NULL;
	size_t offset, before = 0;
	char msg[256];
	int r;

	/* an empty pattern matches everything, which is hardly intended: '.*' says it too */
	if (value->kind != YNODE_SCALAR || value->len == 0) {
		parse_error_value(p, key, value, "");
		return false;
	}

	if (whole) {
		static const char front[] = "^(?:";

		before = sizeof(front) - 1;
		if (asprintf(&wrapped, "%s%s)$", front, value->text) < 0) {
			wrapped = NULL;
			p->no_memory = true;
			return false;
		}
	}
	r = regex_compile(whole ? wrapped : value->text, regex, &offset, msg, sizeof(msg));
	if (r == -EINVAL) {
		offset = offset < before ? 0 : offset - before;
		parse_error(p, value->line, value->column, key->name,
			    "the pattern does not compile: %s at offset %zu; allowed: %s", msg,
			    offset > value->len ? value->len : offset, key->allowed);
		return false;
	}
	if (r < 0) {
		p->no_memory = true;
		return false;
	}
	return true;
}

static void parse_rule_pattern(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	if (parse_pattern(p, key, value, false, parse_target(key, target)))
		rule_add_text(p, target, key->name, value->text);
}

static void parse_rule_whole(struct config_parser *p, const struct config_key *key,
			     const struct ynode *value, void *target)
{
	if (parse_pattern(p, key, value, true, parse_target(key, target)))
		rule_add_text(p, target, key->name, value->text);
}

static void parse_rule_qos(struct config_parser *p, const struct config_key *key,
			   const struct ynode *value, void *target)
{
	struct rule *rule = target;
	int i = parse_word(p, key, value);

	if (i < 0)
		return;
	rule->pod.qos = QOS_NONE + 1 + (enum qos)i;
	rule_add_text(p, rule, key->name, value->text);
}

static void parse_rule_cgroup(struct config_parser *p, const struct config_key *key,
			      const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_path(p, key, value, rule);
	if (rule->cgroup)
		rule_add_text(p, rule, key->name, value->text);
}

/* "1000", "1000-1999" */
static void parse_rule_uid(struct config_parser *p, const struct config_key *key,
			   const struct ynode *value, void *target)
{
	struct rule *rule = target;
	const char *text = value->kind == YNODE_SCALAR ? value->text : "";
	uint64_t from = 0, to = 0;
	bool good = parse_digits(&text, UINT32_MAX, &from);

	to = from;
	if (good && *text == '-') {
		text++;
		good = parse_digits(&text, UINT32_MAX, &to) && to >= from;
	}
	if (!good || *text) {
		parse_error_value(p, key, value, "");
		return;
	}
	rule->has_uid = true;
	rule->uid_from = (uint32_t)from;
	rule->uid_to = (uint32_t)to;
	rule_add_text(p, rule, key->name, value->text);
}

const char *const rule_qos_words[QOS_MAX_] = {"guaranteed", "burstable", "besteffort", NULL};

static const struct config_key rule_keys[] = {
	{
		.name = "comm",
		.parse = parse_rule_pattern,
		.offset = offsetof(struct rule, comm),
		.allowed = "a regular expression (PCRE2) on the process name, which holds the "
			   "first 15 characters only",
		.help = "The name of the process (comm) matches. A process chooses its own name.",
	},
	{
		.name = "exe",
		.parse = parse_rule_pattern,
		.offset = offsetof(struct rule, exe),
		.allowed = "a regular expression (PCRE2) on the path of the program's file",
		.help = "The path of the program's file matches, as the process sees it.",
	},
	{
		.name = "cmdline",
		.parse = parse_rule_pattern,
		.offset = offsetof(struct rule, cmdline),
		.allowed = "a regular expression (PCRE2) on the command line",
		.help = "The first 511 bytes of the command line match. A process chooses its own "
			"command line.",
	},
	{
		.name = "uid",
		.parse = parse_rule_uid,
		.allowed = "a number, or two with '-' between",
		.help = "The user id of the process, or a range of user ids.",
	},
	{
		.name = "cgroup",
		.parse = parse_rule_cgroup,
		.offset = offsetof(struct rule, cgroup),
		.allowed = RULE_CGROUP_ALLOWED,
		.help = "The path of the process's memory cgroup matches; * also matches /.",
	},
	{
		.name = "pod",
		.parse = parse_rule_pattern,
		.offset = offsetof(struct rule, pod.pod),
		.allowed = RULE_POD_ALLOWED,
		.help = "The process runs in a pod whose name matches.",
	},
	{
		.name = "namespace",
		.parse = parse_rule_whole,
		.offset = offsetof(struct rule, pod.namespace),
		.allowed = RULE_NAMESPACE_ALLOWED,
		.help = "The process runs in a pod whose namespace matches.",
	},
	{
		.name = "container",
		.parse = parse_rule_pattern,
		.offset = offsetof(struct rule, pod.container),
		.allowed = RULE_CONTAINER_ALLOWED,
		.help = "The process runs in a container of a pod, and the container's name matches.",
	},
	{
		.name = "qos",
		.parse = parse_rule_qos,
		.words = rule_qos_words,
		.help = "The process runs in a pod of this QoS class.",
	},
};

const struct config_table rule_table = {"rule", rule_keys, ARRAY_SIZE(rule_keys)};

#define RULE_ALLOWED                                                                               \
	"a mapping with any of comm, exe, cmdline, uid, cgroup, pod, namespace, container, qos"

void parse_rules(struct config_parser *p, const struct config_key *key, const struct ynode *list,
		 void *target)
{
	struct rule_list *rules = parse_target(key, target);

	if (!parse_is_list(p, key, list))
		return;

	for (const struct ynode *value = list->first; value; value = value->next) {
		struct rule rule = {0};

		if (value->kind == YNODE_BAD)
			continue;
		if (value->kind != YNODE_MAP || value->count == 0) {
			char is[224];

			parse_error(p, value->line, value->column, key->name,
				    "a rule here is %s; allowed: " RULE_ALLOWED,
				    value->kind == YNODE_MAP
					    ? "empty"
					    : parse_describe(value, is, sizeof(is)));
			continue;
		}
		parse_map(p, &rule_table, "a rule", value, &rule);
		/* without a valid pattern it would match every process; the error was added */
		if (!rule.text) {
			config_rule_free(&rule);
			continue;
		}
		if (config_rules_append(rules, &rule) < 0)
			p->no_memory = true;
	}
}

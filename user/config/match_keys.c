// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/match_keys.h"

#include <limits.h>

#include "base/util.h"
#include "config/rule_keys.h"

static void parse_match_node(struct config_parser *p, const struct config_key *key,
			     const struct ynode *value, void *target)
{
	struct policy *policy = target;
	char file[PATH_MAX];

	if (parse_word(p, key, value) < 0)
		return;
	/* in quotes it is a string, not a boolean, to every YAML parser */
	if (!value->plain) {
		parse_error_value(p, key, value, " in quotes");
		return;
	}
	policy->match_node = true;

	/* the first policy that matches applies, so a second one never would */
	if (p->node.line)
		parse_error(
			p, value->key->line, value->key->column, key->name,
			"the policy of %sline %u judges the node already; allowed: one policy of the node",
			parse_other_file(p, &p->node, file, sizeof(file)), p->node.line);
	else
		p->node = parse_place(p, value->key);
}

static void parse_match_pattern(struct config_parser *p, const struct config_key *key,
				const struct ynode *value, void *target)
{
	struct policy *policy = target;

	policy->match_pods = true;
	parse_pattern(p, key, value, false, parse_target(key, target));
}

static void parse_match_whole(struct config_parser *p, const struct config_key *key,
			      const struct ynode *value, void *target)
{
	struct policy *policy = target;

	policy->match_pods = true;
	parse_pattern(p, key, value, true, parse_target(key, target));
}

static void parse_match_qos(struct config_parser *p, const struct config_key *key,
			    const struct ynode *value, void *target)
{
	struct policy *policy = target;
	int i = parse_word(p, key, value);

	policy->match_pods = true;
	if (i >= 0)
		policy->match_pod.qos = QOS_NONE + 1 + (enum qos)i;
}

static const char *const match_node_words[] = {"true", NULL};

static const struct config_key match_keys[] = {
	{
		.name = "node",
		.parse = parse_match_node,
		.words = match_node_words,
		.help = "The policy judges the node.",
	},
	{
		.name = "cgroup",
		.parse = parse_path,
		.offset = offsetof(struct policy, match_cgroup),
		.allowed = RULE_CGROUP_ALLOWED,
		.help = "The policy judges each memory cgroup whose path matches; * also matches /.",
	},
	{
		.name = "pod",
		.parse = parse_match_pattern,
		.offset = offsetof(struct policy, match_pod.pod),
		.allowed = RULE_POD_ALLOWED,
		.help = "The policy judges pods whose name matches, and their containers.",
	},
	{
		.name = "namespace",
		.parse = parse_match_whole,
		.offset = offsetof(struct policy, match_pod.namespace),
		.allowed = RULE_NAMESPACE_ALLOWED,
		.help = "The policy judges pods whose namespace matches, and their containers.",
	},
	{
		.name = "container",
		.parse = parse_match_pattern,
		.offset = offsetof(struct policy, match_pod.container),
		.allowed = RULE_CONTAINER_ALLOWED,
		.help = "The policy judges containers of pods whose name matches.",
	},
	{
		.name = "qos",
		.parse = parse_match_qos,
		.words = rule_qos_words,
		.help = "The policy judges pods of this QoS class, and their containers.",
	},
};

const struct config_table match_table = {"match", match_keys, ARRAY_SIZE(match_keys)};

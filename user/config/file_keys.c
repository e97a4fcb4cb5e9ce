// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/file_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/match_keys.h"
#include "config/policy_keys.h"
#include "config/rule_keys.h"

/* By choice: one program runs at a time, and the next one waits for it. */
#define NOTIFY_TIMEOUT_MOST_NS 60000000000ULL

static void parse_readers(struct config_parser *p, const struct config_key *key,
			  const struct ynode *value, void *target)
{
	struct config *config = target;

	if (value->kind != YNODE_SCALAR || !value->len || strchr(value->text, ' ')) {
		parse_error_value(p, key, value, "");
		return;
	}
	free(config->readers); /* the value of an earlier file */
	config->readers = strcmp(value->text, "everyone") ? parse_copy(p, value) : NULL;
}

/* Reported once, although every policy that follows is too many as well. */
static void error_too_many(struct config_parser *p, const struct config_key *key,
			   const struct ynode *policy)
{
	if (!p->too_many)
		parse_error(p, policy->line, policy->column, key->name,
			    "is policy %d of all files together; allowed: at most %d",
			    CONFIG_POLICIES_MAX + 1, CONFIG_POLICIES_MAX);
	p->too_many = true;
}

static void parse_policies(struct config_parser *p, const struct config_key *key,
			   const struct ynode *list, void *target)
{
	struct config *config = target;
	char is[224];

	p->has_policies = true;
	if (!parse_is_list(p, key, list))
		return;
	for (const struct ynode *value = list->first; value; value = value->next) {
		struct policy *policy;

		if (config->policy_count == CONFIG_POLICIES_MAX) {
			error_too_many(p, key, value);
			break;
		}
		if (value->kind == YNODE_BAD)
			continue;
		if (value->kind != YNODE_MAP) {
			parse_error(
				p, value->line, value->column, key->name,
				"a policy here is %s; allowed: a mapping with at least name and "
				"match",
				parse_describe(value, is, sizeof(is)));
			continue;
		}
		policy = &config->policies[config->policy_count];
		config_policy_init(policy);
		parse_map(p, &policy_table, "a policy", value, policy);
		if (policy->match_node && policy->proactive_reclaim > 0)
			parse_error(
				p, value->line, value->column, "proactive_reclaim",
				"is in the policy of the node, where kswapd reclaims; allowed: in a "
				"policy of cgroups or pods");
		/* a policy with errors counts too: later names are compared with its name */
		config->policy_count++;
	}
}

/* parse_enum() writes an unsigned. */
_Static_assert(sizeof(enum rivals) == sizeof(unsigned), "enums are as wide as unsigned");

static const char *const rivals_words[RIVALS_MAX_ + 1] = {
	[RIVALS_REFUSE] = "refuse",
	[RIVALS_ALLOW] = "allow",
};

static const struct config_key file_keys[] = {
	{
		.name = "events",
		.parse = parse_path,
		.offset = offsetof(struct config, events_path),
		.allowed = "an absolute path",
		.help = "The file to which records are appended, one JSON object a line.",
	},
	{
		.name = "readers",
		.parse = parse_readers,
		.allowed = "'everyone' or the name of a group",
		.preset = "everyone",
		.help = "The group that may read the control socket, as top and status do; root always may.",
	},
	{
		.name = "rivals",
		.parse = parse_enum,
		.offset = offsetof(struct config, rivals),
		.words = rivals_words,
		.preset = "refuse",
		.help = "Whether to start while systemd-oomd, earlyoom, nohang or the like is running: both "
			"may kill for one shortage.",
	},
	{
		.name = "notify",
		.parse = parse_path,
		.offset = offsetof(struct config, notify_program),
		.allowed = "an absolute path",
		.help = "The program that the step `notify` runs, with the record as JSON in its "
			"standard input.",
	},
	{
		.name = "notify_timeout",
		.parse = parse_duration,
		.offset = offsetof(struct config, notify_timeout_ns),
		.most = NOTIFY_TIMEOUT_MOST_NS,
		.allowed = "a duration up to 60s, such as 5s",
		.preset = "5s",
		.help = "The program of `notify` is killed after this time.",
	},
	{
		.name = "policies",
		.parse = parse_policies,
		.allowed = "a list of policies, each a mapping with at least name and match",
		.preset = "the built-in ones",
		.help = "What is judged, how early to act, and which processes may be killed. The policies of all "
			"files are one list, of at most 256.",
	},
};

const struct config_table file_table = {"file", file_keys, ARRAY_SIZE(file_keys)};

const struct config_table *const config_tables[] = {
	&file_table, &policy_table, &match_table, &rule_table, NULL,
};

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/policy_keys.h"

#include <limits.h>
#include <string.h>

#include "base/units.h"
#include "base/util.h"
#include "config/match_keys.h"
#include "config/rule_keys.h"

#define POLICY_NAME_MAX 64
/*
 * By choice: below the least, half of the limit would stay unused; above the most, no time is left
 * before the limit is hit.
 */
#define PROACTIVE_LEAST 0.50
#define PROACTIVE_MOST	0.99
/* By choice: a longer wait leaves the scope in Near-OOM. */
#define STEP_WAIT_MOST_NS 60000000000ULL
/* By choice: more processes than any scope has. */
#define MAX_VICTIMS_MOST 100000

/* parse_enum() writes an unsigned. */
_Static_assert(sizeof(enum pressure) == sizeof(unsigned) &&
		       sizeof(enum kill_unit) == sizeof(unsigned) &&
		       sizeof(enum rank) == sizeof(unsigned),
	       "enums are as wide as unsigned");

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static void parse_name(struct config_parser *p, const struct config_key *key,
		       const struct ynode *value, void *target)
{
	struct policy *policy = target;
	bool good = value->kind == YNODE_SCALAR && value->len > 0 && value->len <= POLICY_NAME_MAX;

	for (size_t i = 0; good && i < value->len; i++)
		good = is_name_char(value->text[i]);
	if (!good) {
		parse_error_value(p, key, value, "");
		return;
	}

	if (strcmp(value->text, CONFIG_CGROUPS_NAME) == 0) {
		parse_error(p, value->line, value->column, key->name,
			    "is '" CONFIG_CGROUPS_NAME
			    "', the built-in policy that watches every other "
			    "cgroup; allowed: another name");
		return;
	}

	for (size_t i = 0; i < p->config->policy_count; i++) {
		const struct policy *other = &p->config->policies[i];
		char file[PATH_MAX];

		if (!other->name || strcmp(other->name, value->text) != 0)
			continue;
		parse_error(p, value->line, value->column, key->name,
			    "is '%s', the name of the policy of %sline %u; allowed: another name",
			    value->text, parse_other_file(p, &p->policies[i], file, sizeof(file)),
			    p->policies[i].line);
		return;
	}

	p->policies[policy - p->config->policies] = parse_place(p, value);
	policy->name = parse_copy(p, value);
}

static void parse_match(struct config_parser *p, const struct config_key *key,
			const struct ynode *value, void *target)
{
	unsigned kinds = 0;

	if (value->kind != YNODE_MAP) {
		parse_error_value(p, key, value, "");
		return;
	}

	parse_map(p, &match_table, "match", value, target);
	for (const struct ynode *part = value->first; part; part = part->next) {
		if (!strcmp(part->key->text, "node"))
			kinds |= 1;
		else if (!strcmp(part->key->text, "cgroup"))
			kinds |= 2;
		else
			kinds |= 4;
	}
	if (kinds & (kinds - 1))
		parse_error(p, value->line, value->column, key->name,
			    "names more than one kind of scope; allowed: %s", key->allowed);
	else if (!kinds)
		parse_error(p, value->line, value->column, key->name, "is empty; allowed: %s",
			    key->allowed);
}

static void parse_protect(struct config_parser *p, const struct config_key *key,
			  const struct ynode *value, void *target)
{
	struct policy *policy = target;
	char quoted[192];

	parse_rules(p, key, value, policy);
	for (size_t i = 0; i < policy->protect.count; i++) {
		const struct rule *rule = &policy->protect.rules[i];
		const struct config_place place = parse_place(p, value);

		if ((rule->comm || rule->cmdline) && !rule->exe && !rule->cgroup && !rule->has_uid)
			parse_warning(
				p, &place, key->name,
				"'%s' protects every process that takes this name, for a process "
				"chooses its own comm and command line; use exe, uid or cgroup",
				parse_quote(rule->text, quoted, sizeof(quoted)));
	}
}

static void parse_proactive_reclaim(struct config_parser *p, const struct config_key *key,
				    const struct ynode *value, void *target)
{
	struct policy *policy = target;
	double ratio;

	if (value->kind != YNODE_SCALAR || units_parse_ratio(value->text, &ratio) ||
	    ratio < PROACTIVE_LEAST || ratio > PROACTIVE_MOST)
		parse_error_value(p, key, value, "");
	else
		policy->proactive_reclaim = ratio;
}

/* The steps of a ladder, and how long each waits for its effect by default. */
static const struct {
	const char *word;
	uint64_t wait_ns;
	bool waits;
} step_words[LADDER_STEPS_] = {
	[STEP_NOTIFY] = {"notify", 0, false},
	[STEP_RECLAIM] = {"reclaim", 1000000000, true},
	[STEP_FORCE_EMPTY] = {"force_empty", 1000000000, true},
	[STEP_THROTTLE] = {"throttle", 3000000000, true},
	[STEP_FREEZE] = {"freeze", 3000000000, true},
	[STEP_TERM] = {"term", 2000000000, true},
	[STEP_KILL] = {"kill", 0, false},
};

/* "kill", "term", "term 2s" */
static bool parse_step(const struct ynode *value, struct ladder_step *ret)
{
	const char *space;
	size_t len;

	if (value->kind != YNODE_SCALAR)
		return false;
	space = strchr(value->text, ' ');
	len = space ? (size_t)(space - value->text) : value->len;
	for (int i = 0; i < LADDER_STEPS_; i++) {
		if (strlen(step_words[i].word) != len ||
		    strncmp(step_words[i].word, value->text, len) != 0)
			continue;
		*ret = (struct ladder_step){(enum ladder_step_kind)i, step_words[i].wait_ns};
		return !space || (step_words[i].waits &&
				  units_parse_duration(space + 1, &ret->wait_ns) == 0 &&
				  ret->wait_ns > 0 && ret->wait_ns <= STEP_WAIT_MOST_NS);
	}
	return false;
}

static void parse_ladder(struct config_parser *p, const struct config_key *key,
			 const struct ynode *list, void *target)
{
	struct policy *policy = target;
	struct ladder_step ladder_step;

	if (list->kind != YNODE_LIST || !list->count || list->count > LADDER_MAX) {
		parse_error_value(p, key, list, "");
		return;
	}
	for (const struct ynode *value = list->first; value; value = value->next) {
		bool again = false, late;

		if (value->kind == YNODE_BAD)
			continue;
		if (!parse_step(value, &ladder_step)) {
			parse_error_value(p, key, value, "");
			continue;
		}
		/* a process that was asked to end must be able to run */
		late = policy->ladder_count &&
		       policy->ladder[policy->ladder_count - 1].kind >= STEP_TERM &&
		       ladder_step.kind <= policy->ladder[policy->ladder_count - 1].kind;
		for (size_t i = 0; i < policy->ladder_count; i++)
			again |= policy->ladder[i].kind == ladder_step.kind;
		if (again || late)
			parse_error(p, value->line, value->column, key->name,
				    "'%s' %s; allowed: %s", value->text,
				    again ? "is given twice" : "comes after term or kill",
				    key->allowed);
		else
			policy->ladder[policy->ladder_count++] = ladder_step;
	}
}

static const char *const pressure_words[PRESSURE_MAX_ + 1] = {
	[PRESSURE_LOW] = "low",
	[PRESSURE_MEDIUM] = "medium",
	[PRESSURE_HIGH] = "high",
};

static const char *const kill_words[KILL_UNIT_MAX_ + 1] = {
	[KILL_UNIT_PROCESS] = "process",
	[KILL_UNIT_GROUP] = "group",
	[KILL_UNIT_CGROUP] = "cgroup",
	[KILL_UNIT_POD] = "pod",
};

static const char *const rank_words[RANK_MAX_ + 1] = {
	[RANK_BLAME] = "blame",
	[RANK_SIZE] = "size",
	[RANK_KERNEL] = "kernel",
};

static const struct config_key policy_keys[] = {
	{
		.name = "name",
		.parse = parse_name,
		.allowed = "1 to 64 letters, digits, '.', '_' and '-'",
		.required = true,
		.help = "The name of the policy in records and tables; it must be unique.",
	},
	{
		.name = "match",
		.parse = parse_match,
		.allowed = "a mapping with 'node: true', or with cgroup, or with any of pod, "
			   "namespace, container, qos",
		.required = true,
		.help = "The scopes that the policy judges; the first policy that matches a scope applies.",
	},
	{
		.name = "pressure",
		.parse = parse_enum,
		.offset = offsetof(struct policy, pressure),
		.words = pressure_words,
		.preset = "medium",
		.help = "How early to act: low acts before the harm where growth predicts it, high about "
			"when the kernel would.",
	},
	{
		.name = "kill",
		.parse = parse_enum,
		.offset = offsetof(struct policy, kill),
		.words = kill_words,
		.preset = "process",
		.help = "What is killed together with the chosen process.",
	},
	{
		.name = "ladder",
		.parse = parse_ladder,
		.allowed = "a list of any of notify, reclaim, force_empty, throttle, freeze, term, "
			   "kill, each once, term and kill last; all but notify and kill may have "
			   "a duration up to 60s, such as 'term 2s'",
		.preset = "[ kill ]",
		.help = "The steps that are taken, one after the other, until the risk has fallen.",
	},
	{
		.name = "spare_pid1",
		.parse = parse_bool,
		.offset = offsetof(struct policy, spare_pid1),
		.words = parse_bool_words,
		.preset = "false",
		.help = "Never kill the first process of a container: its death restarts the container.",
	},
	{
		.name = "min_free",
		.parse = parse_size,
		.offset = offsetof(struct policy, min_free_bytes),
		.allowed = "a size of at least 1, such as 64MiB",
		.preset = "1 % of the scope's memory, 32MiB at most",
		.help = "A process that frees less is not killed, unless a `prefer` rule matches it.",
	},
	{
		.name = "max_victims",
		.parse = parse_count,
		.offset = offsetof(struct policy, max_victims),
		.most = MAX_VICTIMS_MOST,
		.allowed = "a number from 1 to 100000",
		.preset = "256",
		.help = "If more processes than this would be killed together, only the chosen one is.",
	},
	{
		.name = "kills_per_minute",
		.parse = parse_count,
		.offset = offsetof(struct policy, kills_per_minute),
		.most = POLICY_KILLS_PER_MINUTE_MOST,
		.allowed = "a number from 1 to 16",
		.preset = "6",
		.help = "After this number of kills in a scope the policy stops killing there and warns.",
	},
	{
		.name = "proactive_reclaim",
		.old_name = "background_reclaim",
		.parse = parse_proactive_reclaim,
		.allowed = "a ratio from 0.50 to 0.99, such as 0.95; for a policy of cgroups or "
			   "pods",
		.preset = "none",
		.help = "Above this ratio of its limit the daemon reclaims the scope's memory before its "
			"tasks have to, first from pods that hold more than they requested. Needs "
			"cgroup v2 and spare CPU time.",
	},
	{
		.name = "dry_run",
		.parse = parse_bool,
		.offset = offsetof(struct policy, dry_run),
		.words = parse_bool_words,
		.preset = "false",
		.help = "Judge, choose and record, but send no signal.",
	},
	{
		.name = "rank",
		.parse = parse_enum,
		.offset = offsetof(struct policy, rank),
		.words = rank_words,
		.preset = "blame",
		.help = "The order of processes that no rule matches: by freeable bytes weighted by the "
			"share of recent growth, by freeable bytes, or as the kernel's OOM killer.",
	},
	{
		.name = "protect",
		.parse = parse_protect,
		.offset = offsetof(struct policy, protect),
		.allowed = RULES_ALLOWED,
		.help = "Processes that are never killed, in addition to those of the built-in rules.",
	},
	{
		.name = "avoid",
		.parse = parse_rules,
		.offset = offsetof(struct policy, avoid),
		.allowed = RULES_ALLOWED,
		.help = "Processes that are killed last.",
	},
	{
		.name = "prefer",
		.parse = parse_rules,
		.offset = offsetof(struct policy, prefer),
		.allowed = RULES_ALLOWED,
		.help = "Processes that are killed first.",
	},
};

const struct config_table policy_table = {"policy", policy_keys, ARRAY_SIZE(policy_keys)};

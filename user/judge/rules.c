// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/rules.h"

#include <fnmatch.h>
#include <string.h>

#include "base/regex.h"
#include "judge/candidate.h"
#include "judge/config.h"

const struct policy *rules_policy_node(const struct config *config)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (config->policies[i].match_node)
			return &config->policies[i];
	return NULL;
}

const struct policy *rules_policy_cgroup(const struct config *config, const char *path)
{
	/* '*' crosses slashes: "/batch/" and what is below it, however deep */
	for (size_t i = 0; i < config->policy_count; i++)
		if (config->policies[i].match_cgroup &&
		    !fnmatch(config->policies[i].match_cgroup, path, 0))
			return &config->policies[i];
	return NULL;
}

enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_UNKNOWN,
};

/* A pattern that gave up at its limits has not said no. */
static enum match pattern_match(const struct regex *pattern, const char *text, size_t len)
{
	int found = regex_match(pattern, text, len);

	return found > 0 ? MATCH_YES : found < 0 ? MATCH_UNKNOWN : MATCH_NO;
}

/* All patterns that the rule has must match. */
static enum match rule_match(const struct rule *rule, const struct candidate *candidate)
{
	enum match comm = MATCH_YES, cmdline = MATCH_YES;

	if (rule->comm)
		comm = pattern_match(rule->comm, candidate->comm, strlen(candidate->comm));
	if (rule->cmdline && comm != MATCH_NO)
		cmdline = candidate->cmdline ? pattern_match(rule->cmdline, candidate->cmdline,
							     candidate->cmdline_len)
					     : MATCH_UNKNOWN;
	if (comm == MATCH_NO || cmdline == MATCH_NO)
		return MATCH_NO;
	return comm == MATCH_YES && cmdline == MATCH_YES ? MATCH_YES : MATCH_UNKNOWN;
}

static enum match list_match(const struct rule_list *list, const struct candidate *candidate,
			     const struct rule **ret_rule)
{
	enum match best = MATCH_NO;

	for (size_t i = 0; i < list->count; i++) {
		enum match match = rule_match(&list->rules[i], candidate);

		if (match == MATCH_YES) {
			*ret_rule = &list->rules[i];
			return MATCH_YES;
		}
		if (match == MATCH_UNKNOWN && best == MATCH_NO) {
			*ret_rule = &list->rules[i];
			best = MATCH_UNKNOWN;
		}
	}
	return best;
}

enum standing rules_standing(const struct policy *policy, const struct candidate *candidate,
			     const struct rule **ret_rule)
{
	const struct rule *rule = NULL;
	enum standing standing = STANDING_NONE;

	switch (list_match(&policy->protect, candidate, &rule)) {
	case MATCH_YES:
		standing = STANDING_PROTECT;
		break;
	case MATCH_UNKNOWN:
		/* it cannot be shown that nobody protects it */
		standing = STANDING_UNKNOWN;
		break;
	case MATCH_NO:
		if (list_match(&policy->avoid, candidate, &rule) != MATCH_NO)
			standing = STANDING_AVOID;
		else if (list_match(&policy->prefer, candidate, &rule) == MATCH_YES)
			standing = STANDING_PREFER;
		else
			rule = NULL;
	}
	*ret_rule = rule;
	return standing;
}

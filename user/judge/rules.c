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

enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_UNKNOWN,
};

/* Unknown if the pattern reaches a limit, or @text is NULL. */
static enum match text_match(const struct regex *pattern, const char *text, size_t len)
{
	int found;

	if (!pattern)
		return MATCH_YES;
	if (!text)
		return MATCH_UNKNOWN;
	found = regex_match(pattern, text, len);
	return found > 0 ? MATCH_YES : found < 0 ? MATCH_UNKNOWN : MATCH_NO;
}

static enum match name_match(const struct regex *pattern, const char *name)
{
	return text_match(pattern, name, name ? strlen(name) : 0);
}

static enum match both(enum match a, enum match b)
{
	if (a == MATCH_NO || b == MATCH_NO)
		return MATCH_NO;
	return a == MATCH_YES && b == MATCH_YES ? MATCH_YES : MATCH_UNKNOWN;
}

static bool matches_pods_only(const struct pod_match *match)
{
	return match->pod || match->namespace || match->container || match->qos;
}

/* For a process or cgroup in a pod. */
static enum match pod_match(const struct pod_match *match, enum qos qos, const char *pod,
			    const char *namespace, const char *container)
{
	if (match->qos && match->qos != qos)
		return MATCH_NO;
	return both(name_match(match->pod, pod), both(name_match(match->namespace, namespace),
						      name_match(match->container, container)));
}

static bool is_policy_of(const struct policy *policy, const struct scope_names *scope)
{
	/* without FNM_PATHNAME '*' matches slashes, so a pattern covers all levels below */
	if (policy->match_cgroup)
		return !fnmatch(policy->match_cgroup, scope->path, 0);
	return policy->match_pods && scope->in_pod &&
	       pod_match(&policy->match_pod, scope->qos, scope->pod, scope->namespace,
			 scope->container) == MATCH_YES;
}

const struct policy *rules_policy_cgroup(const struct config *config,
					 const struct scope_names *scope)
{
	for (size_t i = 0; i < config->policy_count; i++)
		if (is_policy_of(&config->policies[i], scope))
			return &config->policies[i];
	return NULL;
}

static enum match place_match(const struct rule *rule, const struct candidate *c)
{
	bool in_pod = c->place == PLACE_POD || c->place == PLACE_SANDBOX;

	if (rule->host_only && in_pod)
		return MATCH_NO;
	if (!matches_pods_only(&rule->pod))
		return MATCH_YES;
	if (c->place == PLACE_UNKNOWN)
		return MATCH_UNKNOWN;
	return in_pod ? pod_match(&rule->pod, c->qos, c->pod, c->namespace, c->container)
		      : MATCH_NO;
}

/* All given fields of the rule must match; the cheap ones come first. */
static enum match rule_match(const struct rule *rule, const struct candidate *c)
{
	enum match match = MATCH_YES;

	if (rule->has_uid && (c->uid < rule->uid_from || c->uid > rule->uid_to))
		return MATCH_NO;
	match = both(match, place_match(rule, c));
	if (match != MATCH_NO && rule->comm)
		match = both(match, name_match(rule->comm, c->comm));
	if (match != MATCH_NO && rule->cgroup)
		match = both(match, !c->cgroup				  ? MATCH_UNKNOWN
				    : fnmatch(rule->cgroup, c->cgroup, 0) ? MATCH_NO
									  : MATCH_YES);
	if (match != MATCH_NO && rule->exe)
		match = both(match, name_match(rule->exe, c->exe));
	if (match != MATCH_NO && rule->cmdline)
		match = both(match, text_match(rule->cmdline, c->cmdline, c->cmdline_len));
	return match;
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
		/* it may be protected */
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

const char *rules_standing_name(enum standing standing)
{
	return standing == STANDING_PREFER ? "prefer" : standing == STANDING_AVOID ? "avoid" : NULL;
}

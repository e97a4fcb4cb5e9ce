/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * rules: finds the policy of a scope, and the rule of a policy that applies to a process.
 *
 * Purity:    pure; patterns use scratch memory (base/regex.h).
 * Units:     none.
 * Errors:    none. A match is unknown if a name is not known, or a pattern reaches a limit. Unknown
 *            protects and avoids a process, and does not prefer it.
 * Ownership: results point into the configuration.
 */
#ifndef FASTOOM_JUDGE_RULES_H
#define FASTOOM_JUDGE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/candidate.h"

struct config;
struct policy;
struct rule;

enum standing {
	STANDING_NONE,
	STANDING_PROTECT, /* is not killed */
	STANDING_UNKNOWN, /* a `protect` rule may match: is not killed */
	STANDING_AVOID,	  /* is killed last */
	STANDING_PREFER,  /* is killed first */
};

/* The names of a cgroup that a policy can match; NULL: not known, or it has none. */
struct scope_names {
	const char *path; /* below the controller's root */
	bool in_pod;
	enum qos qos;
	const char *pod;
	const char *namespace;
	const char *container; /* NULL for the pod's own cgroup */
};

/* The first policy that matches; NULL: none. A name that is not known does not match. */
const struct policy *rules_policy_node(const struct config *config);
const struct policy *rules_policy_cgroup(const struct config *config,
					 const struct scope_names *scope);

/* `protect` before `avoid` before `prefer`. *ret_rule: the rule that matches, or NULL. */
enum standing rules_standing(const struct policy *policy, const struct candidate *candidate,
			     const struct rule **ret_rule);

/* "prefer", "avoid"; NULL: no rule changes its place in the order. */
const char *rules_standing_name(enum standing standing);

#endif /* FASTOOM_JUDGE_RULES_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * rules: which policy is a scope's, and what a policy says of a process.
 *
 * Purity:    pure (matching a pattern changes nothing but its own scratch memory).
 * Units:     none.
 * Errors:    none. A pattern that gives up at its limits leaves it unknown whether it matches:
 *            enough to spare a process, never enough to prefer it.
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
	STANDING_PROTECT, /* never */
	STANDING_UNKNOWN, /* a protect rule could not be answered: spared */
	STANDING_AVOID,	  /* last */
	STANDING_PREFER,  /* first */
};

/* A cgroup, by everything that a policy may ask for; NULL: not known, or it has none. */
struct scope_names {
	const char *path; /* below the controller's root */
	bool in_pod;
	enum qos qos;
	const char *pod;
	const char *namespace;
	const char *container; /* a pod's own cgroup has none */
};

/*
 * First match wins; NULL: no policy speaks of it. A name that is not known is no match: a
 * policy that acts is not guessed.
 */
const struct policy *rules_policy_node(const struct config *config);
const struct policy *rules_policy_cgroup(const struct config *config,
					 const struct scope_names *scope);

/* protect before avoid before prefer. *ret_rule: the rule that said so, or NULL. */
enum standing rules_standing(const struct policy *policy, const struct candidate *candidate,
			     const struct rule **ret_rule);

/* "prefer", "avoid"; NULL: no rule changes its place in the order. */
const char *rules_standing_name(enum standing standing);

#endif /* FASTOOM_JUDGE_RULES_H */

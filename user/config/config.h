/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * config: makes, completes and frees a struct config; holds the built-in policies and rules.
 *
 * Purity:    memory only.
 * Units:     counts.
 * Ranges:    CONFIG_POLICIES_MAX.
 * Errors:    0 or -ENOMEM; NULL: out of memory.
 * Ownership: config_default() and config_new() give a struct config, config_free() takes it.
 */
#ifndef FASTOOM_CONFIG_CONFIG_H
#define FASTOOM_CONFIG_CONFIG_H

#include "judge/config.h"

/* Of all files together, without the built-in policy. By choice: a new scope walks the list. */
#define CONFIG_POLICIES_MAX 256

/* The built-in policy, which matches every cgroup that no other policy matches. */
#define CONFIG_CGROUPS_NAME "cgroups"

/* The configuration in force without a file. */
struct config *config_default(void);

/* NULL is fine. */
void config_free(struct config *config);
/* For _cleanup_(). */
void config_free_p(struct config **config);

/* ---- for the parser ---- */

/* Without policies; with room for CONFIG_POLICIES_MAX + 1. */
struct config *config_new(void);
/* The built-in policy of the node: judged at medium and acted on. */
int config_append_node(struct config *config);
/* The last step: appends the built-in policy of cgroups, and the built-in rules to each policy. */
int config_complete(struct config *config);

void config_policy_init(struct policy *policy);
/* Takes ownership of the rule, also when it fails. */
int config_rules_append(struct rule_list *list, struct rule *rule);
void config_rule_free(struct rule *rule);

#endif /* FASTOOM_CONFIG_CONFIG_H */

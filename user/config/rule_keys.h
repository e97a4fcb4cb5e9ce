/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * rule_keys: the keys of a rule, lists of rules, and patterns, which `match` uses too.
 *
 * Purity:    memory only.
 * Units:     none.
 * Ranges:    a list has any number of rules; base/yaml.h bounds what a file can hold.
 * Errors:    added to the parser, see config/parse.h.
 * Ownership: rules and patterns belong to the policy that they are read into.
 */
#ifndef FASTOOM_CONFIG_RULE_KEYS_H
#define FASTOOM_CONFIG_RULE_KEYS_H

#include <stdbool.h>

#include "config/parse.h"

struct regex;

extern const struct config_table rule_table;

/* The names of the QoS classes, from QOS_NONE + 1 on. */
extern const char *const rule_qos_words[];

#define RULE_POD_ALLOWED       "a regular expression (PCRE2) on the name of the pod"
#define RULE_NAMESPACE_ALLOWED "a regular expression (PCRE2) on the whole name of the namespace"
#define RULE_CONTAINER_ALLOWED "a regular expression (PCRE2) on the name of the container"
#define RULE_CGROUP_ALLOWED                                                                        \
	"a shell pattern that begins with '/', on the path below the memory controller's root"
#define RULES_ALLOWED                                                                              \
	"a list of rules, each a mapping with any of comm, exe, cmdline, uid, cgroup, pod, "       \
	"namespace, container, qos"

/* For config_key.parse: a struct rule_list at key->offset. */
void parse_rules(struct config_parser *p, const struct config_key *key, const struct ynode *list,
		 void *target);

/* @whole: the pattern must match the whole text. False: an error was added. */
bool parse_pattern(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		   bool whole, struct regex **regex);

#endif /* FASTOOM_CONFIG_RULE_KEYS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * match_keys: the keys of `match`: what a policy judges. Read into a struct policy.
 *
 * Purity:    memory only.
 * Units:     as struct policy (judge/config.h).
 * Ranges:    stated by `allowed` of each key.
 * Errors:    added to the parser, see config/parse.h.
 * Ownership: the table is static; what is parsed belongs to the policy.
 */
#ifndef FASTOOM_CONFIG_MATCH_KEYS_H
#define FASTOOM_CONFIG_MATCH_KEYS_H

#include "config/parse.h"

extern const struct config_table match_table;

#endif /* FASTOOM_CONFIG_MATCH_KEYS_H */

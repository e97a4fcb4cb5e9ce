/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * file_keys: the outermost keys of a file, and the list of all tables. Read into a struct config.
 *
 * Purity:    memory only.
 * Units:     as struct config (judge/config.h).
 * Ranges:    stated by `allowed` of each key.
 * Errors:    added to the parser, see config/parse.h.
 * Ownership: the tables are static; what is parsed belongs to the configuration.
 */
#ifndef FASTOOM_CONFIG_FILE_KEYS_H
#define FASTOOM_CONFIG_FILE_KEYS_H

#include "config/parse.h"

extern const struct config_table file_table;

/* From the outermost inwards; NULL after the last. For what describes the keys to people. */
extern const struct config_table *const config_tables[];

#endif /* FASTOOM_CONFIG_FILE_KEYS_H */

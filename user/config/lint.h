/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * lint: checks of meaning: warns of what is allowed but probably not intended.
 *
 * Purity:    reads the parser's configuration; warnings go into its struct config_errors.
 * Units:     none.
 * Ranges:    none.
 * Errors:    none; the parser's no_memory is set when a warning cannot be allocated.
 * Ownership: none.
 */
#ifndef FASTOOM_CONFIG_LINT_H
#define FASTOOM_CONFIG_LINT_H

struct config_parser;

/* Called when all files were parsed without an error, before built-in policies are appended. */
void lint(struct config_parser *p);

#endif /* FASTOOM_CONFIG_LINT_H */

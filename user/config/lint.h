/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * lint: checks of meaning: what is allowed, but does probably not do what was meant.
 *
 * Purity:    reads the parser's configuration; warnings go into its struct config_errors.
 * Units:     none.
 * Ranges:    none.
 * Errors:    none; a warning for which there is no memory sets no_memory.
 * Ownership: none.
 */
#ifndef FASTOOM_CONFIG_LINT_H
#define FASTOOM_CONFIG_LINT_H

struct config_parser;

/* After all files were read without an error, before the built-in policies are appended. */
void lint(struct config_parser *p);

#endif /* FASTOOM_CONFIG_LINT_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * errors: what is wrong with a configuration, one line of text for each error and warning.
 *
 * Purity:    memory only; nothing is printed.
 * Units:     lines and columns count from 1, columns in characters.
 * Ranges:    CONFIG_ERRORS_MAX errors and as many warnings are kept; the rest is counted.
 * Errors:    none.
 * Ownership: the texts belong to struct config_errors, which begins zeroed.
 */
#ifndef FASTOOM_CONFIG_ERRORS_H
#define FASTOOM_CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

/* By choice: more lines than a terminal shows at once. */
#define CONFIG_ERRORS_MAX 64

struct config_error {
	unsigned file; /* number of the file, in the order in which the files are read */
	unsigned line; /* 0: about the whole file */
	unsigned column;
	char *text; /* "file:line:column: key: what is wrong; what is allowed" */
};

struct config_errors {
	struct config_error list[CONFIG_ERRORS_MAX]; /* by file, line and column */
	size_t count;
	size_t more; /* errors that are not in the list */
	/* allowed, but probably not intended; a valid configuration can have some */
	struct config_error warnings[CONFIG_ERRORS_MAX];
	size_t warning_count;
	size_t more_warnings;
};

/* Take ownership of the text. */
void config_errors_add(struct config_errors *errors, const struct config_error *error);
void config_errors_add_warning(struct config_errors *errors, const struct config_error *warning);

/*
 * Calls @tell with each line: the errors, the warnings, and after each list the number of lines
 * that are not in it. @path: of the configuration.
 */
void config_errors_tell(const struct config_errors *errors, const char *path,
			void (*tell)(bool warning, const char *line));

/* Empties it for another use. NULL is fine. */
void config_errors_free(struct config_errors *errors);

#endif /* FASTOOM_CONFIG_ERRORS_H */

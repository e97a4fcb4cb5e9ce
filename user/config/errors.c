// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/errors.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_before(const struct config_error *a, const struct config_error *b)
{
	if (a->file != b->file)
		return a->file < b->file;
	if (a->line != b->line)
		return a->line < b->line;
	return a->column < b->column;
}

/* Sorts by place; lines with the same place keep their order. */
static void insert(struct config_error *list, size_t *count, size_t *more,
		   const struct config_error *error)
{
	size_t i;

	if (*count == CONFIG_ERRORS_MAX) {
		(*more)++;
		free(error->text);
		return;
	}
	for (i = *count; i > 0 && is_before(error, &list[i - 1]); i--)
		list[i] = list[i - 1];
	list[i] = *error;
	(*count)++;
}

void config_errors_add(struct config_errors *errors, const struct config_error *error)
{
	insert(errors->list, &errors->count, &errors->more, error);
}

void config_errors_add_warning(struct config_errors *errors, const struct config_error *warning)
{
	insert(errors->warnings, &errors->warning_count, &errors->more_warnings, warning);
}

static void tell_list(const struct config_error *list, size_t count, size_t more, bool warning,
		      const char *path, void (*tell)(bool warning, const char *line))
{
	char line[PATH_MAX + 64];

	for (size_t i = 0; i < count; i++)
		tell(warning, list[i].text);
	if (!more)
		return;
	snprintf(line, sizeof(line), "%s: and %zu more %s", path, more,
		 warning ? "warnings" : "errors");
	tell(warning, line);
}

void config_errors_tell(const struct config_errors *errors, const char *path,
			void (*tell)(bool warning, const char *line))
{
	tell_list(errors->list, errors->count, errors->more, false, path, tell);
	tell_list(errors->warnings, errors->warning_count, errors->more_warnings, true, path, tell);
}

void config_errors_free(struct config_errors *errors)
{
	if (!errors)
		return;

	for (size_t i = 0; i < errors->count; i++)
		free(errors->list[i].text);
	for (size_t i = 0; i < errors->warning_count; i++)
		free(errors->warnings[i].text);
	*errors = (struct config_errors){0};
}

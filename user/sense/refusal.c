// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/refusal.h"

#include <stdio.h>
#include <string.h>

/* libbpf 1.0 to 1.5: prog 'NAME': -- BEGIN PROG LOAD LOG --\nLOG-- END PROG LOAD LOG -- */
#define QUOTE "prog '"
#define BEGIN "-- BEGIN PROG LOAD LOG --\n"
#define END   "-- END PROG LOAD LOG --"

static bool is_statistic(const char *line)
{
	return !strncmp(line, "processed ", 10) || !strncmp(line, "verification time ", 18) ||
	       !strncmp(line, "stack depth ", 12);
}

bool refusal_read(const char *text, char *ret, size_t size)
{
	const char *name = strstr(text, QUOTE);
	const char *log = strstr(text, BEGIN);
	const char *end = log ? strstr(log, END) : NULL;
	const char *found = NULL;

	if (!name || !end || name > log)
		return false;
	name += strlen(QUOTE);
	for (const char *line = log + strlen(BEGIN); line < end; line += strcspn(line, "\n") + 1)
		if (*line != '\n' && !is_statistic(line))
			found = line;
	/* the log may end without a newline */
	if (!found)
		return false;
	size_t len = strcspn(found, "\n");

	if (found + len > end)
		len = (size_t)(end - found);
	snprintf(ret, size, "%.*s: %.*s", (int)strcspn(name, "'"), name, (int)len, found);
	return true;
}

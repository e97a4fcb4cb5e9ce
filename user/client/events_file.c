// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/events_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/read.h"
#include "client/event_text.h"
#include "client/reader.h"
#include "config/paths.h"

const char *events_file_name(const char *given, char *ret, size_t size)
{
	const char *path = paths_config(NULL);
	struct config *config;
	json_t *status;

	if (given) {
		snprintf(ret, size, "%s", given);
		return ret;
	}
	snprintf(ret, size, "%s", paths_default_events);
	if (!reader_status(NULL, &status)) {
		snprintf(ret, size, "%s", event_get_text(status, "daemon.events", ret));
		json_decref(status);
	} else if (path && !config_read(path, &config, NULL)) {
		if (config->events_path)
			snprintf(ret, size, "%s", config->events_path);
		config_free(config);
	}
	return ret;
}

int events_file_open(struct events_file *ret, const char *path)
{
	*ret = (struct events_file){.file = fopen(path, "re")};
	return ret->file ? 0 : -errno;
}

/* Reads a line with its newline; false: the file ends before. */
static bool read_line(struct events_file *file)
{
	char piece[4096];

	while (fgets(piece, sizeof(piece), file->file)) {
		size_t n = strlen(piece);

		if (file->len + n + 1 > file->size) {
			size_t size = 2 * (file->len + n + 1);
			char *line = realloc(file->line, size);

			if (!line)
				return false;
			file->line = line;
			file->size = size;
		}
		memcpy(file->line + file->len, piece, n + 1);
		file->len += n;
		if (n && piece[n - 1] == '\n')
			return true;
	}
	/* the file may grow: the next call tries again */
	clearerr(file->file);
	return false;
}

json_t *events_file_next(struct events_file *file)
{
	while (read_line(file)) {
		json_t *record = json_loadb(file->line, file->len, 0, NULL);

		file->len = 0;
		if (json_is_object(record))
			return record;
		json_decref(record);
		file->bad++;
	}
	return NULL;
}

void events_file_close(struct events_file *file)
{
	if (file->file)
		fclose(file->file);
	free(file->line);
	*file = (struct events_file){0};
}

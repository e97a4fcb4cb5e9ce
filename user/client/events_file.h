/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * events_file: finds and reads the events file, for events, explain and top.
 *
 * Purity:    reads the file, the daemon's socket and its configuration.
 * Units:     bytes.
 * Errors:    0 or -errno. Lines that are not records are skipped and counted; the last line may
 *            be incomplete.
 * Ownership: events_file_open() gives, events_file_close() takes; the caller passes records to
 *            json_decref().
 */
#ifndef FASTOOM_CLIENT_EVENTS_FILE_H
#define FASTOOM_CLIENT_EVENTS_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct events_file {
	FILE *file;
	char *line;
	size_t size;
	size_t len; /* of the incomplete line */
	size_t bad; /* lines that are not records */
};

/*
 * The path of the file: @given, or else what the daemon says, or what the configuration says, or
 * the default. Returns ret.
 */
const char *events_file_name(const char *given, char *ret, size_t size);

int events_file_open(struct events_file *ret, const char *path);
/* The next record; NULL: there is none (yet). */
json_t *events_file_next(struct events_file *file);
void events_file_close(struct events_file *file);

#endif /* FASTOOM_CLIENT_EVENTS_FILE_H */

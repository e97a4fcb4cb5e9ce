/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * events_file: the file of records, found and read; for events and explain.
 *
 * Errors:    0 or -errno. Lines that are no records (the last one may be half written) are
 *            passed over and counted.
 * Ownership: events_file_open() gives; a record is its reader's for the call only.
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
	size_t len; /* of a line whose end is not there yet */
	size_t bad;
};

/*
 * Where the records are: @given, or what the daemon that runs says, or the configuration, or the
 * preset. Returns ret.
 */
const char *events_file_name(const char *given, char *ret, size_t size);

int events_file_open(struct events_file *ret, const char *path);
/* The next record, the caller's to json_decref(); NULL: there is none (yet). */
json_t *events_file_next(struct events_file *file);
void events_file_close(struct events_file *file);

#endif /* FASTOOM_CLIENT_EVENTS_FILE_H */

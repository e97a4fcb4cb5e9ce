/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * events_print: records on stdout, as lines or as JSON: those of a file, and those to come.
 *
 * Purity:    reads the events file or the control socket, writes to stdout.
 * Units:     in the names.
 * Errors:    an exit code; the message is logged.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_EVENTS_PRINT_H
#define FASTOOM_CLIENT_EVENTS_PRINT_H

#include <stdbool.h>
#include <stdint.h>

struct events_file;

/* Which records are printed; NULL: any. */
struct events_filter {
	bool has_since;
	int64_t since_ms;   /* since 1970 */
	const char *policy; /* shell pattern */
	const char *pod;    /* shell pattern */
	const char *kinds;  /* names of events, with commas between them */
	bool json;
};

/* The records up to the end of the file. */
int events_print(const struct events_filter *filter, struct events_file *file);
/* The same, and then each new one, also of a file that replaces it. Returns when stdout closes. */
int events_follow(const struct events_filter *filter, struct events_file *file, const char *path);
/* New ones only, from the daemon. Returns when the daemon or stdout closes. */
int events_listen(const struct events_filter *filter);

#endif /* FASTOOM_CLIENT_EVENTS_PRINT_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * event_text: records, read back and put into words; for events, top and explain.
 *
 * Purity:    pure but for the time zone.
 * Units:     in the names.
 * Errors:    what a record lacks is left out of the words.
 * Ownership: the caller's buffers; texts of a record live as long as it.
 */
#ifndef FASTOOM_CLIENT_EVENT_TEXT_H
#define FASTOOM_CLIENT_EVENT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Members by a path of at most three keys ("victim.comm"); @none where there is no such. */
const char *event_get_text(const json_t *record, const char *path, const char *none);
double event_get_number(const json_t *record, const char *path, double none);

/* What processes call themselves may hold escapes: these become "?". Returns buf. */
char *event_clean(char *buf, size_t size, const char *text);

/* "2026-11-25 03:07:04", in local time; returns buf. */
char *event_time(char *buf, size_t size, const json_t *record);
/* Milliseconds since 1970; false: the record has no such time. */
bool event_time_ms(const json_t *record, int64_t *ret_ms);

/* A scope's name: a path, or the three names of a pod's container, and their slashes. */
#define EVENT_SCOPE_MAX 800

/* "NAMESPACE/POD" or "NAMESPACE/POD/CONTAINER"; "": not known, or none. Returns buf. */
char *event_pod(char *buf, size_t size, const char *namespace, const char *pod,
		const char *container);
/* A scope of a record or of a snapshot, as people call it: its pod, its path, or "node". */
char *event_scope_name(char *buf, size_t size, const json_t *scope);
/* That of a record's scope. */
char *event_scope(char *buf, size_t size, const json_t *record);

/*
 * One line without its time: "kill  /batch/x  java[812] killed after 27.6 ms, ...". Of a scope
 * longer than @scope_most (0: any) only the end.
 */
char *event_line(char *buf, size_t size, const json_t *record, size_t scope_most);

#endif /* FASTOOM_CLIENT_EVENT_TEXT_H */

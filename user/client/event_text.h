/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * event_text: records and snapshots in words, for events, explain, status and top.
 *
 * Purity:    pure, but for the time zone.
 * Units:     in the names.
 * Errors:    none; the words leave out what a record lacks.
 * Ownership: the caller's buffers; texts of a record live as long as the record.
 */
#ifndef FASTOOM_CLIENT_EVENT_TEXT_H
#define FASTOOM_CLIENT_EVENT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words;

/* The value at a path of keys ("victim.comm"); @none if there is none. */
const char *event_get_text(const json_t *record, const char *path, const char *none);
double event_get_number(const json_t *record, const char *path, double none);

/* A process chooses its own name: control characters and bad UTF-8 become "?". Returns buf. */
char *event_clean(char *buf, size_t size, const char *text);

/* "2026-11-25 03:07:04", in local time; returns buf. */
char *event_time(char *buf, size_t size, const json_t *record);
/* Milliseconds since 1970; false: the record has no time. */
bool event_time_ms(const json_t *record, int64_t *ret_ms);

/* The longest name of a scope: a path, or three names of 255 bytes with their slashes. */
#define EVENT_SCOPE_MAX 800

/* "NAMESPACE/POD" or "NAMESPACE/POD/CONTAINER"; an argument "" is not known. Returns buf. */
char *event_pod(char *buf, size_t size, const char *namespace, const char *pod,
		const char *container);
/* The name of a scope of a record or a snapshot: its pod, its path, or "node". Returns buf. */
char *event_scope_name(char *buf, size_t size, const json_t *scope);
/* The name of a record's scope. */
char *event_scope(char *buf, size_t size, const json_t *record);
/* The same in a sentence: "the node", "the cgroup /batch/x", "the pod NAMESPACE/POD". */
char *event_scope_title(char *buf, size_t size, const json_t *record);

/* "java[812]", of a victim, runner-up or invoker. Returns buf. */
char *event_process(char *buf, size_t size, const json_t *process);

/* A key of `contributions`, and a `reason`, in words; the key itself if it is not known. */
const char *event_feature_words(const char *key);
const char *event_reason_words(const char *key);
/* What happened to the victim of an act or a kill: "was killed". Returns buf. */
char *event_outcome_words(char *buf, size_t size, const json_t *record);

/* ", level 80 %, 93 % of the tasks' time lost", as far as it is known. */
void event_add_evidence(struct words *words, const json_t *record);

/*
 * A record in one line without its time: "kill  /batch/x  java[812] was killed after 27.6 ms, ...".
 * Of a scope's name longer than @scope_most bytes (0: any) only the end is shown.
 */
char *event_line(char *buf, size_t size, const json_t *record, size_t scope_most);

#endif /* FASTOOM_CLIENT_EVENT_TEXT_H */

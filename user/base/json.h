/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * json: writes one JSON object into a buffer of fixed size, without allocating.
 *
 * Records are written on the decision path, where nothing may allocate. The libraries do: jansson
 * calls malloc() 21 times a record, cJSON 13 times.
 *
 * Purity:    pure; changes the caller's buffer only.
 * Units:     none; keys name theirs.
 * Errors:    json_end() alone: -ENOSPC, the text does not fit.
 * Ownership: the caller owns the buffer and the struct.
 */
#ifndef FASTOOM_BASE_JSON_H
#define FASTOOM_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *text;
	size_t size;
	size_t len;
	bool comma; /* the next member needs a comma before it */
	bool full;  /* the text does not fit; nothing more is written */
};

void json_begin(struct json *json, char *buf, size_t size);
/* Ends the outermost object. *ret_len is without the NUL. */
int json_end(struct json *json, size_t *ret_len);

/* Here and below, @key NULL adds an element to a list. */
void json_open_map(struct json *json, const char *key);
void json_close_map(struct json *json);
void json_open_list(struct json *json, const char *key);
void json_close_list(struct json *json);

/* Writes invalid UTF-8 as U+FFFD, control characters as \u escapes, a NULL @value as null. */
void json_text(struct json *json, const char *key, const char *value);
void json_text_n(struct json *json, const char *key, const char *value, size_t len);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* Writes 6 significant digits; null for infinity and NaN. */
void json_double(struct json *json, const char *key, double value);

#endif /* FASTOOM_BASE_JSON_H */

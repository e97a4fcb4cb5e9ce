/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * json: writes one JSON object into a buffer of fixed size; allocates nothing.
 *
 * Our own and not a library's: a record is written on the decision path, where
 * nothing may allocate (jansson takes 21 mallocs an event, cJSON 13).
 *
 * Purity:    pure; only the caller's buffer changes.
 * Units:     none; names carry them.
 * Errors:    none a call: once the text no longer fits, json_end() says -ENOSPC.
 * Ownership: the caller owns buffer and struct.
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
	bool comma; /* the next member needs one before it */
	bool full;
};

void json_begin(struct json *json, char *buf, size_t size);
/* 0 and *ret_len (without the NUL) or -ENOSPC. Ends the outermost object. */
int json_end(struct json *json, size_t *ret_len);

/* key NULL: an element of a list */
void json_open_map(struct json *json, const char *key);
void json_shut_map(struct json *json);
void json_open_list(struct json *json, const char *key);
void json_shut_list(struct json *json);

/* Bytes that are not UTF-8 become U+FFFD, control characters \u escapes; NULL becomes null. */
void json_text(struct json *json, const char *key, const char *value);
void json_text_n(struct json *json, const char *key, const char *value, size_t len);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* 6 significant digits; not a number becomes null */
void json_double(struct json *json, const char *key, double value);

#endif /* FASTOOM_BASE_JSON_H */

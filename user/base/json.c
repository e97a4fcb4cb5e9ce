// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void put(struct json *json, const char *bytes, size_t n)
{
	/* keeps room for the NUL */
	if (json->full || n >= json->size - json->len) {
		json->full = true;
		return;
	}
	memcpy(json->text + json->len, bytes, n);
	json->len += n;
}

static void put_char(struct json *json, char c)
{
	put(json, &c, 1);
}

static void put_quoted(struct json *json, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	char escape[8];

	put_char(json, '"');
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(value + i, len - i);

		if (n == 0) {
			put(json, "\xef\xbf\xbd", 3);
			i++;
			continue;
		}
		if (s[i] == '"' || s[i] == '\\') {
			put_char(json, '\\');
			put_char(json, (char)s[i]);
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", s[i]);
			put(json, escape, 6);
		} else {
			put(json, value + i, n);
		}
		i += n;
	}
	put_char(json, '"');
}

static void member(struct json *json, const char *key)
{
	if (json->comma)
		put_char(json, ',');
	json->comma = true;
	if (key) {
		put_quoted(json, key, strlen(key));
		put_char(json, ':');
	}
}

void json_begin(struct json *json, char *buf, size_t size)
{
	*json = (struct json){.text = buf, .size = size};
	put_char(json, '{');
}

int json_end(struct json *json, size_t *ret_len)
{
	put_char(json, '}');
	if (json->full)
		return -ENOSPC;
	json->text[json->len] = '\0';
	*ret_len = json->len;
	return 0;
}

static void open_with(struct json *json, const char *key, char bracket)
{
	member(json, key);
	put_char(json, bracket);
	json->comma = false;
}

static void close_with(struct json *json, char bracket)
{
	put_char(json, bracket);
	json->comma = true;
}

void json_open_map(struct json *json, const char *key)
{
	open_with(json, key, '{');
}

void json_close_map(struct json *json)
{
	close_with(json, '}');
}

void json_open_list(struct json *json, const char *key)
{
	open_with(json, key, '[');
}

void json_close_list(struct json *json)
{
	close_with(json, ']');
}

void json_text_n(struct json *json, const char *key, const char *value, size_t len)
{
	member(json, key);
	if (value)
		put_quoted(json, value, len);
	else
		put(json, "null", 4);
}

void json_text(struct json *json, const char *key, const char *value)
{
	json_text_n(json, key, value, value ? strlen(value) : 0);
}

static void put_number(struct json *json, const char *key, const char *digits)
{
	member(json, key);
	put(json, digits, strlen(digits));
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	put_number(json, key, digits);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	put_number(json, key, digits);
}

void json_bool(struct json *json, const char *key, bool value)
{
	put_number(json, key, value ? "true" : "false");
}

void json_double(struct json *json, const char *key, double value)
{
	char digits[32];

	if (!isfinite(value)) {
		put_number(json, key, "null");
		return;
	}
	snprintf(digits, sizeof(digits), "%.6g", value);
	put_number(json, key, digits);
}

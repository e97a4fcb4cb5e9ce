// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/redact.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Deeper than any record or snapshot. */
#define DEPTH_MAX 32

/* The length of the string at @at, including both quotes; 0: it has no end. */
static size_t string_len(const char *at, const char *end)
{
	for (const char *p = at + 1; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			return (size_t)(p - at) + 1;
	}
	return 0;
}

static bool is_name(const char *key, size_t len)
{
	static const char *const names[] = {"\"comm\"", "\"cmdline\"", "\"exe\"", "\"cgroup\""};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (len == strlen(names[i]) && !memcmp(key, names[i], len))
			return true;
	return false;
}

/* Whether the object that begins at @at has the uid @uid. */
static bool is_of(const char *at, const char *end, uint32_t uid)
{
	static const char key[] = "\"uid\":";
	unsigned depth = 0;

	for (const char *p = at; p < end; p++) {
		if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (!--depth)
				break;
		} else if (*p == '"') {
			size_t len = string_len(p, end);

			if (!len)
				break;
			if (depth == 1 && (size_t)(end - p) > sizeof(key) &&
			    !memcmp(p, key, sizeof(key) - 1))
				return strtoul(p + sizeof(key) - 1, NULL, 10) == uid;
			p += len - 1;
		}
	}
	return false;
}

int redact(const char *text, size_t len, uint32_t reader_uid, char *out, size_t size,
	   size_t *ret_len)
{
	const char *end = text + len;
	bool hidden[DEPTH_MAX];
	size_t depth = 0, used = 0;

	for (const char *p = text; p < end;) {
		size_t part = 1, skip = 0;

		if (*p == '{') {
			if (depth == DEPTH_MAX)
				return -EBADMSG;
			hidden[depth++] = !is_of(p, end, reader_uid);
		} else if (*p == '}') {
			if (!depth--)
				return -EBADMSG;
		} else if (*p == '"') {
			part = string_len(p, end);
			if (!part)
				return -EBADMSG;
			/* a key, and its value is a string */
			if (depth && hidden[depth - 1] && is_name(p, part) &&
			    (size_t)(end - p) > part + 1 && p[part] == ':' && p[part + 1] == '"') {
				skip = string_len(p + part + 1, end);
				if (!skip)
					return -EBADMSG;
				part++;
			}
		}
		if (size - used <= part + strlen("null"))
			return -ENOSPC;
		memcpy(out + used, p, part);
		used += part;
		if (skip) {
			memcpy(out + used, "null", strlen("null"));
			used += strlen("null");
		}
		p += part + skip;
	}
	out[used] = '\0';
	*ret_len = used;
	return 0;
}

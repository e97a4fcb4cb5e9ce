/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * strict_json: checks that a text is one JSON object and nothing else (RFC 8259, in UTF-8, no name
 * twice in an object), and finds a member of it. Independent of base/json, so that both do not have
 * the same error.
 */
#ifndef FASTOOM_TESTS_STRICT_JSON_H
#define FASTOOM_TESTS_STRICT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct strict_json {
	const unsigned char *p, *end;
	int depth;
	const char *path; /* wanted, as "victim.rule"; NULL: none */
	const char *found;
	size_t found_len;
};

static bool strict_value(struct strict_json *j, const char *path);

static bool strict_eat(struct strict_json *j, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(j->end - j->p) < len || memcmp(j->p, word, len) != 0)
		return false;
	j->p += len;
	return true;
}

static int strict_hex(struct strict_json *j)
{
	int value = 0;

	for (int i = 0; i < 4; i++, j->p++) {
		int c = j->p < j->end ? *j->p : 0;

		if (c >= '0' && c <= '9')
			c -= '0';
		else if (c >= 'a' && c <= 'f')
			c -= 'a' - 10;
		else if (c >= 'A' && c <= 'F')
			c -= 'A' - 10;
		else
			return -1;
		value = value * 16 + c;
	}
	return value;
}

static bool strict_escape(struct strict_json *j)
{
	int code;

	if (j->p == j->end)
		return false;
	if (*j->p && strchr("\"\\/bfnrt", *j->p)) {
		j->p++;
		return true;
	}
	if (*j->p++ != 'u')
		return false;
	code = strict_hex(j);
	if (code < 0 || (code >= 0xdc00 && code <= 0xdfff))
		return false;
	if (code < 0xd800 || code > 0xdbff)
		return true;
	if (!strict_eat(j, "\\u"))
		return false;
	code = strict_hex(j);
	return code >= 0xdc00 && code <= 0xdfff;
}

/* One character outside ASCII: decoded, to check for the shortest form and the range. */
static bool strict_wide(struct strict_json *j)
{
	unsigned first = *j->p++, code;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	static const unsigned least[] = {0, 0x80, 0x800, 0x10000};

	if (first < 0xc0 || first > 0xf7)
		return false;
	code = first & (0x3fU >> more);
	for (int i = 0; i < more; i++, j->p++) {
		if (j->p == j->end || (*j->p & 0xc0) != 0x80)
			return false;
		code = code << 6 | (*j->p & 0x3f);
	}
	return code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static bool strict_string(struct strict_json *j)
{
	if (!strict_eat(j, "\""))
		return false;
	while (j->p < j->end) {
		if (*j->p == '"') {
			j->p++;
			return true;
		}
		if (*j->p < 0x20)
			return false;
		if (*j->p == '\\') {
			j->p++;
			if (!strict_escape(j))
				return false;
		} else if (*j->p >= 0x80) {
			if (!strict_wide(j))
				return false;
		} else {
			j->p++;
		}
	}
	return false;
}

static bool strict_digits(struct strict_json *j)
{
	const unsigned char *from = j->p;

	while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
		j->p++;
	return j->p > from;
}

static bool strict_number(struct strict_json *j)
{
	strict_eat(j, "-");
	if (!strict_eat(j, "0") && !strict_digits(j))
		return false;
	if (strict_eat(j, ".") && !strict_digits(j))
		return false;
	if (strict_eat(j, "e") || strict_eat(j, "E")) {
		if (!strict_eat(j, "+"))
			strict_eat(j, "-");
		return strict_digits(j);
	}
	return true;
}

static bool strict_list(struct strict_json *j)
{
	if (strict_eat(j, "]"))
		return true;
	do {
		if (!strict_value(j, NULL))
			return false;
	} while (strict_eat(j, ","));
	return strict_eat(j, "]");
}

static bool strict_map(struct strict_json *j, const char *path)
{
	const unsigned char *names[64];
	size_t lens[64], n = 0;

	if (strict_eat(j, "}"))
		return true;
	do {
		const unsigned char *name = j->p + 1, *value;
		const char *below = NULL;
		size_t len;

		if (n == 64 || !strict_string(j))
			return false;
		len = (size_t)(j->p - 1 - name);
		for (size_t i = 0; i < n; i++)
			if (lens[i] == len && !memcmp(names[i], name, len))
				return false;
		names[n] = name;
		lens[n++] = len;
		if (!strict_eat(j, ":"))
			return false;
		if (path && !strncmp(path, (const char *)name, len) &&
		    (path[len] == '.' || path[len] == '\0'))
			below = path + len;
		value = j->p;
		if (!strict_value(j, below && *below == '.' ? below + 1 : NULL))
			return false;
		if (below && !*below) {
			j->found = (const char *)value;
			j->found_len = (size_t)(j->p - value);
		}
	} while (strict_eat(j, ","));
	return strict_eat(j, "}");
}

static bool strict_value(struct strict_json *j, const char *path)
{
	bool good;

	if (j->p == j->end || j->depth == 16)
		return false;
	j->depth++;
	if (strict_eat(j, "{"))
		good = strict_map(j, path);
	else if (strict_eat(j, "["))
		good = strict_list(j);
	else if (*j->p == '"')
		good = strict_string(j);
	else
		good = strict_eat(j, "true") || strict_eat(j, "false") || strict_eat(j, "null") ||
		       strict_number(j);
	j->depth--;
	return good;
}

static inline bool is_strict_json(const char *text, size_t len)
{
	struct strict_json j = {.p = (const unsigned char *)text,
				.end = (const unsigned char *)text + len};

	return len && *text == '{' && strict_value(&j, NULL) && j.p == j.end;
}

/* The text of the member at @path, as it is written; NULL: there is none. */
static inline const char *strict_json_find(const char *text, size_t len, const char *path,
					   size_t *ret_len)
{
	struct strict_json j = {.p = (const unsigned char *)text,
				.end = (const unsigned char *)text + len,
				.path = path};

	if (!strict_value(&j, path))
		return NULL;
	*ret_len = j.found_len;
	return j.found;
}

#endif /* FASTOOM_TESTS_STRICT_JSON_H */

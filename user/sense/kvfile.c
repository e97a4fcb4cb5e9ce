// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/kvfile.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Three times the largest: vmstat has 5.2 kB on Linux 7.x, memory.stat 2 kB, meminfo 1.6 kB. */
#define FILE_MAX 16384

static bool parse_digits(const char **at, uint64_t *ret_value)
{
	const char *p = *at;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*at = p;
	*ret_value = value;
	return true;
}

/* Digits up to @end, or up to " kB" before @end. */
static bool parse_value(const char *p, const char *end, uint64_t *ret_value)
{
	uint64_t value;

	if (!parse_digits(&p, &value))
		return false;
	if (end - p == 3 && !memcmp(p, " kB", 3)) {
		if (value > UINT64_MAX / 1024)
			return false;
		value *= 1024;
	} else if (p != end) {
		return false;
	}
	*ret_value = value;
	return true;
}

uint32_t kv_parse(const char *text, const struct kv *table, size_t entries)
{
	uint32_t found = 0;
	size_t next = 0;

	for (const char *line = text, *end; *line; line = end + 1) {
		const char *key_end = line;
		const char *p;

		end = strchr(line, '\n');
		if (!end) /* the kernel ends every line: this one is cut off */
			break;
		while (key_end < end && *key_end != ' ' && *key_end != ':')
			key_end++;
		p = key_end;
		while (p < end && (*p == ' ' || *p == ':'))
			p++;

		/* most tables have the order of the file: begin behind the last match */
		for (size_t i = 0; i < entries; i++) {
			size_t at = (next + i) % entries;
			size_t len = strlen(table[at].key);

			if (len != (size_t)(key_end - line) || memcmp(table[at].key, line, len))
				continue;
			if (parse_value(p, end, table[at].value))
				found |= 1U << at;
			next = at + 1;
			break;
		}
	}
	return found;
}

static int read_text(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	/* a seq file may return less than requested */
	while (len < size - 1) {
		n = pread(fd, buf + len, size - 1 - len, (off_t)len);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return len ? 0 : -ENODATA;
}

int kvfile_read(int fd, const struct kv *table, size_t entries, uint32_t *ret_found)
{
	char text[FILE_MAX];
	int err = read_text(fd, text, sizeof(text));

	if (err)
		return err;
	*ret_found = kv_parse(text, table, entries);
	return 0;
}

int kv_parse_number(const char *text, uint64_t *ret_value)
{
	uint64_t value;

	if (!strncmp(text, "max", 3) && (text[3] == '\n' || text[3] == '\0')) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	if (!parse_digits(&text, &value) || (*text != '\n' && *text != '\0'))
		return -EINVAL;
	/* v1 writes "no limit" as PAGE_COUNTER_MAX in bytes: LONG_MAX rounded down to pages */
	*ret_value = value >= (uint64_t)INT64_MAX - 65536 ? UINT64_MAX : value;
	return 0;
}

int kvfile_number(int fd, uint64_t *ret_value)
{
	char text[64];
	int err = read_text(fd, text, sizeof(text));

	if (err)
		return err;
	/* a text that fills the buffer is no number, or is cut off */
	return strlen(text) == sizeof(text) - 1 ? -EINVAL : kv_parse_number(text, ret_value);
}

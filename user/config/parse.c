// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/parse.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* Bytes of a message: the longest has two lists of keys. */
#define MESSAGE_MAX 1024

/* ---- errors ---- */

/* "FILE:LINE:COLUMN: KEY: what is wrong"; NULL: out of memory. */
static char *message(struct config_parser *p, const struct config_place *place, const char *key,
		     const char *format, va_list args)
{
	char what[MESSAGE_MAX], *text = NULL;

	vsnprintf(what, sizeof(what), format, args);
	if (asprintf(&text, "%s:%u:%u: %s: %s", place->file, place->line, place->column, key,
		     what) < 0) {
		p->no_memory = true;
		return NULL;
	}
	return text;
}

void parse_error(struct config_parser *p, unsigned line, unsigned column, const char *key,
		 const char *format, ...)
{
	const struct config_place place = {p->file, p->file_number, line, column};
	struct config_error error = {.file = p->file_number, .line = line, .column = column};
	va_list args;

	p->error_count++;
	if (!p->errors)
		return;
	va_start(args, format);
	error.text = message(p, &place, key, format, args);
	va_end(args);
	if (error.text)
		config_errors_add(p->errors, &error);
}

void parse_warning(struct config_parser *p, const struct config_place *place, const char *key,
		   const char *format, ...)
{
	struct config_error warning = {
		.file = place->file_number, .line = place->line, .column = place->column};
	va_list args;

	if (!p->errors)
		return;
	va_start(args, format);
	warning.text = message(p, place, key, format, args);
	va_end(args);
	if (warning.text)
		config_errors_add_warning(p->errors, &warning);
}

char *parse_quote(const char *text, char *buf, size_t n)
{
	static const size_t shown = 40;
	size_t at = 0;

	if (n == 0)
		return buf;

	for (size_t i = 0; text[i] && at + 8 < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i == shown) {
			at += (size_t)snprintf(buf + at, n - at, "...");
			break;
		}
		if (c >= 0x20 && c < 0x7f)
			buf[at++] = (char)c;
		else
			at += (size_t)snprintf(buf + at, n - at, "\\x%02x", c);
	}
	buf[at] = '\0';
	return buf;
}

char *parse_describe(const struct ynode *value, char *buf, size_t n)
{
	char quoted[192];

	switch (value->kind) {
	case YNODE_LIST:
		snprintf(buf, n, "a list");
		break;
	case YNODE_MAP:
		snprintf(buf, n, "a mapping");
		break;
	case YNODE_SCALAR:
	case YNODE_BAD:
		if (value->len == 0)
			snprintf(buf, n, "empty");
		else
			snprintf(buf, n, "'%s'", parse_quote(value->text, quoted, sizeof(quoted)));
		break;
	}
	return buf;
}

char *config_key_allowed(const struct config_key *key, char *buf, size_t n)
{
	size_t at = 0;

	if (!key->words) {
		snprintf(buf, n, "%s", key->allowed);
		return buf;
	}

	buf[0] = '\0';
	for (size_t i = 0; key->words[i] && at < n; i++) {
		const char *before = i == 0 ? "" : key->words[i + 1] ? ", " : " or ";

		at += (size_t)snprintf(buf + at, n - at, "%s%s", before, key->words[i]);
	}
	return buf;
}

void parse_error_value(struct config_parser *p, const struct config_key *key,
		       const struct ynode *value, const char *hint)
{
	char allowed[256], is[224];

	/* the name as written, which may be the old one; an element of a list has no key */
	parse_error(p, value->line, value->column, value->key ? value->key->text : key->name,
		    "is %s%s; allowed: %s", parse_describe(value, is, sizeof(is)), hint,
		    config_key_allowed(key, allowed, sizeof(allowed)));
}

const char *parse_other_file(const struct config_parser *p, const struct config_place *place,
			     char *buf, size_t n)
{
	buf[0] = '\0';
	if (place->file != p->file)
		snprintf(buf, n, "%s, ", place->file);
	return buf;
}

/* ---- words ---- */

/* The edit distance of two words; swapping two neighbours counts as one edit. */
static size_t word_distance(const char *a, const char *b)
{
	enum {
		LONGEST = 32
	};
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return SIZE_MAX;

	for (size_t j = 0; j <= lb; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

/* Keeps the nearer of two guesses. A word that shares too little is no guess. */
static void guess_word(const char *written, const char *word, const char **guess, size_t *distance)
{
	size_t d = word_distance(written, word);

	if (d <= 2 && d * 2 <= strlen(word) && d < *distance) {
		*guess = word;
		*distance = d;
	}
}

static char *guess_phrase(const char *guess, char *buf, size_t n)
{
	buf[0] = '\0';
	if (guess)
		snprintf(buf, n, " (did you mean `%s`?)", guess);
	return buf;
}

int parse_word(struct config_parser *p, const struct config_key *key, const struct ynode *value)
{
	const char *guess = NULL;
	size_t distance = SIZE_MAX;
	char hint[64];

	if (value->kind == YNODE_SCALAR) {
		for (int i = 0; key->words[i]; i++) {
			if (strcmp(value->text, key->words[i]) == 0)
				return i;
			guess_word(value->text, key->words[i], &guess, &distance);
		}
	}
	parse_error_value(p, key, value, guess_phrase(guess, hint, sizeof(hint)));
	return -1;
}

/* ---- mappings and lists ---- */

char *parse_key_names(const struct config_table *table, char *buf, size_t n)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < table->count && at < n; i++)
		at += (size_t)snprintf(buf + at, n - at, "%s%s", i > 0 ? ", " : "",
				       table->keys[i].name);
	return buf;
}

/* NULL: the table has no such key; an error was added. */
static const struct config_key *find_key(struct config_parser *p, const struct config_table *table,
					 const char *name, const struct ynode *written)
{
	char names[256], quoted[192], hint[64];
	const char *guess = NULL;
	size_t distance = SIZE_MAX;

	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		if (strcmp(written->text, key->name) == 0 ||
		    (key->old_name && strcmp(written->text, key->old_name) == 0))
			return key;
		guess_word(written->text, key->name, &guess, &distance);
	}
	parse_error(p, written->line, written->column,
		    parse_quote(written->text, quoted, sizeof(quoted)),
		    "unknown key in %s%s; allowed: %s", name,
		    guess_phrase(guess, hint, sizeof(hint)),
		    parse_key_names(table, names, sizeof(names)));
	return NULL;
}

void parse_map(struct config_parser *p, const struct config_table *table, const char *name,
	       const struct ynode *map, void *target)
{
	const struct ynode *given[CONFIG_KEYS_MAX] = {0};
	char allowed[256];

	for (const struct ynode *value = map->first; value; value = value->next) {
		const struct ynode *written = value->key;
		const struct config_key *key = find_key(p, table, name, written);
		const struct ynode **first;
		struct config_place place;

		if (!key)
			continue;
		place = parse_place(p, written);
		if (strcmp(written->text, key->name) != 0)
			parse_warning(p, &place, written->text,
				      "is the old name of `%s`, and this is the last version that "
				      "accepts it; use the new name",
				      key->name);
		first = &given[key - table->keys];
		/* by its two names: base/yaml refuses the same name twice */
		if (*first) {
			parse_error(p, written->line, written->column, written->text,
				    "this key was given already, as `%s` in line %u; once is "
				    "allowed",
				    (*first)->text, (*first)->line);
			continue;
		}
		*first = written;
		if (value->kind != YNODE_BAD)
			key->parse(p, key, value, target);
	}

	for (size_t i = 0; i < table->count; i++)
		if (table->keys[i].required && !given[i])
			parse_error(p, map->line, map->column, table->keys[i].name,
				    "is missing; required: %s",
				    config_key_allowed(&table->keys[i], allowed, sizeof(allowed)));
}

bool parse_is_list(struct config_parser *p, const struct config_key *key, const struct ynode *list)
{
	if (list->kind != YNODE_LIST) {
		parse_error_value(p, key, list, "");
		return false;
	}
	return true;
}

/* Absolute, not longer than a path may be, and without control characters. */
static bool is_path_text(const struct ynode *value)
{
	if (value->kind != YNODE_SCALAR || value->text[0] != '/' || value->len >= PATH_MAX)
		return false;
	for (size_t i = 0; i < value->len; i++)
		if ((unsigned char)value->text[i] < 0x20 || value->text[i] == 0x7f)
			return false;
	return true;
}

char *parse_copy(struct config_parser *p, const struct ynode *value)
{
	char *copy = strdup(value->text);

	if (!copy)
		p->no_memory = true;
	return copy;
}

bool parse_digits(const char **text, uint64_t most, uint64_t *ret)
{
	const char *at = *text;
	uint64_t number = 0;

	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > most)
			return false;
	}
	*text = at;
	*ret = number;
	return true;
}

const char *const parse_bool_words[] = {"false", "true", NULL};

void parse_enum(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target)
{
	int i = parse_word(p, key, value);

	if (i >= 0)
		*(unsigned *)parse_target(key, target) = (unsigned)i;
}

/* In quotes it is a string, not a boolean, to every YAML parser. */
void parse_bool(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target)
{
	int i = parse_word(p, key, value);

	if (i >= 0 && !value->plain)
		parse_error_value(p, key, value, " in quotes");
	else if (i >= 0)
		*(bool *)parse_target(key, target) = i;
}

void parse_count(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		 void *target)
{
	const char *text = value->kind == YNODE_SCALAR ? value->text : "";
	uint64_t count;

	if (!parse_digits(&text, key->most, &count) || *text || !count)
		parse_error_value(p, key, value, "");
	else
		*(unsigned *)parse_target(key, target) = (unsigned)count;
}

void parse_size(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target)
{
	uint64_t bytes;

	if (value->kind != YNODE_SCALAR || units_parse_size(value->text, &bytes) || !bytes)
		parse_error_value(p, key, value, "");
	else
		*(uint64_t *)parse_target(key, target) = bytes;
}

void parse_duration(struct config_parser *p, const struct config_key *key,
		    const struct ynode *value, void *target)
{
	uint64_t ns;

	if (value->kind != YNODE_SCALAR || units_parse_duration(value->text, &ns) || !ns ||
	    ns > key->most)
		parse_error_value(p, key, value, "");
	else
		*(uint64_t *)parse_target(key, target) = ns;
}

void parse_path(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target)
{
	char **path = parse_target(key, target);

	if (!is_path_text(value)) {
		parse_error_value(p, key, value,
				  value->len >= PATH_MAX ? " (longer than 4095 bytes)" : "");
		return;
	}
	free(*path);
	*path = parse_copy(p, value);
}

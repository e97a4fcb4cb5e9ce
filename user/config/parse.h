/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * parse: what the keys of the configuration share: the tables, the walk over a mapping, values of
 * the usual types, errors with their place.
 *
 * Purity:    memory only; errors go into struct config_errors.
 * Units:     lines and columns count from 1; durations in ns.
 * Ranges:    a table has at most CONFIG_KEYS_MAX keys.
 * Errors:    an error is added to the parser and counted there, and parsing goes on: all errors of
 *            a file are reported together. no_memory: the result is incomplete.
 * Ownership: the parser owns nothing; what is parsed belongs to the target.
 */
#ifndef FASTOOM_CONFIG_PARSE_H
#define FASTOOM_CONFIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/yaml.h"
#include "config/config.h"
#include "config/errors.h"

/* By choice: an array on the stack; the largest table has half as many. */
#define CONFIG_KEYS_MAX 32

/* Where something is written. */
struct config_place {
	const char *file;
	unsigned file_number; /* in the order in which the files are read */
	unsigned line;	      /* 0: not set */
	unsigned column;
};

struct config_parser {
	const char *file;
	unsigned file_number;
	struct config_errors *errors; /* NULL: errors are only counted */
	size_t error_count;
	bool no_memory;
	bool has_policies;
	bool too_many; /* more than CONFIG_POLICIES_MAX policies; reported */
	struct config *config;
	struct config_place node; /* the policy that judges the node */
	struct config_place policies[CONFIG_POLICIES_MAX];
};

/* ---- keys: one table for each kind of mapping; the parser and the man page use it ---- */

struct config_key {
	const char *name;
	const char *old_name; /* accepted with a warning, until the next version; NULL: none */
	/* @target: the struct that the mapping is read into */
	void (*parse)(struct config_parser *p, const struct config_key *key,
		      const struct ynode *value, void *target);
	size_t offset;		  /* of the value within @target */
	uint64_t most;		  /* of a count or, in ns, of a duration */
	const char *allowed;	  /* the values in words */
	const char *const *words; /* or: one of these; ends in NULL */
	const char *preset;	  /* what applies without the key; NULL: nothing */
	bool required;
	const char *help; /* for the man page */
};

struct config_table {
	const char *name; /* "file", "policy", "match", "rule" */
	const struct config_key *keys;
	size_t count; /* at most CONFIG_KEYS_MAX */
};

/* The allowed values in words: "low, medium or high"; returns buf. */
char *config_key_allowed(const struct config_key *key, char *buf, size_t n);

/* "events, readers, ..."; returns buf. */
char *parse_key_names(const struct config_table *table, char *buf, size_t n);

/* Calls parse() of the key of each value in the mapping. @name: of the mapping, in messages. */
void parse_map(struct config_parser *p, const struct config_table *table, const char *name,
	       const struct ynode *map, void *target);

/* ---- values; each adds an error if the value is not allowed ---- */

/* The member of the target struct that the key sets. */
static inline void *parse_target(const struct config_key *key, void *target)
{
	return (char *)target + key->offset;
}

/* The index of a scalar in key->words, or -1. */
int parse_word(struct config_parser *p, const struct config_key *key, const struct ynode *value);
bool parse_is_list(struct config_parser *p, const struct config_key *key,
		   const struct ynode *value);
/* NULL: out of memory. */
char *parse_copy(struct config_parser *p, const struct ynode *value);
/* A decimal number up to @most. *text is moved behind it. False: there is no such number. */
bool parse_digits(const char **text, uint64_t most, uint64_t *ret);

/* For config_key.parse; the type at key->offset: */
void parse_enum(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target); /* an enum whose values are the indices of key->words */
void parse_bool(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target); /* bool; key->words are parse_bool_words */
void parse_count(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		 void *target); /* unsigned, 1 .. key->most */
void parse_size(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target); /* uint64_t bytes, not 0 */
void parse_duration(struct config_parser *p, const struct config_key *key,
		    const struct ynode *value, void *target); /* uint64_t ns, 1 .. key->most */
void parse_path(struct config_parser *p, const struct config_key *key, const struct ynode *value,
		void *target); /* char *, of less than PATH_MAX bytes; replaces an earlier file's */

extern const char *const parse_bool_words[];

/* ---- errors ---- */

/* The place of a node of the file that is being parsed. */
static inline struct config_place parse_place(const struct config_parser *p,
					      const struct ynode *node)
{
	return (struct config_place){p->file, p->file_number, node->line, node->column};
}

void parse_error(struct config_parser *p, unsigned line, unsigned column, const char *key,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* "is VALUE<hint>; allowed: ..." at the place of the value. */
void parse_error_value(struct config_parser *p, const struct config_key *key,
		       const struct ynode *value, const char *hint);
void parse_warning(struct config_parser *p, const struct config_place *place, const char *key,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* For messages: at most 40 characters in one line, printable ASCII; returns buf. */
char *parse_quote(const char *text, char *buf, size_t n);
/* The value as a phrase: "'medum'", "a list", "empty"; returns buf. */
char *parse_describe(const struct ynode *value, char *buf, size_t n);
/* "FILE, ", or "" if the place is in the file that is being parsed; returns buf. */
const char *parse_other_file(const struct config_parser *p, const struct config_place *place,
			     char *buf, size_t n);

#endif /* FASTOOM_CONFIG_PARSE_H */

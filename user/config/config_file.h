/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * config_file: the configuration file, read into a struct config, or every reason why not.
 *
 * Purity:    config_parse() and config_default() are pure; config_read() reads one file.
 *            Nothing is printed: the caller prints the lines of struct config_errors.
 * Units:     lines and columns count from 1.
 * Errors:    0 or -errno. -EINVAL: something in the file is wrong; all of it is told, not
 *            only the first, and nothing of it is applied: *ret is as it was.
 * Ownership: config_x() give a struct config, config_free() takes it. The texts in struct
 *            config_errors belong to it; it begins zeroed, config_errors_free() empties it.
 */
#ifndef FASTOOM_CONFIG_CONFIG_FILE_H
#define FASTOOM_CONFIG_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "judge/config.h"

#define CONFIG_ERRORS_MAX   64
#define CONFIG_POLICIES_MAX 256 /* in the file; the built-in one comes on top */

struct config_error {
	unsigned file; /* the how-manieth of those read together */
	unsigned line; /* 0: about the whole file */
	unsigned column;
	char *text; /* "file:line:column: key: what is wrong; what is allowed" */
};

struct config_errors {
	struct config_error list[CONFIG_ERRORS_MAX]; /* in the order of the file */
	size_t count;
	size_t more; /* those that found no room */
	/* what is allowed, but not what was meant, most likely; also of a file that is good */
	struct config_error warnings[CONFIG_ERRORS_MAX];
	size_t warning_count;
	size_t more_warnings;
};

/* The configuration in force without a file. NULL: out of memory. */
struct config *config_default(void);

/*
 * A file without the key "policies" stands for the built-in ones. One that has it stands
 * for what it says, and after its last policy comes the built-in "cgroups", that watches
 * and warns of every other cgroup. Whatever the file says, what the built-in rules
 * protect stays protected in every policy.
 *
 * errors may be NULL. Other than -EINVAL: -ENOMEM, or why the file cannot be read, with
 * one line in errors.
 *
 * config_read() reads the file and then, in the order of their names, those of the folder
 * config.d beside it that end in .yaml: they add policies, and the last `events` holds.
 */
#define CONFIG_DROP_INS "config.d"
int config_read(const char *path, struct config **ret, struct config_errors *errors);
int config_parse(const char *name, const char *text, size_t len, struct config **ret,
		 struct config_errors *errors);

/* Where the drop-ins of a file are; the caller frees. NULL: out of memory. */
char *config_drop_in_folder(const char *path);

/* NULL is fine in both. */
void config_free(struct config *config);
void config_errors_free(struct config_errors *errors);

/*
 * The keys of the file, one table a mapping: the parser walks them, and whatever
 * describes them to people is to be made of them.
 */
struct config_parser;
struct config_key;
struct ynode;

struct config_table {
	const char *name; /* "file", "policy", "match", "rule" */
	const struct config_key *keys;
	size_t count; /* at most 32 */
};

struct config_key {
	const char *name;
	const char *type; /* in a word */
	void (*parse)(struct config_parser *p, const struct config_key *key,
		      const struct ynode *value, void *target);
	const char *allowed;	  /* the values in words */
	const char *const *words; /* or, ending in NULL: one of these */
	const char *preset;	  /* what holds without the key; NULL: nothing */
	bool required;
	const struct config_table *inner; /* the keys of the mapping(s) below, or NULL */
	const char *help;		  /* one sentence */
};

/* From the outermost inwards; NULL after the last. */
extern const struct config_table *const config_tables[];

/* The allowed values in words: "low, medium or high"; returns buf. */
char *config_key_allowed(const struct config_key *key, char *buf, size_t n);

#endif /* FASTOOM_CONFIG_CONFIG_FILE_H */

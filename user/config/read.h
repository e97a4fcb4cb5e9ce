/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * read: the configuration's files, read into a struct config, or every reason why not.
 *
 * Purity:    config_parse() is pure; config_read() reads files. Nothing is printed: the caller
 *            prints the lines of struct config_errors.
 * Units:     bytes.
 * Ranges:    a file: the limits of base/yaml.h; all files: CONFIG_POLICIES_MAX.
 * Errors:    0 or -errno. -EINVAL: something in a file is wrong. All errors are reported, not
 *            only the first, and nothing is applied: *ret is as it was. -ENOMEM. Otherwise why a
 *            file cannot be read, with one line in errors.
 * Ownership: config_read() and config_parse() give *ret, config_free() takes it. errors may be
 *            NULL, or begins zeroed.
 */
#ifndef FASTOOM_CONFIG_READ_H
#define FASTOOM_CONFIG_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "config/errors.h"

struct config;

/* The folder of drop-ins, beside the file. */
#define CONFIG_DROP_INS "config.d"

/*
 * Without the key `policies` the built-in policies hold. With it, those of the file do, and after
 * the last one comes the built-in policy of cgroups, which watches and warns of every other
 * cgroup. What the built-in rules protect stays protected in every policy.
 *
 * config_read() reads the file and then, in the order of their names, those of the folder
 * config.d beside it that end in .yaml: they add policies, and the last value of another key holds.
 */
int config_read(const char *path, struct config **ret, struct config_errors *errors);
int config_parse(const char *name, const char *text, size_t len, struct config **ret,
		 struct config_errors *errors);

/* Where the drop-ins of a file are; the caller frees. NULL: out of memory. */
char *config_drop_in_folder(const char *path);
/* Whether a file of that name in the folder is a drop-in. */
bool config_is_drop_in(const char *name);

#endif /* FASTOOM_CONFIG_READ_H */

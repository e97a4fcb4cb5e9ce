/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * read: parses the texts of the configuration's files into a struct config, or reports every error.
 *
 * Purity:    config_parse() is pure; config_read() reads files. Nothing is printed: the caller
 *            prints the lines of struct config_errors.
 * Units:     bytes.
 * Ranges:    a file: the limits of base/yaml.h; all files: CONFIG_POLICIES_MAX.
 * Errors:    0 or -errno. -EINVAL: something in a file is wrong. All errors are reported, not
 *            only the first, and nothing is applied: *ret is as it was. -ENOMEM. config_read():
 *            also those of config/files.h.
 * Ownership: both give *ret, config_free() takes it. errors may be NULL, or begins zeroed.
 */
#ifndef FASTOOM_CONFIG_READ_H
#define FASTOOM_CONFIG_READ_H

#include <stddef.h>

#include "config/errors.h"

struct config;
struct config_file;

/*
 * Each file adds policies; of every other key the last value applies. Without the key `policies` in
 * any file the built-in policies apply. With it the policies of the files apply, and the built-in
 * policy of cgroups comes last. The built-in `protect` rules are added to every policy.
 */
int config_parse(const struct config_file *files, size_t count, struct config **ret,
		 struct config_errors *errors);
int config_read(const char *path, struct config **ret, struct config_errors *errors);

#endif /* FASTOOM_CONFIG_READ_H */

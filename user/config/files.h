/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * files: the texts of a configuration: of the file itself, then of its drop-ins.
 *
 * Purity:    reads files.
 * Units:     bytes.
 * Ranges:    a file has at most YDOC_SIZE_MAX bytes (base/yaml.h); there may be any number.
 * Errors:    0 or -errno: why a file, or the folder of drop-ins, cannot be read, with one line in
 *            errors; -EINVAL: it is too large; -ENOMEM. All files that can be read are read.
 * Ownership: config_files_read() gives the names and texts, config_files_free() takes them.
 */
#ifndef FASTOOM_CONFIG_FILES_H
#define FASTOOM_CONFIG_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/errors.h"

/* The folder of drop-ins, beside the file. It may be missing. */
#define CONFIG_DROP_INS "config.d"

struct config_file {
	char *name;
	char *text; /* NULL: it cannot be read */
	size_t len;
};

struct config_files {
	struct config_file *list; /* the file, then the drop-ins in the byte order of their names */
	size_t count;
};

/* errors may be NULL. *ret must be freed also when it fails. */
int config_files_read(const char *path, struct config_files *ret, struct config_errors *errors);
void config_files_free(struct config_files *files);

/* Where the drop-ins of a file are; the caller frees. NULL: out of memory. */
char *config_drop_in_folder(const char *path);
/* Whether a file of that name in the folder is a drop-in: "*.yaml", not hidden. */
bool config_is_drop_in(const char *name);

#endif /* FASTOOM_CONFIG_FILES_H */

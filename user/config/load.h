/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * load: the configuration that is in force, with every error and warning logged.
 *
 * Purity:    reads files and writes the log.
 * Errors:    0 or -errno.
 * Ownership: config_load() gives *ret, config_free() takes it.
 */
#ifndef FASTOOM_CONFIG_LOAD_H
#define FASTOOM_CONFIG_LOAD_H

struct config;

/* Reads @path, or the default file if it exists, or makes the built-in configuration. */
int config_load(const char *path, struct config **ret);

#endif /* FASTOOM_CONFIG_LOAD_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * load: reads the configuration in force, and logs every error and warning.
 *
 * Purity:    reads files and writes the log. One thread's: the errors are in static memory.
 * Units:     none.
 * Ranges:    those of config/read.h.
 * Errors:    0 or -errno, as config_read(); at least one line is logged with each.
 * Ownership: config_load() gives *ret, config_free() (config/config.h) takes it.
 */
#ifndef FASTOOM_CONFIG_LOAD_H
#define FASTOOM_CONFIG_LOAD_H

struct config;

/* Reads paths_config(@path); without a file *ret is the built-in configuration. */
int config_load(const char *path, struct config **ret);
/* The same for the daemon; -EPERM if other users can change the configuration (config/trust.h). */
int config_load_trusted(const char *path, struct config **ret);

#endif /* FASTOOM_CONFIG_LOAD_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * paths: where the configuration, the lock, the control socket and the events are by default.
 *
 * Purity:    reads the environment and the file system.
 * Errors:    none.
 * Ownership: strings are static, or the caller's.
 */
#ifndef FASTOOM_CONFIG_PATHS_H
#define FASTOOM_CONFIG_PATHS_H

#include <stddef.h>

extern const char paths_default_events[];

/* The file in force: @path, or the default one if it exists; NULL: the built-in configuration. */
const char *paths_config(const char *path);
/* The directory of the lock and the control socket. */
const char *paths_runtime_dir(void);
void paths_socket(char *ret, size_t size);
/* The pid of the running daemon, from its lock; 0: none. */
int paths_running_pid(void);

#endif /* FASTOOM_CONFIG_PATHS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * paths: the default places of the configuration, the lock, the control socket and the events.
 *
 * Purity:    reads the environment and the file system.
 * Units:     bytes.
 * Ranges:    a path that does not fit in the caller's buffer is cut; PATH_MAX fits any.
 * Errors:    none; what cannot be read counts as missing.
 * Ownership: the strings are static, the environment's or the caller's.
 */
#ifndef FASTOOM_CONFIG_PATHS_H
#define FASTOOM_CONFIG_PATHS_H

#include <stddef.h>

/* The event file, unless the configuration or the command line names one. */
extern const char paths_default_events[];

/* The file in force: @path, or for NULL the default file if it exists. NULL: there is no file. */
const char *paths_config(const char *path);
/* The directory of lock, pid file and control socket: $RUNTIME_DIRECTORY, or the default. */
const char *paths_runtime_dir(void);
/* The control socket. */
void paths_socket(char *ret, size_t size);
/* The file with the pid of the daemon. Every user may read it; only root may open the lock. */
void paths_pid_file(char *ret, size_t size);
/* The pid of the running daemon, from that file. 0: it is not running. */
int paths_running_pid(void);

#endif /* FASTOOM_CONFIG_PATHS_H */

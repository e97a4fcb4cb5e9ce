/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * start: what has to be there before the daemon runs, each with its sentence when it is not.
 *
 * Errors: an exit code of cli/exit.h, with one error logged; 0 or -errno where it says so.
 */
#ifndef FASTOOM_CLI_START_H
#define FASTOOM_CLI_START_H

#include <stddef.h>

/* Above the highest CFS task, below whatever the administrator made real-time on purpose. */
#define START_PRIORITY 1

struct config;
struct daemon;

/* The file that start_config() would read; NULL: none. */
const char *start_config_path(const char *path);
/* The file, or the default one if it is there, or the built-in; 0 or -errno, errors logged. */
/* Where it is read from; NULL: the built-in one. */
const char *start_config_path(const char *path);
int start_config(const char *path, struct config **ret);
/* Keeps a second instance out. */
int start_lock(struct daemon *daemon);
/* The memory controller and the node's files. */
int start_host(struct daemon *daemon);
/* The helper for `notify`, if the configuration has a program for it. */
void start_notifier(struct daemon *daemon);
/* The exit code for loader_new()'s error. */
int start_loader_exit(int err);
int start_kernel_side(struct daemon *daemon);
int start_events(struct daemon *daemon);
/* The socket for readers; without it a warning. */
void start_control(struct daemon *daemon);
/* Who may read, after a reload. */
void start_readers(struct daemon *daemon);
/* Said once all else is well: what is wrong then is one sentence. */
void start_warn(const struct daemon *daemon);
/* Memory locked, priority raised, not to be killed: each a warning where it is not allowed. */
void start_harden(void);
/* Takes this process out of the OOM killer's reach; 0 or -errno. */
int start_unkillable(void);
/* Where the lock and the socket are. */
const char *start_runtime_dir(void);
void start_socket_path(char *ret, size_t size);
/* The file in force: @path, or the default one if it is there, or NULL: built in. */
const char *start_config_path(const char *path);
extern const char start_default_events[];
/* The pid of the daemon that runs, by its lock; 0: none. */
int start_running_pid(void);
/* What is watched, in the log and in the `start` record. */
void start_tell(struct daemon *daemon);

#endif /* FASTOOM_CLI_START_H */

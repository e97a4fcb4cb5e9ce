/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * start: what has to be there before the daemon runs, each with its sentence when it is not.
 *
 * Errors: an exit code of base/exit.h, with one error logged; 0 or -errno where it says so.
 */
#ifndef FASTOOM_DAEMON_START_H
#define FASTOOM_DAEMON_START_H

struct daemon;

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
/* What is watched, in the log and in the `start` record. */
void start_tell(struct daemon *daemon);

#endif /* FASTOOM_DAEMON_START_H */

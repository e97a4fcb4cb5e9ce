/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * start: what the daemon needs before it runs, each with its sentence when it cannot be had.
 *
 * Purity:    opens files, sockets and programs.
 * Errors:    an exit code of base/exit.h, with one error logged.
 * Ownership: what is opened is the caller's.
 */
#ifndef FASTOOM_DAEMON_START_H
#define FASTOOM_DAEMON_START_H

#include <stdbool.h>
#include <stddef.h>

struct cgroup_host;
struct config;
struct control;
struct loader;
struct node;
struct notifier;
struct reporter;
struct writer;

/* Keeps a second instance out. */
int start_lock(int *ret_fd);
/*
 * Other programs that kill in the same shortage: each is logged. EXIT_HOST if one is running,
 * unless `rivals: allow`, @dry_run or the policies say that nothing is killed or both may.
 */
int start_rivals(const struct config *config, bool dry_run);
/* The memory controller. *ret_sees_cgroups: cgroups can be opened by the ids of events. */
int start_cgroups(struct cgroup_host *ret, const struct config *config, bool *ret_sees_cgroups);
int start_node(struct node *ret);
int start_loader(struct loader **ret, int cgroup_version);
/*
 * The writer of the event file: @asked, or what @config says, or the default. *ret_path: the path
 * that was opened; NULL: none. @resolved, PATH_MAX bytes: as others find it, or "".
 */
int start_writer(struct writer **ret, const char *asked, const struct config *config,
		 const char **ret_path, char *resolved);
/* The helper process for `notify`, if the configuration has a program for it. */
void start_notifier(struct notifier **notifier, const struct config *config);
/* The control socket; without it a warning. start_readers_settled() follows. */
void start_control(struct control **ret, const struct config *config, struct writer *writer);
/* After a reload: sets the group that may read the socket. start_readers_settled() follows. */
void start_readers(struct control *control, const struct config *config);
/* When control_fd() is readable: warns if the group could not be set. */
void start_readers_settled(struct control *control);
/* What is missing, once everything else works. */
void start_warn(const struct cgroup_host *host, bool sees_cgroups, const struct loader *loader);
/* What is watched, in the log and in the `start` record. */
void start_report(const struct loader *loader, const struct config *config, int cgroup_version,
		  const struct reporter *reporter);

#endif /* FASTOOM_DAEMON_START_H */

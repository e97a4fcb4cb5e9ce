/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * daemon: the composition of the pipe: one thread, one epoll loop.
 *
 * The loop waits for the ring buffer, a timer that runs only while a scope is hot, signals, the
 * pidfds of victims, and changes of the configuration and of the names of pods. While nothing
 * reclaims nothing wakes it. Threads do what may wait: the writer (disk, log), the helper (command
 * lines, freeing a victim's memory), page tracking (attaching programs).
 *
 * Purity:    reads the clock; everything below gets time as an argument.
 * Units:     *_ns.
 * Errors:    daemon_new(), daemon_run(): an exit code of base/exit.h, with the sentence logged.
 * Ownership: daemon_new() gives, daemon_free() takes.
 */
#ifndef FASTOOM_DAEMON_DAEMON_H
#define FASTOOM_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

struct daemon_options {
	const char *config_path; /* NULL: the default one if it exists, else the built-in */
	const char *events_path; /* NULL: what the configuration says */
	const char *record_path; /* NULL: the last minutes are kept in memory */
	const char *host_root;	 /* where the host's files are seen; NULL: / */
	uint64_t for_ns;	 /* 0: until a signal */
	bool dry_run;
};

int daemon_new(struct daemon **ret, const struct daemon_options *options);
int daemon_run(struct daemon *daemon);
void daemon_free(struct daemon *daemon);

#endif /* FASTOOM_DAEMON_DAEMON_H */

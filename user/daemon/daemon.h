/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * daemon: the pipe put together; one thread, one epoll loop, nothing but descriptors.
 *
 * In the loop: the ring's descriptor, a timer that runs only while a scope is hot, signals,
 * and the pidfds of victims. While nothing reclaims nothing wakes it. Two more threads do
 * what may wait: the writer (disk, log) and the aide (command lines, reaping a victim's memory);
 * a third one attaches the wide eyes.
 *
 * Purity:    reads the clock; everything below gets time as an argument.
 * Units:     *_ns CLOCK_MONOTONIC unless they say otherwise.
 * Errors:    daemon_new(): an exit code of base/exit.h, with the sentence logged.
 * Ownership: daemon_new() gives, daemon_free() takes; the configuration moves in with it.
 */
#ifndef FASTOOM_DAEMON_DAEMON_H
#define FASTOOM_DAEMON_DAEMON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/watch.h"
#include "judge/config.h"
#include "judge/victim.h"
#include "sense/cgroup.h"
#include "sense/node.h"

struct daemon_options {
	const char *config_path; /* NULL: the default one if it is there, else the built-in */
	const char *events_path; /* NULL: what the configuration says */
	const char *record_path; /* NULL: the last minutes are kept in memory */
	const char *host_root;	 /* where the host's files are seen; NULL: / */
	uint64_t for_ns;	 /* 0: until a signal */
	bool dry_run;
};

struct daemon {
	struct daemon_options options;
	struct config *config;
	struct cgroup_host host;
	bool sees_cgroups; /* may open them by the ids that events carry */
	struct node node;
	struct loader *loader;
	struct ingest *ingest;
	struct sampler *sampler;
	struct tasks *tasks;
	struct podnames *names;
	struct cgroup_cache *cgroup_cache;
	struct writer *writer;
	struct trace_store *trace_store; /* NULL: the events are no file, nothing is kept */
	struct worker *helper;
	struct worker *opener;		     /* of the wide eyes */
	struct control *control;	     /* NULL: there is no socket */
	const char *config_path;	     /* that is in force; NULL: built in */
	char events_path[SNAPSHOT_PATH_MAX]; /* "": none */
	struct ladder *ladder;
	struct notifier *notifier; /* NULL: nothing is to be notified */
	struct proactive_reclaim
		*proactive_reclaim; /* NULL: nothing is reclaimed in the background */
	struct watch *watches;
	struct victim *ranking; /* room for incident_begin() */
	size_t ranking_size;

	atomic_int tracking;
	atomic_int tracking_error;
	uint64_t tracking_needed_ns;
	uint64_t tracking_tried_ns;

	int lock_fd;
	int epoll_fd;
	int timer_fd;
	int end_fd;
	int signal_fd;
	struct config_watch *config_watch; /* NULL: its changes are not noticed */
	bool timer_runs;
	bool stop;

	uint64_t next_id;
	uint64_t started_ns;
	uint64_t watches_full;
	uint64_t wakeups;
	uint64_t losses_told;
	struct {
		int pid;
		uint64_t start_boot_ns;
	} kernel_kills[16];
	unsigned kernel_kill_next;
};

int daemon_new(struct daemon **ret, const struct daemon_options *options);
int daemon_run(struct daemon *daemon);
void daemon_free(struct daemon *daemon);

/* The tick of hot scopes: on with the first, off after the last. */
void daemon_timer(struct daemon *daemon, bool on);

#endif /* FASTOOM_DAEMON_DAEMON_H */

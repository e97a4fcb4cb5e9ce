/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace_feed: what the daemon saw and did, put into its trace: everything that replay needs to
 * come to the same judgements and the same victims.
 *
 * Purity:    memory only, except for trace_feed_open() and trace_feed_config(), which read files.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    trace_feed_open(): an exit code of base/exit.h, with one error logged. Otherwise
 *            none: what is lost is counted.
 * Ownership: the owner of the feed closes the store, after the writer.
 */
#ifndef FASTOOM_DAEMON_TRACE_FEED_H
#define FASTOOM_DAEMON_TRACE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/case.h"

struct candidate;
struct hot_scope;
struct judgement;
struct process_span;
struct sample;
struct trace_store;
struct victim;
struct writer;

struct trace_feed {
	struct trace_store *store; /* NULL: nothing is kept */
	const char *config_path;   /* as it was asked for; NULL: the default */
	int cgroup_version;	   /* 0: no memory controller */
	bool dry_run;
};

/*
 * Into the file @record_path; or, if that is NULL, the last minutes into memory, for files beside
 * @events_path.
 */
int trace_feed_open(struct trace_feed *feed, struct writer *writer, const char *record_path,
		    const char *events_path);
/* Another configuration is in force. */
void trace_feed_config(struct trace_feed *feed);

void trace_feed_begin(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns);
void trace_feed_end(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns);
/* The end of a tick, after everything that came of this sample. */
void trace_feed_tick(struct trace_feed *feed, const struct hot_scope *scope,
		     const struct sample *sample, const struct process_span *spans,
		     size_t span_count, const struct judgement *judgement);
void trace_feed_list(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns,
		     const struct candidate *candidates, size_t n);
/* The members of the victim's group, where they are not all in the scope's list. */
void trace_feed_members(struct trace_feed *feed, const struct hot_scope *scope, uint64_t now_ns,
			const struct victim *members, size_t n);

/* The scope's action: it begins; its first signal was sent; it is over. */
void trace_feed_opened(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
		       const struct candidate *victim, uint64_t now_ns);
void trace_feed_signalled(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
			  const struct candidate *victim, uint64_t now_ns);
void trace_feed_closed(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
		       enum case_outcome outcome, int pid, uint64_t freed_bytes, uint64_t now_ns);
/* The judgement was to act, but no action began. */
void trace_feed_stood_down(struct trace_feed *feed, const struct hot_scope *scope, bool dry_run,
			   enum case_choice why, uint64_t now_ns);
void trace_feed_kernel_kill(struct trace_feed *feed, const struct hot_scope *scope,
			    const struct candidate *victim, uint64_t now_ns);

#endif /* FASTOOM_DAEMON_TRACE_FEED_H */

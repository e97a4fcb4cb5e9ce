/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * tape: what the daemon saw and did, put into its recording. Memory only, but for
 * trace_feed_open().
 *
 * Errors: trace_feed_open() an exit code of base/exit.h, with one error logged; else none: what is
 *         lost is counted, and report_losses() tells.
 */
#ifndef FASTOOM_DAEMON_TRACE_FEED_H
#define FASTOOM_DAEMON_TRACE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct candidate;
struct daemon;
struct judgement;
struct sample;
struct watch;

/* Into the file that was asked for, or the last minutes into memory. */
int trace_feed_open(struct daemon *daemon, const char *events_path);
/* Another configuration is in force. */
void trace_feed_config(struct daemon *daemon);

void trace_feed_begin(struct daemon *daemon, const struct watch *watch, uint64_t now_ns);
void trace_feed_end(struct daemon *daemon, const struct watch *watch, uint64_t now_ns);
/* The end of a tick: all that came of this sample is on the tape. */
void trace_feed_tick(struct daemon *daemon, const struct watch *watch, const struct sample *sample,
		     const struct judgement *judgement);
void trace_feed_list(struct daemon *daemon, const struct watch *watch, uint64_t now_ns,
		     const struct candidate *candidates, size_t n);

/* The watch's incident: its signal left; it is settled. */
void trace_feed_kill(struct daemon *daemon, const struct watch *watch, uint64_t now_ns);
void trace_feed_settled(struct daemon *daemon, const struct watch *watch, const char *outcome,
			uint64_t freed_bytes, bool waits, uint64_t now_ns);
/* The verdict was to act, but nothing was sent; @waits: the next verdict comes after a while. */
void trace_feed_stood_down(struct daemon *daemon, const struct watch *watch, const char *why,
			   bool waits, uint64_t now_ns);
void trace_feed_kernel_kill(struct daemon *daemon, const struct watch *watch,
			    const struct candidate *victim, uint64_t now_ns);

#endif /* FASTOOM_DAEMON_TRACE_FEED_H */

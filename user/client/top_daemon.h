/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_daemon: what top knows from the daemon: its latest snapshot, the latest kills, and its
 * configuration. Connects again when the connection is lost, and notices a daemon that hangs.
 *
 * Purity:    one socket, and two files that are read when a connection is made: the daemon's
 *            configuration and its events file.
 * Units:     *_ms.
 * Errors:    top_daemon_new(): 0 or -ENOMEM. A daemon that is not there or does not answer is a
 *            sentence in top_daemon_trouble().
 * Ownership: top_daemon_new() gives, top_daemon_free() takes (NULL is fine); results live until
 *            the next call of top_daemon_hear() or top_daemon_refresh().
 */
#ifndef FASTOOM_CLIENT_TOP_DAEMON_H
#define FASTOOM_CLIENT_TOP_DAEMON_H

#include <jansson.h>
#include <stddef.h>

struct config;
struct top_daemon;

/* How many kills are kept. */
#define TOP_KILLS 16

/* @socket_path NULL: the daemon's default. @interval_ms: between two snapshots. */
int top_daemon_new(struct top_daemon **ret, const char *socket_path, unsigned interval_ms);
void top_daemon_free(struct top_daemon *daemon);

/* Readable when the daemon sent something; -1: there is no connection. */
int top_daemon_fd(const struct top_daemon *daemon);
/* Takes in what the daemon sent. */
void top_daemon_hear(struct top_daemon *daemon);
/* The same; also connects, and asks a silent daemon whether it still answers. */
void top_daemon_refresh(struct top_daemon *daemon);

/* NULL: none yet. */
const json_t *top_daemon_snapshot(const struct top_daemon *daemon);
/* NULL: not known, or not readable for this user. */
const struct config *top_daemon_config(const struct top_daemon *daemon);
/* The @back-th latest kill, 0 the newest; NULL: there is none. */
const json_t *top_daemon_kill(const struct top_daemon *daemon, size_t back);
/* Why the daemon does not answer; "": it does. */
const char *top_daemon_trouble(const struct top_daemon *daemon);
/* "pid 12, page tracking on"; "": not known. */
const char *top_daemon_text(const struct top_daemon *daemon);

#endif /* FASTOOM_CLIENT_TOP_DAEMON_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * control: the socket on which others read what the daemon sees and does. Nothing that is sent
 * to it changes anything.
 *
 * Varlink's framing: one JSON object and a NUL a message; the interface is io.fastoom, described
 * by org.varlink.service. A thread of its own serves it, for even a send that does not block may
 * reclaim memory in the kernel: the daemon's thread only copies into memory that is there and,
 * if somebody listens, raises an eventfd. The same thread looks up the group that may connect.
 *
 * Bounds:    16 readers, 4 of one user (but root, which displaces another one if need be); 4 KiB a
 *            request, 5 s without one; a reader that takes too little is passed over for snapshots
 *            and dropped when an event finds no room.
 * Privacy:   where everyone may connect, a user that is not root sees the names of own processes
 *            only (tell/redact.h).
 * Units:     *_ms.
 * Errors:    0 or -errno from control_open(); afterwards everything that is lost is counted.
 * Ownership: control_open() gives, control_close() takes (NULL is fine) and removes the socket. It
 *            waits 1 s for its thread; a thread that waits for the network is left.
 */
#ifndef FASTOOM_TELL_CONTROL_H
#define FASTOOM_TELL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct snapshot;

struct control_counters {
	uint64_t readers; /* connected now */
	uint64_t served;  /* connections so far */
	uint64_t refused; /* found no place */
	uint64_t dropped; /* too slow or idle, displaced by root, or sent what is no request */
	uint64_t events_lost;
};

/*
 * The folder of @path must exist. @group: the group that may connect, as root always may; NULL:
 * everyone. Until the group is known, only root may.
 */
int control_open(struct control **ret, const char *path, const char *group);
void control_close(struct control *control);

/*
 * Sets the group that may connect from now on, as control_open(); clients that are connected stay.
 * Does not block: the control thread looks the group up, which may wait for the network.
 */
int control_set_readers(struct control *control, const char *group);

/* The outcome of the last control_set_readers(), or of control_open() with a group. */
struct control_readers {
	int err;	/* 0, or why nothing changed; -ENOENT: there is no such group */
	bool root_only; /* only root may connect */
	char group[];	/* "": everyone */
};

/* Readable when there is a new outcome; -1 for NULL. */
int control_fd(const struct control *control);
/* The outcome, to be freed by the caller. NULL: there is no new one. */
struct control_readers *control_take_readers(struct control *control);

/* Whether somebody subscribed to snapshots. */
bool control_is_watched(const struct control *control);

/* Where the next snapshot is put together; then it is published. One thread's. */
struct snapshot *control_snapshot(struct control *control);
void control_publish(struct control *control);

/* A record, with its newline. */
void control_event(struct control *control, const char *line, size_t len);

void control_count(const struct control *control, struct control_counters *ret);

/* The interface, in varlink's words. */
extern const char control_interface[];

#endif /* FASTOOM_TELL_CONTROL_H */

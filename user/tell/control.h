/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * control: a socket on which clients read what the daemon sees and does (docs/control-socket.md).
 * No request changes anything.
 *
 * Varlink: a message is one JSON object and a NUL; the interface is io.fastoom, described by
 * org.varlink.service. A thread of its own serves the socket: even a send that does not block can
 * reclaim memory in the kernel. The daemon's thread copies into preallocated memory and, if there
 * is a subscriber, writes to an eventfd. The same thread looks up the group that may connect.
 *
 * Bounds:    16 readers, 4 for each user but root, which displaces another user's reader if all
 *            places are taken. 4 KiB for a request; 5 s without one. A slow reader misses
 *            snapshots, and is disconnected when there is no room for an event.
 * Privacy:   where every user may connect, a user other than root sees the names of its own
 *            processes only (tell/redact.h).
 * Units:     *_ms.
 * Errors:    0 or -errno from control_open(); later errors are counted.
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
	uint64_t refused; /* connections, because there were too many */
	uint64_t dropped; /* readers: too slow, idle, displaced by root, or their request was bad */
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

/* Whether a reader has subscribed to snapshots. */
bool control_is_watched(const struct control *control);

/* The next snapshot, to be filled and then published. For one thread only. */
struct snapshot *control_snapshot(struct control *control);
void control_publish(struct control *control);

/* Sends a record, with its newline, to the subscribers of events. */
void control_event(struct control *control, const char *line, size_t len);

void control_count(const struct control *control, struct control_counters *ret);

/* The description of the interface, for GetInterfaceDescription(). */
extern const char control_interface[];

#endif /* FASTOOM_TELL_CONTROL_H */

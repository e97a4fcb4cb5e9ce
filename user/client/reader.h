/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * reader: the other end of the control socket, for status, events and top.
 *
 * Purity:    one connection; nothing blocks longer than is said.
 * Units:     timeouts in ms; -1: for ever.
 * Errors:    0 or -errno: -EPIPE the daemon went away, -EAGAIN nothing came in time, -EBADMSG
 *            what came is no message, -EREMOTEIO the daemon refused.
 * Ownership: reader_open() gives, reader_close() takes (NULL is fine); messages are the caller's
 *            to json_decref().
 */
#ifndef FASTOOM_CLIENT_READER_H
#define FASTOOM_CLIENT_READER_H

#include <jansson.h>
#include <stddef.h>

struct reader;

/* @path NULL: where the daemon's is. */
int reader_open(struct reader **ret, const char *path);
void reader_close(struct reader *reader);
int reader_fd(const struct reader *reader);

/* A whole request in JSON. */
int reader_ask(struct reader *reader, const char *request);

/* The parameters of the next reply. */
int reader_next(struct reader *reader, int timeout_ms, json_t **ret);

/* GetStatus, in one. */
int reader_status(const char *path, json_t **ret);

/* Why there is no connection, and how to have one. */
void reader_explain(int err, const char *path, char *ret, size_t size);

#endif /* FASTOOM_CLIENT_READER_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * reader: a client of the control socket, for status, events and top.
 *
 * Purity:    one connection; blocks no longer than the timeout.
 * Units:     timeouts in ms; -1: none.
 * Errors:    0 or -errno: -EPIPE the daemon closed the connection, -EAGAIN no reply in time,
 *            -EBADMSG the reply is not a message, -EREMOTEIO the daemon refused the request.
 * Ownership: reader_open() gives, reader_close() takes (NULL is fine); the caller passes replies to
 *            json_decref().
 */
#ifndef FASTOOM_CLIENT_READER_H
#define FASTOOM_CLIENT_READER_H

#include <jansson.h>
#include <stddef.h>

struct reader;

/* @path NULL: the daemon's default. */
int reader_open(struct reader **ret, const char *path);
void reader_close(struct reader *reader);
int reader_fd(const struct reader *reader);

/* @request: a request in JSON. */
int reader_ask(struct reader *reader, const char *request);

/* The parameters of the next reply. */
int reader_next(struct reader *reader, int timeout_ms, json_t **ret);

/* Connects, and asks for the status. */
int reader_status(const char *path, json_t **ret);

/* The error in a sentence: what failed, why, and what to do. */
void reader_explain(int err, const char *path, char *ret, size_t size);

#endif /* FASTOOM_CLIENT_READER_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace_store: where the frames of a trace go.
 *
 * With a file, the thread of the writer appends the frames to it. Without, the last two minutes
 * (or TRACE_STORE_RING_BYTES) stay in a preallocated ring; when a kill is settled, they are copied
 * to a second preallocated buffer, and the thread of the writer makes a file of it. The newest
 * TRACE_STORE_FILES_KEPT files are kept.
 *
 * Purity:    trace_store_open() opens files; otherwise only the thread of the writer uses them.
 * Units:     bytes, *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno. Items and files that are lost are counted.
 * Ownership: trace_store_open() and trace_store_keep() give, trace_store_close() takes, after
 *            writer_close().
 */
#ifndef FASTOOM_TELL_TRACE_STORE_H
#define FASTOOM_TELL_TRACE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_store;
struct trace_head;
struct trace_writer;
struct writer;

#define TRACE_STORE_RING_BYTES (16 * 65536)
#define TRACE_STORE_FILES_KEPT 32

/*
 * Continues or creates @path. -EINVAL: it is not a trace, or it is damaged; @why has the message.
 * *ret_cut: the bytes of an incomplete last frame, which is removed.
 */
int trace_store_open(struct trace_store **ret, struct writer *writer, const char *path,
		     const struct trace_head *head, char *why, size_t why_size, size_t *ret_cut);
/* Keeps frames in memory, and makes files in @folder. -E2BIG: the configuration is too large. */
int trace_store_keep(struct trace_store **ret, struct writer *writer, const char *folder,
		     const struct trace_head *head);
/* After a reload, for trace_store_keep(); -E2BIG: the old configuration is kept. */
int trace_store_set_head(struct trace_store *trace_store, const struct trace_head *head);
void trace_store_close(struct trace_store *trace_store);

/* The sink of the frames; NULL is fine. */
struct trace_writer *trace_store_trace(struct trace_store *trace_store);
/* Once a tick: passes on what has waited long enough. NULL is fine. */
void trace_store_tick(struct trace_store *trace_store, uint64_t now_ns, bool end);
/* Makes a file of the ring, for incident @id; NULL is fine. */
void trace_store_hand_over(struct trace_store *trace_store, uint64_t id);

/* Items and files that were lost; *ret_error: the last errno of a file, or 0. */
uint64_t trace_store_lost(const struct trace_store *trace_store, int *ret_error);

#endif /* FASTOOM_TELL_TRACE_STORE_H */

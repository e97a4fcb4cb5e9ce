/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * recorder: where the frames of a recording go.
 *
 * A recorder with a file appends to it, by the writer's thread. One without keeps the last two
 * minutes (or TRACE_STORE_RING_BYTES) in memory that is there from the start, and hands them over
 * when a kill is settled: a copy into memory that is there too, which the writer's thread
 * makes a file of. The newest TRACE_STORE_FILES_KEPT of these files are kept.
 *
 * Purity:    files are opened by trace_store_open(); else only the writer's thread touches them.
 * Units:     bytes, *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno. What found no place, or could not be written, is counted.
 * Ownership: recorder_x() give, trace_store_close() takes, after the writer is shut.
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
 * Continues or makes @path. -EINVAL: something else is in it, or it is damaged: the sentence is
 * in @why. *ret_cut: bytes of a last record that had been cut off, and are gone now.
 */
int trace_store_open(struct trace_store **ret, struct writer *writer, const char *path,
		     const struct trace_head *head, char *why, size_t why_size, size_t *ret_cut);
/* Keeps in memory; files are made in @folder. -E2BIG: the configuration is too large to keep. */
int trace_store_keep(struct trace_store **ret, struct writer *writer, const char *folder,
		     const struct trace_head *head);
/* Another configuration is in force (of trace_store_keep() only); -E2BIG: the old one is kept. */
int trace_store_set_head(struct trace_store *trace_store, const struct trace_head *head);
void trace_store_close(struct trace_store *trace_store);

/* Where the frames are to be put; NULL is fine. */
struct trace_writer *trace_store_trace(struct trace_store *trace_store);
/* Once a tick, NULL is fine: what has waited long enough goes to the writer. */
void trace_store_tick(struct trace_store *trace_store, uint64_t now_ns, bool end);
/* Hands the kept minutes over, as of incident @id; NULL is fine. */
void trace_store_hand_over(struct trace_store *trace_store, uint64_t id);

/* Items or files that are lost; *ret_error: the last errno of a file, or 0. */
uint64_t trace_store_lost(const struct trace_store *trace_store, int *ret_error);

#endif /* FASTOOM_TELL_TRACE_STORE_H */

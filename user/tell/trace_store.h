/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * recorder: where the frames of a recording go.
 *
 * A recorder with a file appends to it, by the writer's thread. One without keeps the last two
 * minutes (or RECORDER_RING_BYTES) in memory that is there from the start, and hands them over
 * when a kill is settled: a copy into memory that is there too, which the writer's thread
 * makes a file of. The newest RECORDER_FILES_KEPT of these files are kept.
 *
 * Purity:    files are opened by recorder_open(); else only the writer's thread touches them.
 * Units:     bytes, *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno. What found no place, or could not be written, is counted.
 * Ownership: recorder_x() give, recorder_shut() takes, after the writer is shut.
 */
#ifndef FASTOOM_TELL_TRACE_STORE_H
#define FASTOOM_TELL_TRACE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recorder;
struct trace_head;
struct trace_writer;
struct writer;

#define RECORDER_RING_BYTES (16 * 65536)
#define RECORDER_FILES_KEPT 32

/*
 * Continues or makes @path. -EINVAL: something else is in it, or it is damaged: the sentence is
 * in @why. *ret_cut: bytes of a last record that had been cut off, and are gone now.
 */
int recorder_open(struct recorder **ret, struct writer *writer, const char *path,
		  const struct trace_head *head, char *why, size_t why_size, size_t *ret_cut);
/* Keeps in memory; files are made in @folder. -E2BIG: the configuration is too large to keep. */
int recorder_keep(struct recorder **ret, struct writer *writer, const char *folder,
		  const struct trace_head *head);
/* Another configuration is in force (of recorder_keep() only); -E2BIG: the old one is kept. */
int recorder_set_head(struct recorder *recorder, const struct trace_head *head);
void recorder_shut(struct recorder *recorder);

/* Where the frames are to be put; NULL is fine. */
struct trace_writer *recorder_trace(struct recorder *recorder);
/* Once a tick, NULL is fine: what has waited long enough goes to the writer. */
void recorder_tick(struct recorder *recorder, uint64_t now_ns, bool end);
/* Hands the kept minutes over, as of incident @id; NULL is fine. */
void recorder_hand_over(struct recorder *recorder, uint64_t id);

/* Items or files that are lost; *ret_error: the last errno of a file, or 0. */
uint64_t recorder_lost(const struct recorder *recorder, int *ret_error);

#endif /* FASTOOM_TELL_TRACE_STORE_H */

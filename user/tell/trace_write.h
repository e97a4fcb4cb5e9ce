/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace_write: makes the frames of a trace.
 *
 * Purity:    memory only; only trace_writer_new() and trace_preamble() allocate: the decision path
 *            calls the rest.
 * Units:     see trace.h.
 * Errors:    an item without room is lost and counted (trace_writer_lost()), and an ANEW follows.
 * Ownership: trace_writer_new() gives, trace_writer_free() takes; arguments are the caller's.
 */
#ifndef FASTOOM_TELL_TRACE_WRITE_H
#define FASTOOM_TELL_TRACE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "tell/trace.h"

struct candidate;
struct process_span;
struct sample;
struct trace_writer;
struct victim;

/*
 * Takes a frame: 0, or -errno if it has no room. -EAGAIN: a new buffer is there, and the item must
 * be encoded again, after an ANEW.
 */
typedef int trace_out(void *userdata, const char *frame, size_t len);

int trace_writer_new(struct trace_writer **ret, trace_out *out, void *userdata);
void trace_writer_free(struct trace_writer *writer);

/* Magic and head; only the first trace of a file has the magic. */
int trace_preamble(const struct trace_head *head, bool magic, char **ret_bytes, size_t *ret_len);

void trace_put_begin(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns);
void trace_put_end(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns);
/* Of the scope's next sample. */
void trace_put_spans(struct trace_writer *writer, const struct trace_scope *scope,
		     const struct process_span *spans, size_t count);
void trace_put_sample(struct trace_writer *writer, const struct trace_scope *scope,
		      const struct sample *sample);
void trace_put_list(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns,
		    const struct candidate *candidates, size_t count);
/* The members of a victim's group that are not all in the scope's list. */
void trace_put_members(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns,
		       const struct victim *members, size_t count);
/* Writes them if they differ from the last ones of this scope. */
void trace_put_names(struct trace_writer *writer, const struct trace_scope *scope,
		     const struct trace_names *names);
void trace_put_did(struct trace_writer *writer, const struct trace_scope *scope,
		   const struct trace_did *did);

/* The next frame is an ANEW. */
void trace_writer_anew(struct trace_writer *writer);
/* Counts @n items that were taken and lost later. */
void trace_writer_lose(struct trace_writer *writer, uint64_t n);
uint64_t trace_writer_lost(const struct trace_writer *writer);

#endif /* FASTOOM_TELL_TRACE_WRITE_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace_write: what was seen and done -> the frames of a recording.
 *
 * Purity:    memory only; allocates in trace_writer_new() and trace_preamble() alone, so that
 *            the rest may be called while a kill is on its way.
 * Units:     see trace.h.
 * Errors:    an item that found no place is counted (trace_writer_lost()), and what follows is
 *            encoded against nothing before.
 * Ownership: trace_writer_new() gives, trace_writer_free() takes; arguments are the caller's.
 */
#ifndef FASTOOM_TELL_TRACE_WRITE_H
#define FASTOOM_TELL_TRACE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "tell/trace.h"

struct candidate;
struct sample;
struct trace_writer;
struct victim;

/*
 * Takes a frame: 0, or -errno when there is no place for it. -EAGAIN: there is another place,
 * where everything has to be encoded anew.
 */
typedef int trace_out(void *userdata, const char *frame, size_t len);

int trace_writer_new(struct trace_writer **ret, trace_out *out, void *userdata);
void trace_writer_free(struct trace_writer *writer);

/* Magic word and head; the second and later recordings of a file have no magic word. */
int trace_preamble(const struct trace_head *head, bool magic, char **ret_bytes, size_t *ret_len);

void trace_put_begin(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns);
void trace_put_end(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns);
void trace_put_sample(struct trace_writer *writer, const struct trace_scope *scope,
		      const struct sample *sample);
void trace_put_list(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns,
		    const struct candidate *candidates, size_t count);
/* The members of a victim's group that are not all in the scope's list. */
void trace_put_members(struct trace_writer *writer, const struct trace_scope *scope, uint64_t at_ns,
		       const struct victim *members, size_t count);
/* Written when it differs from what this scope had. */
void trace_put_names(struct trace_writer *writer, const struct trace_scope *scope,
		     const struct trace_names *names);
void trace_put_did(struct trace_writer *writer, const struct trace_scope *scope,
		   const struct trace_did *did);

/* What follows is encoded against nothing before. */
void trace_writer_anew(struct trace_writer *writer);
/* @n more items are lost, after they were taken. */
void trace_writer_lose(struct trace_writer *writer, uint64_t n);
uint64_t trace_writer_lost(const struct trace_writer *writer);

#endif /* FASTOOM_TELL_TRACE_WRITE_H */

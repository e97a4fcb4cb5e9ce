/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace_read: reads a trace, one item after the other.
 *
 * Purity:    memory only; never reads outside the given bytes.
 * Units:     see trace.h.
 * Errors:    trace_next(): 1 an item, 0 the end, -EBADMSG the file is damaged, cut off, or not a
 *            trace (trace_reader_error() has the message, with the offset), -ENOMEM. After an
 *            error every further call returns the same.
 * Ownership: the bytes are borrowed; items and their strings stay valid until the next call.
 */
#ifndef FASTOOM_TELL_TRACE_READ_H
#define FASTOOM_TELL_TRACE_READ_H

#include <stddef.h>
#include <stdint.h>

#include "judge/sample.h"
#include "tell/trace.h"

struct candidate;
struct process_span;
struct trace_reader;

struct trace_item {
	enum trace_kind kind; /* HEAD, BEGIN, END, SAMPLE, LIST, DID or NAMES */
	uint64_t at_ns;
	struct trace_scope scope;	  /* all but HEAD */
	const struct trace_head *head;	  /* HEAD */
	struct sample sample;		  /* SAMPLE */
	const struct process_span *spans; /* SAMPLE: of its processes */
	size_t span_count;
	const struct candidate *candidates; /* LIST */
	size_t count;
	bool members;		  /* LIST: of a victim's group */
	struct trace_did did;	  /* DID */
	struct trace_names names; /* NAMES */
};

int trace_reader_new(struct trace_reader **ret, const void *bytes, size_t len);
void trace_reader_free(struct trace_reader *reader);

int trace_next(struct trace_reader *reader, struct trace_item *ret);
const char *trace_reader_error(const struct trace_reader *reader);
/* The end of the last complete frame: a file that was cut off can be continued there. */
size_t trace_reader_offset(const struct trace_reader *reader);
/* Whether the error is that the file ends within a frame. */
bool trace_reader_cut(const struct trace_reader *reader);
/* Items that were lost when the trace was written. */
uint64_t trace_reader_lost(const struct trace_reader *reader);
/* The presence bits that samples of this trace can have. */
uint32_t trace_reader_has(const struct trace_reader *reader);

#endif /* FASTOOM_TELL_TRACE_READ_H */

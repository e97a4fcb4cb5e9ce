/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * writer: lines to the event file and to the log, by a thread of their own.
 *
 * Handing a line over is a copy into locked memory. The signal never waits for a disk, a
 * terminal or a journal; in Near-OOM each of them may hang for seconds.
 *
 * Purity:    the thread appends to one file (and syncs it) and to stderr.
 * Units:     bytes.
 * Errors:    0 or -errno. A line that found no place, or could not be written, is counted.
 * Ownership: writer_open() gives, writer_close() takes and waits a moment for what is left.
 */
#ifndef FASTOOM_TELL_WRITER_H
#define FASTOOM_TELL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/worker.h"
#include "tell/record.h"

struct control;
struct writer;

/* A line is a record or shorter. */
#define WRITER_LINE_MAX RECORD_LINE_MAX

/* @path NULL: events go nowhere. The file is made with mode 0640, its folder if missing. */
int writer_open(struct writer **ret, const char *path);
/* Whatever becomes an event is told there too. */
void writer_tell(struct writer *writer, struct control *control);
/* @line ends with a newline. */
int writer_event(struct writer *writer, const char *line, size_t len);
int writer_log(struct writer *writer, const char *line, size_t len);
/* Another piece of work for the thread, of at most WRITER_LINE_MAX; as worker_give(). */
int writer_give(struct writer *writer, worker_task *task, const void *argument, size_t len);
/* Lines lost so far: no place in the queue; the file refused them. */
uint64_t writer_dropped(const struct writer *writer);
uint64_t writer_failed(const struct writer *writer, int *ret_last_errno);
/* False: it is stuck on its disk; what its pieces use must stay. */
bool writer_close(struct writer *writer);

#endif /* FASTOOM_TELL_WRITER_H */

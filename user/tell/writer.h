/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * writer: a thread that writes records to the events file and lines to the log.
 *
 * To queue a line is to copy it into locked memory. So a signal never waits for a disk, a terminal
 * or the journal: in Near-OOM each of them can hang for seconds.
 *
 * Purity:    the thread appends to one file, syncs it, and writes to stderr.
 * Units:     bytes.
 * Errors:    0 or -errno. A line that is lost, because the queue is full or the write failed, is
 *            counted.
 * Ownership: writer_open() gives, writer_close() takes and waits up to 3 s for the queue.
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

/* No line is longer than a record. */
#define WRITER_LINE_MAX RECORD_LINE_MAX

/* @path NULL: no events file. Creates the file with mode 0640, and its folder; again, at the next
 * record, if the file was moved or removed. */
int writer_open(struct writer **ret, const char *path);
/* Records also go to the readers of @control. */
void writer_tell(struct writer *writer, struct control *control);
/* @line ends with a newline. */
int writer_event(struct writer *writer, const char *line, size_t len);
int writer_log(struct writer *writer, const char *line, size_t len);
/* Another task for the thread; @len: at most WRITER_LINE_MAX. See worker_give(). */
int writer_give(struct writer *writer, worker_task *task, const void *argument, size_t len);
/* Lines lost so far: because the queue was full; because the write failed. */
uint64_t writer_dropped(const struct writer *writer);
uint64_t writer_failed(const struct writer *writer, int *ret_last_errno);
/* False: the thread waits for the disk; what its tasks use must stay. */
bool writer_close(struct writer *writer);

#endif /* FASTOOM_TELL_WRITER_H */

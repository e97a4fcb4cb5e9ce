/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * processes: reads what each process of the hot scopes lost since the last reading.
 *
 * Purity:    reads and deletes entries of one BPF map; allocates only in processes_new().
 * Units:     as in judge/process.h; *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno. After an error there are no spans, and they are not an empty list.
 * Ownership: processes_new() gives, processes_free() takes; the loader is borrowed. Spans are valid
 *            until the next call for any scope.
 */
#ifndef FASTOOM_SENSE_PROCESSES_H
#define FASTOOM_SENSE_PROCESSES_H

#include <stddef.h>
#include <stdint.h>

struct loader;
struct process_span;
struct processes;

int processes_new(struct processes **ret, const struct loader *loader);
void processes_free(struct processes *processes);

/* Reads all of them; to be called once a tick. Deletes those that have not changed for a while. */
int processes_read(struct processes *processes, uint64_t now_ns);
/* Those of @scope that changed, in the last reading. Returns how many. */
size_t processes_of(struct processes *processes, uint64_t scope, const struct process_span **ret);

#endif /* FASTOOM_SENSE_PROCESSES_H */

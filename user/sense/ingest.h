/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ingest: reads events from the BPF ring buffer, and checks their type and length.
 *
 * Purity:    ingest_check() is pure; the others read the ring buffer.
 * Units:     see bpf/event.h.
 * Errors:    0 or -errno. A malformed event is counted and skipped.
 * Ownership: ingest_new() gives, ingest_free() takes. An event belongs to the ring buffer and is
 *            valid during the callback.
 */
#ifndef FASTOOM_SENSE_INGEST_H
#define FASTOOM_SENSE_INGEST_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct ingest;

typedef void ingest_event(const struct fo_event *event, void *userdata);

int ingest_new(struct ingest **ret, int ring_map_fd, ingest_event *callback, void *userdata);
void ingest_free(struct ingest *ingest);
/* A descriptor that is readable when events wait; it belongs to @ingest. */
int ingest_fd(const struct ingest *ingest);
/* Calls the callback for each waiting event; neither blocks nor allocates. */
int ingest_drain(struct ingest *ingest);
/* How many malformed events were skipped. */
uint64_t ingest_malformed(const struct ingest *ingest);

/* -EBADMSG: the type is unknown, the size is not that of the type, or @len is shorter. */
int ingest_check(const void *bytes, size_t len);

#endif /* FASTOOM_SENSE_INGEST_H */

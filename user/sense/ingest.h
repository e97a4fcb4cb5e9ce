/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ingest: bytes from the ring -> events, type and length checked.
 *
 * Purity:    ingest_check() is pure; the rest reads the ring's memory.
 * Units:     see bpf/event.h.
 * Errors:    0 or -errno. An unknown type or a short record is counted and skipped.
 * Ownership: an event is the ring's and lives during the callback only.
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
/* Readable when events wait. */
int ingest_fd(const struct ingest *ingest);
/* Calls back for every waiting event; never blocks, allocates nothing. */
int ingest_drain(struct ingest *ingest);
uint64_t ingest_malformed(const struct ingest *ingest);

/* 0 or -EBADMSG: too short for its type, of a wrong size, or of no type that we know. */
int ingest_check(const void *bytes, size_t len);

#endif /* FASTOOM_SENSE_INGEST_H */

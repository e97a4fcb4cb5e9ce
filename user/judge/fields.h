/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * fields: a table of the fields of struct sample, for the code that stores or prints samples.
 *
 * Each field needs a line here, otherwise fields.c does not compile. A new field needs a
 * SAMPLE_HAS_ bit of its own: where a trace lacks one field of a bit, all fields of the bit are
 * missing.
 *
 * Purity:    data, and pure access to it.
 * Units:     as in sample.h.
 * Errors:    none.
 * Ownership: the table is static, samples belong to the caller.
 */
#ifndef FASTOOM_JUDGE_FIELDS_H
#define FASTOOM_JUDGE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "judge/sample.h"

/* How a field changes, which decides how it is stored. Traces contain these numbers. */
enum field_kind {
	FIELD_LEVEL = 0,   /* small numbers that rarely change */
	FIELD_COUNTER = 1, /* grows at a similar rate from sample to sample */
	FIELD_BYTES = 2,   /* mostly multiples of a page */
	FIELD_KINDS_,
};

/* X(name, its SAMPLE_HAS_ bit or 0: never missing, kind) */
#define SAMPLE_FIELDS(X)                                                                           \
	X(at_ns, 0, FIELD_COUNTER)                                                                 \
	X(losses, 0, FIELD_LEVEL)                                                                  \
	X(tracking_error, SAMPLE_HAS_TRACKING_ERROR, FIELD_LEVEL)                                  \
	X(stall_ns, SAMPLE_HAS_STALL, FIELD_COUNTER)                                               \
	X(stall_open, SAMPLE_HAS_STALL, FIELD_LEVEL)                                               \
	X(reclaims, SAMPLE_HAS_STALL, FIELD_COUNTER)                                               \
	X(reclaimed_pages, SAMPLE_HAS_STALL, FIELD_COUNTER)                                        \
	X(memstall_ns, SAMPLE_HAS_MEMSTALL, FIELD_COUNTER)                                         \
	X(compaction_ns, SAMPLE_HAS_COMPACTION, FIELD_COUNTER)                                     \
	X(io_ns, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                                  \
	X(io_open, SAMPLE_HAS_WAITS, FIELD_LEVEL)                                                  \
	X(io_done_ns, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                             \
	X(refault_ns, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                             \
	X(run_ns, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                                 \
	X(refault_sys_ns, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                         \
	X(refault_stall_ns, SAMPLE_HAS_REFAULT_STALL, FIELD_COUNTER)                               \
	X(unproductive_ns, SAMPLE_HAS_UNPRODUCTIVE, FIELD_COUNTER)                                 \
	X(added_pages, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                            \
	X(pages_per_sample, SAMPLE_HAS_SAMPLING, FIELD_LEVEL)                                      \
	X(samples, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                                \
	X(refaults, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                               \
	X(within_reach, SAMPLE_HAS_WAITS, FIELD_COUNTER)                                           \
	X(swapins, SAMPLE_HAS_SWAPINS, FIELD_COUNTER)                                              \
	X(total_bytes, SAMPLE_HAS_LEVEL, FIELD_BYTES)                                              \
	X(held_bytes, SAMPLE_HAS_LEVEL, FIELD_BYTES)                                               \
	X(usage_bytes, SAMPLE_HAS_LEVEL, FIELD_BYTES)                                              \
	X(anon_bytes, SAMPLE_HAS_LEVEL, FIELD_BYTES)                                               \
	X(file_lru_bytes, SAMPLE_HAS_LEVEL, FIELD_BYTES)                                           \
	X(mapped_file_bytes, SAMPLE_HAS_MAPPED, FIELD_BYTES)                                       \
	X(refault_pages, SAMPLE_HAS_REFAULTS, FIELD_COUNTER)                                       \
	X(major_faults, SAMPLE_HAS_FAULTS, FIELD_COUNTER)                                          \
	X(swap_total_bytes, SAMPLE_HAS_SWAP, FIELD_BYTES)                                          \
	X(swap_free_bytes, SAMPLE_HAS_SWAP, FIELD_BYTES)                                           \
	X(scanned_pages, SAMPLE_HAS_SCANS, FIELD_COUNTER)                                          \
	X(free_bytes, SAMPLE_HAS_MARKS, FIELD_BYTES)                                               \
	X(mark_low_bytes, SAMPLE_HAS_MARKS, FIELD_BYTES)                                           \
	X(page_bytes, SAMPLE_HAS_PAGE_BYTES, FIELD_LEVEL)                                          \
	X(processes, SAMPLE_HAS_PROCESSES, FIELD_LEVEL)                                            \
	X(under_oom, SAMPLE_HAS_UNDER_OOM, FIELD_LEVEL)

#define SAMPLE_FIELD_COUNT_(name, need, kind) +1
enum {
	SAMPLE_FIELDS_COUNT = 0 SAMPLE_FIELDS(SAMPLE_FIELD_COUNT_),
};

struct sample_field {
	const char *name;
	size_t offset;
	size_t width;  /* 4 or 8 bytes */
	uint32_t need; /* its SAMPLE_HAS_ bit; 0: never missing */
	enum field_kind kind;
};

/* In the order of SAMPLE_FIELDS. */
extern const struct sample_field sample_fields[SAMPLE_FIELDS_COUNT];

/* The value of a field, whether or not it is missing. */
uint64_t sample_get(const struct sample *sample, const struct sample_field *field);
void sample_set(struct sample *sample, const struct sample_field *field, uint64_t value);

#endif /* FASTOOM_JUDGE_FIELDS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * fields: the fields of struct sample as a table, for whoever stores or shows samples.
 *
 * A new field needs its line here; a field that is forgotten does not compile. A field that
 * recordings of older builds must not pretend to have needs a SAMPLE_HAS_ bit of its own: where
 * one field of a bit is missing in a recording, all of that bit is missing.
 *
 * Purity:    data only.
 * Units:     as in sample.h.
 */
#ifndef FASTOOM_JUDGE_FIELDS_H
#define FASTOOM_JUDGE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "judge/sample.h"

/* X(name, the SAMPLE_HAS_ bit without which it means nothing; 0: always there) */
#define SAMPLE_FIELDS(X)                                                                           \
	X(at_ns, 0)                                                                                \
	X(losses, 0)                                                                               \
	X(stall_ns, SAMPLE_HAS_STALL)                                                              \
	X(stall_open, SAMPLE_HAS_STALL)                                                            \
	X(reclaims, SAMPLE_HAS_STALL)                                                              \
	X(reclaimed_pages, SAMPLE_HAS_STALL)                                                       \
	X(io_ns, SAMPLE_HAS_WAITS)                                                                 \
	X(io_open, SAMPLE_HAS_WAITS)                                                               \
	X(io_done_ns, SAMPLE_HAS_WAITS)                                                            \
	X(refault_ns, SAMPLE_HAS_WAITS)                                                            \
	X(run_ns, SAMPLE_HAS_WAITS)                                                                \
	X(refault_sys_ns, SAMPLE_HAS_WAITS)                                                        \
	X(added_pages, SAMPLE_HAS_WAITS)                                                           \
	X(samples, SAMPLE_HAS_WAITS)                                                               \
	X(refaults, SAMPLE_HAS_WAITS)                                                              \
	X(near, SAMPLE_HAS_WAITS)                                                                  \
	X(total_bytes, SAMPLE_HAS_LEVEL)                                                           \
	X(held_bytes, SAMPLE_HAS_LEVEL)                                                            \
	X(usage_bytes, SAMPLE_HAS_LEVEL)                                                           \
	X(anon_bytes, SAMPLE_HAS_LEVEL)                                                            \
	X(file_lru_bytes, SAMPLE_HAS_LEVEL)                                                        \
	X(refault_pages, SAMPLE_HAS_REFAULTS)                                                      \
	X(major_faults, SAMPLE_HAS_FAULTS)                                                         \
	X(swap_total_bytes, SAMPLE_HAS_SWAP)                                                       \
	X(swap_free_bytes, SAMPLE_HAS_SWAP)                                                        \
	X(scanned_pages, SAMPLE_HAS_SCANS)                                                         \
	X(free_bytes, SAMPLE_HAS_MARKS)                                                            \
	X(mark_low_bytes, SAMPLE_HAS_MARKS)

#define SAMPLE_FIELD_COUNT_(name, need) +1
enum {
	SAMPLE_FIELDS_COUNT = 0 SAMPLE_FIELDS(SAMPLE_FIELD_COUNT_),
};

struct sample_field {
	const char *name;
	size_t offset;
	size_t width; /* 4 or 8 */
	uint32_t need;
};

/* In the order above. */
extern const struct sample_field sample_fields[SAMPLE_FIELDS_COUNT];

uint64_t sample_get(const struct sample *sample, const struct sample_field *field);
void sample_set(struct sample *sample, const struct sample_field *field, uint64_t value);

#endif /* FASTOOM_JUDGE_FIELDS_H */

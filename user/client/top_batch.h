/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_batch: top without a terminal: tables or JSON objects on stdout, for scripts.
 *
 * Purity:    writes to stdout, warnings to stderr.
 * Units:     in the names.
 * Errors:    an exit code.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_TOP_BATCH_H
#define FASTOOM_CLIENT_TOP_BATCH_H

#include <stdbool.h>
#include <stdint.h>

struct top_model;
struct top_view;

struct top_batch_options {
	bool json;
	bool utf8;
	long count; /* how many times; 0: without end */
	uint64_t interval_ns;
};

int top_batch_run(struct top_model *model, const struct top_view *view,
		  const struct top_batch_options *options);

#endif /* FASTOOM_CLIENT_TOP_BATCH_H */

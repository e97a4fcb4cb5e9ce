/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * report: records that the daemon writes about a scope or about itself, handed to the writer.
 *
 * Purity:    reads the clock; memory only.
 * Units:     as in tell/record.h.
 * Errors:    none: a record that finds no room is counted by the writer.
 * Ownership: everything is borrowed.
 */
#ifndef FASTOOM_DAEMON_REPORT_H
#define FASTOOM_DAEMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tell/record.h"

struct evidence;
struct hot_scope;
struct verdict;
struct writer;

struct reporter {
	struct writer *writer;
	bool dry_run; /* of the whole daemon; a policy may have its own */
};

/* Whether nothing is signalled in @scope. */
bool report_is_dry_run(const struct reporter *reporter, const struct hot_scope *scope);
/* @scope NULL: about no scope; @id 0: about no action. */
struct record_head report_head(const struct reporter *reporter, const struct hot_scope *scope,
			       uint64_t id);
void report_message(const struct reporter *reporter, const struct hot_scope *scope,
		    const char *event, const char *message);
void report_verdict(const struct reporter *reporter, const struct hot_scope *scope,
		    const char *event, const struct verdict *verdict,
		    const struct evidence *evidence);

#endif /* FASTOOM_DAEMON_REPORT_H */

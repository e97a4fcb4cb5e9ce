/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * notes: records that are about no kill of ours, and the head that all records share.
 *
 * Errors: none; a record that finds no place is counted by the writer.
 */
#ifndef FASTOOM_DAEMON_REPORT_H
#define FASTOOM_DAEMON_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "tell/record.h"

struct daemon;
struct evidence;
struct verdict;
struct watch;

/* @watch NULL: about no scope; @id 0: no incident. */
struct record_head report_head(const struct daemon *daemon, const struct watch *watch, uint64_t id);
void report_message(struct daemon *daemon, const struct watch *watch, const char *event,
		    const char *message);
void report_verdict(struct daemon *daemon, const struct watch *watch, const char *event,
		    const struct verdict *verdict, const struct evidence *evidence);
/* What was lost, wherever: told when it grew, and always at the end. */
void report_losses(struct daemon *daemon, bool always);

#endif /* FASTOOM_DAEMON_REPORT_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * print: what a replay says, for people or as one JSON object a line.
 *
 * Purity:    writes to the FILE given.
 * Units:     times are seconds since the trace began.
 * Errors:    none; a line that is too long is left out.
 * Ownership: everything is borrowed.
 */
#ifndef FASTOOM_REPLAY_PRINT_H
#define FASTOOM_REPLAY_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "replay/replayed.h"
#include "tell/record.h"

struct replay_print {
	const struct replayed *replayed;
	FILE *out;
	bool json;
	bool explain; /* every sample */
};

/* What would be killed. */
struct replay_choice {
	struct victim victims[1 + RECORD_RUNNERS_UP];
	size_t victim_count; /* 0: no process may be killed */
	enum kill_unit unit;
	const char *unit_refused;
	size_t members;
	struct record_spared spared[RECORD_SPARED];
	size_t spared_count;
};

void print_head(const struct replay_print *print, const char *config_name);
/* @event: "tick" for each sample, or "verdict" if the verdict changed. */
void print_judgement(const struct replay_print *print, const struct replayed_scope *scope,
		     const char *event, const struct judgement *judgement);
void print_recovered(const struct replay_print *print, const struct replayed_scope *scope,
		     uint64_t at_ns);
void print_would(const struct replay_print *print, const struct replayed_scope *scope,
		 const struct judgement *judgement, const struct replay_choice *choice);
/* An action of the daemon or the kernel, from the trace. */
void print_did(const struct replay_print *print, const struct replayed_scope *scope,
	       const struct replayed_did *did);
/* Compares the kills of the trace with those of this replay, and counts the equal verdicts. */
void print_end(const struct replay_print *print);

#endif /* FASTOOM_REPLAY_PRINT_H */

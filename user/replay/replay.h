/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * replay: a recording through the whole of judge, with the recording's own clock and no killer.
 *
 * What was done when it was recorded happened to the memory that the samples show, so kills
 * count where they were. Where the judgement would have killed and nobody did, a kill is
 * assumed that settles at once, as in a dry run: what comes after is then only a guess, for the
 * samples show a world without it.
 *
 * Purity:    prints to the FILE given; the same bytes and configuration, the same output.
 * Units:     times are seconds since the recording began.
 * Errors:    an exit code of base/exit.h, with one error logged.
 * Ownership: everything is borrowed for the call.
 */
#ifndef FASTOOM_REPLAY_REPLAY_H
#define FASTOOM_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct config;

struct replay_options {
	const char *config_path; /* NULL: what the recording says */
	bool explain;		 /* every sample, not only changes of the verdict */
	bool json;
};

/* @name is the recording's, for what is said of it. */
int replay(const char *name, const void *bytes, size_t len, const struct replay_options *options,
	   FILE *out);

#endif /* FASTOOM_REPLAY_REPLAY_H */

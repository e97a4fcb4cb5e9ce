/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kills: the kills of the last minute in scopes that are not watched at the moment, so that
 * kills_per_minute holds for a scope that was idle, or lost its place, in between.
 *
 * Purity:    pure; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC; scopes are ids of bpf/event.h.
 * Errors:    none. Where more scopes had kills, those of the longest ago are forgotten.
 * Ownership: the caller owns the struct; a zeroed one is empty.
 */
#ifndef FASTOOM_JUDGE_KILLS_H
#define FASTOOM_JUDGE_KILLS_H

#include <stdint.h>

#include "judge/verdict.h"

/* Chosen: twice the scopes that are watched at a time (daemon/watch.h). */
#define KILLS_SCOPES_MAX 128

struct kills_of_scope {
	uint64_t scope;
	struct verdict_kills kills; /* count 0: the place is free */
};

struct kills {
	struct kills_of_scope scopes[KILLS_SCOPES_MAX];
};

/* Keeps those of @kills that still count at @now_ns, instead of what was kept of @scope. */
void kills_keep(struct kills *all, uint64_t scope, const struct verdict_kills *kills,
		uint64_t now_ns);
/* Takes the kills of @scope out. Empty: there are none. */
struct verdict_kills kills_take(struct kills *all, uint64_t scope);

#endif /* FASTOOM_JUDGE_KILLS_H */

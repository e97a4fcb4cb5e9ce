/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kills: the kills of the last minute in scopes that are not watched. With them kills_per_minute
 * holds for a scope that was idle or displaced in between.
 *
 * Purity:    pure; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC; scopes are ids of bpf/event.h.
 * Errors:    none. If more scopes had kills, the oldest kills are forgotten.
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

/* Replaces the kept kills of @scope by @kills, or by none if none of @kills counts at @now_ns. */
void kills_keep(struct kills *all, uint64_t scope, const struct verdict_kills *kills,
		uint64_t now_ns);
/* Removes and returns the kills of @scope; count 0: there are none. */
struct verdict_kills kills_take(struct kills *all, uint64_t scope);

#endif /* FASTOOM_JUDGE_KILLS_H */

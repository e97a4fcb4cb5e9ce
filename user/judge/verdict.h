/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * verdict: risk, policy and what happened lately -> wait, warn or act. Pure: no clock, no
 * file, no allocation, no log.
 *
 * Units:     *_ns CLOCK_MONOTONIC nanoseconds.
 * Errors:    none can occur.
 * Blind:     dropped, stale or missing essentials never act: WAIT with REASON_BLIND.
 * Ownership: the caller owns every struct; between calls only struct verdict_state is kept,
 *            and a zeroed one is a valid start. Same inputs, same verdict.
 */
#ifndef FASTOOM_JUDGE_VERDICT_H
#define FASTOOM_JUDGE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/model.h"

struct evidence;
struct policy;

enum verdict_action {
	VERDICT_WAIT,
	VERDICT_WARN,
	VERDICT_ACT,
	VERDICTS_,
};

enum verdict_reason {	  /* the names appear in records: they are stable */
	REASON_CALM,	  /* risk is below the policy's threshold */
	REASON_HOLDING,	  /* it is above, but not by enough for long enough yet */
	REASON_NEAR_OOM,  /* it has been above by enough for long enough */
	REASON_SPIKE,	  /* exhausted before a kill could be over */
	REASON_BLIND,	  /* an essential input is missing, stale or lossy */
	REASON_SETTLING,  /* a kill is on its way, or its memory is only just back */
	REASON_STORM,	  /* too many kills within a minute */
	REASON_LEVEL_LOW, /* time is lost, but hardly any memory is held: that is IO, not shortage
			   */
	REASON_LOW_HEADROOM, /* `low`: growth is about to take what is in use */
	REASON_RECOVERING,   /* pages are read back, but none are taken: it is getting better */
	REASONS_,
};

#define VERDICT_KILLS_KEPT 16

struct verdict_state {
	uint64_t at_ns; /* of the latest decision; 0: none */
	double score;	/* what speaks for acting: log-odds over the threshold, squared, times s */
	uint64_t over_since_ns;		/* since when there is any; 0: there is none */
	uint64_t spike_since_ns;	/* 0: no spike in sight */
	uint64_t low_headroom_since_ns; /* likewise */
	uint64_t settle_until_ns;
	uint64_t kills_ns[VERDICT_KILLS_KEPT]; /* the latest ones */
	unsigned kills;
	bool warned; /* since risk was last calm: one warning an incident */
};

struct verdict {
	enum verdict_action action;
	enum verdict_reason reason;
	struct risk risk;
	bool over;	  /* risk is over the threshold, whatever else keeps it from acting */
	bool spike;	  /* exhausted before a kill could be over */
	double score;	  /* 0..1: of what it takes to act */
	uint64_t held_ns; /* how long there has been any */
};

struct verdict verdict_decide(struct verdict_state *state, const struct policy *policy,
			      const struct evidence *evidence, uint64_t now_ns, bool kill_pending);

/* A kill in this scope, ours or the kernel's: count it, and let its memory come back. */
void verdict_killed(struct verdict_state *state, uint64_t now_ns);
/* The kill is settled (its victim is gone, or stuck): look again after a moment. */
void verdict_settled(struct verdict_state *state, uint64_t now_ns);

/* For a while nothing was seen: what spoke for acting does so no more. */
void verdict_unseen(struct verdict_state *state);

const char *verdict_action_name(enum verdict_action action);
const char *verdict_reason_name(enum verdict_reason reason);

#endif /* FASTOOM_JUDGE_VERDICT_H */

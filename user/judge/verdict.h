/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * verdict: decides from risk, policy and the recent past of a scope: wait, warn or act.
 *
 * Purity:    pure: the same inputs give the same verdict.
 * Units:     *_ns CLOCK_MONOTONIC or durations.
 * Errors:    none. Missing essential inputs and losses give VERDICT_WAIT with REASON_BLIND.
 * Ownership: the caller owns every struct. struct verdict_state is all that is kept between calls;
 *            a zeroed one is the start.
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

/* Records contain the names, so they do not change. docs/judgement.md, "Reasons of a verdict". */
enum verdict_reason {
	REASON_CALM,	     /* the risk is below the threshold */
	REASON_HOLDING,	     /* the risk is above it, the score below the bound */
	REASON_NEAR_OOM,     /* the score has reached the bound */
	REASON_SPIKE,	     /* memory is exhausted sooner than a kill takes */
	REASON_BLIND,	     /* an essential input is missing, or something was dropped */
	REASON_SETTLING,     /* a kill is pending, or has just ended */
	REASON_STORM,	     /* kills_per_minute is reached */
	REASON_LEVEL_LOW,    /* time is lost, but reclaim can free nearly all memory */
	REASON_LOW_HEADROOM, /* `low`: growth is about to take mapped files */
	REASON_NO_RELIEF,    /* the last kills relieved no process */
	REASON_RECOVERING,   /* pages are read back, but nothing reclaims */
	REASON_UNDER_OOM,    /* v1: tasks sleep for memory, and the kernel's OOM killer is off */
	REASONS_,
};

#define VERDICT_KILLS_KEPT 16 /* at least POLICY_KILLS_PER_MINUTE_MOST */

/* The latest kills in a scope. They count for a minute, also when it was idle in between. */
struct verdict_kills {
	uint64_t at_ns[VERDICT_KILLS_KEPT];
	unsigned count; /* all of them; at_ns has the newest VERDICT_KILLS_KEPT */
};

struct verdict_state {
	uint64_t at_ns;			/* of the last decision; 0: none */
	double score;			/* log-odds above the threshold, squared, times seconds */
	uint64_t over_since_ns;		/* since when the score is above 0; 0: it is not */
	uint64_t spike_since_ns;	/* 0: no spike */
	uint64_t low_headroom_since_ns; /* 0: no low headroom */
	uint64_t under_oom_since_ns;	/* 0: it is not */
	uint64_t settle_until_ns;
	uint64_t no_relief_until_ns;
	uint64_t kernel_settled_ns; /* when a kill of the kernel last settled it; 0: never */
	struct verdict_kills kills;
	bool warned; /* since the risk was last calm: one warning an episode */
};

struct verdict {
	enum verdict_action action;
	enum verdict_reason reason;
	struct risk risk;
	bool over;    /* the risk is above the threshold, and the scope full enough and reclaims */
	bool spike;   /* see REASON_SPIKE */
	bool low;     /* the risk is far below the threshold: the end of an episode, if it lasts */
	double score; /* 0..1: share of the bound */
	uint64_t held_ns; /* how long the score has been above 0 */
};

/* @evidence: of @now_ns. @kill_pending: a kill in the scope has not ended. */

struct verdict verdict_decide(struct verdict_state *state, const struct policy *policy,
			      const struct evidence *evidence, uint64_t now_ns, bool kill_pending);

/* A kill in the scope by the daemon: counts it, then as verdict_settled(). */
void verdict_killed(struct verdict_state *state, uint64_t now_ns);
/* The victim is gone or stuck: the scope settles for a moment, then is judged again. */
void verdict_settled(struct verdict_state *state, uint64_t now_ns);
/*
 * A kill in the scope by the kernel: as verdict_settled(), but at most once a minute. A tenant can
 * cause such kills without end, and must not keep the scope from being judged. Not counted.
 */
void verdict_kernel_killed(struct verdict_state *state, uint64_t now_ns);

/* The last kills relieved no process: none of this scope is killed for NO_RELIEF_NS. */
void verdict_no_relief(struct verdict_state *state, uint64_t now_ns);

/* How many of @kills are in the minute before @now_ns. */
unsigned verdict_recent_kills(const struct verdict_kills *kills, uint64_t now_ns);

/* Sets the score to 0: the samples before do not count any more. */
void verdict_unseen(struct verdict_state *state);

/* Names in records; static. */
const char *verdict_action_name(enum verdict_action action);
const char *verdict_reason_name(enum verdict_reason reason);

#endif /* FASTOOM_JUDGE_VERDICT_H */

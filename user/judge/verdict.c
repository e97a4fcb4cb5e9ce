// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/verdict.h"

#include <math.h>

#include "judge/config.h"
#include "judge/window.h"

/*
 * A pressure level: the risk from which on it counts, and how much it takes. What is counted is the
 * square of the log-odds over the threshold, times the seconds they last: a sequential test, and
 * one that is quick where there is no doubt. A risk of 0.97 gets there in a sample, one of 0.8 in
 * 0.6 s, one of 0.7 in 1.7, and one that crosses the threshold up and down for a minute gets there
 * too, where a time to hold would begin anew each time. The log-odds themselves would be as good
 * where the wide eyes are, and kill wrongly in half as many runs more where only files are.
 *
 * The figures are chosen on the fit half of tests/corpus. docs/judge-report.md has what they are
 * worth on the other half.
 */
static const struct {
	double threshold;
	double bound; /* log-odds squared x s */
} levels[PRESSURE_MAX_] = {
	/* 3 to 7: before the harm is sure */
	[PRESSURE_LOW] = {0.30, 0.6},
	/* even odds, and as little as spares what passes by itself */
	[PRESSURE_MEDIUM] = {0.50, 1.2},
	/* forty times that: where the kernel would have killed, had it been able to */
	[PRESSURE_HIGH] = {0.50, 50},
};

/* What is over is forgotten: all of `medium`'s in less than a second. */
#define FORGET_LOG_ODDS 3.0

/* Below this part of the threshold the incident is over: it must not flicker at the edge. */
#define CALM_PART 0.5

/*
 * A scope that is exhausted sooner than this is killed in before the kernel does, if it is
 * nearly full already. docs/measurements.md: from crossing to the last page back is 7 ms per 95 MB
 * and at worst 218 ms; one sample is 100.
 */
#define SPIKE_HORIZON_NS 300000000ULL
#define SPIKE_LEVEL	 0.90
/* Two samples in a row: one may be a step that ends by itself. */
#define SPIKE_HOLD_NS 100000000ULL

/*
 * `low` acts before the harm, where growth can be seen to bring it: it will have taken all that
 * reclaim gives back but what processes map within so long, and goes on. Slower growth is noise,
 * and faster growth is as likely a batch on its way to its size. In the fit half of tests/corpus it
 * speaks in sixteen runs: eight times before the harm, five times 0.1 to 0.5 s after its beginning,
 * once before the kernel killed, and twice where there is none (leak-cached-edge, many-random).
 */
#define LOW_HEADROOM_HORIZON_NS	  500000000ULL
#define LOW_HEADROOM_HOLD_NS	  300000000ULL
#define LOW_HEADROOM_LEAST_GROWTH 0.01 /* of all the memory a second */
#define LOW_HEADROOM_MOST_GROWTH  0.15

/* With less than this held a kill can give nothing back that reclaim could not: it is IO. */
#define LEAST_LEVEL 0.30

/* Freed memory is used, caches fill, the window turns over: then look again. */
#define SETTLE_NS 1000000000ULL

#define STORM_SPAN_NS 60000000000ULL

_Static_assert(POLICY_KILLS_PER_MINUTE_MOST <= VERDICT_KILLS_KEPT, "all of a minute's are kept");

static double log_odds(double p)
{
	/* a risk of exactly 0 or 1 is one that a double cannot tell from it */
	p = p < 1e-9 ? 1e-9 : p > 1 - 1e-9 ? 1 - 1e-9 : p;
	return log(p / (1 - p));
}

/* Adds what this moment says; the state's charge is never more than what it takes. */
static void score(struct verdict_state *state, enum pressure pressure, const struct risk *risk,
		  bool over, uint64_t step_ns)
{
	/* its evidence is of at least that long: it does not speak for what was before */
	double step_s = (double)(step_ns < WINDOW_LEAST_NS ? step_ns : WINDOW_LEAST_NS) / 1e9;
	double by = log_odds(risk->value) - log_odds(levels[pressure].threshold);

	if (over)
		by *= by;
	else if (by > 0 || by < -FORGET_LOG_ODDS)
		by = -FORGET_LOG_ODDS;
	state->score += by * step_s;
	if (state->score > levels[pressure].bound)
		state->score = levels[pressure].bound;
	if (state->score < 0)
		state->score = 0;
}

static bool in_storm(const struct verdict_state *state, const struct policy *policy,
		     uint64_t now_ns)
{
	unsigned recent = 0;

	for (unsigned i = 0; i < state->kills && i < VERDICT_KILLS_KEPT; i++)
		if (now_ns - state->kills_ns[i] < STORM_SPAN_NS)
			recent++;
	return recent >= policy->kills_per_minute;
}

static bool is_spike(const struct evidence *e)
{
	return (e->has & EVIDENCE_HAS_LEVEL) && (e->has & EVIDENCE_HAS_STALL) && e->reclaims > 0 &&
	       e->level >= SPIKE_LEVEL && e->growth > 0 && e->exhausted_ns < SPIKE_HORIZON_NS;
}

static bool is_low_headroom(const struct evidence *e)
{
	const double total = (double)e->total_bytes;

	return (e->has & EVIDENCE_HAS_LEVEL) && e->reclaiming && e->level >= LEAST_LEVEL &&
	       e->growth > LOW_HEADROOM_LEAST_GROWTH * total &&
	       e->growth < LOW_HEADROOM_MOST_GROWTH * total &&
	       e->low_headroom_ns < LOW_HEADROOM_HORIZON_NS;
}

/* Whether it @is so, and has been for @hold_ns. */
static bool holds(uint64_t *since_ns, bool is, uint64_t hold_ns, uint64_t now_ns)
{
	if (!is)
		*since_ns = 0;
	else if (!*since_ns)
		*since_ns = now_ns;
	return is && now_ns - *since_ns >= hold_ns;
}

static struct verdict wait_for(struct verdict verdict, enum verdict_reason reason)
{
	verdict.action = VERDICT_WAIT;
	verdict.reason = reason;
	return verdict;
}

struct verdict verdict_decide(struct verdict_state *state, const struct policy *policy,
			      const struct evidence *e, uint64_t now_ns, bool kill_pending)
{
	struct verdict verdict = {.risk = model_risk(e)};
	double threshold = levels[policy->pressure].threshold;
	bool spike, low_headroom, over, within_reach;
	uint64_t step_ns = state->at_ns ? now_ns - state->at_ns : 0;

	if (step_ns > WINDOW_GAP_NS) {
		/* the window begins anew, and so does what is counted */
		verdict_unseen(state);
		step_ns = 0;
	}
	state->at_ns = now_ns;
	spike = holds(&state->spike_since_ns, is_spike(e), SPIKE_HOLD_NS, now_ns);
	low_headroom = holds(&state->low_headroom_since_ns,
			     policy->pressure == PRESSURE_LOW && is_low_headroom(e),
			     LOW_HEADROOM_HOLD_NS, now_ns);
	/* after a kill a service reads back for seconds what it lost: that is not to be held
	 * against it */
	over = verdict.risk.known && verdict.risk.value >= threshold && e->reclaiming &&
	       e->level >= LEAST_LEVEL;
	verdict.over = over;
	verdict.spike = spike;
	if (verdict.risk.known) {
		score(state, policy->pressure, &verdict.risk, over, step_ns);
		if (!over && verdict.risk.value < CALM_PART * threshold)
			state->warned = false;
	}
	if (state->score <= 0)
		state->over_since_ns = 0;
	else if (!state->over_since_ns)
		state->over_since_ns = now_ns - step_ns;
	if (state->over_since_ns)
		verdict.held_ns = now_ns - state->over_since_ns;
	verdict.score = state->score / levels[policy->pressure].bound;

	if (kill_pending || now_ns < state->settle_until_ns) {
		verdict_unseen(state);
		return wait_for(verdict, REASON_SETTLING);
	}
	if (e->lossy || (!verdict.risk.known && !spike)) {
		state->score = 0;
		state->over_since_ns = 0;
		return wait_for(verdict, REASON_BLIND);
	}
	within_reach = over && verdict.score >= 1;
	if (!over && !spike && !low_headroom) {
		if (verdict.risk.value < threshold)
			return wait_for(verdict, REASON_CALM);
		return wait_for(verdict, e->reclaiming ? REASON_LEVEL_LOW : REASON_RECOVERING);
	}
	if (!within_reach && !spike && !low_headroom)
		return wait_for(verdict, REASON_HOLDING);

	verdict.reason = spike		? REASON_SPIKE
			 : within_reach ? REASON_NEAR_OOM
					: REASON_LOW_HEADROOM;
	if (policy->warn_only) {
		verdict.action = state->warned ? VERDICT_WAIT : VERDICT_WARN;
		state->warned = true;
		return verdict;
	}
	if (in_storm(state, policy, now_ns)) {
		verdict.action = state->warned ? VERDICT_WAIT : VERDICT_WARN;
		verdict.reason = REASON_STORM;
		state->warned = true;
		return verdict;
	}
	verdict.action = VERDICT_ACT;
	return verdict;
}

void verdict_killed(struct verdict_state *state, uint64_t now_ns)
{
	state->kills_ns[state->kills % VERDICT_KILLS_KEPT] = now_ns;
	state->kills++;
	verdict_settled(state, now_ns);
}

void verdict_settled(struct verdict_state *state, uint64_t now_ns)
{
	state->settle_until_ns = now_ns + SETTLE_NS;
	verdict_unseen(state);
}

void verdict_unseen(struct verdict_state *state)
{
	state->score = 0;
	state->over_since_ns = 0;
	state->spike_since_ns = 0;
	state->low_headroom_since_ns = 0;
}

const char *verdict_action_name(enum verdict_action action)
{
	static const char *const names[VERDICTS_] = {
		[VERDICT_WAIT] = "wait",
		[VERDICT_WARN] = "warn",
		[VERDICT_ACT] = "act",
	};

	return names[action];
}

const char *verdict_reason_name(enum verdict_reason reason)
{
	static const char *const names[REASONS_] = {
		[REASON_CALM] = "calm",
		[REASON_HOLDING] = "holding",
		[REASON_NEAR_OOM] = "near-oom",
		[REASON_SPIKE] = "spike",
		[REASON_BLIND] = "blind",
		[REASON_SETTLING] = "settling",
		[REASON_STORM] = "storm",
		[REASON_LEVEL_LOW] = "level-low",
		[REASON_LOW_HEADROOM] = "low-headroom",
		[REASON_RECOVERING] = "recovering",
	};

	return names[reason];
}

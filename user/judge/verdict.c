// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/verdict.h"

#include <math.h>

#include "judge/config.h"
#include "judge/window.h"

/*
 * The pressure levels: a threshold of risk, and the bound of the score. Chosen on the fit half of
 * tests/corpus. docs/judgement.md, "The sequential test", "Pressure levels".
 */
static const struct {
	double threshold;
	double bound; /* log-odds squared, times seconds */
} levels[PRESSURE_MAX_] = {
	[PRESSURE_LOW] = {0.30, 0.6},
	[PRESSURE_MEDIUM] = {0.50, 1.2},
	[PRESSURE_HIGH] = {0.50, 50},
};

/* How fast the score falls at most; chosen. docs/judgement.md, "The sequential test". */
#define FORGET_LOG_ODDS 3.0

/*
 * An episode ends below this part of the threshold, so that a risk near the threshold does not warn
 * again and again; chosen. docs/judgement.md, "Reasons of a verdict".
 */
#define CALM_PART 0.5

/*
 * Spike: longer than a kill takes, which is a sample (100 ms) and the exit of the victim (51 ms at
 * worst, docs/measurements.md). docs/judgement.md, "The spike path".
 */
#define SPIKE_HORIZON_NS 300000000ULL
#define SPIKE_LEVEL	 0.90
#define SPIKE_HOLD_NS	 100000000ULL /* two samples in a row */

/* Chosen on the fit half of tests/corpus. docs/judgement.md, "Low headroom". */
#define LOW_HEADROOM_HORIZON_NS	  500000000ULL
#define LOW_HEADROOM_HOLD_NS	  300000000ULL
#define LOW_HEADROOM_LEAST_GROWTH 0.01 /* of the scope's memory a second */
#define LOW_HEADROOM_MOST_GROWTH  0.15

/*
 * A task that sleeps for memory wakes within this if another one frees it; longer than the kernel's
 * own retries take. Chosen. docs/judgement.md, "Under OOM".
 */
#define UNDER_OOM_HOLD_NS 300000000ULL

/* Below this a kill frees little that reclaim could not; chosen. docs/judgement.md, "Level". */
#define LEAST_LEVEL 0.30

/* WINDOW_SPAN_NS: then all evidence is from after the kill. docs/judgement.md, "After a kill". */
#define SETTLE_NS 1000000000ULL

/* Kills that relieve nobody are not repeated for as long as a storm lasts; chosen. */
#define NO_RELIEF_NS 60000000000ULL

#define STORM_SPAN_NS 60000000000ULL /* the minute of kills_per_minute */

/* Time for the score to reach the bound of `high` too. docs/judgement.md, "After a kill". */
#define KERNEL_SETTLE_SPAN_NS 60000000000ULL

_Static_assert(POLICY_KILLS_PER_MINUTE_MOST <= VERDICT_KILLS_KEPT,
	       "the kills of the last minute are kept");

static double log_odds(double p)
{
	/* finite also for a risk that is rounded to 0 or 1 */
	p = p < 1e-9 ? 1e-9 : p > 1 - 1e-9 ? 1 - 1e-9 : p;
	return log(p / (1 - p));
}

/* Adds the risk of this sample to the score, which stays between 0 and the bound. */
static void update_score(struct verdict_state *state, enum pressure pressure,
			 const struct risk *risk, bool over, uint64_t step_ns)
{
	/* the evidence may be as short as WINDOW_LEAST_NS, and says nothing about before */
	double step_s = (double)(step_ns < WINDOW_LEAST_NS ? step_ns : WINDOW_LEAST_NS) / 1e9;
	double change = log_odds(risk->value) - log_odds(levels[pressure].threshold);

	if (over)
		change *= change;
	else if (change > 0 || change < -FORGET_LOG_ODDS)
		change = -FORGET_LOG_ODDS;
	state->score += change * step_s;
	if (state->score > levels[pressure].bound)
		state->score = levels[pressure].bound;
	if (state->score < 0)
		state->score = 0;
}

unsigned verdict_recent_kills(const struct verdict_kills *kills, uint64_t now_ns)
{
	unsigned recent = 0;

	for (unsigned i = 0; i < kills->count && i < VERDICT_KILLS_KEPT; i++)
		if (now_ns - kills->at_ns[i] < STORM_SPAN_NS)
			recent++;
	return recent;
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

/* Whether @condition is true, and has been for @hold_ns. */
static bool holds(uint64_t *since_ns, bool condition, uint64_t hold_ns, uint64_t now_ns)
{
	if (!condition)
		*since_ns = 0;
	else if (!*since_ns)
		*since_ns = now_ns;
	return condition && now_ns - *since_ns >= hold_ns;
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
	bool spike, low_headroom, under_oom, over, near_oom, reclaiming;
	uint64_t step_ns = state->at_ns ? now_ns - state->at_ns : 0;

	if (step_ns > WINDOW_GAP_NS) {
		/* the window is empty too */
		verdict_unseen(state);
		step_ns = 0;
	}
	state->at_ns = now_ns;
	spike = holds(&state->spike_since_ns, is_spike(e), SPIKE_HOLD_NS, now_ns);
	low_headroom = holds(&state->low_headroom_since_ns,
			     policy->pressure == PRESSURE_LOW && is_low_headroom(e),
			     LOW_HEADROOM_HOLD_NS, now_ns);
	under_oom = holds(&state->under_oom_since_ns, e->under_oom, UNDER_OOM_HOLD_NS, now_ns);
	/* after a kill a service refaults its working set for seconds: only while it reclaims */
	reclaiming = e->reclaiming || ((e->has & EVIDENCE_HAS_RELIEF) && e->reclaimed);
	over = verdict.risk.known && verdict.risk.value >= threshold && reclaiming &&
	       e->level >= LEAST_LEVEL;
	verdict.over = over;
	verdict.spike = spike;
	if (verdict.risk.known) {
		update_score(state, policy->pressure, &verdict.risk, over, step_ns);
		verdict.low = !over && !under_oom && verdict.risk.value < CALM_PART * threshold;
		if (verdict.low)
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
	/* the kernel itself says so: nothing else is needed */
	if (!under_oom && (e->lossy || (!verdict.risk.known && !spike))) {
		state->score = 0;
		state->over_since_ns = 0;
		return wait_for(verdict, REASON_BLIND);
	}
	near_oom = over && verdict.score >= 1;
	if (!over && !spike && !low_headroom && !under_oom) {
		if (verdict.risk.value < threshold)
			return wait_for(verdict, REASON_CALM);
		return wait_for(verdict, reclaiming ? REASON_LEVEL_LOW : REASON_RECOVERING);
	}
	if (!near_oom && !spike && !low_headroom && !under_oom)
		return wait_for(verdict, REASON_HOLDING);

	verdict.reason = under_oom  ? REASON_UNDER_OOM
			 : spike    ? REASON_SPIKE
			 : near_oom ? REASON_NEAR_OOM
				    : REASON_LOW_HEADROOM;
	if (policy->warn_only) {
		verdict.action = state->warned ? VERDICT_WAIT : VERDICT_WARN;
		state->warned = true;
		return verdict;
	}
	if (now_ns < state->no_relief_until_ns ||
	    verdict_recent_kills(&state->kills, now_ns) >= policy->kills_per_minute) {
		verdict.action = state->warned ? VERDICT_WAIT : VERDICT_WARN;
		verdict.reason =
			now_ns < state->no_relief_until_ns ? REASON_NO_RELIEF : REASON_STORM;
		state->warned = true;
		return verdict;
	}
	verdict.action = VERDICT_ACT;
	return verdict;
}

void verdict_killed(struct verdict_state *state, uint64_t now_ns)
{
	state->kills.at_ns[state->kills.count % VERDICT_KILLS_KEPT] = now_ns;
	state->kills.count++;
	verdict_settled(state, now_ns);
}

void verdict_settled(struct verdict_state *state, uint64_t now_ns)
{
	state->settle_until_ns = now_ns + SETTLE_NS;
	verdict_unseen(state);
}

void verdict_no_relief(struct verdict_state *state, uint64_t now_ns)
{
	state->no_relief_until_ns = now_ns + NO_RELIEF_NS;
}

void verdict_kernel_killed(struct verdict_state *state, uint64_t now_ns)
{
	if (state->kernel_settled_ns && now_ns - state->kernel_settled_ns < KERNEL_SETTLE_SPAN_NS)
		return;
	state->kernel_settled_ns = now_ns;
	verdict_settled(state, now_ns);
}

void verdict_unseen(struct verdict_state *state)
{
	state->score = 0;
	state->over_since_ns = 0;
	state->spike_since_ns = 0;
	state->low_headroom_since_ns = 0;
	state->under_oom_since_ns = 0;
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
		[REASON_NO_RELIEF] = "no-relief",
		[REASON_RECOVERING] = "recovering",
		[REASON_UNDER_OOM] = "under-oom",
	};

	return names[reason];
}

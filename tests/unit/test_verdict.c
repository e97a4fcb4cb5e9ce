/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <string.h>

#include <math.h>

#include "base/util.h"
#include "judge/config.h"
#include "judge/verdict.h"
#include "judge/window.h"
#include "unit/unit.h"

#define ESSENTIAL (EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL)
#define START	  (1000 * SEC)
#define TICK	  (100 * MS)

static struct policy policy_of(enum pressure pressure)
{
	return (struct policy){.name = (char *)"p",
			       .match_node = true,
			       .pressure = pressure,
			       .kills_per_minute = POLICY_KILLS_PER_MINUTE};
}

/* A livelock; the risk is above 0.8. */
static const struct evidence livelock = {
	.span_ns = SEC,
	.has = ESSENTIAL,
	.lost_share = 0.65,
	.thrash = 1.24,
	.io = 1.5,
	.avoidable = 1,
	.level = 0.79,
	.exhausted_ns = UINT64_MAX,
	.reclaiming = true,
};

/* Log-odds that reach the bound of `medium` in half a second. */
#define SURE 1.55

static const struct evidence calm = {
	.span_ns = SEC,
	.has = ESSENTIAL,
	.level = 0.2,
	.exhausted_ns = UINT64_MAX,
};

/* Evidence with a given risk, through time lost, avoidable share, stalled tasks and growth. */
static struct evidence of_risk(double log_odds)
{
	struct evidence e = livelock;
	double low = 0, high = 1;

	for (int i = 0; i < 60; i++) {
		struct risk risk;

		e.lost_share = e.avoidable = (low + high) / 2;
		e.thrash = 2 * e.avoidable;
		e.exhausted_ns = (uint64_t)((1 - e.avoidable) * 10e9);
		risk = model_risk(&e);
		if (log(risk.value / (1 - risk.value)) < log_odds)
			low = e.lost_share;
		else
			high = e.lost_share;
	}
	return e;
}

/* Exhausted in 200 ms, without page tracking. */
static const struct evidence spike = {
	.span_ns = SEC,
	.has = EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_STALL,
	.reclaims = 50,
	.stall = 0.1,
	.level = 0.95,
	.growth = 64.0 * MIB,
	.exhausted_ns = 200 * MS,
};

static struct verdict decide(struct verdict_state *state, const struct policy *policy,
			     const struct evidence *e, uint64_t now_ns)
{
	return verdict_decide(state, policy, e, now_ns, false);
}

#define assert_verdict(v, wanted_action, wanted_reason)                                            \
	do {                                                                                       \
		struct verdict v_ = (v);                                                           \
		if (v_.action != (wanted_action) || v_.reason != (wanted_reason))                  \
			fail_msg("%s:%d: %s (%s), not %s (%s)", __FILE__, __LINE__,                \
				 verdict_action_name(v_.action), verdict_reason_name(v_.reason),   \
				 verdict_action_name(wanted_action),                               \
				 verdict_reason_name(wanted_reason));                              \
	} while (0)

/* Log-odds of the threshold of `low`, 0.30; the others have 0.50, log-odds 0. */
#define THREE_TO_SEVEN (-0.8472979)

/* Decides every tick until it acts; returns the time that takes, at most @most. */
static uint64_t until_act(struct verdict_state *s, const struct policy *policy,
			  const struct evidence *e, uint64_t now, uint64_t most)
{
	for (uint64_t t = 0; t < most; t += TICK) {
		struct verdict v = decide(s, policy, e, now + t);

		if (v.action == VERDICT_ACT) {
			assert_int_equal(v.reason, REASON_NEAR_OOM);
			assert_true(v.risk.known && is_near(v.score, 1));
			return t;
		}
		assert_int_equal(v.reason, REASON_HOLDING);
		assert_true(v.score < 1 && v.held_ns >= t && v.held_ns <= t + TICK);
	}
	return most;
}

/* The score grows by the log-odds above the threshold, squared, times the time. */
static void test_score(void **state)
{
	static const struct {
		enum pressure pressure;
		double over; /* log-odds above the threshold */
		uint64_t after_ns;
	} rows[] = {
		{PRESSURE_LOW, 0.6, 1700 * MS},	   {PRESSURE_LOW, 1.05, 600 * MS},
		{PRESSURE_MEDIUM, 1.5, 600 * MS},  {PRESSURE_MEDIUM, 1.02, 1200 * MS},
		{PRESSURE_MEDIUM, 0.6, 3400 * MS}, {PRESSURE_HIGH, 1.5, 22300 * MS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy = policy_of(rows[i].pressure);
		double threshold = rows[i].pressure == PRESSURE_LOW ? THREE_TO_SEVEN : 0;
		struct evidence e = of_risk(threshold + rows[i].over);
		struct verdict_state s = {0};
		uint64_t took;

		assert_verdict(decide(&s, &policy, &calm, START), VERDICT_WAIT, REASON_CALM);
		took = until_act(&s, &policy, &e, START + TICK, 60 * SEC) + TICK;
		if (took != rows[i].after_ns)
			fail_msg("row %zu: after %g s", i, (double)took / 1e9);
	}
}

/* The threshold of each pressure level: a lower risk never acts, a little higher one acts late. */
static void test_thresholds(void **state)
{
	static const struct {
		double log_odds;
		bool over[PRESSURE_MAX_];
	} rows[] = {
		{-0.87, {false, false, false}}, {-0.83, {true, false, false}},
		{-0.02, {true, false, false}},	{0.03, {true, true, true}},
		{1.00, {true, true, true}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e = of_risk(rows[i].log_odds);

		for (int p = 0; p < PRESSURE_MAX_; p++) {
			struct policy policy = policy_of((enum pressure)p);
			struct verdict_state s = {0};
			bool acted = false;

			for (uint64_t t = 0; t < 900 * SEC && !acted; t += TICK) {
				struct verdict v = decide(&s, &policy, &e, START + t);

				if (v.over != rows[i].over[p])
					fail_msg("row %zu, pressure %d: %s at risk %g", i, p,
						 verdict_reason_name(v.reason), v.risk.value);
				acted = v.action == VERDICT_ACT;
			}
			if (!rows[i].over[p] || rows[i].log_odds >= 1)
				assert_int_equal(acted, rows[i].over[p]);
		}
	}
}

/* A sample just below the threshold lowers the score a little, a calm one by nearly all. */
static void test_score_interrupted(void **state)
{
	const struct {
		struct evidence dip;
		bool acts;
	} rows[] = {{of_risk(-0.3), true}, {calm, false}};
	struct policy policy = policy_of(PRESSURE_MEDIUM);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence dip = rows[i].dip, e = of_risk(0.95);
		struct verdict_state s = {0};
		bool acted = false;

		for (uint64_t t = 0; t < 600; t++)
			acted |= decide(&s, &policy, t % 4 == 3 ? &dip : &e, START + t * TICK)
					 .action == VERDICT_ACT;
		assert_int_equal(acted, rows[i].acts);
	}
}

/* Decisions that are far apart count for 0.3 s each at most. */
static void test_score_of_rare_samples(void **state)
{
	struct policy policy = policy_of(PRESSURE_MEDIUM);
	struct verdict_state s = {0};
	struct evidence sure = of_risk(SURE);
	unsigned n = 0;

	(void)state;
	while (n < 100 && decide(&s, &policy, &sure, START + n * SEC).action != VERDICT_ACT)
		n++;
	assert_int_equal(n, 2); /* 0.3 s each, and the bound takes 0.5 s */
}

static struct evidence blind_of(int kind)
{
	struct evidence e = livelock;

	switch (kind) {
	case 0:
		e.lossy = true;
		break;
	case 1:
		e.has &= ~(uint32_t)EVIDENCE_HAS_THRASH;
		break;
	case 2:
		e.has &= ~(uint32_t)EVIDENCE_HAS_LEVEL;
		break;
	case 3:
		e.has = 0;
		break;
	case 4:
		e.span_ns = 0; /* too few samples */
		break;
	case 5:
		memset(&e, 0, sizeof(e));
		break;
	case 6:
		e = spike;
		e.lossy = true;
		break;
	case 7: /* page tracking is impossible, and files do not suffice */
		e.no_tracking = true;
		e.has = EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_STALL | EVIDENCE_HAS_TURNOVER;
		e.turnover = 9;
		e.stall = 2;
		break;
	default:
		e = spike;
		e.has = EVIDENCE_HAS_STALL;
	}
	return e;
}

#define BLIND_KINDS 9

/* Losses and missing essential inputs never act, at any pressure. */
static void test_blind(void **state)
{
	(void)state;
	for (int kind = 0; kind < BLIND_KINDS; kind++) {
		struct evidence e = blind_of(kind);

		for (int p = 0; p < PRESSURE_MAX_; p++) {
			struct policy policy = policy_of((enum pressure)p);
			struct verdict_state s = {0};

			for (uint64_t t = 0; t < 60 * SEC; t += TICK) {
				struct verdict v = decide(&s, &policy, &e, START + t);

				if (v.action != VERDICT_WAIT || v.reason != REASON_BLIND)
					fail_msg("kind %d: %s (%s)", kind,
						 verdict_action_name(v.action),
						 verdict_reason_name(v.reason));
			}
		}
	}
}

/* Blindness sets the score to 0. */
static void test_blind_restarts_score(void **state)
{
	const struct evidence sure = of_risk(SURE);

	(void)state;
	for (int kind = 0; kind < BLIND_KINDS; kind++) {
		struct policy policy = policy_of(PRESSURE_MEDIUM);
		struct evidence e = blind_of(kind);
		struct verdict_state s = {0};

		assert_verdict(decide(&s, &policy, &sure, START), VERDICT_WAIT, REASON_HOLDING);
		assert_verdict(decide(&s, &policy, &e, START + 300 * MS), VERDICT_WAIT,
			       REASON_BLIND);
		for (uint64_t t = 400; t < 800; t += 100)
			assert_verdict(decide(&s, &policy, &sure, START + t * MS), VERDICT_WAIT,
				       REASON_HOLDING);
		assert_verdict(decide(&s, &policy, &sure, START + 800 * MS), VERDICT_ACT,
			       REASON_NEAR_OOM);
	}
}

/* No action while a kill is pending and for a second after it; then the score starts at 0. */
static void test_settle(void **state)
{
	struct policy policy = policy_of(PRESSURE_MEDIUM);
	struct evidence sure = of_risk(SURE);
	struct verdict_state s = {0};
	uint64_t now = START, gone;

	(void)state;
	now += until_act(&s, &policy, &sure, now, 60 * SEC);
	verdict_killed(&s, now);
	assert_int_equal(s.kills.count, 1);

	/* the victim takes 3 s to die, longer than the scope settles */
	for (uint64_t end = now + 3 * SEC; now < end; now += TICK)
		assert_verdict(verdict_decide(&s, &policy, &sure, now, true), VERDICT_WAIT,
			       REASON_SETTLING);
	gone = now;
	verdict_settled(&s, gone);
	for (; now < gone + SEC; now += TICK)
		assert_verdict(decide(&s, &policy, &sure, now), VERDICT_WAIT, REASON_SETTLING);
	assert_verdict(decide(&s, &policy, &sure, gone + SEC - 1), VERDICT_WAIT, REASON_SETTLING);
	assert_in_range(until_act(&s, &policy, &sure, gone + SEC, 60 * SEC), 500 * MS, 700 * MS);
	assert_int_equal(s.kills.count, 1); /* verdict_settled() does not count a kill */
}

/* A kill by the kernel settles, also while the score grows; the next one only a minute later. */
static void test_kernel_kill_settles(void **state)
{
	struct policy policy = policy_of(PRESSURE_MEDIUM);
	struct evidence sure = of_risk(SURE);
	struct verdict_state s = {0};

	(void)state;
	assert_verdict(decide(&s, &policy, &sure, START), VERDICT_WAIT, REASON_HOLDING);
	verdict_kernel_killed(&s, START + 200 * MS);
	assert_verdict(decide(&s, &policy, &sure, START + 300 * MS), VERDICT_WAIT, REASON_SETTLING);
	decide(&s, &policy, &sure, START + 1100 * MS);
	assert_verdict(decide(&s, &policy, &sure, START + 1200 * MS), VERDICT_WAIT, REASON_HOLDING);

	verdict_kernel_killed(&s, START + 1250 * MS);
	verdict_kernel_killed(&s, START + 60 * SEC);
	assert_verdict(decide(&s, &policy, &sure, START + 60 * SEC), VERDICT_WAIT, REASON_HOLDING);
	verdict_kernel_killed(&s, START + 60200 * MS);
	assert_verdict(decide(&s, &policy, &sure, START + 60300 * MS), VERDICT_WAIT,
		       REASON_SETTLING);
	assert_int_equal(s.kills.count, 0);
}

/* Kills of the kernel without end keep no pressure level from acting for long. */
static void test_kernel_kills_do_not_blind(void **state)
{
	(void)state;
	for (int p = 0; p < PRESSURE_MAX_; p++) {
		struct policy policy = policy_of((enum pressure)p);
		struct evidence sure = of_risk(SURE);
		struct verdict_state s = {0};
		uint64_t now = START;
		bool acted = false;

		for (; !acted && now < START + 60 * SEC; now += TICK) {
			verdict_kernel_killed(&s, now - 1);
			acted = decide(&s, &policy, &sure, now).action == VERDICT_ACT;
		}
		if (!acted)
			fail_msg("pressure %d: no action within a minute", p);
	}
}

/* Kills whenever the verdict is to act, for @seconds; returns how often, and the last reason. */
static unsigned act_for(struct verdict_state *s, const struct policy *policy, uint64_t *now,
			uint64_t seconds, unsigned *ret_warned)
{
	unsigned acts = 0;

	*ret_warned = 0;
	for (uint64_t end = *now + seconds * SEC; *now < end; *now += TICK) {
		struct verdict v = decide(s, policy, &livelock, *now);

		if (v.action == VERDICT_ACT) {
			acts++;
			verdict_killed(s, *now);
		} else if (v.action == VERDICT_WARN) {
			assert_int_equal(v.reason, REASON_STORM);
			++*ret_warned;
		}
	}
	return acts;
}

/* Six kills within a minute at most, then one warning; the minute slides. */
static void test_storm(void **state)
{
	struct policy policy = policy_of(PRESSURE_MEDIUM);
	struct verdict_state s = {0};
	uint64_t now = START;
	unsigned warned;

	(void)state;
	assert_int_equal(act_for(&s, &policy, &now, 59, &warned), 6);
	assert_int_equal(warned, 1);
	assert_verdict(decide(&s, &policy, &livelock, now), VERDICT_WAIT, REASON_STORM);
	/* in the next minutes, at most six within any 60 s */
	for (int history = 0; history < 10; history++)
		assert_true(act_for(&s, &policy, &now, 60, &warned) <= 6);
	assert_true(s.kills.count > 2 * VERDICT_KILLS_KEPT);
	for (unsigned i = 0; i < VERDICT_KILLS_KEPT; i++)
		assert_true(now - s.kills.at_ns[i] < 3600 * SEC);
}

/* Kills older than a minute do not count. */
static void test_storm_edges(void **state)
{
	struct policy policy = policy_of(PRESSURE_LOW);
	struct verdict_state s = {0};
	uint64_t now = START;

	(void)state;
	for (int i = 0; i < 6; i++, now += SEC)
		verdict_killed(&s, now);
	now = START + 59 * SEC;
	assert_verdict(decide(&s, &policy, &livelock, now), VERDICT_WAIT, REASON_HOLDING);
	decide(&s, &policy, &livelock, now + TICK);
	s.warned = false;
	now = START + 60 * SEC - 1;
	assert_verdict(decide(&s, &policy, &livelock, now), VERDICT_WARN, REASON_STORM);
	assert_verdict(decide(&s, &policy, &livelock, now), VERDICT_WAIT, REASON_STORM);
	now = START + 60 * SEC; /* the first kill is a minute old */
	assert_verdict(decide(&s, &policy, &livelock, now), VERDICT_ACT, REASON_NEAR_OOM);
}

/* A spike acts after two samples, at any pressure, and without page tracking. */
static void test_spike(void **state)
{
	(void)state;
	for (int p = 0; p < PRESSURE_MAX_; p++) {
		struct policy policy = policy_of((enum pressure)p);
		struct verdict_state s = {0};
		struct verdict v = decide(&s, &policy, &spike, START);

		assert_int_equal(v.action, VERDICT_WAIT);
		v = decide(&s, &policy, &spike, START + TICK - 1);
		assert_int_equal(v.action, VERDICT_WAIT);
		assert_verdict(decide(&s, &policy, &spike, START + TICK), VERDICT_ACT,
			       REASON_SPIKE);
		/* the scope settles as after any kill */
		verdict_killed(&s, START + TICK);
		assert_verdict(decide(&s, &policy, &spike, START + 2 * TICK), VERDICT_WAIT,
			       REASON_SETTLING);
	}
}

static void test_no_spike(void **state)
{
	struct policy policy = policy_of(PRESSURE_LOW);

	(void)state;
	for (int kind = 0; kind < 7; kind++) {
		struct evidence e = spike;
		struct verdict_state s = {0};

		switch (kind) {
		case 0:
			e.reclaims = 0; /* the page cache grows, and no task reclaims */
			break;
		case 1:
			e.level = 0.89;
			break;
		case 2:
			e.growth = 0;
			break;
		case 3:
			e.growth = -1;
			break;
		case 4:
			e.exhausted_ns = 300 * MS;
			break;
		case 5:
			e.has &= ~(uint32_t)EVIDENCE_HAS_STALL;
			break;
		default:
			e.has &= ~(uint32_t)EVIDENCE_HAS_LEVEL;
		}
		for (uint64_t t = 0; t < 5 * SEC; t += TICK) {
			struct verdict v = decide(&s, &policy, &e, START + t);

			if (v.action != VERDICT_WAIT)
				fail_msg("kind %d: %s", kind, verdict_reason_name(v.reason));
		}
	}
}

/* Single samples of a spike do not act: such growth ends by itself. */
static void test_spike_interrupted(void **state)
{
	struct policy policy = policy_of(PRESSURE_LOW);
	struct verdict_state s = {0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct verdict v = decide(&s, &policy, i % 2 ? &calm : &spike, START + i * TICK);

		assert_int_equal(v.action, VERDICT_WAIT);
	}
}

/* No time is lost yet, but growth takes mapped files in 400 ms. */
static struct evidence low_on_headroom(void)
{
	struct evidence e = calm;

	e.reclaiming = true;
	e.level = 0.6;
	e.total_bytes = 256 * MIB;
	e.growth = 0.02 * (double)e.total_bytes;
	e.low_headroom_ns = 400 * MS;
	return e;
}

/* `low` acts before the harm, after 0.3 s of growth that is about to take mapped files. */
static void test_low_headroom(void **state)
{
	const struct evidence e = low_on_headroom();

	(void)state;
	for (int p = 0; p < PRESSURE_MAX_; p++) {
		struct policy policy = policy_of((enum pressure)p);
		struct verdict_state s = {0};

		for (uint64_t t = 0; t < 300 * MS; t += TICK)
			assert_int_equal(decide(&s, &policy, &e, START + t).action, VERDICT_WAIT);
		if (p == PRESSURE_LOW)
			assert_verdict(decide(&s, &policy, &e, START + 300 * MS), VERDICT_ACT,
				       REASON_LOW_HEADROOM);
		else
			assert_verdict(decide(&s, &policy, &e, START + 300 * MS), VERDICT_WAIT,
				       REASON_CALM);
	}
}

static void test_no_low_headroom(void **state)
{
	struct policy policy = policy_of(PRESSURE_LOW);

	(void)state;
	for (int kind = 0; kind < 8; kind++) {
		struct verdict_state s = {0};

		for (uint64_t i = 0; i < 50; i++) {
			struct evidence e = low_on_headroom();
			struct verdict v;

			switch (kind) {
			case 0:
				e.reclaiming = false; /* the limit is not reached yet */
				break;
			case 1:
				e.level = 0.29;
				break;
			case 2:
				e.growth = 0.009 * (double)e.total_bytes;
				break;
			case 3:
				e.low_headroom_ns = 500 * MS;
				break;
			case 4:
				e.low_headroom_ns = i % 3 ? 400 * MS : UINT64_MAX; /* not held */
				break;
			case 5:
				e.lossy = true;
				break;
			case 6:
				e.growth = 0.16 * (double)e.total_bytes; /* as a batch job starts */
				break;
			default:
				e.has &= ~(uint32_t)EVIDENCE_HAS_LEVEL;
			}
			v = decide(&s, &policy, &e, START + i * TICK);
			if (v.action != VERDICT_WAIT)
				fail_msg("kind %d: %s", kind, verdict_reason_name(v.reason));
		}
	}
}

/* At a low level a kill frees little, so it is never to act, whatever time is lost. */
static void test_level_low(void **state)
{
	static const struct {
		double level, thrash;
		enum verdict_reason reason;
	} rows[] = {
		{0.29, 0.70, REASON_LEVEL_LOW}, {0.00, 1.00, REASON_LEVEL_LOW},
		{0.29, 1.00, REASON_LEVEL_LOW}, {0.30, 0.70, REASON_NEAR_OOM},
		{0.30, 1.00, REASON_NEAR_OOM},
	};
	struct policy policy = policy_of(PRESSURE_LOW);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct evidence e = livelock;
		struct verdict_state s = {0};

		e.lost_share = 1;
		e.level = rows[i].level;
		e.thrash = rows[i].thrash;
		for (uint64_t t = 0; t < 30 * SEC; t += TICK)
			(void)decide(&s, &policy, &e, START + t);
		assert_verdict(decide(&s, &policy, &e, START + 30 * SEC),
			       rows[i].reason == REASON_NEAR_OOM ? VERDICT_ACT : VERDICT_WAIT,
			       rows[i].reason);
	}
}

/*
 * After a kill a service refaults its working set, within reach and at any level. While nothing
 * reclaims, this neither acts nor adds to the score.
 */
static void test_recovering(void **state)
{
	struct policy policy = policy_of(PRESSURE_MEDIUM);
	struct verdict_state s = {0};
	struct evidence e = of_risk(SURE);

	(void)state;
	e.reclaiming = false;
	for (uint64_t i = 0; i < 300; i++)
		assert_verdict(decide(&s, &policy, &e, START + i * TICK), VERDICT_WAIT,
			       REASON_RECOVERING);
	e.reclaiming = true;
	assert_verdict(decide(&s, &policy, &e, START + 300 * TICK), VERDICT_WAIT, REASON_HOLDING);
}

/*
 * v1 with the kernel's OOM killer off: all tasks sleep, and nothing else shows. It acts when that
 * lasts, whatever else is unknown or was dropped; after a kill it looks again.
 */
static void test_under_oom(void **state)
{
	const struct evidence all[] = {
		{.span_ns = SEC, .under_oom = true},
		{.span_ns = SEC, .under_oom = true, .lossy = true},
		{.span_ns = SEC, .has = ESSENTIAL, .level = 1, .under_oom = true},
	};
	struct policy policy = policy_of(PRESSURE_HIGH);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct verdict_state s = {0};
		uint64_t now = START;
		struct evidence e = all[i];

		for (; now < START + 300 * MS; now += TICK)
			assert_int_equal(decide(&s, &policy, &e, now).action, VERDICT_WAIT);
		assert_verdict(decide(&s, &policy, &e, now), VERDICT_ACT, REASON_UNDER_OOM);
		verdict_killed(&s, now);
		now += TICK;
		assert_verdict(decide(&s, &policy, &e, now), VERDICT_WAIT, REASON_SETTLING);
		/* a second task sleeps on: the next kill; and none when the first one was enough */
		for (now += SEC; now < START + 2 * SEC && s.kills.count == 1; now += TICK)
			if (decide(&s, &policy, &e, now).action == VERDICT_ACT)
				verdict_killed(&s, now);
		assert_int_equal(s.kills.count, 2);
		e.under_oom = false;
		for (now += SEC; now < START + 9 * SEC; now += TICK)
			assert_int_not_equal(decide(&s, &policy, &e, now).action, VERDICT_ACT);
	}
	policy.warn_only = true;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct verdict_state s = {0};
		unsigned warnings = 0;

		for (uint64_t t = 0; t < 3 * SEC; t += TICK) {
			warnings += decide(&s, &policy, &all[i], START + t).action == VERDICT_WARN;
			assert_int_equal(warnings, t >= 300 * MS);
		}
	}
}

/* A policy that only warns does so once an episode and never acts, also on a spike. */
static void test_warn_only(void **state)
{
	const struct evidence *const kinds[] = {&livelock, &spike};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct policy policy = policy_of(PRESSURE_MEDIUM);
		struct verdict_state s = {0};
		unsigned warnings = 0;

		policy.warn_only = true;
		for (uint64_t t = 0; t < 30 * SEC; t += TICK) {
			struct verdict v = decide(&s, &policy, kinds[k], START + t);

			assert_int_not_equal(v.action, VERDICT_ACT);
			warnings += v.action == VERDICT_WARN;
		}
		assert_int_equal(warnings, 1);
		/* calm, then trouble again: another episode */
		(void)decide(&s, &policy, &calm, START + 31 * SEC);
		for (uint64_t t = 32 * SEC; t < 40 * SEC; t += TICK)
			warnings += decide(&s, &policy, kinds[k], START + t).action == VERDICT_WARN;
		assert_int_equal(warnings, 2);
	}
}

/* Between half of the threshold and the threshold an episode goes on, without another warning. */
static void test_hysteresis(void **state)
{
	static const struct {
		double dip; /* log-odds; the threshold is 0.5, half of it 0.25: -1.099 */
		unsigned warnings;
	} rows[] = {
		{0.9, 1}, {0.0, 1}, {-1.08, 1}, {-1.12, 10}, {-1.7, 10},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy = policy_of(PRESSURE_MEDIUM);
		struct evidence dip = of_risk(rows[i].dip);
		struct verdict_state s = {0};
		unsigned warnings = 0;
		uint64_t now = START;

		policy.warn_only = true;
		for (int round = 0; round < 10; round++) {
			for (int t = 0; t < 20; t++, now += TICK)
				warnings +=
					decide(&s, &policy, &livelock, now).action == VERDICT_WARN;
			(void)decide(&s, &policy, &dip, now);
			now += TICK;
		}
		if (warnings != rows[i].warnings)
			fail_msg("dips to %g: %u warnings", rows[i].dip, warnings);
	}
}

/* The same inputs give the same verdicts: random evidence, twice, with a copy of the state. */
static void test_replay(void **state)
{
	struct policy policy = policy_of(PRESSURE_LOW);
	struct verdict_state a = {0}, b = {0};
	uint64_t random = 42, now = START;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct evidence e = i % 50 < 25 ? livelock : calm;
		struct verdict first, second;
		bool pending = next_random(&random) % 40 == 0;

		e.lossy = next_random(&random) % 50 == 0;
		e.has = next_random(&random) % 30 ? ESSENTIAL : (uint32_t)(i & 7);
		e.lost_share = (double)(next_random(&random) % 1000) / 1000;
		now += next_random(&random) % (200 * MS);
		memset(&first, 0, sizeof(first));
		memset(&second, 0, sizeof(second));
		first = verdict_decide(&a, &policy, &e, now, pending);
		second = verdict_decide(&b, &policy, &e, now, pending);
		assert_int_equal(first.action, second.action);
		assert_int_equal(first.reason, second.reason);
		assert_int_equal(first.held_ns, second.held_ns);
		if (first.action == VERDICT_ACT) {
			assert_false(e.lossy);
			assert_true(first.risk.known);
			assert_false(pending);
			verdict_killed(&a, now);
			verdict_killed(&b, now);
		}
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_true(a.kills.count > 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < VERDICTS_; i++)
		assert_non_null(verdict_action_name((enum verdict_action)i));
	for (int i = 0; i < REASONS_; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(verdict_reason_name((enum verdict_reason)i),
						verdict_reason_name((enum verdict_reason)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_score_interrupted),
		cmocka_unit_test(test_score_of_rare_samples),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_blind_restarts_score),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_kernel_kill_settles),
		cmocka_unit_test(test_kernel_kills_do_not_blind),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_storm_edges),
		cmocka_unit_test(test_spike),
		cmocka_unit_test(test_no_spike),
		cmocka_unit_test(test_spike_interrupted),
		cmocka_unit_test(test_under_oom),
		cmocka_unit_test(test_low_headroom),
		cmocka_unit_test(test_no_low_headroom),
		cmocka_unit_test(test_level_low),
		cmocka_unit_test(test_recovering),
		cmocka_unit_test(test_warn_only),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

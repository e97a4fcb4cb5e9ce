// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * case: what an action, its outcome and standing down mean for the next judgement and for the
 * next choice.
 */
#include "unit.h"

#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "config/files.h"
#include "config/read.h"
#include "judge/candidate.h"
#include "judge/case.h"
#include "judge/config.h"

#define START (1000 * SEC)
#define TICK  (100 * MS)
#define SELF  4711

static const struct policy policy = {.name = (char *)"p",
				     .pressure = PRESSURE_MEDIUM,
				     .kills_per_minute = POLICY_KILLS_PER_MINUTE,
				     .max_victims = POLICY_MAX_VICTIMS};

/* A scope at 3/4 of its limit whose tasks lose all of their time from @bad_ns on. */
static struct sample see(uint64_t at_ns, uint64_t bad_ns)
{
	uint64_t t = at_ns - START, bad = at_ns > bad_ns ? at_ns - bad_ns : 0;

	return (struct sample){
		.at_ns = at_ns,
		.has = SAMPLE_HAS_STALL | SAMPLE_HAS_WAITS | SAMPLE_HAS_LEVEL,
		.stall_ns = t / 10,
		.reclaims = t / MS,
		.reclaimed_pages = t / MS * 32,
		.io_ns = bad,
		.io_done_ns = bad,
		.refault_ns = bad / 20 * 19,
		.run_ns = t - bad,
		.added_pages = t / MS * 16,
		.samples = t / MS,
		.refaults = bad / MS,
		.within_reach = bad / MS,
		.total_bytes = 256 * MIB,
		.held_bytes = 200 * MIB,
		.usage_bytes = 256 * MIB,
		.anon_bytes = 200 * MIB,
		.file_lru_bytes = 56 * MIB,
	};
}

/* Ticks from @from_ns on, always in trouble; the first moment that asks for an action, or 0. */
static uint64_t run_until_act(struct scope_case *c, uint64_t from_ns, uint64_t to_ns,
			      bool pending_within)
{
	for (uint64_t now = from_ns; now <= to_ns; now += TICK) {
		struct sample sample = see(now, START);
		struct judgement j;

		case_see(c, &sample);
		j = case_step(c, &policy, &sample, NULL, 0, pending_within);
		if (j.judged && j.verdict.action == VERDICT_ACT)
			return now;
	}
	return 0;
}

static struct scope_case begin(bool node)
{
	struct scope_case c;

	case_begin(&c, node, SELF, START);
	return c;
}

/* While an action is open, here or within, no other one is asked for; after it, it is again. */
static void test_one_action_at_a_time(void **state)
{
	struct scope_case c = begin(false);
	uint64_t act_ns = run_until_act(&c, START, START + 20 * SEC, false);

	(void)state;
	assert_true(act_ns != 0);
	case_open(&c, 7, false);
	assert_true(c.pending && c.action_id == 7);
	case_signalled(&c, "x", 0, act_ns);
	assert_true(run_until_act(&c, act_ns + TICK, act_ns + 30 * SEC, false) == 0);
	case_close(&c, CASE_KILLED, 100, act_ns + 30 * SEC);
	assert_false(c.pending);
	act_ns = run_until_act(&c, act_ns + 30 * SEC + TICK, act_ns + 60 * SEC, false);
	assert_true(act_ns != 0);

	/* a scope within acts: this one waits */
	c = begin(false);
	assert_true(run_until_act(&c, START, START + 20 * SEC, true) == 0);
	assert_true(run_until_act(&c, START + 20 * SEC + TICK, START + 40 * SEC, false) != 0);
}

/* How long after each end of an action the next one is asked for, at the soonest. */
static void test_outcomes(void **state)
{
	static const struct {
		enum case_outcome outcome;
		bool waits; /* a second for the freed memory */
		bool backs_off;
	} rows[] = {
		{CASE_KILLED, true, false},   {CASE_EXITED, false, false},
		{CASE_REUSED, false, false},  {CASE_REFUSED, false, true},
		{CASE_STUCK, true, true},     {CASE_UNCONFIRMED, true, false},
		{CASE_RELIEVED, true, false}, {CASE_UNRELIEVED, true, false},
		{CASE_UNSENT, false, false},
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(rows), CASE_OUTCOMES_);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct candidate process = {.pid = 100, .anon_bytes = 100 * MIB, .comm = "x"};
		struct scope_case c = begin(false);
		uint64_t act_ns = run_until_act(&c, START, START + 20 * SEC, false), next_ns;
		struct victim ret;

		case_open(&c, 1, false);
		case_close(&c, rows[i].outcome, 100, act_ns);
		assert_int_equal(case_outcome_waits(rows[i].outcome), rows[i].waits);
		assert_int_equal(case_outcome_of_name(case_outcome_name(rows[i].outcome)),
				 rows[i].outcome);
		next_ns = run_until_act(&c, act_ns + TICK, act_ns + 20 * SEC, false);
		if (rows[i].waits ? next_ns < act_ns + SEC : next_ns > act_ns + SEC)
			fail_msg("%s: the next action after %llu ms",
				 case_outcome_name(rows[i].outcome),
				 (unsigned long long)((next_ns - act_ns) / MS));
		/* a process that could not be killed is passed over for a minute */
		assert_int_equal(case_rank(&c, &policy, GIB, act_ns + 59 * SEC, &process, 1, &ret),
				 !rows[i].backs_off);
		assert_int_equal(case_rank(&c, &policy, GIB, act_ns + 60 * SEC, &process, 1, &ret),
				 1);
	}
	assert_int_equal(case_outcome_of_name("eaten"), CASE_OUTCOMES_);
}

static void test_backoffs_are_bounded(void **state)
{
	struct candidate processes[CASE_BACKOFFS_MAX + 1];
	struct victim ret[CASE_BACKOFFS_MAX + 1];
	struct scope_case c = begin(false);

	(void)state;
	for (int i = 0; i <= CASE_BACKOFFS_MAX; i++) {
		processes[i] =
			(struct candidate){.pid = 100 + i, .anon_bytes = 100 * MIB, .comm = "x"};
		case_back_off(&c, 100 + i, START);
	}
	/* the oldest one gave its place to the newest */
	assert_int_equal(
		case_rank(&c, &policy, GIB, START + SEC, processes, CASE_BACKOFFS_MAX + 1, ret), 1);
	assert_int_equal(ret[0].candidate->pid, 100);
}

/* That no process may be killed is reported once, and again after the scope was calm. */
static void test_standing_down(void **state)
{
	struct scope_case c = begin(false);
	uint64_t act_ns = run_until_act(&c, START, START + 20 * SEC, false);
	struct judgement j;

	(void)state;
	assert_true(case_stand_down(&c, CASE_NONE_PERMITTED, act_ns));
	act_ns = run_until_act(&c, act_ns + TICK, act_ns + 20 * SEC, false);
	assert_true(act_ns != 0);
	assert_false(case_stand_down(&c, CASE_NONE_PERMITTED, act_ns));
	assert_false(case_stand_down(&c, CASE_RECOVERED, act_ns));
	/* what cannot be listed is tried again at once, and each failure is reported */
	act_ns = run_until_act(&c, act_ns + TICK, act_ns + 20 * SEC, false);
	assert_true(case_stand_down(&c, CASE_NOT_LISTED, act_ns));
	assert_true(run_until_act(&c, act_ns + TICK, act_ns + SEC, false) != 0);
	assert_false(c.pending);

	for (uint64_t now = act_ns + 2 * SEC; now < act_ns + 10 * SEC; now += TICK) {
		struct sample sample = see(now, act_ns + 100 * SEC);

		case_see(&c, &sample);
		j = case_step(&c, &policy, &sample, NULL, 0, false);
	}
	assert_true(j.judged && j.verdict.reason == REASON_CALM);
	assert_true(case_stand_down(&c, CASE_NONE_PERMITTED, act_ns + 10 * SEC));
}

/* Ticks as run_until_act(), with a kill of the kernel before each; how long until an action. */
static uint64_t act_ns_beside_kernel_kills(uint64_t freed_bytes)
{
	struct scope_case c = begin(false);

	for (uint64_t now = START; now < START + 60 * SEC; now += TICK) {
		case_kernel_killed(&c, &policy, freed_bytes, now - 1);
		if (run_until_act(&c, now, now, false))
			return now - START;
	}
	return UINT64_MAX;
}

/*
 * Kills of the kernel in a scope (an OOM loop in a small cgroup of any user) do not count for the
 * limit of kills a minute. A kill that does not matter to the scope does not settle it.
 */
static void test_kernel_kills(void **state)
{
	struct scope_case c = begin(false);
	uint64_t alone_ns = run_until_act(&c, START, START + 20 * SEC, false) - START;
	uint64_t act_ns;

	(void)state;
	/* 1 % of 256 MiB is 2.56 MiB */
	assert_int_equal(act_ns_beside_kernel_kills(0), alone_ns);
	assert_int_equal(act_ns_beside_kernel_kills(256 * MIB / 100), alone_ns);
	act_ns = act_ns_beside_kernel_kills(3 * MIB);
	assert_in_range(act_ns, alone_ns + TICK, alone_ns + 2 * SEC);
	assert_int_equal(act_ns_beside_kernel_kills(100 * MIB), act_ns);
}

/* An action is not needed where the kernel freed a tenth of the scope within the last second. */
static void test_kernel_kill_and_choice(void **state)
{
	const struct evidence evidence = {.held_bytes = 150 * MIB};
	struct scope_case c = begin(false);

	(void)state;
	assert_true(case_still_short(&c, &evidence, 150 * MIB, START));
	assert_true(case_still_short(&c, &evidence, 136 * MIB, START));
	assert_false(case_still_short(&c, &evidence, 134 * MIB, START));
	(void)run_until_act(&c, START, START, false); /* it holds 200 MiB */
	case_kernel_killed(&c, &policy, 50 * MIB, START + MS);
	assert_false(case_still_short(&c, &evidence, 150 * MIB, START + SEC));
	assert_true(case_still_short(&c, &evidence, 190 * MIB, START + SEC));
	assert_true(case_still_short(&c, &evidence, 150 * MIB, START + SEC + MS));
}

/*
 * One request for all: on the node BestEffort pods come first, ourselves never, and a process that
 * could not be killed is passed over. (`top` named another next victim before.)
 */
static void test_ranking(void **state)
{
	const struct candidate processes[] = {
		{.pid = 100, .anon_bytes = 300 * MIB, .comm = "big", .place = PLACE_HOST},
		{.pid = 101,
		 .anon_bytes = 100 * MIB,
		 .comm = "pod",
		 .place = PLACE_POD,
		 .pod_uid = "u",
		 .qos = QOS_BESTEFFORT},
		{.pid = SELF, .anon_bytes = 900 * MIB, .comm = "fastoom-bpf", .place = PLACE_HOST},
	};
	struct scope_case node = begin(true), cgroup = begin(false);
	struct victim ret[ARRAY_SIZE(processes)];
	const size_t n = ARRAY_SIZE(processes);

	(void)state;
	assert_int_equal(case_rank(&node, &policy, GIB, START, processes, n, ret), 2);
	assert_int_equal(ret[0].candidate->pid, 101);
	assert_int_equal(case_rank(&cgroup, &policy, GIB, START, processes, n, ret), 2);
	assert_int_equal(ret[0].candidate->pid, 100);
	case_back_off(&node, 101, START);
	assert_int_equal(case_rank(&node, &policy, GIB, START, processes, n, ret), 1);
	assert_int_equal(ret[0].candidate->pid, 100);
}

/*
 * A new member whose file is not known yet is spared where a rule asks for it, and the others of
 * its group die. (The whole group was given up before, for one process.)
 */
static void test_members(void **state)
{
	struct rule rule = {.has_uid = true, .uid_from = 5, .uid_to = 5, .text = (char *)"uid: 5"};
	const struct policy group_policy = {.name = (char *)"p",
					    .kill = KILL_UNIT_GROUP,
					    .max_victims = 10,
					    .protect = {&rule, 1}};
	const struct candidate processes[] = {
		{.pid = 100, .group = 100, .anon_bytes = 300 * MIB, .comm = "leader"},
		{.pid = 101, .group = 100, .anon_bytes = 1, .comm = "small"},
		{.pid = 102, .group = 100, .uid = 5, .anon_bytes = 50 * MIB, .comm = "protected"},
		{.pid = 103, .group = 200, .anon_bytes = 500 * MIB, .comm = "other"},
	};
	const struct victim leader = {.candidate = &processes[0], .sharers = 1};
	const struct victim_group group = victim_group_of(&group_policy, &leader);
	struct victim ret[ARRAY_SIZE(processes)];
	struct scope_case c = begin(false);
	struct victim_members members = case_rank_members(&c, &group_policy, GIB, START, &group,
							  processes, ARRAY_SIZE(processes), ret);

	(void)state;
	assert_int_equal(members.dying, 2);
	assert_int_equal(members.spared, 1);
	assert_int_equal(ret[0].candidate->group + ret[1].candidate->group, 200);
	assert_int_equal(ret[2].candidate->pid, 102);
	assert_int_equal(ret[2].excluded, VICTIM_PROTECTED);
}

/*
 * The names of a leading process are not read yet. The choice waits for them, but no longer than
 * CASE_UNREAD_NS. The next process in order, an innocent one, is not chosen at once.
 */
static void test_unread_names(void **state)
{
	struct candidate processes[] = {
		{.pid = 100, .anon_bytes = 300 * MIB, .comm = "unread"},
		{.pid = 101,
		 .anon_bytes = 100 * MIB,
		 .comm = "innocent",
		 .exe = "/bin/innocent",
		 .cmdline = "innocent"},
		{.pid = 102, .anon_bytes = 50 * MIB, .comm = "behind"},
		{.pid = 103, .anon_bytes = 1, .comm = "small"},
	};
	static struct config_errors errors;
	char text[] = "policies: [ { name: n, match: { node: true }, "
		      "protect: [ { exe: '^/nothing' } ] } ]";
	char name[] = "test";
	const struct config_file file = {name, text, sizeof(text) - 1};
	const size_t n = ARRAY_SIZE(processes);
	const struct candidate *unread[ARRAY_SIZE(processes)];
	struct victim ret[ARRAY_SIZE(processes)];
	struct scope_case c = begin(false);
	const struct policy *asks;
	struct config *config;

	(void)state;
	assert_int_equal(config_parse(&file, 1, &config, &errors), 0);
	asks = &config->policies[0];
	assert_int_equal(case_rank(&c, asks, GIB, START, processes, n, ret), 1);
	assert_int_equal(case_unread(&c, asks, GIB, START, ret, n, 1, unread, n), 1);
	assert_int_equal(unread[0]->pid, 100);
	assert_false(case_stand_down(&c, CASE_UNREAD, START));
	assert_false(case_stand_down_waits(CASE_UNREAD));
	assert_int_equal(case_unread(&c, asks, GIB, START + TICK, ret, n, 1, unread, n), 1);
	/* a second one does not prolong the wait */
	assert_false(case_stand_down(&c, CASE_UNREAD, START + TICK));
	assert_int_equal(case_unread(&c, asks, GIB, START + CASE_UNREAD_NS, ret, n, 1, unread, n),
			 0);
	/* the next action may wait again */
	case_open(&c, 7, false);
	case_close(&c, CASE_KILLED, 101, START + SEC);
	assert_int_equal(case_unread(&c, asks, GIB, START + SEC, ret, n, 1, unread, n), 1);

	/* the choice does not wait for what is read and still unknown */
	processes[0].cmdline = "unread";
	assert_int_equal(case_rank(&c, asks, GIB, START, processes, n, ret), 1);
	assert_int_equal(case_unread(&c, asks, GIB, START, ret, n, 1, unread, n), 0);
	/* no process may be killed: the choice waits for those that are not too small */
	processes[1].exe = "/nothing";
	assert_int_equal(case_rank(&c, asks, GIB, START, processes, n, ret), 0);
	assert_int_equal(case_unread(&c, asks, GIB, START, ret, n, 0, unread, n), 1);
	assert_int_equal(unread[0]->pid, 102);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_action_at_a_time),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_backoffs_are_bounded),
		cmocka_unit_test(test_standing_down),
		cmocka_unit_test(test_kernel_kills),
		cmocka_unit_test(test_kernel_kill_and_choice),
		cmocka_unit_test(test_ranking),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_unread_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

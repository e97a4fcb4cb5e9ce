// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * relief: what a kill would give back, and what follows from it: whether to kill, whom, and
 * whether it worked.
 */
#include "unit.h"

#include <string.h>

#include "base/util.h"
#include "judge/candidate.h"
#include "judge/case.h"
#include "judge/config.h"
#include "judge/relief.h"

#define START	   (1000 * SEC)
#define TICK	   (100 * MS)
#define SELF	   4711
#define PAGES(mib) ((double)((mib)*MIB) / 4096)

static const struct policy policy = {.name = (char *)"p",
				     .pressure = PRESSURE_MEDIUM,
				     .kills_per_minute = POLICY_KILLS_PER_MINUTE,
				     .max_victims = POLICY_MAX_VICTIMS};

enum {
	SERVICE = 100,
	BUSY = 200,
	STREAM = 300,
};

/* A tick of a process that is blocked for @blocked of it, by refaults in distance slot @slot. */
static struct process_span suffers(int pid, double blocked, int slot)
{
	struct process_span span = {
		.pid = pid,
		.start_boot_ns = (uint64_t)pid,
		.lost_ns = (uint64_t)(blocked * (double)TICK),
		.blocked_ns = (uint64_t)(blocked * (double)TICK),
		.run_ns = (uint64_t)((1 - blocked) * (double)TICK),
		.added_pages = 160,
		.samples = 10,
	};

	span.refaults[slot] = 10;
	return span;
}

/* It waits for new pages all the time: none of them is a refault. */
static struct process_span streams(int pid)
{
	struct process_span span = suffers(pid, 1, 0);

	span.refaults[0] = 0;
	return span;
}

static struct process_span runs(int pid)
{
	return (struct process_span){.pid = pid, .start_boot_ns = (uint64_t)pid, .run_ns = TICK};
}

static struct relief_state after(const struct process_span *spans, size_t n, unsigned ticks)
{
	struct relief_state state = {0};

	for (unsigned i = 0; i <= ticks; i++)
		relief_add(&state, START + i * TICK, spans, n, 16);
	return state;
}

/* A blocked process beside busy neighbours gains all, and a stream nothing. */
static void test_neighbours_hide_nothing(void **state)
{
	struct process_span spans[32] = {suffers(SERVICE, 1, 3)};
	struct relief_state relief;
	struct relief found;

	(void)state;
	for (int i = 1; i < 32; i++)
		spans[i] = runs(BUSY + i);
	relief = after(spans, 32, 30);
	found = relief_of(&relief, PAGES(100), 0);
	assert_true(found.known);
	assert_true(found.share > 0.9);
	assert_int_equal(found.pid, SERVICE);

	spans[0] = streams(STREAM);
	relief = after(spans, 32, 30);
	assert_true(relief_of(&relief, PAGES(100), 0).share < 0.01);
}

/* A process with time to spare loses much of what it wants, and is not blocked. */
static void test_time_to_spare(void **state)
{
	struct process_span span = suffers(SERVICE, 0.3, 3);
	struct relief_state relief;

	(void)state;
	span.run_ns = 0;
	relief = after(&span, 1, 30);
	assert_true(relief_of(&relief, PAGES(100), 0).share < 0.5);
}

/* Freeing more never relieves less, and what is farther away than it frees is not relieved. */
static void test_distance(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 6); /* 2^14 to 2^15 pages: 64 to 128 MiB */
	struct relief_state relief = after(&span, 1, 30);
	double last = 0;

	(void)state;
	assert_true(relief_of(&relief, PAGES(32), 0).share < 0.01);
	assert_true(relief_of(&relief, PAGES(256), 0).share > 0.9);
	for (uint64_t mib = 1; mib < 512; mib++) {
		double share = relief_of(&relief, PAGES(mib), 0).share;

		assert_true(share >= last);
		last = share;
	}
}

/* The dead gain nothing: the relief of a sufferer's own kill is that of the others. */
static void test_the_dead_gain_nothing(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 3);
	struct relief_state relief = after(&span, 1, 30);

	(void)state;
	assert_int_equal(relief.list[0].pid, SERVICE);
	assert_true(relief_of(&relief, PAGES(100), 1).share < 0.01);
}

/* More processes than there are places: the one that suffers has one. */
static void test_more_processes_than_places(void **state)
{
	struct process_span spans[4 * RELIEF_PROCESSES_MAX];
	struct relief_state relief;

	(void)state;
	for (int i = 0; i < (int)ARRAY_SIZE(spans); i++)
		spans[i] = suffers(1000 + i, 0.01, 11);
	spans[ARRAY_SIZE(spans) - 1] = suffers(SERVICE, 1, 3);
	relief = after(spans, ARRAY_SIZE(spans), 30);
	assert_int_equal(relief.count, RELIEF_PROCESSES_MAX);
	assert_int_equal(relief_of(&relief, PAGES(100), 0).pid, SERVICE);
}

/* What was lost is forgotten, and a gap forgets everything. */
static void test_it_is_forgotten(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 3);
	struct relief_state relief = after(&span, 1, 30);

	(void)state;
	for (unsigned i = 31; i < 60; i++)
		relief_add(&relief, START + i * TICK, NULL, 0, 16);
	assert_true(relief_of(&relief, PAGES(100), 0).share < 0.1);
	relief = after(&span, 1, 30);
	relief_add(&relief, START + 100 * SEC, NULL, 0, 16);
	assert_int_equal(relief.count, 0);
}

/* ---- the victim ----------------------------------------------------------------------------- */

static struct candidate process(int pid, uint64_t anon_mib, const char *comm)
{
	return (struct candidate){.pid = pid,
				  .start_boot_ns = (uint64_t)pid,
				  .anon_bytes = anon_mib * MIB,
				  .comm = comm};
}

static size_t rank_with(const struct relief_state *relief, const struct candidate *candidates,
			size_t n, struct victim *ret)
{
	const struct victim_request request = {.policy = &policy,
					       .scope_bytes = 512 * MIB,
					       .self_pid = SELF,
					       .relief = relief,
					       .page_bytes = 4096};

	return victim_rank(&request, candidates, n, ret);
}

static enum victim_exclusion excluded(const struct victim *victims, size_t n, int pid)
{
	for (size_t i = 0; i < n; i++)
		if (victims[i].candidate->pid == pid)
			return victims[i].excluded;
	fail_msg("%d is not in the ranking", pid);
	return VICTIM_ELIGIBLE;
}

/* The service loses pages at 64 to 128 MiB: an innocent of 12 MiB dies for nothing, and is spared.
 */
static void test_little_relief(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 6);
	struct relief_state relief = after(&span, 1, 30);
	const struct candidate list[] = {process(SERVICE, 10, "service"),
					 process(BUSY, 12, "small"), process(400, 300, "hog")};
	struct victim victims[3];

	(void)state;
	assert_int_equal(rank_with(&relief, list, 3, victims), 1);
	assert_int_equal(victims[0].candidate->pid, 400);
	assert_int_equal(excluded(victims, 3, BUSY), VICTIM_LITTLE);
	assert_int_equal(excluded(victims, 3, SERVICE), VICTIM_SUFFERER);
	/* without the evidence all three are candidates */
	assert_int_equal(rank_with(NULL, list, 3, victims), 3);
}

/* The only one that could die is the one that suffers: it dies for nothing, so nobody dies. */
static void test_a_sufferer_never_dies(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 3);
	struct relief_state relief = after(&span, 1, 30);
	const struct candidate list[] = {process(SERVICE, 100, "service")};
	struct victim victims[1];

	(void)state;
	assert_int_equal(rank_with(&relief, list, 1, victims), 0);
	assert_int_equal(excluded(victims, 1, SERVICE), VICTIM_SUFFERER);
}

/* ---- the case ------------------------------------------------------------------------------- */

/* A scope at @level of its limit with nothing wrong but what the spans say. */
static struct sample see(uint64_t at_ns, double level)
{
	uint64_t t = at_ns - START;

	return (struct sample){
		.at_ns = at_ns,
		.has = SAMPLE_HAS_STALL | SAMPLE_HAS_WAITS | SAMPLE_HAS_LEVEL |
		       SAMPLE_HAS_PROCESSES | SAMPLE_HAS_PAGE_BYTES | SAMPLE_HAS_SAMPLING,
		.stall_ns = t / 100,
		.reclaims = t / MS,
		.reclaimed_pages = t / MS * 32,
		.run_ns = t,
		.added_pages = t / MS * 16,
		.pages_per_sample = 16,
		.samples = t / MS,
		.total_bytes = 512 * MIB,
		.held_bytes = (uint64_t)(level * 512 * MIB),
		.usage_bytes = 512 * MIB,
		.anon_bytes = (uint64_t)(level * 512 * MIB),
		.file_lru_bytes = (uint64_t)((1 - level) * 512 * MIB),
		.page_bytes = 4096,
	};
}

static const struct candidate hog_and_service[] = {
	{.pid = SERVICE, .start_boot_ns = SERVICE, .anon_bytes = 10 * MIB, .comm = "service"},
	{.pid = 400, .start_boot_ns = 400, .anon_bytes = 300 * MIB, .comm = "hog"},
};

/* Ticks until the first verdict that acts; 0: none until @to_ns. */
static uint64_t run(struct scope_case *c, const struct process_span *span, double level,
		    uint64_t from_ns, uint64_t to_ns, struct judgement *ret)
{
	for (uint64_t now = from_ns; now <= to_ns; now += TICK) {
		struct sample sample = see(now, level);
		struct victim victims[2];

		case_see(c, &sample);
		if ((now - START) % SEC == 0)
			(void)case_list(c, &policy, 512 * MIB, now, hog_and_service, 2, victims);
		*ret = case_step(c, &policy, &sample, span, 1, false);
		if (ret->judged && ret->verdict.action == VERDICT_ACT)
			return now;
		if (ret->relief_measured)
			return 0;
	}
	return 0;
}

/*
 * No feature can veto: whatever else is unknown or zero, 90 % of the time of an established process
 * that is lost for 3 s to pages within reach acts at `medium`; design.md, section 5.
 */
static void test_relief_alone_acts(void **state)
{
	(void)state;
	for (double level = 0.35; level < 1; level += 0.1) {
		struct process_span span = suffers(SERVICE, 0.9, 3);
		struct judgement j;
		struct scope_case c;
		uint64_t act_ns;

		case_begin(&c, false, SELF, START);
		act_ns = run(&c, &span, level, START, START + 10 * SEC, &j);
		assert_true(act_ns != 0);
		assert_true(act_ns <= START + 3 * SEC);
	}
}

/* A stream, however long it waits, and a process whose pages are out of reach, do not. */
static void test_no_relief_waits(void **state)
{
	const struct process_span spans[] = {streams(STREAM), suffers(SERVICE, 1, 11)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		struct judgement j;
		struct scope_case c;

		case_begin(&c, false, SELF, START);
		assert_true(run(&c, &spans[i], 0.8, START, START + 60 * SEC, &j) == 0);
	}
}

/* Two kills after which the service loses as much as before: none for a minute, then again. */
static void test_useless_kills_stop(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 3);
	uint64_t now = START;
	struct judgement j;
	struct scope_case c;

	(void)state;
	case_begin(&c, false, SELF, START);
	for (uint64_t id = 1; id <= 2; id++) {
		now = run(&c, &span, 0.8, now, now + 10 * SEC, &j);
		assert_true(now != 0);
		case_open(&c, id, false);
		case_signalled(&c, id == 1 ? "one" : "two", 0, now);
		case_close(&c, CASE_KILLED, 400, now + TICK);
		now += 2 * TICK;
	}
	/* the second is measured when the scope would be acted on again */
	assert_true(run(&c, &span, 0.8, now, now + 10 * SEC, &j) == 0);
	assert_true(j.relief_measured);
	assert_int_equal(j.relief_action, 2);
	assert_true(j.relief_after < 0.1);
	now = j.evidence.at_ns + TICK;
	assert_true(run(&c, &span, 0.8, now, now + 50 * SEC, &j) == 0);
	assert_int_equal(j.verdict.reason, REASON_NO_RELIEF);
	assert_true(run(&c, &span, 0.8, now + 50 * SEC, now + 70 * SEC, &j) != 0);
}

/* A kill that helps is measured as what was predicted, within a factor of two. */
static void test_relief_is_measured(void **state)
{
	struct process_span span = suffers(SERVICE, 1, 3);
	struct judgement j;
	struct scope_case c;
	uint64_t now;

	(void)state;
	case_begin(&c, false, SELF, START);
	now = run(&c, &span, 0.8, START, START + 10 * SEC, &j);
	case_open(&c, 1, false);
	case_signalled(&c, "hog", 400, now);
	case_close(&c, CASE_KILLED, 400, now + TICK);
	span = runs(SERVICE);
	assert_true(run(&c, &span, 0.2, now + 2 * TICK, now + 10 * SEC, &j) == 0);
	assert_true(j.relief_measured);
	assert_true(j.relief_after > j.relief_predicted / 2);
	assert_true(j.relief_after < j.relief_predicted * 2);
}

/* A fork bomb: the third kill of a name whose births outrun the kills takes its kin together. */
static void test_a_bomb_is_taken_together(void **state)
{
	struct candidate list[12];
	struct victim victims[12];
	struct scope_case c;
	struct victim_group group;
	struct victim_members members;
	size_t n;

	(void)state;
	list[0] = process(50, 100, "innocent");
	list[0].session = 50;
	for (int i = 1; i < 12; i++) {
		list[i] = process(500 + i, 30, "bomb");
		list[i].session = 500;
		list[i].growth_bytes = 30 * MIB;
	}
	case_begin(&c, false, SELF, START);
	for (int kill = 0; kill < 3; kill++) {
		n = case_rank(&c, &policy, 512 * MIB, START + (uint64_t)kill * SEC, list, 12,
			      victims);
		assert_true(n > 0);
		assert_string_equal(victims[0].candidate->comm, "bomb");
		group = victim_group_of(&policy, &victims[0]);
		case_widen_group(&c, START + (uint64_t)kill * SEC, victims, 12, &group);
		assert_int_equal(group.unit, kill < 2 ? KILL_UNIT_PROCESS : KILL_UNIT_KIN);
		case_signalled(&c, "bomb", 500, START + (uint64_t)kill * SEC);
	}
	members = case_rank_members(&c, &policy, 512 * MIB, START + 3 * SEC, &group, list, 12,
				    victims);
	assert_int_equal(members.dying, 11);
	for (size_t i = 0; i < members.dying; i++)
		assert_string_equal(victims[i].candidate->comm, "bomb");

	/* without births it is a service whose workers die one by one */
	case_begin(&c, false, SELF, START);
	case_signalled(&c, "bomb", 1000, START);
	case_signalled(&c, "bomb", 1000, START + SEC);
	(void)case_rank(&c, &policy, 512 * MIB, START + 2 * SEC, list, 12, victims);
	group = victim_group_of(&policy, &victims[0]);
	case_widen_group(&c, START + 2 * SEC, victims, 12, &group);
	assert_int_equal(group.unit, KILL_UNIT_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbours_hide_nothing),
		cmocka_unit_test(test_time_to_spare),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_the_dead_gain_nothing),
		cmocka_unit_test(test_more_processes_than_places),
		cmocka_unit_test(test_it_is_forgotten),
		cmocka_unit_test(test_little_relief),
		cmocka_unit_test(test_a_sufferer_never_dies),
		cmocka_unit_test(test_relief_alone_acts),
		cmocka_unit_test(test_no_relief_waits),
		cmocka_unit_test(test_useless_kills_stop),
		cmocka_unit_test(test_relief_is_measured),
		cmocka_unit_test(test_a_bomb_is_taken_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* How much proactive reclaim takes from a cgroup near its limit, when it pauses, and when it ends.
 */
#include "judge/proactive.h"
#include "unit/unit.h"

#define LIMIT (1024 * MIB)
#define RATIO 0.95

/* A simulated cgroup, from which a step reclaims the part `gives` of its request. */
struct scope {
	struct proactive proactive;
	struct proactive_look look;
	struct proactive_step step;
	uint64_t reclaimed_bytes;
	unsigned looks;
	double gives; /* 0..1 */
};

static struct scope scope_at(double level)
{
	return (struct scope){
		.look = {.at_ns = 5 * SEC,
			 .usage_bytes = (uint64_t)(level * LIMIT),
			 .limit_bytes = LIMIT},
		.gives = 1,
	};
}

static void look(struct scope *scope)
{
	uint64_t reclaimed;

	scope->looks++;
	scope->step = proactive_decide(&scope->proactive, RATIO, &scope->look);
	reclaimed = (uint64_t)(scope->gives * (double)scope->step.bytes);
	scope->look.reclaimed_bytes = reclaimed;
	scope->look.usage_bytes -= reclaimed;
	scope->reclaimed_bytes += reclaimed;
}

/* Follows the decisions for @ns, while @inflow bytes/s are charged; a step takes 2 ms. */
static void run(struct scope *scope, uint64_t ns, uint64_t inflow)
{
	uint64_t end = scope->look.at_ns + ns;

	while (scope->look.at_ns < end) {
		uint64_t wait_ns;

		look(scope);
		if (scope->step.over)
			return;
		wait_ns = scope->step.wait_ns ? scope->step.wait_ns : 2 * MS;
		scope->look.at_ns += wait_ns;
		scope->look.usage_bytes += inflow / 1000 * wait_ns / MS;
		assert_true(scope->look.usage_bytes < LIMIT);
	}
}

/* It begins at the mark and ends at the goal; between them it keeps on with what it does. */
static void test_hysteresis(void **state)
{
	struct scope scope = scope_at(0.93);

	(void)state;
	look(&scope);
	assert_int_equal(scope.step.bytes, 0);
	scope.look.at_ns += SEC;
	scope.look.usage_bytes = (uint64_t)(0.951 * LIMIT);
	look(&scope);
	assert_true(scope.step.bytes > 0);
	assert_int_equal(scope.step.wait_ns, 0);
	while (scope.step.bytes) {
		/* never more than a chunk, never below the goal */
		assert_true(scope.step.bytes <= 16 * MIB);
		assert_true(scope.look.usage_bytes >= (uint64_t)(0.90 * LIMIT) - 1);
		scope.look.at_ns += MS;
		look(&scope);
	}
	assert_true(scope.look.usage_bytes < (uint64_t)(0.901 * LIMIT));
	assert_int_equal(scope.proactive.stops, 0);
}

/* A chunk is 1 MiB at least and 16 MiB at most. */
static void test_chunks(void **state)
{
	struct scope small = scope_at(0.99), large = scope_at(0.99);

	(void)state;
	small.look.limit_bytes = 64 * MIB;
	small.look.usage_bytes = 63 * MIB;
	look(&small);
	assert_int_equal(small.step.bytes, MIB);
	large.look.limit_bytes = 512 * GIB;
	large.look.usage_bytes = 511 * GIB;
	look(&large);
	assert_int_equal(large.step.bytes, 16 * MIB);
	small.look.limit_bytes = UINT64_MAX;
	look(&small);
	assert_true(small.step.over);
}

/* A stream does not reach the limit; looks are more frequent if it is faster. */
static void test_stream(void **state)
{
	struct scope slow = scope_at(0.90), fast = scope_at(0.90);

	(void)state;
	run(&slow, 20 * SEC, 10 * MIB);
	run(&fast, 20 * SEC, 400 * MIB);
	assert_false(slow.step.over || fast.step.over);
	assert_int_equal(slow.proactive.stops + fast.proactive.stops, 0);
	/* all that was charged but what fits below the mark */
	assert_true(slow.reclaimed_bytes >= 140 * MIB && slow.reclaimed_bytes <= 200 * MIB);
	assert_true(fast.reclaimed_bytes >= 7800 * MIB && fast.reclaimed_bytes <= 8000 * MIB);
	assert_true(slow.looks < 300);
	assert_true(fast.looks > slow.looks);
}

/* A cgroup whose usage does not change is forgotten; far from the mark looks are rare. */
static void test_over(void **state)
{
	struct scope near_mark = scope_at(0.94), far = scope_at(0.2),
		     unreclaimable = scope_at(0.97);

	(void)state;
	run(&near_mark, 120 * SEC, 0);
	assert_true(near_mark.step.over);
	assert_true(near_mark.look.at_ns <= 67 * SEC);
	run(&far, 120 * SEC, 0);
	assert_true(far.step.over);
	assert_true(far.looks <= 70);
	/* nothing can be reclaimed from it: a few attempts, then it is forgotten */
	unreclaimable.gives = 0;
	run(&unreclaimable, 300 * SEC, 0);
	assert_true(unreclaimable.step.over);
	assert_true(unreclaimable.proactive.stops >= 3 && unreclaimable.proactive.stops <= 6);
	assert_int_equal(unreclaimable.reclaimed_bytes, 0);
}

/* All that is reclaimed is refaulted: each pause is twice as long. */
static void test_refaults(void **state)
{
	struct scope scope = scope_at(0.96);
	uint64_t first_ns;

	(void)state;
	look(&scope);
	for (int i = 0; i < 1000 && !scope.proactive.stops; i++) {
		scope.look.at_ns += 2 * MS;
		scope.look.usage_bytes += scope.look.reclaimed_bytes;
		scope.look.refault_bytes += scope.look.reclaimed_bytes;
		look(&scope);
	}
	assert_int_equal(scope.proactive.stops, 1);
	first_ns = scope.step.wait_ns;
	assert_int_equal(first_ns, SEC);
	/* no reclaim during the pause */
	scope.look.at_ns += first_ns / 2;
	look(&scope);
	assert_int_equal(scope.step.bytes, 0);
	assert_int_equal(scope.step.wait_ns, first_ns / 2);
	scope.look.at_ns += first_ns / 2;
	look(&scope);
	assert_true(scope.step.bytes > 0);
	for (int i = 0; i < 1000 && scope.proactive.stops == 1; i++) {
		scope.look.at_ns += 2 * MS;
		scope.look.usage_bytes += scope.look.reclaimed_bytes;
		scope.look.refault_bytes += scope.look.reclaimed_bytes;
		look(&scope);
	}
	assert_int_equal(scope.step.wait_ns, 2 * first_ns);
	/* long after the last pause, the next one is short again */
	scope.look.at_ns += scope.step.wait_ns;
	run(&scope, 15 * SEC, 20 * MIB);
	assert_int_equal(scope.proactive.stops, 2);
	scope.look.refault_bytes += 200 * MIB;
	look(&scope);
	assert_int_equal(scope.proactive.stops, 3);
	assert_int_equal(scope.step.wait_ns, first_ns);
}

/* Some refaults do not make it pause. */
static void test_few_refaults(void **state)
{
	struct scope scope = scope_at(0.90);

	(void)state;
	for (int i = 0; i < 40; i++) {
		uint64_t before = scope.reclaimed_bytes;

		run(&scope, 500 * MS, 100 * MIB);
		scope.look.refault_bytes += (scope.reclaimed_bytes - before) / 5;
	}
	assert_true(scope.reclaimed_bytes > 1800 * MIB);
	assert_int_equal(scope.proactive.stops, 0);
}

/* Two looks at the same time: the second one changes nothing. */
static void test_clock(void **state)
{
	struct scope scope = scope_at(0.97);

	(void)state;
	look(&scope);
	look(&scope);
	assert_int_equal(scope.step.bytes, 0);
	assert_true(scope.step.wait_ns > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hysteresis), cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_stream),	   cmocka_unit_test(test_over),
		cmocka_unit_test(test_refaults),   cmocka_unit_test(test_few_refaults),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * replay: what was judged when it was recorded is judged again, bit for bit; what would be done
 * stands beside what was done. The recordings are made here, by the steps that the daemon takes.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/exit.h"
#include "replay/replay.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/judge.h"
#include "tell/trace_write.h"

#define START_NS (1000 * SEC)
#define TICK_NS	 (100 * MS)

static char config_text[] = "policies:\n"
			    "  - { name: p, match: { cgroup: /a }, pressure: medium }\n";
static const struct trace_scope scope = {TRACE_SCOPE_CGROUP, 42, "/a"};

/* ---- recordings ---- */

struct trace {
	char *bytes;
	size_t len;
	struct trace_writer *writer;
	size_t head_len;
	bool dry_run;
	uint64_t late_ns;  /* what was put before is not there any more */
	uint64_t again_ns; /* when the scope is idle and at once hot again; 0: never */
};

static int take(void *userdata, const char *bytes, size_t len)
{
	struct trace *trace = userdata;

	trace->bytes = realloc(trace->bytes, trace->len + len);
	assert_non_null(trace->bytes);
	memcpy(trace->bytes + trace->len, bytes, len);
	trace->len += len;
	return 0;
}

static void trace_start_with(struct trace *trace, bool dry_run, const struct trace_config *configs,
			     size_t config_count)
{
	const struct trace_head head = {.wall_ns = 1795575294000000000ULL,
					.mono_ns = START_NS,
					.cpus = 2,
					.page_bytes = 4096,
					.self_pid = 1,
					.dry_run = dry_run,
					.release = "test",
					.configs = configs,
					.config_count = config_count};
	char *preamble;
	size_t len;

	*trace = (struct trace){.dry_run = dry_run};
	assert_int_equal(trace_preamble(&head, true, &preamble, &len), 0);
	take(trace, preamble, len);
	trace->head_len = len;
	free(preamble);
	assert_int_equal(trace_writer_new(&trace->writer, take, trace), 0);
}

static void trace_start(struct trace *trace, bool dry_run)
{
	const struct trace_config config = {"a.yaml", config_text, strlen(config_text)};

	trace_start_with(trace, dry_run, &config, 1);
}

static void trace_stop(struct trace *trace)
{
	trace_writer_free(trace->writer);
	free(trace->bytes);
}

/* A scope at 3/4 of its limit; from @bad_s to @well_s all of its time is lost. */
static struct sample see(uint64_t at_ns, uint64_t bad_s, uint64_t well_s)
{
	uint64_t t = at_ns - START_NS, bad = 0;

	if (t > bad_s * SEC)
		bad = (t < well_s * SEC ? t : well_s * SEC) - bad_s * SEC;
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

static const struct candidate processes[] = {
	{.pid = 100, .start_boot_ns = 5, .anon_bytes = 20 * MIB, .comm = "service"},
	{.pid = 101,
	 .start_boot_ns = 6,
	 .anon_bytes = 170 * MIB,
	 .growth_bytes = 100 * MIB,
	 .comm = "leaker",
	 .cmdline = "leak 200",
	 .cmdline_len = 8},
};

enum answer { /* what the recorded daemon made of an act */
	KILLS,
	STANDS_DOWN,
};

/*
 * What daemon, watch and incident do, for @seconds. A kill is settled after @settle_ns (a dry run
 * settles at the next tick). The kernel kills somebody at @kernel_s, if that is not 0.
 */
static size_t record(struct trace *trace, uint64_t bad_s, uint64_t well_s, uint64_t seconds,
		     uint64_t settle_ns, enum answer answer, uint64_t kernel_s)
{
	const struct policy policy = {.name = (char *)"p",
				      .pressure = PRESSURE_MEDIUM,
				      .kills_per_minute = POLICY_KILLS_PER_MINUTE};
	uint64_t settles_ns = 0, incident = 0;
	size_t kills = 0;
	struct judge judge;

	judge_begin(&judge, START_NS);
	trace_put_begin(trace->writer, &scope, START_NS);
	for (uint64_t now_ns = START_NS; now_ns < START_NS + seconds * SEC; now_ns += TICK_NS) {
		struct sample sample = see(now_ns, bad_s, well_s);
		struct judgement j;
		bool recovered;
		uint64_t mute_ns;
		char text[64];

		if (now_ns == trace->late_ns) {
			trace->len = trace->head_len;
			trace_writer_anew(trace->writer);
		}
		if (now_ns == trace->again_ns) {
			struct verdict_kills before = judge.state.kills;

			trace_put_end(trace->writer, &scope, now_ns);
			judge_begin(&judge, now_ns);
			judge.state.kills = before;
			trace_put_begin(trace->writer, &scope, now_ns);
		}

		if (kernel_s && now_ns == START_NS + kernel_s * SEC) {
			verdict_kernel_killed(&judge.state, now_ns - 5 * MS);
			trace_put_did(trace->writer, &scope,
				      &(struct trace_did){.what = TRACE_KERNEL_KILL,
							  .at_ns = now_ns - 5 * MS,
							  .pid = 77,
							  .bytes = 20 * MIB,
							  .comm = "other"});
		}
		if (incident && now_ns >= settles_ns) {
			verdict_settled(&judge.state, now_ns);
			trace_put_did(trace->writer, &scope,
				      &(struct trace_did){.what = TRACE_SETTLED,
							  .at_ns = now_ns,
							  .incident = incident,
							  .dry_run = trace->dry_run,
							  .waits = true,
							  .text = "killed"});
			incident = 0;
		}
		judge_see(&judge, &sample);
		if (now_ns % SEC == 0)
			trace_put_list(trace->writer, &scope, now_ns, processes,
				       ARRAY_SIZE(processes));
		j = judge_tick(&judge, &policy, &sample, NULL, incident != 0);
		if (j.verdict.action == VERDICT_ACT && answer == STANDS_DOWN) {
			verdict_settled(&judge.state, now_ns);
			trace_put_did(trace->writer, &scope,
				      &(struct trace_did){.what = TRACE_STOOD_DOWN,
							  .at_ns = now_ns,
							  .waits = true,
							  .text = "it recovered by itself"});
		} else if (j.verdict.action == VERDICT_ACT) {
			incident = 900 + kills++;
			verdict_killed(&judge.state, now_ns + 2 * MS);
			settles_ns = now_ns + settle_ns;
			judge.trouble = true;
			trace_put_did(trace->writer, &scope,
				      &(struct trace_did){.what = TRACE_KILL,
							  .at_ns = now_ns + 2 * MS,
							  .incident = incident,
							  .pid = 101,
							  .start_boot_ns = 6,
							  .bytes = 170 * MIB,
							  .dry_run = trace->dry_run,
							  .comm = "leaker"});
		}
		if (j.judged) {
			snprintf(text, sizeof(text), "%s %s", verdict_action_name(j.verdict.action),
				 verdict_reason_name(j.verdict.reason));
			trace_put_did(trace->writer, &scope,
				      &(struct trace_did){.what = TRACE_VERDICT,
							  .at_ns = now_ns,
							  .text = text});
		}
		trace_put_sample(trace->writer, &scope, &sample);
		(void)judge_end(&judge, now_ns, incident != 0, &recovered, &mute_ns);
	}
	return kills;
}

/* ---- replaying ---- */

static char said[4096];

static void hear(const char *line, size_t len)
{
	snprintf(said, sizeof(said), "%.*s", (int)len, line);
}

/* The output, to be freed. */
static char *replay_text(const struct trace *trace, size_t len,
			 const struct replay_options *options, int expected_code)
{
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	assert_non_null(out);
	said[0] = '\0';
	log_set_sink(hear);
	assert_int_equal(replay("t.fo", trace->bytes, len, options, out), expected_code);
	log_set_sink(NULL);
	fclose(out);
	return text;
}

static void assert_says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void assert_not_said(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("\"%s\" is in:\n%s", what, text);
}

/* Every way that things go: all verdicts come out again, twice the same to the byte. */
static void test_it_judges_as_it_was_judged(void **state)
{
	static const struct {
		uint64_t bad_s, well_s, seconds, settle_ns;
		enum answer answer;
		uint64_t kernel_s;
		bool dry_run;
		bool kills;
	} runs[] = {
		{5, 60, 20, 40 * MS, KILLS, 0, false, true},
		{5, 60, 20, 3 * SEC, KILLS, 0, false, true},
		{5, 60, 20, 10 * MS, KILLS, 0, true, true},
		{5, 8, 20, 40 * MS, KILLS, 0, false, true},
		{5, 60, 20, 40 * MS, STANDS_DOWN, 0, false, false},
		{5, 60, 20, 40 * MS, KILLS, 6, false, true},
		{30, 60, 20, 40 * MS, KILLS, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		struct trace trace;
		struct replay_options options = {0}, explain = {.explain = true},
				      json = {.json = true, .explain = true};
		const struct replay_options *ways[] = {&options, &explain, &json};
		char expected[128];

		trace_start(&trace, runs[i].dry_run);
		assert_int_equal(record(&trace, runs[i].bad_s, runs[i].well_s, runs[i].seconds,
					runs[i].settle_ns, runs[i].answer, runs[i].kernel_s) > 0,
				 runs[i].kills);
		for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
			char *first = replay_text(&trace, trace.len, ways[way], EXIT_OK);
			char *second = replay_text(&trace, trace.len, ways[way], EXIT_OK);

			assert_string_equal(first, second);
			snprintf(expected, sizeof(expected),
				 way == 2 ? "\"verdicts_recorded\":%d,\"verdicts_same\":%d}"
					  : "of %d recorded verdicts %d are the same",
				 197, 197);
			assert_says(first, expected);
			free(first);
			free(second);
		}
		trace_stop(&trace);
	}
}

/* The kills of the last minute count against a scope that was idle in between. */
static void test_kills_before_idle(void **state)
{
	struct replay_options options = {0};
	struct trace trace;
	char *text;

	(void)state;
	trace_start(&trace, false);
	trace.again_ns = START_NS + 20 * SEC;
	assert_int_equal(record(&trace, 5, 60, 30, 40 * MS, KILLS, 0), POLICY_KILLS_PER_MINUTE);
	text = replay_text(&trace, trace.len, &options, EXIT_OK);
	assert_says(text, "of 294 recorded verdicts 294 are the same");
	assert_says(text, "warn storm");
	free(text);
	trace_stop(&trace);
}

static void test_what_was_done_and_would_be(void **state)
{
	struct replay_options options = {0};
	struct trace trace;
	char *text;

	(void)state;
	trace_start(&trace, false);
	record(&trace, 5, 8, 20, 40 * MS, KILLS, 0);
	text = replay_text(&trace, trace.len, &options, EXIT_OK);
	assert_says(text, "would kill leaker[101], 170.0 MiB\n");
	assert_says(text, "  killed leaker[101], 170.0 MiB\n");
	assert_says(text, "outcome: killed");
	assert_says(text, "recovered\n");
	assert_says(text, ", when leaker[101] was killed\n");
	free(text);
	trace_stop(&trace);
}

static void write_config(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Another configuration: later, earlier, somebody else, nobody at all, another scope. */
static void test_another_configuration(void **state)
{
	static const struct {
		const char *policy;
		const char *says;
		const char *not_said;
	} configs[] = {
		{"match: { cgroup: /a }, pressure: high",
		 " s later than leaker[101] was chosen (dry run)\n", "earlier"},
		{"match: { cgroup: /a }, pressure: low",
		 " s earlier than leaker[101] was chosen (dry run)\n", "later"},
		{"match: { cgroup: /a }, prefer: [ { comm: service } ]",
		 "would kill service[100], 20.0 MiB, rule comm: service\n", "would kill leaker"},
		{"match: { cgroup: /a }, protect: [ { comm: '^' } ]",
		 "would kill no process: none of 2 may be killed\n", "would kill leaker"},
		{"match: { cgroup: '/other' }", ", when leaker[101] was chosen (dry run)\n",
		 "act near-oom"},
	};
	char path[] = "/tmp/fastoom-replay-XXXXXX", text[512];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct replay_options options = {.config_path = path};
		struct trace trace;
		char *out;

		/* chosen at 6.7 s at medium; high takes forty times what medium does */
		trace_start(&trace, true);
		record(&trace, 5, 60, i == 0 ? 25 : 7, 40 * MS, KILLS, 0);
		snprintf(text, sizeof(text), "policies:\n  - { name: q, %s }\n", configs[i].policy);
		write_config(path, text);
		out = replay_text(&trace, trace.len, &options, EXIT_OK);
		assert_says(out, configs[i].says);
		assert_not_said(out, configs[i].not_said);
		free(out);
		trace_stop(&trace);
	}
	unlink(path);
}

/*
 * What the daemon kept begins in the middle of things: judged from there on, and not held against
 * verdicts that came of what is no longer there.
 */
static void test_a_file_that_begins_midway(void **state)
{
	struct replay_options options = {0};
	struct trace trace;
	char *text;

	(void)state;
	trace_start(&trace, false);
	trace.late_ns = START_NS + 8 * SEC;
	record(&trace, 5, 60, 20, 40 * MS, KILLS, 0);
	text = replay_text(&trace, trace.len, &options, EXIT_OK);
	assert_says(text, "act near-oom");
	assert_says(text, "would kill leaker[101]");
	assert_says(text, "120 samples of 1 scope");
	assert_says(text, "of 0 recorded verdicts 0 are the same");
	free(text);
	trace_stop(&trace);
}

/* Its beginning is told, then one error with the place, and exit code 1. */
static void test_a_file_that_was_cut_off(void **state)
{
	struct replay_options options = {0};
	struct trace trace;
	char *text;

	(void)state;
	trace_start(&trace, false);
	record(&trace, 5, 8, 20, 40 * MS, KILLS, 0);
	text = replay_text(&trace, trace.len - 1, &options, EXIT_FAILED);
	assert_says(text, "199 samples of 1 scope");
	assert_says(said, "t.fo: offset ");
	assert_says(said, "the file ends within a frame; everything before it is valid");
	free(text);
	trace.bytes[trace.len / 2] ^= 4;
	text = replay_text(&trace, trace.len, &options, EXIT_FAILED);
	assert_says(said, "t.fo: offset ");
	free(text);
	text = replay_text(&trace, 0, &options, EXIT_FAILED);
	assert_string_equal(text, "");
	assert_says(said, "t.fo: offset 0: the file is empty");
	free(text);
	trace_stop(&trace);
}

/* A recorded configuration is all of its files: here a drop-in names the scope. */
static void test_a_configuration_of_two_files(void **state)
{
	static const char first[] = "policies:\n  - { name: q, match: { cgroup: /b } }\n";
	const struct trace_config configs[] = {
		{"a.yaml", first, sizeof(first) - 1},
		{"config.d/b.yaml", config_text, strlen(config_text)},
	};
	struct replay_options options = {0};
	struct trace trace;
	char *text;

	(void)state;
	trace_start_with(&trace, false, configs, ARRAY_SIZE(configs));
	record(&trace, 5, 8, 20, 40 * MS, KILLS, 0);
	text = replay_text(&trace, trace.len, &options, EXIT_OK);
	assert_says(text, "judged by: a.yaml and 1 drop-in\n");
	assert_says(text, "would kill leaker[101], 170.0 MiB\n");
	free(text);
	trace_stop(&trace);

	/* a name that both have */
	trace_start_with(&trace, false, (struct trace_config[]){configs[1], configs[1]}, 2);
	record(&trace, 5, 8, 20, 40 * MS, KILLS, 0);
	text = replay_text(&trace, trace.len, &options, EXIT_USAGE);
	assert_says(said, "(config.d/b.yaml:2:13: name: is 'p', the name of the policy of ");
	free(text);
	trace_stop(&trace);
}

static void test_a_configuration_that_is_none(void **state)
{
	struct replay_options options = {0};
	struct trace trace;
	char *text, *in;

	(void)state;
	in = strstr(config_text, "pressure");
	memcpy(in, "pleasure", 8);
	trace_start(&trace, false);
	memcpy(in, "pressure", 8);
	record(&trace, 5, 8, 20, 40 * MS, KILLS, 0);
	text = replay_text(&trace, trace.len, &options, EXIT_USAGE);
	assert_says(said,
		    "t.fo: the recorded configuration is not valid for this build (a.yaml:2:");
	assert_says(said, "pass one with -c");
	free(text);
	trace_stop(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_judges_as_it_was_judged),
		cmocka_unit_test(test_kills_before_idle),
		cmocka_unit_test(test_what_was_done_and_would_be),
		cmocka_unit_test(test_another_configuration),
		cmocka_unit_test(test_a_file_that_begins_midway),
		cmocka_unit_test(test_a_file_that_was_cut_off),
		cmocka_unit_test(test_a_configuration_of_two_files),
		cmocka_unit_test(test_a_configuration_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "daemon/incident_data.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/held_by.h"
#include "judge/history.h"
#include "judge/verdict.h"
#include "judge/victim.h"
#include "judge/window.h"
#include "sense/cgroup.h"
#include "tell/record.h"
#include "tell/writer.h"
#include "unit/strict_json.h"
#include "unit/unit.h"

#define EVERYTHING                                                                                 \
	(EVIDENCE_HAS_STALL | EVIDENCE_HAS_THRASH | EVIDENCE_HAS_LEVEL | EVIDENCE_HAS_TURNOVER |   \
	 EVIDENCE_HAS_FAULTS | EVIDENCE_HAS_UNPRODUCTIVE)

/* The parts of the record of a kill. */
struct parts {
	struct record_head head;
	struct verdict verdict;
	struct evidence evidence;
	struct candidate candidates[1 + RECORD_RUNNERS_UP + 2];
	struct victim victims[1 + RECORD_RUNNERS_UP + 2];
	struct rule rule;
	struct record_step steps[INCIDENT_STEPS];
	struct record_kill kill;
	struct history history;
};

static void fill(struct parts *p)
{
	static const char *const steps[] = {"chosen", "recorded", "signal", "killed"};

	*p = (struct parts){
		/* 2001-09-09, 01:46:40 and 7 ms */
		.head = {.wall_ns = 1000000000007000000ULL,
			 .mono_ns = 4242,
			 .id = 7,
			 .policy = "batch",
			 .scope_kind = "cgroup",
			 .scope_path = "/batch/job1",
			 .scope_id = 1234},
		.evidence = {.span_ns = SEC,
			     .has = EVERYTHING,
			     .stall = 0.25,
			     .thrash = 1.24,
			     .io = 1.5,
			     .run = 0.3,
			     .lost_share = 0.65,
			     .unproductive = 0.9,
			     .unproductive_share = 0.7,
			     .refaulted = 0.9,
			     .within_reach = 0.8,
			     .avoidable = 0.7,
			     .level = 0.79,
			     .growth = -1.5,
			     .exhausted_ns = 2500 * MS,
			     .total_bytes = 256 * MIB,
			     .held_bytes = 202 * MIB},
		.rule = {.text = (char *)"comm: ^java$"},
	};
	p->verdict = (struct verdict){.action = VERDICT_ACT,
				      .reason = REASON_NEAR_OOM,
				      .risk = model_risk(&p->evidence),
				      .held_ns = 500 * MS};
	for (size_t i = 0; i < ARRAY_SIZE(p->victims); i++) {
		p->candidates[i] = (struct candidate){
			.pid = 100 + (int)i,
			.start_boot_ns = 99,
			.comm = "java",
			.cmdline = "java -jar \"x\"",
			.cmdline_len = 13,
			.uid = 1000,
			.anon_bytes = 3 * MIB,
			.file_bytes = 2 * MIB,
			.shmem_bytes = MIB,
			.swap_bytes = 5 * MIB,
			.oom_score_adj = -17,
			.shares_known = true,
			.shares = {{190 * MIB, 3, 1}, {50 * MIB, 4, 2}},
			.locked_file_bytes = 7 * MIB,
		};
		p->victims[i] = (struct victim){.candidate = &p->candidates[i],
						.rule = i % 2 ? NULL : &p->rule,
						.blame = 0.5,
						.sharers = 2,
						.score = 1e6};
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		p->steps[i] = (struct record_step){steps[i], i * MS};
	p->kill = (struct record_kill){
		.event = "kill",
		.verdict = &p->verdict,
		.evidence = &p->evidence,
		.victims = p->victims,
		.victim_count = ARRAY_SIZE(p->victims),
		.unit = KILL_UNIT_CGROUP,
		.members = 3,
		.outcome = "killed",
		.steps = p->steps,
		.step_count = ARRAY_SIZE(steps),
		.freed_bytes = 40 * MIB,
		.took_ns = 12500000,
	};
}

static void assert_line(const char *line, size_t len)
{
	assert_int_equal(strlen(line), len);
	assert_int_equal(line[len - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	if (!is_strict_json(line, len - 1))
		fail_msg("not JSON: %s", line);
}

/* The text of the member at @path. */
#define assert_member(line, len, path, wanted)                                                     \
	do {                                                                                       \
		size_t found_len_ = 0;                                                             \
		const char *found_ = strict_json_find(line, (len)-1, path, &found_len_);           \
		if (!found_)                                                                       \
			fail_msg("no %s in %s", path, line);                                       \
		if (found_len_ != strlen(wanted) || memcmp(found_, wanted, found_len_))            \
			fail_msg("%s is %.*s", path, (int)found_len_, found_);                     \
	} while (0)

static void assert_none(const char *line, size_t len, const char *path)
{
	size_t found_len;

	if (strict_json_find(line, len - 1, path, &found_len))
		fail_msg("%s should not be in %s", path, line);
}

static void test_kill(void **state)
{
	char line[WRITER_LINE_MAX];
	struct parts p;
	size_t len;

	(void)state;
	fill(&p);
	assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
	assert_line(line, len);
	assert_member(line, len, "schema", "1");
	assert_member(line, len, "time", "\"2001-09-09T01:46:40.007Z\"");
	assert_member(line, len, "mono_ns", "4242");
	assert_member(line, len, "event", "\"kill\"");
	assert_member(line, len, "id", "7");
	assert_member(line, len, "policy", "\"batch\"");
	assert_member(line, len, "scope.kind", "\"cgroup\"");
	assert_member(line, len, "scope.path", "\"/batch/job1\"");
	assert_member(line, len, "scope.id", "1234");
	assert_member(line, len, "dry_run", "false");
	assert_member(line, len, "verdict", "\"act\"");
	assert_member(line, len, "reason", "\"near-oom\"");
	assert_member(line, len, "held_s", "0.5");
	assert_member(line, len, "evidence.lost_share", "0.65");
	assert_member(line, len, "evidence.unproductive_tasks", "0.9");
	assert_member(line, len, "evidence.unproductive_share", "0.7");
	assert_member(line, len, "evidence.exhausted_s", "2.5");
	assert_member(line, len, "evidence.growth_bytes_per_s", "-1.5");
	assert_member(line, len, "victim.pid", "100");
	assert_member(line, len, "victim.sole_shmem_bytes", "199229440");
	assert_member(line, len, "victim.locked_file_bytes", "7340032");
	assert_member(line, len, "victim.sharers", "2");
	assert_member(line, len, "victim.comm", "\"java\"");
	assert_member(line, len, "victim.cmdline", "\"java -jar \\\"x\\\"\"");
	assert_member(line, len, "victim.rss_bytes", "6291456");
	assert_member(line, len, "victim.swap_bytes", "5242880");
	assert_member(line, len, "victim.oom_score_adj", "-17");
	assert_member(line, len, "victim.rule", "\"comm: ^java$\"");
	assert_member(line, len, "victim.blame", "0.5");
	assert_member(line, len, "kill_unit", "\"cgroup\"");
	assert_member(line, len, "members", "3");
	assert_member(line, len, "outcome", "\"killed\"");
	assert_member(line, len, "freed_bytes", "41943040");
	assert_member(line, len, "took_ms", "12.5");
	assert_none(line, len, "error");
	/* four runners-up, not five */
	assert_non_null(strstr(line, "\"pid\":104"));
	assert_null(strstr(line, "\"pid\":105"));
}

/* The record before the signal has no outcome. */
static void test_act(void **state)
{
	char line[WRITER_LINE_MAX];
	struct parts p;
	size_t len;

	(void)state;
	fill(&p);
	p.kill.event = "act";
	p.kill.outcome = NULL;
	p.kill.victim_count = 1;
	p.kill.step_count = 0;
	p.head.dry_run = true;
	p.head.scope_kind = "node";
	p.head.scope_path = NULL;
	p.candidates[0].cmdline = NULL;
	p.victims[0].rule = NULL;
	assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
	assert_line(line, len);
	assert_member(line, len, "event", "\"act\"");
	assert_member(line, len, "dry_run", "true");
	assert_member(line, len, "scope.kind", "\"node\"");
	assert_none(line, len, "scope.path");
	assert_member(line, len, "victim.cmdline", "null");
	assert_member(line, len, "victim.rule", "null");
	assert_member(line, len, "runners_up", "[]");
	assert_member(line, len, "steps", "[]");
	assert_none(line, len, "outcome");
	assert_none(line, len, "freed_bytes");
	assert_none(line, len, "took_ms");
}

static void test_outcome_error(void **state)
{
	static const struct {
		int error;
		const char *written;
	} rows[] = {{-EPERM, "\"EPERM\""}, {-ESRCH, "\"ESRCH\""}, {-99999, "null"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[WRITER_LINE_MAX];
		struct parts p;
		size_t len;

		fill(&p);
		p.kill.outcome = "refused";
		p.kill.error = rows[i].error;
		assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
		assert_line(line, len);
		assert_member(line, len, "error", rows[i].written);
	}
}

/*
 * A runner-up has every number of a victim, so that the two can be compared; the three long texts
 * are left out.
 */
static void test_runners_up(void **state)
{
	static const char *const keys[] = {
		"pid",
		"start_boot_ns",
		"comm",
		"uid",
		"rss_bytes",
		"anon_bytes",
		"file_bytes",
		"shmem_bytes",
		"swap_bytes",
		"pgtables_bytes",
		"oom_score_adj",
		"freeable_bytes",
		"growth_bytes",
		"blame",
		"score",
		"rule",
		"standing",
		"sole_shmem_bytes",
		"locked_file_bytes",
	};
	static const char *const left_out[] = {"cmdline", "exe", "cgroup"};
	char line[WRITER_LINE_MAX];
	json_t *record, *victim, *other;
	struct parts p;
	size_t i, len;

	(void)state;
	fill(&p);
	p.victims[0].freeable_bytes = p.victims[1].freeable_bytes = 8 * MIB;
	p.candidates[1].growth_bytes = 7 * MIB;
	p.victims[1].standing = STANDING_AVOID;
	p.candidates[1].namespace = "prod";
	p.candidates[1].pod = "web-1";
	p.candidates[1].container = "app";
	p.candidates[1].exe = p.candidates[1].cgroup = "/x";
	assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
	assert_line(line, len);
	record = json_loadb(line, len, 0, NULL);
	assert_non_null(record);
	victim = json_object_get(record, "victim");
	json_array_foreach(json_object_get(record, "runners_up"), i, other)
	{
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			if (!json_object_get(victim, keys[k]))
				fail_msg("the victim has no %s", keys[k]);
			if (!json_object_get(other, keys[k]))
				fail_msg("runner-up %zu has no %s", i, keys[k]);
		}
		for (size_t k = 0; k < ARRAY_SIZE(left_out); k++)
			assert_null(json_object_get(other, left_out[k]));
	}
	assert_int_equal(i, RECORD_RUNNERS_UP);
	other = json_array_get(json_object_get(record, "runners_up"), 0);
	assert_int_equal(json_integer_value(json_object_get(other, "anon_bytes")), 3 * MIB);
	assert_int_equal(json_integer_value(json_object_get(other, "freeable_bytes")), 8 * MIB);
	assert_int_equal(json_integer_value(json_object_get(other, "growth_bytes")), 7 * MIB);
	assert_near(json_number_value(json_object_get(other, "blame")), 0.5);
	assert_string_equal(json_string_value(json_object_get(other, "pod")), "web-1");
	assert_string_equal(json_string_value(json_object_get(other, "standing")), "avoid");
	assert_true(json_is_null(json_object_get(victim, "standing")));
	json_decref(record);
}

/* Processes that must not die are not runners-up. */
static void test_runners_up_eligible(void **state)
{
	char line[WRITER_LINE_MAX];
	struct parts p;
	size_t len;

	(void)state;
	fill(&p);
	p.victims[2].excluded = VICTIM_PROTECTED;
	assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
	assert_line(line, len);
	assert_non_null(strstr(line, "\"pid\":101"));
	assert_null(strstr(line, "\"pid\":102"));
}

/* A missing input is missing in the record. */
static void test_missing(void **state)
{
	static const struct {
		uint32_t bit;
		const char *member;
	} rows[] = {
		{EVIDENCE_HAS_STALL, "evidence.stall_tasks"},
		{EVIDENCE_HAS_STALL, "evidence.reclaimed_pages_per_ms"},
		{EVIDENCE_HAS_THRASH, "evidence.thrash_tasks"},
		{EVIDENCE_HAS_THRASH, "evidence.lost_share"},
		{EVIDENCE_HAS_UNPRODUCTIVE, "evidence.unproductive_tasks"},
		{EVIDENCE_HAS_UNPRODUCTIVE, "evidence.unproductive_share"},
		{EVIDENCE_HAS_THRASH, "evidence.within_reach_share"},
		{EVIDENCE_HAS_THRASH, "evidence.avoidable_share"},
		{EVIDENCE_HAS_LEVEL, "evidence.level"},
		{EVIDENCE_HAS_LEVEL, "evidence.exhausted_s"},
		{EVIDENCE_HAS_TURNOVER, "evidence.file_lru_turnover_per_s"},
		{EVIDENCE_HAS_FAULTS, "evidence.major_faults_per_s"},
	};
	char line[WRITER_LINE_MAX];
	struct parts p;
	size_t len, found;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fill(&p);
		assert_int_equal(record_verdict(line, sizeof(line), &p.head, "warn", &p.verdict,
						&p.evidence, &len),
				 0);
		assert_line(line, len);
		if (!strict_json_find(line, len - 1, rows[i].member, &found))
			fail_msg("no %s in %s", rows[i].member, line);
		p.evidence.has &= ~rows[i].bit;
		assert_int_equal(record_verdict(line, sizeof(line), &p.head, "warn", &p.verdict,
						&p.evidence, &len),
				 0);
		assert_line(line, len);
		assert_none(line, len, rows[i].member);
	}
	fill(&p);
	p.verdict.risk.known = false;
	p.evidence.exhausted_ns = UINT64_MAX;
	assert_int_equal(
		record_verdict(line, sizeof(line), &p.head, "blind", &p.verdict, &p.evidence, &len),
		0);
	assert_line(line, len);
	assert_member(line, len, "risk", "null");
	assert_none(line, len, "contributions");
	assert_none(line, len, "evidence.exhausted_s");
}

/* What holds the memory is there as far as it is known, and why the largest may not be killed. */
static void test_no_victim(void **state)
{
	struct held_by held = {0};
	char line[WRITER_LINE_MAX];
	struct record_no_victim record;
	struct parts p;
	size_t len;

	(void)state;
	fill(&p);
	held_by_set(&held, HELD_BY_SHMEM, 171 * MIB);
	held_by_set(&held, HELD_BY_LASTING_SHMEM, 170 * MIB);
	held_by_set(&held, HELD_BY_SOCK, 0);
	p.victims[0].excluded = VICTIM_PROTECTED;
	record = (struct record_no_victim){.verdict = &p.verdict,
					   .evidence = &p.evidence,
					   .message = "none",
					   .held = &held,
					   .largest = p.victims,
					   .largest_count = 1,
					   .processes = 7};
	assert_int_equal(record_no_victim(line, sizeof(line), &p.head, &record, &len), 0);
	assert_line(line, len);
	assert_member(line, len, "event", "\"no_victim\"");
	assert_member(line, len, "processes", "7");
	assert_member(line, len, "held_by.shmem_bytes", "179306496");
	assert_member(line, len, "held_by.lasting_shmem_bytes", "178257920");
	assert_member(line, len, "held_by.sock_bytes", "0");
	assert_none(line, len, "held_by.anon_bytes");
	assert_non_null(strstr(line, "\"why\":\"protected\""));
}

/* The record has the contribution of every feature. */
static void test_contributions(void **state)
{
	char line[WRITER_LINE_MAX], path[64];
	struct parts p;
	size_t len, found;

	(void)state;
	fill(&p);
	assert_int_equal(
		record_verdict(line, sizeof(line), &p.head, "warn", &p.verdict, &p.evidence, &len),
		0);
	assert_non_null(strict_json_find(line, len - 1, "contributions.intercept", &found));
	for (int i = 0; i < FEATURES_; i++) {
		snprintf(path, sizeof(path), "contributions.%s",
			 model_feature_name((enum feature)i));
		assert_non_null(strict_json_find(line, len - 1, path, &found));
	}
}

static void test_kernel_kill(void **state)
{
	struct parts p;
	struct record_kernel_kill kill = {
		.victim = &p.candidates[0],
		.total_vm_bytes = 77,
		.invoker_pid = 12,
		.invoker_comm = "a\xff\x01",
	};
	char line[WRITER_LINE_MAX];
	size_t len;

	(void)state;
	fill(&p);
	p.head.id = 0;
	p.head.policy = NULL;
	assert_int_equal(record_kernel_kill(line, sizeof(line), &p.head, &kill, &len), 0);
	assert_line(line, len);
	assert_member(line, len, "event", "\"kernel_kill\"");
	assert_member(line, len, "victim.pid", "100");
	assert_member(line, len, "victim.total_vm_bytes", "77");
	assert_member(line, len, "asker.pid", "12");
	assert_member(line, len, "asker.comm", "\"a\xef\xbf\xbd\\u0001\"");
	assert_none(line, len, "id");
	assert_none(line, len, "policy");
}

static void test_message(void **state)
{
	struct record_head head = {.wall_ns = UINT64_MAX};
	char line[WRITER_LINE_MAX];
	size_t len;

	(void)state;
	assert_int_equal(
		record_message(line, sizeof(line), &head, "start", "hello \"you\"\n", &len), 0);
	assert_line(line, len);
	assert_member(line, len, "message", "\"hello \\\"you\\\"\\u000a\"");
	assert_member(line, len, "time", "\"2554-07-21T23:34:33.709Z\"");
	assert_none(line, len, "scope");
}

/* The line, its newline and its NUL just fit; with one byte less the record is refused. */
static void test_fit(void **state)
{
	char line[WRITER_LINE_MAX], small[WRITER_LINE_MAX];
	struct parts p;
	size_t len;

	(void)state;
	fill(&p);
	assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
	for (size_t size = len - 40; size < len + 40; size++) {
		size_t got = 0;
		int err;

		memset(small, '#', sizeof(small));
		err = record_kill(small, size, &p.head, &p.kill, &got);
		assert_int_equal(err, size > len ? 0 : -ENOSPC);
		for (size_t i = size; i < len + 80; i++)
			assert_int_equal(small[i], '#');
		if (err)
			continue;
		assert_int_equal(got, len);
		assert_string_equal(small, line);
	}
}

/* For every member the number with the most digits. */
static void worst_numbers(struct parts *p)
{
	static const double worst = -1.23456e-300;

	p->head.mono_ns = p->head.id = p->head.scope_id = UINT64_MAX;
	p->evidence.span_ns = UINT64_MAX;
	p->evidence.stall = p->evidence.thrash = p->evidence.io = p->evidence.run = worst;
	p->evidence.lost_share = p->evidence.refaulted = p->evidence.within_reach = worst;
	p->evidence.avoidable = worst;
	p->evidence.level = p->evidence.growth = p->evidence.turnover = worst;
	p->evidence.major_faults = p->evidence.reclaims = p->evidence.efficiency = worst;
	p->evidence.total_bytes = p->evidence.held_bytes = UINT64_MAX;
	p->evidence.file_lru_bytes = p->evidence.anon_bytes = UINT64_MAX;
	p->evidence.exhausted_ns = p->evidence.low_headroom_ns = UINT64_MAX - 1;
	p->evidence.has |= EVIDENCE_HAS_MEMSTALL | EVIDENCE_HAS_SWAPINS;
	p->evidence.memstall = p->evidence.swapins = worst;
	p->evidence.unproductive = p->evidence.unproductive_share = worst;
	p->verdict.score = worst;
	p->verdict.held_ns = UINT64_MAX;
	p->verdict.risk.known = true;
	p->verdict.risk.value = p->verdict.risk.intercept = worst;
	for (int i = 0; i < FEATURES_; i++)
		p->verdict.risk.contributions[i] = p->verdict.risk.features[i] = worst;
	for (size_t i = 0; i < ARRAY_SIZE(p->candidates); i++) {
		struct candidate *c = &p->candidates[i];

		c->pid = c->oom_score_adj = INT32_MIN;
		c->uid = UINT32_MAX;
		c->start_boot_ns = c->anon_bytes = c->swap_bytes = c->pgtables_bytes = UINT64_MAX;
		c->growth_bytes = c->file_bytes = UINT64_MAX;
		c->shmem_bytes = c->locked_file_bytes = UINT64_MAX;
		c->shares_known = true;
		c->shares[0] = (struct candidate_share){UINT64_MAX, 0, 1};
		p->victims[i].sharers = UINT32_MAX;
		p->victims[i].score = p->victims[i].blame = worst;
		p->victims[i].freeable_bytes = UINT64_MAX;
	}
	for (size_t i = 0; i < INCIDENT_STEPS; i++)
		p->steps[i] = (struct record_step){"force_empty not possible", UINT64_MAX};
	p->kill.step_count = INCIDENT_STEPS;
	p->kill.members = SIZE_MAX;
	p->kill.freed_bytes = p->kill.took_ns = UINT64_MAX;
	p->kill.outcome = "refused";
	p->kill.error = -ENOTRECOVERABLE;
	p->history = (struct history){.count = HISTORY_POINTS, .newest = HISTORY_POINTS - 1};
	for (uint32_t i = 0; i < HISTORY_POINTS; i++)
		/* rounded to three digits, so this is the longest number in the range */
		p->history.points[i] =
			(struct history_point){i, 999.999F, 999.999F, 999.999F, 999.999F};
	p->kill.history = &p->history;
}

/*
 * A process that chooses the name of its cgroup, its program or its arguments must not be able to
 * keep its kill out of the records: the longest strings, of bytes that JSON writes as six, fit.
 */
static void test_worst_case(void **state)
{
	static const struct {
		const char *what;
		char path, comm, line, rule;
	} rows[] = {
		{"plain", 'x', 'x', 'x', 'x'},
		{"a hostile cgroup", '\x01', 'x', 'x', 'x'},
		{"a hostile program", 'x', '\x01', '\x01', 'x'},
		{"both", '\x01', '\x01', '\x01', 'x'},
		{"and patterns full of backslashes", '\x01', '\x01', '\x01', '\\'},
		{"all of it", '\x01', '\x01', '\x01', '\x01'},
	};
	static char path[CGROUP_PATH_MAX], name[65], comm[16];
	static char cmdline[KEPT_TEXT_MAX], rule[KEPT_TEXT_MAX];
	static char exe[KEPT_TEXT_MAX], pod[KEPT_TEXT_MAX];

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		char line[WRITER_LINE_MAX];
		struct parts p;
		size_t len;

		fill(&p);
		worst_numbers(&p);
		memset(path, rows[r].path, sizeof(path) - 1);
		memset(name, 'n', sizeof(name) - 1); /* the configuration allows letters only */
		memset(comm, rows[r].comm, sizeof(comm) - 1);
		memset(cmdline, rows[r].line, sizeof(cmdline) - 1);
		memset(rule, rows[r].rule, sizeof(rule) - 1);
		memset(exe, rows[r].line, sizeof(exe) - 1);
		memset(pod, rows[r].path == 'x' ? 'x' : '"', sizeof(pod) - 1);
		p.head.scope_path = path;
		p.head.pod = p.head.namespace = p.head.container = p.head.pod_uid = pod;
		p.head.policy = name;
		p.rule.text = rule;
		for (size_t i = 0; i < ARRAY_SIZE(p.victims); i++) {
			p.candidates[i].comm = comm;
			p.candidates[i].exe = exe;
			p.candidates[i].cgroup = path;
			p.candidates[i].pod = p.candidates[i].namespace = pod;
			p.candidates[i].container = pod;
			p.candidates[i].cmdline = cmdline;
			p.candidates[i].cmdline_len = sizeof(cmdline) - 1;
			p.victims[i].rule = &p.rule;
		}
		if (record_kill(line, sizeof(line), &p.head, &p.kill, &len))
			fail_msg("%s: the record does not fit into %d bytes", rows[r].what,
				 WRITER_LINE_MAX);
		assert_line(line, len);
		assert_int_equal(record_verdict(line, sizeof(line), &p.head, "warn", &p.verdict,
						&p.evidence, &len),
				 0);
		assert_line(line, len);
	}
}

/* NaN and infinity become null: JSON has no such numbers. */
static void test_not_a_number(void **state)
{
	char line[WRITER_LINE_MAX];
	struct parts p;
	size_t len;

	(void)state;
	fill(&p);
	p.evidence.stall = NAN;
	p.evidence.growth = INFINITY;
	p.victims[0].score = -INFINITY;
	assert_int_equal(record_kill(line, sizeof(line), &p.head, &p.kill, &len), 0);
	assert_line(line, len);
	assert_member(line, len, "evidence.stall_tasks", "null");
	assert_member(line, len, "evidence.growth_bytes_per_s", "null");
	assert_member(line, len, "victim.score", "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_act),
		cmocka_unit_test(test_outcome_error),
		cmocka_unit_test(test_runners_up),
		cmocka_unit_test(test_runners_up_eligible),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_victim),
		cmocka_unit_test(test_contributions),
		cmocka_unit_test(test_kernel_kill),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_worst_case),
		cmocka_unit_test(test_not_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

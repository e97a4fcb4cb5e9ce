// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/errno_name.h"
#include "base/json.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/held_by.h"
#include "judge/history.h"
#include "judge/verdict.h"
#include "judge/victim.h"
#include "judge/window.h"

void record_put_time(struct json *json, const char *key, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	char text[40];
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03uZ", (unsigned)(wall_ns / 1000000 % 1000));
	json_text(json, key, text);
}

/* A renamed key: this version also writes the old one. */
static void put_renamed(struct json *json, const char *key, const char *old_key, double value)
{
	json_double(json, key, value);
	json_double(json, old_key, value);
}

static void put_head(struct json *json, const struct record_head *head, const char *event)
{
	json_u64(json, "schema", RECORD_SCHEMA);
	record_put_time(json, "time", head->wall_ns);
	json_u64(json, "mono_ns", head->mono_ns);
	json_text(json, "event", event);
	if (head->id)
		json_u64(json, "id", head->id);
	if (head->policy)
		json_text(json, "policy", head->policy);
	if (head->scope_kind) {
		json_open_map(json, "scope");
		json_text(json, "kind", head->scope_kind);
		if (head->scope_path)
			json_text(json, "path", head->scope_path);
		json_u64(json, "id", head->scope_id);
		if (head->pod_uid)
			json_text(json, "pod_uid", head->pod_uid);
		if (head->namespace)
			json_text(json, "namespace", head->namespace);
		if (head->pod)
			json_text(json, "pod", head->pod);
		if (head->container)
			json_text(json, "container", head->container);
		json_close_map(json);
	}
	json_bool(json, "dry_run", head->dry_run);
}

static int put_end(struct json *json, size_t *ret_len)
{
	int err = json_end(json, ret_len);

	if (err)
		return err;
	/* json_end() kept room for the NUL; the newline needs one byte more */
	if (*ret_len + 2 > json->size)
		return -ENOSPC;
	json->text[(*ret_len)++] = '\n';
	json->text[*ret_len] = '\0';
	return 0;
}

void record_put_evidence(struct json *json, const struct evidence *e)
{
	json_open_map(json, "evidence");
	json_u64(json, "span_ns", e->span_ns);
	json_bool(json, "lossy", e->lossy);
	if (e->under_oom)
		json_bool(json, "under_oom", true);
	if (e->has & EVIDENCE_HAS_STALL) {
		json_double(json, "stall_tasks", e->stall);
		json_double(json, "reclaims_per_s", e->reclaims);
		json_double(json, "reclaimed_pages_per_ms", e->efficiency);
	}
	if (e->has & EVIDENCE_HAS_THRASH) {
		json_double(json, "thrash_tasks", e->thrash);
		json_double(json, "io_tasks", e->io);
		json_double(json, "run_tasks", e->run);
		json_double(json, "lost_share", e->lost_share);
		if (e->has & EVIDENCE_HAS_UNPRODUCTIVE) {
			put_renamed(json, "unproductive_tasks", "halted_tasks", e->unproductive);
			put_renamed(json, "unproductive_share", "halted_share",
				    e->unproductive_share);
		}
		json_double(json, "refaulted_share", e->refaulted);
		put_renamed(json, "within_reach_share", "near_share", e->within_reach);
		put_renamed(json, "avoidable_share", "futile_share", e->avoidable);
	}
	if (e->has & EVIDENCE_HAS_RELIEF) {
		json_double(json, "relief_share", e->relief);
		json_double(json, "relief_tasks", e->relief_tasks);
		if (e->relief_pid)
			json_u64(json, "relief_pid", (uint64_t)e->relief_pid);
	}
	if (e->has & EVIDENCE_HAS_LEVEL) {
		json_double(json, "level", e->level);
		json_u64(json, "total_bytes", e->total_bytes);
		json_u64(json, "held_bytes", e->held_bytes);
		json_u64(json, "anon_bytes", e->anon_bytes);
		json_u64(json, "file_lru_bytes", e->file_lru_bytes);
		json_double(json, "growth_bytes_per_s", e->growth);
		if (e->exhausted_ns != UINT64_MAX)
			json_double(json, "exhausted_s", (double)e->exhausted_ns / 1e9);
		if (e->low_headroom_ns != UINT64_MAX)
			put_renamed(json, "low_headroom_s", "squeezed_s",
				    (double)e->low_headroom_ns / 1e9);
	}
	if (e->has & EVIDENCE_HAS_TURNOVER)
		json_double(json, "file_lru_turnover_per_s", e->turnover);
	if (e->has & EVIDENCE_HAS_MEMSTALL)
		json_double(json, "memstall_tasks", e->memstall);
	if (e->has & EVIDENCE_HAS_SWAPINS)
		json_double(json, "swapins_per_s", e->swapins);
	if (e->has & EVIDENCE_HAS_FAULTS)
		json_double(json, "major_faults_per_s", e->major_faults);
	json_close_map(json);
}

void record_put_verdict(struct json *json, const struct verdict *verdict)
{
	json_text(json, "verdict", verdict_action_name(verdict->action));
	json_text(json, "reason", verdict_reason_name(verdict->reason));
	put_renamed(json, "score_ratio", "charge", verdict->score);
	json_double(json, "held_s", (double)verdict->held_ns / 1e9);
	if (!verdict->risk.known) {
		json_double(json, "risk", 0.0 / 0.0);
		return;
	}
	json_double(json, "risk", verdict->risk.value);
	json_open_map(json, "contributions");
	json_double(json, "intercept", verdict->risk.intercept);
	for (int i = 0; i < FEATURES_; i++)
		json_double(json, model_feature_name((enum feature)i),
			    verdict->risk.contributions[i]);
	json_close_map(json);
	json_open_map(json, "features");
	for (int i = 0; i < FEATURES_; i++)
		json_double(json, model_feature_name((enum feature)i), verdict->risk.features[i]);
	json_close_map(json);
}

static float point_value(const struct history_point *point, int series)
{
	const float values[] = {point->risk, point->level, point->lost, point->stall};

	return values[series];
}

/* Columns, oldest first; ages in seconds before the newest point. */
static void put_points(struct json *json, const char *key, const struct history *history)
{
	static const char *const names[] = {"risk", "level", "lost_share", "stall_tasks"};
	const struct history_point *newest = history ? history_back(history, 0) : NULL;
	const struct history_point *point;
	unsigned n = 0;

	if (!newest)
		return;
	while (history_back(history, n))
		n++;
	json_open_map(json, key);
	json_open_list(json, "age_s");
	for (unsigned back = n; back-- > 0;) {
		point = history_back(history, back);
		json_u64(json, NULL, newest->at_s - point->at_s);
	}
	json_close_list(json);
	for (int series = 0; series < 4; series++) {
		json_open_list(json, names[series]);
		for (unsigned back = n; back-- > 0;) {
			double value = (double)point_value(history_back(history, back), series);

			/* three digits are enough for a plot; null: not known */
			json_double(json, NULL, value < 0 ? 0.0 / 0.0 : round(value * 1000) / 1000);
		}
		json_close_list(json);
	}
	json_close_map(json);
}

static void put_history(struct json *json, const struct history *history)
{
	put_points(json, "history", history);
	put_points(json, "minute", history);
}

static void put_invoker(struct json *json, const char *key, const struct record_kernel_kill *kill)
{
	json_open_map(json, key);
	json_i64(json, "pid", kill->invoker_pid);
	json_text(json, "comm", kill->invoker_comm);
	json_close_map(json);
}

static void put_names(struct json *json, const struct candidate *c)
{
	if (c->namespace)
		json_text(json, "namespace", c->namespace);
	if (c->pod)
		json_text(json, "pod", c->pod);
	if (c->container)
		json_text(json, "container", c->container);
}

static void put_sizes(struct json *json, const struct candidate *c)
{
	json_u64(json, "uid", c->uid);
	json_u64(json, "rss_bytes", c->anon_bytes + c->file_bytes + c->shmem_bytes);
	json_u64(json, "anon_bytes", c->anon_bytes);
	json_u64(json, "file_bytes", c->file_bytes);
	json_u64(json, "shmem_bytes", c->shmem_bytes);
	json_u64(json, "swap_bytes", c->swap_bytes);
	json_u64(json, "pgtables_bytes", c->pgtables_bytes);
	if (c->shares_known) {
		json_u64(json, "sole_shmem_bytes", candidate_sole_bytes(c));
		json_u64(json, "locked_file_bytes", c->locked_file_bytes);
	}
	json_i64(json, "oom_score_adj", c->oom_score_adj);
}

/* @brief: without the three long texts, which would double the longest record. */
static void put_process(struct json *json, const struct candidate *c, bool brief)
{
	json_i64(json, "pid", c->pid);
	json_u64(json, "start_boot_ns", c->start_boot_ns);
	json_text(json, "comm", c->comm);
	if (!brief) {
		json_text_n(json, "cmdline", c->cmdline, c->cmdline_len);
		if (c->exe)
			json_text(json, "exe", c->exe);
		if (c->cgroup)
			json_text(json, "cgroup", c->cgroup);
	}
	put_names(json, c);
	put_sizes(json, c);
}

static void put_victim(struct json *json, const char *key, const struct victim *victim, bool brief)
{
	json_open_map(json, key);
	put_process(json, victim->candidate, brief);
	json_u64(json, "freeable_bytes", victim->freeable_bytes);
	if (victim->sharers > 1)
		json_u64(json, "sharers", victim->sharers);
	json_u64(json, "growth_bytes", victim->candidate->growth_bytes);
	json_double(json, "blame", victim->blame);
	if (victim->relief >= 0)
		json_double(json, "relief_share", victim->relief);
	json_double(json, "score", victim->score);
	json_text(json, "standing", rules_standing_name(victim->standing));
	json_text(json, "rule", victim->rule ? victim->rule->text : NULL);
	json_close_map(json);
}

const char *record_unit_name(enum kill_unit unit)
{
	static const char *const names[KILL_UNITS_] = {
		[KILL_UNIT_PROCESS] = "process", [KILL_UNIT_GROUP] = "group",
		[KILL_UNIT_CGROUP] = "cgroup",	 [KILL_UNIT_POD] = "pod",
		[KILL_UNIT_KIN] = "kin",
	};

	return names[unit];
}

static void put_spared(struct json *json, const struct record_kill *kill)
{
	if (!kill->spared_count)
		return;
	json_open_list(json, "spared");
	for (size_t i = 0; i < kill->spared_count && i < RECORD_SPARED; i++) {
		json_open_map(json, NULL);
		json_i64(json, "pid", kill->spared[i].pid);
		json_text(json, "comm", kill->spared[i].comm);
		json_text(json, "why", kill->spared[i].why);
		json_close_map(json);
	}
	json_close_list(json);
	json_u64(json, "spared_count", kill->spared_count);
}

int record_kill(char *buf, size_t size, const struct record_head *head,
		const struct record_kill *kill, size_t *ret_len)
{
	size_t listed = kill->victim_count;
	struct json json;

	if (listed > 1 + RECORD_RUNNERS_UP)
		listed = 1 + RECORD_RUNNERS_UP;
	json_begin(&json, buf, size);
	put_head(&json, head, kill->event);
	record_put_verdict(&json, kill->verdict);
	record_put_evidence(&json, kill->evidence);
	put_victim(&json, "victim", &kill->victims[0], false);
	json_text(&json, "kill_unit", record_unit_name(kill->unit));
	if (kill->unit_refused)
		json_text(&json, "unit_refused", kill->unit_refused);
	json_u64(&json, "members", kill->members);
	put_spared(&json, kill);
	json_open_list(&json, "runners_up");
	for (size_t i = 1; i < listed && !kill->victims[i].excluded; i++)
		put_victim(&json, NULL, &kill->victims[i], true);
	json_close_list(&json);
	json_open_list(&json, "steps");
	for (size_t i = 0; i < kill->step_count; i++) {
		json_open_map(&json, NULL);
		json_text(&json, "step", kill->steps[i].name);
		json_double(&json, "after_ms", (double)kill->steps[i].after_ns / 1e6);
		json_close_map(&json);
	}
	json_close_list(&json);
	if (kill->outcome) {
		json_text(&json, "outcome", kill->outcome);
		if (kill->error)
			json_text(&json, "error", errno_name(-kill->error));
		json_u64(&json, "freed_bytes", kill->freed_bytes);
		json_double(&json, "took_ms", (double)kill->took_ns / 1e6);
		put_history(&json, kill->history);
	}
	return put_end(&json, ret_len);
}

int record_verdict(char *buf, size_t size, const struct record_head *head, const char *event,
		   const struct verdict *verdict, const struct evidence *evidence, size_t *ret_len)
{
	struct json json;

	json_begin(&json, buf, size);
	put_head(&json, head, event);
	record_put_verdict(&json, verdict);
	record_put_evidence(&json, evidence);
	return put_end(&json, ret_len);
}

int record_no_victim(char *buf, size_t size, const struct record_head *head,
		     const struct record_no_victim *record, size_t *ret_len)
{
	struct json json;

	json_begin(&json, buf, size);
	put_head(&json, head, "no_victim");
	record_put_verdict(&json, record->verdict);
	record_put_evidence(&json, record->evidence);
	json_text(&json, "message", record->message);
	json_u64(&json, "processes", record->processes);
	json_open_map(&json, "held_by");
	for (int i = 0; i < HELD_BY_KINDS_; i++)
		if (record->held->has & 1U << i)
			json_u64(&json, held_by_key((enum held_by_kind)i), record->held->bytes[i]);
	json_close_map(&json);
	json_open_list(&json, "largest");
	for (size_t i = 0; i < record->largest_count && i < RECORD_RUNNERS_UP; i++) {
		const struct victim *victim = &record->largest[i];

		json_open_map(&json, NULL);
		put_process(&json, victim->candidate, true);
		json_u64(&json, "freeable_bytes", victim->freeable_bytes);
		json_text(&json, "why", victim_exclusion_name(victim->excluded));
		json_close_map(&json);
	}
	json_close_list(&json);
	return put_end(&json, ret_len);
}

int record_kernel_kill(char *buf, size_t size, const struct record_head *head,
		       const struct record_kernel_kill *kill, size_t *ret_len)
{
	struct json json;

	json_begin(&json, buf, size);
	put_head(&json, head, "kernel_kill");
	json_open_map(&json, "victim");
	put_process(&json, kill->victim, false);
	json_u64(&json, "total_vm_bytes", kill->total_vm_bytes);
	json_close_map(&json);
	put_invoker(&json, "invoker", kill);
	put_invoker(&json, "asker", kill);
	put_history(&json, kill->history);
	return put_end(&json, ret_len);
}

int record_relief(char *buf, size_t size, const struct record_head *head, double predicted,
		  double measured, size_t *ret_len)
{
	struct json json;

	json_begin(&json, buf, size);
	put_head(&json, head, "relief");
	json_double(&json, "predicted_share", predicted);
	json_double(&json, "measured_share", measured);
	return put_end(&json, ret_len);
}

int record_message(char *buf, size_t size, const struct record_head *head, const char *event,
		   const char *message, size_t *ret_len)
{
	struct json json;

	json_begin(&json, buf, size);
	put_head(&json, head, event);
	json_text(&json, "message", message);
	return put_end(&json, ret_len);
}

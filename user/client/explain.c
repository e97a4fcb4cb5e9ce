// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/explain.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client/event_text.h"
#include "client/words.h"
#include "judge/held_by.h"

static const char *bytes_of(const json_t *record, const char *path, char *buf)
{
	return units_format_bytes(buf, UNITS_TEXT_MAX, (uint64_t)event_get_number(record, path, 0));
}

static const char *duration_of_s(double s, char *buf)
{
	return units_format_duration(buf, UNITS_TEXT_MAX, (uint64_t)(s * 1e9));
}

static bool has(const json_t *evidence, const char *key)
{
	return json_is_number(json_object_get(evidence, key));
}

static bool is_dry(const json_t *record)
{
	return json_is_true(json_object_get(record, "dry_run"));
}

/* ---- afterwards ---------------------------------------------------------------------- */

/*
 * The first record after @at that tells whether the kill helped: one of @events of the same scope,
 * or that the daemon stopped.
 */
static const json_t *find_after(const json_t *records, size_t at)
{
	static const char *const events[] = {"recovered", "act", "kernel_kill"};
	char scope[EVENT_SCOPE_MAX], other[EVENT_SCOPE_MAX];

	event_scope(scope, sizeof(scope), json_array_get(records, at));
	for (size_t i = at + 1; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		const char *event = event_get_text(record, "event", "");

		if (!strcmp(event, "stop"))
			return record;
		if (strcmp(event_scope(other, sizeof(other), record), scope) != 0)
			continue;
		for (size_t e = 0; e < sizeof(events) / sizeof(*events); e++)
			if (!strcmp(event, events[e]))
				return record;
	}
	return NULL;
}

/* What was measured of the kill's relief, and what was predicted. */
static void add_relief(struct words *words, const json_t *records, size_t at)
{
	double id = event_get_number(json_array_get(records, at), "id", -1);

	for (size_t i = at + 1; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);

		if (strcmp(event_get_text(record, "event", ""), "relief") != 0 ||
		    event_get_number(record, "id", -2) != id)
			continue;
		words_add(
			words,
			" The kill gave back %.0f %% of the time that a process wanted to run; %.0f "
			"%% were predicted.",
			event_get_number(record, "measured_share", 0) * 100,
			event_get_number(record, "predicted_share", 0) * 100);
		return;
	}
}

void explain_afterwards(const json_t *records, size_t at)
{
	const json_t *record = json_array_get(records, at), *after = find_after(records, at);
	char took[UNITS_TEXT_MAX], process[96];
	struct words words = {0};
	int64_t then, now;
	const char *event;

	if (!after || !event_time_ms(record, &then) || !event_time_ms(after, &now)) {
		words_add(&words, "No later record of this scope: neither that it recovered nor "
				  "another kill.");
		words_print("Afterwards", &words);
		return;
	}
	duration_of_s((double)(now > then ? now - then : 0) / 1000, took);
	event = event_get_text(after, "event", "");
	if (!strcmp(event, "recovered")) {
		words_add(&words, "The scope recovered %s later: risk %.2f", took,
			  event_get_number(after, "risk", NAN));
		event_add_evidence(&words, after);
	} else if (!strcmp(event, "stop")) {
		words_add(&words, "Not known: the daemon stopped %s later", took);
	} else {
		words_add(
			&words, "The scope did not recover: %s later %s chose %s in it", took,
			!strcmp(event, "act") ? "fastoom-bpf" : "the kernel's OOM killer",
			event_process(process, sizeof(process), json_object_get(after, "victim")));
	}
	words_add(&words, ".");
	add_relief(&words, records, at);
	words_print("Afterwards", &words);
}

/* ---- before -------------------------------------------------------------------------- */

static void add_memory(struct words *words, const json_t *evidence)
{
	double growth = event_get_number(evidence, "growth_bytes_per_s", 0);
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	words_add(words, " Reclaim could not free %.0f %% of the %s of this scope (the level)",
		  event_get_number(evidence, "level", 0) * 100,
		  bytes_of(evidence, "total_bytes", a));
	if (growth > 0)
		words_add(words, ". The part that it could not free grew by %s/s",
			  units_format_bytes(b, sizeof(b), (uint64_t)growth));
	if (growth > 0 && has(evidence, "exhausted_s"))
		words_add(words, " and would have reached 100 %% in %s",
			  duration_of_s(event_get_number(evidence, "exhausted_s", 0), b));
	words_add(words, ".");
}

static void tell_stalled(const json_t *record)
{
	const json_t *evidence = json_object_get(record, "evidence");
	char scope[EVENT_SCOPE_MAX];
	struct words words = {0};

	event_scope_title(scope, sizeof(scope), record);
	if (has(evidence, "lost_share") && has(evidence, "thrash_tasks"))
		words_add(&words,
			  "The tasks of %s lost %.0f %% of the time they wanted to run: on average "
			  "%.2f tasks waited for pages that reclaim had evicted shortly before.",
			  scope, event_get_number(evidence, "lost_share", 0) * 100,
			  event_get_number(evidence, "thrash_tasks", 0));
	else
		words_add(&words,
			  "Page tracking was off: the time that the tasks of %s lost to "
			  "refaults is not known.",
			  scope);
	if (has(evidence, "relief_share"))
		words_add(
			&words,
			" The best permitted kill gives back %.0f %% of the time that the process "
			"which loses most wants to run.",
			event_get_number(evidence, "relief_share", 0) * 100);
	if (has(evidence, "unproductive_tasks"))
		words_add(&words,
			  " %.2f tasks were unproductive: they made no progress because of memory.",
			  event_get_number(evidence, "unproductive_tasks", 0));
	if (has(evidence, "stall_tasks"))
		words_add(&words, " %.2f tasks were in reclaim, which began %.0f times a second.",
			  event_get_number(evidence, "stall_tasks", 0),
			  event_get_number(evidence, "reclaims_per_s", 0));
	if (has(evidence, "level") && has(evidence, "total_bytes"))
		add_memory(&words, evidence);
	words_print("Stalled", &words);
}

static void tell_why(const json_t *record)
{
	const json_t *parts = json_object_get(record, "contributions"), *value;
	const char *key, *reason = event_get_text(record, "reason", "?");
	double risk = event_get_number(record, "risk", NAN);
	struct words words = {0};
	char held[UNITS_TEXT_MAX];
	bool first = true;

	if (isnan(risk))
		words_add(&words, "The risk of Near-OOM was not known.");
	else
		words_add(&words, "The risk of Near-OOM was %.3f of 1", risk);
	json_object_foreach((json_t *)parts, key, value)
	{
		if (json_number_value(value) == 0)
			continue;
		words_add(&words, "%s%s %+.1f", first ? ". In log-odds: " : ", ",
			  event_feature_words(key), json_number_value(value));
		first = false;
	}
	words_add(&words, "%s The policy %s %s (%s): %s", isnan(risk) ? "" : ".",
		  event_get_text(record, "policy", "?"),
		  is_dry(record) ? "would have acted" : "acted", reason,
		  event_reason_words(reason));
	if (!strcmp(reason, "near-oom"))
		words_add(&words, " (%s)",
			  duration_of_s(event_get_number(record, "held_s", 0), held));
	words_add(&words, ".");
	words_print("Why", &words);
}

/* ---- the victim ---------------------------------------------------------------------- */

static void add_process(struct words *words, const json_t *process)
{
	/* records of the version before have no freeable_bytes */
	double freeable = event_get_number(process, "freeable_bytes",
					   event_get_number(process, "anon_bytes", 0) +
						   event_get_number(process, "swap_bytes", 0) +
						   event_get_number(process, "pgtables_bytes", 0));
	char name[96], size[UNITS_TEXT_MAX];

	words_add(words, "%s, %s freeable", event_process(name, sizeof(name), process),
		  units_format_bytes(size, sizeof(size), (uint64_t)freeable));
}

/* "its process group", "the cgroup /a/b", "the pod NAMESPACE/POD" */
static void add_unit(struct words *words, const json_t *record)
{
	const char *unit = event_get_text(record, "kill_unit", "");
	char clean[EVENT_SCOPE_MAX];

	if (!strcmp(unit, "group"))
		words_add(words, "its process group");
	else if (!strcmp(unit, "cgroup"))
		words_add(words, "the cgroup %s",
			  event_clean(clean, sizeof(clean),
				      event_get_text(record, "victim.cgroup", "it was in")));
	else if (!strcmp(unit, "pod"))
		words_add(words, "the pod %s",
			  event_pod(clean, sizeof(clean),
				    event_get_text(record, "victim.namespace", ""),
				    event_get_text(record, "victim.pod", "?"), ""));
	else
		words_add(words, "the unit that the policy kills");
}

/* ", prefer comm: ^java$" */
static void add_rule(struct words *words, const char *before, const json_t *process)
{
	const char *standing = event_get_text(process, "standing", "rule");
	char clean[400];

	words_add(words, "%s%s %s", before, standing,
		  event_clean(clean, sizeof(clean), event_get_text(process, "rule", "?")));
}

static void add_spared(struct words *words, const json_t *record)
{
	const json_t *spared = json_object_get(record, "spared"), *process;
	double more = event_get_number(record, "spared_count", 0) - (double)json_array_size(spared);
	char name[96];
	size_t i;

	json_array_foreach((json_t *)spared, i, process)
		words_add(words, "%s %s (%s)",
			  i ? "," : " Spared of them:", event_process(name, sizeof(name), process),
			  event_get_text(process, "why", "?"));
	if (more > 0)
		words_add(words, " and %.0f more", more);
	if (i)
		words_add(words, ".");
}

static void tell_victim(const json_t *record)
{
	const json_t *victim = json_object_get(record, "victim");
	const char *cmdline = event_get_text(victim, "cmdline", NULL);
	const char *rule = event_get_text(victim, "rule", NULL);
	const char *refused = event_get_text(record, "unit_refused", NULL);
	double members = event_get_number(record, "members", 1);
	struct words words = {0};
	char clean[400], size[UNITS_TEXT_MAX];

	add_process(&words, victim);
	if (cmdline)
		words_add(&words, " (%s)", event_clean(clean, sizeof(clean), cmdline));
	words_add(&words,
		  ", uid %.0f, oom_score_adj %.0f. It grew by %s recently; it and its "
		  "children caused %.0f %% of the growth. ",
		  event_get_number(victim, "uid", 0), event_get_number(victim, "oom_score_adj", 0),
		  bytes_of(victim, "growth_bytes", size),
		  event_get_number(victim, "blame", 0) * 100);
	if (rule)
		add_rule(&words, "A rule of the policy names it: ", victim);
	else
		words_add(&words, "No rule names it: it had the highest score");
	words_add(&words, ".");
	if (members > 1) {
		words_add(&words, " %.0f processes of ", members);
		add_unit(&words, record);
		words_add(&words, " %s killed together.", is_dry(record) ? "would be" : "are");
	}
	if (refused)
		words_add(&words,
			  " The policy kills the whole group, but only the process is "
			  "killed: %s.",
			  refused);
	add_spared(&words, record);
	words_print("Victim", &words);
}

static void tell_runners_up(const json_t *record)
{
	const json_t *others = json_object_get(record, "runners_up"), *other;
	struct words words = {0};
	size_t i;

	json_array_foreach((json_t *)others, i, other)
	{
		words_add(&words, "%s", i ? "; then " : "");
		add_process(&words, other);
		words_add(&words, ", %.0f %% of the growth",
			  event_get_number(other, "blame", 0) * 100);
		if (event_get_text(other, "rule", NULL))
			add_rule(&words, ", ", other);
	}
	if (!words.len)
		words_add(&words, "None: all other processes of the scope are protected, or too "
				  "small to help");
	words_add(&words, ".");
	words_print("Next victim", &words);
}

/* ---- what was done ------------------------------------------------------------------- */

static void tell_steps(const json_t *record)
{
	const json_t *steps = json_object_get(record, "steps"), *step;
	struct words words = {0};
	char outcome[120];
	size_t i;

	words_add(&words, is_dry(record)
				  ? "Dry run: no signal was sent. The steps after the verdict "
				    "would have been"
				  : "After the verdict");
	json_array_foreach((json_t *)steps, i, step)
		words_add(&words, "%s %s at %.2f ms", i ? "," : ":",
			  event_get_text(step, "step", "?"), event_get_number(step, "after_ms", 0));
	if (!json_array_size(steps))
		words_add(&words, ": none is recorded");
	words_add(&words, ". ");
	if (event_get_text(record, "outcome", NULL))
		words_add(&words, "The outcome: the victim %s.",
			  event_outcome_words(outcome, sizeof(outcome), record));
	else
		words_add(&words, "The outcome is not in this record.");
	words_print("Steps", &words);
}

static void tell_freed(const json_t *record)
{
	char freed[UNITS_TEXT_MAX];
	struct words words = {0};

	if (is_dry(record) || !has(record, "freed_bytes"))
		return;
	words_add(&words, "When the action ended, the scope held %s less than at the verdict.",
		  bytes_of(record, "freed_bytes", freed));
	words_print("Freed", &words);
}

/* ---- nothing may be killed --------------------------------------------------------------- */

static void tell_held_by(const json_t *record)
{
	const json_t *held = json_object_get(record, "held_by");
	struct words words = {0};
	char bytes[UNITS_TEXT_MAX];

	words_add(&words, "The policy %s could not act: %s.", event_get_text(record, "policy", "?"),
		  event_get_text(record, "message", "?"));
	words_print("Why", &words);
	words = (struct words){0};
	for (int kind = 0; kind < HELD_BY_KINDS_; kind++)
		if (has(held, held_by_key((enum held_by_kind)kind)))
			words_add(&words, "%s%s %s", words.len ? ", " : "",
				  held_by_words((enum held_by_kind)kind),
				  bytes_of(held, held_by_key((enum held_by_kind)kind), bytes));
	words_add(&words, "%s", words.len ? "." : "Not known.");
	words_print("Held by", &words);
}

static void tell_largest(const json_t *record)
{
	const json_t *largest = json_object_get(record, "largest"), *process;
	struct words words = {0};
	size_t i;

	json_array_foreach((json_t *)largest, i, process)
	{
		words_add(&words, "%s", i ? "; " : "");
		add_process(&words, process);
		words_add(&words, ": %s", event_get_text(process, "why", "?"));
	}
	words_add(&words, "%s", i ? "." : "None.");
	words_print("Processes", &words);
}

void explain_no_victim(const json_t *records, size_t at)
{
	const json_t *record = json_array_get(records, at);
	char when[40], scope[EVENT_SCOPE_MAX];

	event_scope_title(scope, sizeof(scope), record);
	printf("%s: no process could be killed to relieve %s (event %.0f).\n\n",
	       event_time(when, sizeof(when), record), scope, event_get_number(record, "id", 0));
	tell_stalled(record);
	tell_held_by(record);
	tell_largest(record);
	explain_afterwards(records, at);
}

void explain_kill(const json_t *records, size_t at)
{
	const json_t *record = json_array_get(records, at);
	char when[40], scope[EVENT_SCOPE_MAX], process[96], outcome[120];

	event_process(process, sizeof(process), json_object_get(record, "victim"));
	event_outcome_words(outcome, sizeof(outcome), record);
	event_scope_title(scope, sizeof(scope), record);
	printf("%s: %s ", event_time(when, sizeof(when), record), process);
	if (is_dry(record) || !strcmp(event_get_text(record, "outcome", "killed"), "killed"))
		printf("%s by fastoom-bpf to relieve %s", outcome, scope);
	else
		printf("was chosen by fastoom-bpf to relieve %s, but it %s", scope, outcome);
	printf(" (event %.0f).\n\n", event_get_number(record, "id", 0));
	tell_stalled(record);
	tell_why(record);
	tell_victim(record);
	tell_runners_up(record);
	tell_steps(record);
	tell_freed(record);
	explain_afterwards(records, at);
}

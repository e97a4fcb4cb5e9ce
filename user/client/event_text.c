// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/event_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "base/utf8.h"
#include "base/util.h"
#include "client/words.h"
#include "judge/case.h"
#include "judge/model.h"
#include "judge/verdict.h"

static const json_t *get(const json_t *record, const char *path)
{
	char key[64];

	for (const char *dot; record && (dot = strchr(path, '.')); path = dot + 1) {
		snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
		record = json_object_get(record, key);
	}
	return json_object_get(record, path);
}

const char *event_get_text(const json_t *record, const char *path, const char *none)
{
	const char *text = json_string_value(get(record, path));

	return text ? text : none;
}

double event_get_number(const json_t *record, const char *path, double none)
{
	const json_t *value = get(record, path);

	return json_is_number(value) ? json_number_value(value) : none;
}

char *event_clean(char *buf, size_t size, const char *text)
{
	size_t n = (size_t)snprintf(buf, size, "%s", text);

	if (n >= size) {
		/* drop a character of which only the beginning fits */
		for (n = size - 1; n && ((unsigned char)buf[n - 1] & 0xc0) == 0x80;)
			n--;
		if (n && !utf8_length(buf + n - 1, size - n))
			n--;
		else
			n = size - 1;
	}
	utf8_sanitize(buf, n);
	buf[n] = '\0';
	return buf;
}

bool event_time_ms(const json_t *record, int64_t *ret_ms)
{
	const char *text = event_get_text(record, "time", "");
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = 0;

	if (!rest)
		return false;
	if (*rest == '.')
		(void)sscanf(rest, "%lf", &fraction);
	*ret_ms = (int64_t)timegm(&tm) * 1000 + (int64_t)(fraction * 1000 + 0.5);
	return true;
}

char *event_time(char *buf, size_t size, const json_t *record)
{
	struct tm tm;
	int64_t ms;
	time_t s;

	if (!event_time_ms(record, &ms)) {
		snprintf(buf, size, "?");
		return buf;
	}
	s = (time_t)(ms / 1000);
	localtime_r(&s, &tm);
	strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

char *event_pod(char *buf, size_t size, const char *namespace, const char *pod,
		const char *container)
{
	snprintf(buf, size, "%s/%s%s%s", *namespace ? namespace : "?", pod, *container ? "/" : "",
		 container);
	return buf;
}

char *event_scope_name(char *buf, size_t size, const json_t *scope)
{
	const char *pod = event_get_text(scope, "pod", NULL);
	const char *path = event_get_text(scope, "path", NULL);
	char text[EVENT_SCOPE_MAX];

	if (pod)
		event_pod(text, sizeof(text), event_get_text(scope, "namespace", ""), pod,
			  event_get_text(scope, "container", ""));
	else
		snprintf(text, sizeof(text), "%s", path ? path : event_get_text(scope, "kind", ""));
	return event_clean(buf, size, text);
}

char *event_scope(char *buf, size_t size, const json_t *record)
{
	return event_scope_name(buf, size, json_object_get(record, "scope"));
}

char *event_scope_title(char *buf, size_t size, const json_t *record)
{
	const json_t *scope = json_object_get(record, "scope");
	const char *kind = event_get_text(scope, "kind", "");
	const char *pod = event_get_text(scope, "pod", NULL);
	const char *container = event_get_text(scope, "container", NULL);
	char name[EVENT_SCOPE_MAX], text[EVENT_SCOPE_MAX + 64];

	if (!strcmp(kind, "node"))
		snprintf(text, sizeof(text), "the node");
	else if (pod)
		snprintf(text, sizeof(text), "%s%s%sthe pod %s/%s",
			 container ? "the container " : "", container ? container : "",
			 container ? " of " : "", event_get_text(scope, "namespace", "?"), pod);
	else
		snprintf(text, sizeof(text), "the cgroup %s",
			 event_scope_name(name, sizeof(name), scope));
	return event_clean(buf, size, text);
}

/* ---- words for keys -------------------------------------------------------------- */

/* A test checks that every feature, reason and outcome has words. */
static const char *const feature_words[FEATURES_] = {
	[FEATURE_AVOIDABLE] = "time lost to refaults that a kill avoids",
	[FEATURE_REREAD] = "refaults and major faults",
	[FEATURE_STALLED] = "stalled tasks",
	[FEATURE_UNPRODUCTIVE] = "unproductive tasks",
	[FEATURE_RELIEF] = "what a kill would give back",
	[FEATURE_COST] = "reclaim that frees few pages for its time",
	[FEATURE_GROWTH] = "growth towards exhaustion",
};

static const char *const reason_words[REASONS_] = {
	[REASON_CALM] = "the risk is below the threshold",
	[REASON_HOLDING] = "the risk is above the threshold, but not for long enough yet",
	[REASON_NEAR_OOM] = "the risk was above the threshold for long enough",
	[REASON_SPIKE] = "at its growth, memory is exhausted within 0.3 s",
	[REASON_BLIND] = "an essential measurement is missing, so nothing is killed",
	[REASON_SETTLING] = "a kill is pending, or ended less than 1 s ago",
	[REASON_STORM] = "there were too many kills within a minute",
	[REASON_NO_RELIEF] = "the last kills relieved no process",
	[REASON_LEVEL_LOW] =
		"tasks lose time to file pages, but a kill frees too little to keep these: the limit is too "
		"low for them, or the cause is IO",
	[REASON_UNDER_OOM] =
		"its tasks sleep until memory is freed, because the kernel's OOM killer is "
		"off in this cgroup",
	[REASON_LOW_HEADROOM] = "growth is about to take pages that are in use",
	[REASON_RECOVERING] = "tasks refault pages, but nothing reclaims",
};

/* Keys of the version before: records on disk have them. */
static const struct {
	const char *old_key, *key;
} renamed_keys[] = {
	{"futile", "avoidable"},
	{"out_of_work", "stalled"},
	{"halted", "unproductive"},
	{"squeeze", "low-headroom"},
};

static const char *new_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(renamed_keys); i++)
		if (!strcmp(renamed_keys[i].old_key, key))
			return renamed_keys[i].key;
	return key;
}

const char *event_feature_words(const char *key)
{
	key = new_key(key);
	if (!strcmp(key, "intercept"))
		return "intercept";
	for (int i = 0; i < FEATURES_; i++)
		if (!strcmp(model_feature_name((enum feature)i), key) && feature_words[i])
			return feature_words[i];
	return key;
}

const char *event_reason_words(const char *key)
{
	key = new_key(key);
	for (int i = 0; i < REASONS_; i++)
		if (!strcmp(verdict_reason_name((enum verdict_reason)i), key) && reason_words[i])
			return reason_words[i];
	return key;
}

static const char *const outcome_words[CASE_OUTCOMES_] = {
	[CASE_KILLED] = "was killed",
	[CASE_EXITED] = "exited before the signal",
	[CASE_REUSED] = "exited before the signal, and its pid is now another process's",
	[CASE_REFUSED] = "could not be killed",
	[CASE_STUCK] = "was sent SIGKILL but has not exited",
	[CASE_UNCONFIRMED] = "was killed, but the others of its group could not be listed",
	[CASE_RELIEVED] = "was not killed, as an earlier step relieved the scope",
	[CASE_UNRELIEVED] = "was not killed, as the ladder has no step that kills",
	[CASE_UNSENT] = "was not signalled, as the daemon had no file descriptor or memory for it",
};

char *event_outcome_words(char *buf, size_t size, const json_t *record)
{
	const char *name = event_get_text(record, "outcome", NULL);
	const char *error = event_get_text(record, "error", NULL);
	enum case_outcome outcome = name ? case_outcome_of_name(name) : CASE_OUTCOMES_;
	const char *words = !name		       ? "was chosen to be killed"
			    : outcome < CASE_OUTCOMES_ ? outcome_words[outcome]
						       : name;

	if (json_is_true(json_object_get(record, "dry_run")) && (!name || outcome == CASE_KILLED))
		words = "would have been killed";
	if ((outcome == CASE_REFUSED || outcome == CASE_UNSENT) && error)
		snprintf(buf, size, "%s (%s)", words, error);
	else
		snprintf(buf, size, "%s", words);
	return buf;
}

/* ---- a line for each record ------------------------------------------------------- */

char *event_process(char *buf, size_t size, const json_t *process)
{
	char comm[64];

	event_clean(comm, sizeof(comm), event_get_text(process, "comm", "?"));
	snprintf(buf, size, "%s[%.0f]", comm, event_get_number(process, "pid", 0));
	return buf;
}

static void add_risk(struct words *words, const json_t *record)
{
	double risk = event_get_number(record, "risk", NAN);

	words_add(words, "%s, ", event_get_text(record, "reason", "?"));
	if (isnan(risk))
		words_add(words, "risk not known");
	else
		words_add(words, "risk %.2f", risk);
}

void event_add_evidence(struct words *words, const json_t *record)
{
	double level = event_get_number(record, "evidence.level", NAN);
	double lost = event_get_number(record, "evidence.lost_share", NAN);

	if (!isnan(level))
		words_add(words, ", level %.0f %%", level * 100);
	if (!isnan(lost))
		words_add(words, ", %.0f %% of the tasks' time lost", lost * 100);
}

static void add_kill(struct words *words, const json_t *record)
{
	char victim[96], outcome[120], freed[UNITS_TEXT_MAX];
	const bool dry = json_is_true(json_object_get(record, "dry_run"));
	const bool killed = !strcmp(event_get_text(record, "outcome", ""), "killed");
	double others = event_get_number(record, "members", 1) - 1;

	words_add(words, "%s %s",
		  event_process(victim, sizeof(victim), json_object_get(record, "victim")),
		  event_outcome_words(outcome, sizeof(outcome), record));
	if (others > 0)
		words_add(words, " with %.0f other process%s", others, others > 1 ? "es" : "");
	if (dry)
		words_add(words, " (dry run)");
	else if (killed)
		words_add(words, " after %.1f ms, %s freed", event_get_number(record, "took_ms", 0),
			  units_format_bytes(freed, sizeof(freed),
					     (uint64_t)event_get_number(record, "freed_bytes", 0)));
	words_add(words, ": ");
	add_risk(words, record);
}

static void add_kernel_kill(struct words *words, const json_t *record)
{
	char victim[96], invoker[96], anon[UNITS_TEXT_MAX];

	words_add(words,
		  "%s was killed by the kernel's OOM killer, %s of it anonymous; invoked by %s",
		  event_process(victim, sizeof(victim), json_object_get(record, "victim")),
		  units_format_bytes(anon, sizeof(anon),
				     (uint64_t)event_get_number(record, "victim.anon_bytes", 0)),
		  event_process(invoker, sizeof(invoker), json_object_get(record, "invoker")));
}

char *event_line(char *buf, size_t size, const json_t *record, size_t scope_most)
{
	const char *event = event_get_text(record, "event", "?");
	char scope[EVENT_SCOPE_MAX];
	const char *shown = event_scope(scope, sizeof(scope), record);
	struct words words = {0};

	if (scope_most && strlen(shown) > scope_most)
		shown += strlen(shown) - scope_most;
	while (((unsigned char)*shown & 0xc0) == 0x80)
		shown++;
	words_add(&words, "%-11s %s%s", event, shown, *shown ? "  " : "");
	if (!strcmp(event, "kernel_kill")) {
		add_kernel_kill(&words, record);
	} else if (!strcmp(event, "relief")) {
		words_add(&words,
			  "the kill gave back %.0f %% of a process's time, predicted %.0f %%",
			  event_get_number(record, "measured_share", 0) * 100,
			  event_get_number(record, "predicted_share", 0) * 100);
	} else if (json_object_get(record, "victim")) {
		add_kill(&words, record);
	} else if (json_object_get(record, "message")) {
		words_add(&words, "%s", event_get_text(record, "message", ""));
	} else if (json_object_get(record, "verdict")) {
		add_risk(&words, record);
		event_add_evidence(&words, record);
	}
	return event_clean(buf, size, words.text);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "config/config_file.h"
#include "base/exit.h"
#include "config/load.h"
#include "sense/pod_scope.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/judge.h"
#include "judge/rules.h"
#include "judge/victim.h"
#include "tell/record.h"
#include "tell/trace_read.h"

#define LINE_MAX_BYTES 16384
#define BACKOFFS       16

/* Somebody died, or would have. */
struct death {
	uint64_t at_ns;
	int pid;
	char comm[64];
	bool real; /* did: a signal was sent */
};

struct deaths {
	struct death *list;
	size_t count;
};

/* A struct trace_did with strings of its own. */
struct event {
	struct trace_did did;
	char comm[64];
	char text[64];
};

struct scope {
	struct trace_scope about;
	char *path;
	const struct policy *policy; /* NULL: none speaks of it */
	struct judge judge;
	bool hot;
	bool whole;	   /* its beginning was recorded: all must come out the same */
	bool pending;	   /* a kill that is not settled */
	uint64_t incident; /* of that kill; 0: an assumed one */
	struct event *events;
	size_t event_count;
	struct candidate *candidates;
	size_t candidate_count;
	char verdict[64];
	char recorded[64];
	struct {
		int pid;
		uint64_t until_ns;
	} backoffs[BACKOFFS];
	size_t backoff_next;
	struct deaths would, did;
};

struct replay {
	const char *name;
	const struct replay_options *options;
	FILE *out;
	struct config *config;
	struct trace_head head;
	bool has_head;
	uint64_t begin_ns; /* 0: nothing happened yet */
	uint64_t end_ns;
	struct scope *scopes;
	size_t scope_count;
	size_t samples;
	size_t verdicts, verdicts_same; /* recorded ones, and how many came out again */
	struct victim *ranking;
	size_t ranking_room;
	bool no_memory;
};

static const char *scope_name(const struct scope *scope)
{
	return scope->about.kind == TRACE_SCOPE_NODE ? "node" : scope->path;
}

static double seconds(const struct replay *r, uint64_t at_ns)
{
	return at_ns >= r->begin_ns ? (double)(at_ns - r->begin_ns) / 1e9
				    : -((double)(r->begin_ns - at_ns) / 1e9);
}

static void *more(struct replay *r, void *list, size_t count, size_t size)
{
	void *fresh = reallocarray(list, count, size);

	if (!fresh)
		r->no_memory = true;
	return fresh;
}

/* ---- telling ---- */

static struct record_head record_head_of(const struct replay *r, const struct scope *scope,
					 uint64_t at_ns)
{
	return (struct record_head){
		.wall_ns = r->head.wall_ns + (at_ns - r->head.mono_ns),
		.mono_ns = at_ns,
		.policy = scope->policy ? scope->policy->name : NULL,
		.scope_kind = scope->about.kind == TRACE_SCOPE_NODE ? "node" : "cgroup",
		.scope_path = scope->about.kind == TRACE_SCOPE_NODE ? NULL : scope->path,
		.scope_id = scope->about.id,
		.dry_run = true,
	};
}

static void tell_judgement(struct replay *r, const struct scope *scope, const char *event,
			   const struct judgement *j)
{
	const struct evidence *e = &j->evidence;
	const struct verdict *v = &j->verdict;

	if (r->options->json) {
		struct record_head head = record_head_of(r, scope, e->at_ns);
		char line[LINE_MAX_BYTES];
		size_t len;

		if (!record_verdict(line, sizeof(line), &head, event, v, e, &len))
			fputs(line, r->out);
		return;
	}
	fprintf(r->out, "%9.3f s  %s  %s %s", seconds(r, e->at_ns), scope_name(scope),
		verdict_action_name(v->action), verdict_reason_name(v->reason));
	if (v->risk.known)
		fprintf(r->out, "  risk %.3f", v->risk.value);
	if (v->held_ns)
		fprintf(r->out, " for %.1f s, score %.0f %% of the bound", (double)v->held_ns / 1e9,
			v->score * 100);
	if (v->risk.known && r->options->explain) {
		fprintf(r->out, " = logistic(%.2f", v->risk.intercept);
		for (int i = 0; i < FEATURES_; i++)
			if (v->risk.contributions[i] > 0)
				fprintf(r->out, " + %s %.2f", model_feature_name((enum feature)i),
					v->risk.contributions[i]);
		fputc(')', r->out);
	}
	if (e->has & EVIDENCE_HAS_THRASH)
		fprintf(r->out, "  lost %.0f %%", e->lost_share * 100);
	if (e->has & EVIDENCE_HAS_LEVEL)
		fprintf(r->out, "  level %.0f %%", e->level * 100);
	if (r->options->explain) {
		if (e->has & EVIDENCE_HAS_STALL)
			fprintf(r->out, "  stall %.3f", e->stall);
		if (e->has & EVIDENCE_HAS_THRASH)
			fprintf(r->out, " thrash %.3f io %.3f avoidable %.0f %%", e->thrash, e->io,
				e->avoidable * 100);
		if (e->has & EVIDENCE_HAS_LEVEL)
			fprintf(r->out, " growth %.1f MiB/s", e->growth / 1048576);
		if (e->lossy)
			fputs(" lossy", r->out);
	}
	fputc('\n', r->out);
}

static void put_scope(struct json *json, const struct scope *scope)
{
	json_open_map(json, "scope");
	json_text(json, "kind", scope->about.kind == TRACE_SCOPE_NODE ? "node" : "cgroup");
	if (scope->about.kind != TRACE_SCOPE_NODE)
		json_text(json, "path", scope->path);
	json_shut_map(json);
}

/* What was done, as it was recorded. */
static void tell_did(struct replay *r, const struct scope *scope, const struct event *event)
{
	static const char *const names[TRACE_WHATS_] = {
		[TRACE_KILL] = "did_kill",
		[TRACE_SETTLED] = "did_settle",
		[TRACE_STOOD_DOWN] = "did_stand_down",
		[TRACE_KERNEL_KILL] = "kernel_kill",
	};
	const struct trace_did *did = &event->did;
	char size[UNITS_TEXT_MAX];

	if (r->options->json) {
		struct json json;
		char line[LINE_MAX_BYTES];
		size_t len;

		json_begin(&json, line, sizeof(line));
		json_text(&json, "event", names[did->what]);
		json_u64(&json, "mono_ns", did->at_ns);
		put_scope(&json, scope);
		json_u64(&json, "id", did->incident);
		json_i64(&json, "pid", did->pid);
		json_text(&json, "comm", event->comm);
		json_text(&json, "text", event->text);
		json_u64(&json, "bytes", did->bytes);
		json_bool(&json, "dry_run", did->dry_run);
		if (!json_end(&json, &len))
			fprintf(r->out, "%s\n", line);
		return;
	}
	units_format_bytes(size, sizeof(size), did->bytes);
	fprintf(r->out, "%9.3f s  %s  ", seconds(r, did->at_ns), scope_name(scope));
	switch (did->what) {
	case TRACE_KILL:
		fprintf(r->out, "%s %s[%d], %s\n",
			did->dry_run ? "(dry run) did choose" : "did kill", event->comm, did->pid,
			size);
		break;
	case TRACE_SETTLED:
		fprintf(r->out, "did settle: %s, %s given back\n", event->text, size);
		break;
	case TRACE_STOOD_DOWN:
		fprintf(r->out, "did nothing: %s\n", event->text);
		break;
	default:
		fprintf(r->out, "the kernel did kill %s[%d], %s\n", event->comm, did->pid, size);
	}
}

static void tell_would(struct replay *r, const struct scope *scope, const struct judgement *j,
		       size_t eligible)
{
	const struct victim *victim = &r->ranking[0];
	const struct evidence *e = &j->evidence;
	char size[UNITS_TEXT_MAX];

	if (r->options->json) {
		struct record_head head = record_head_of(r, scope, e->at_ns);
		struct record_kill kill = {
			.verdict = &j->verdict,
			.evidence = e,
			.event = "would_kill",
			.victims = r->ranking,
			.victim_count =
				eligible < 1 + RECORD_RUNNERS_UP ? eligible : 1 + RECORD_RUNNERS_UP,
			.members = 1,
		};
		char line[LINE_MAX_BYTES];
		size_t len;

		if (eligible && !record_kill(line, sizeof(line), &head, &kill, &len))
			fputs(line, r->out);
		return;
	}
	fprintf(r->out, "%9.3f s  %s  ", seconds(r, e->at_ns), scope_name(scope));
	if (!eligible) {
		fprintf(r->out, "would kill nobody: none of %zu processes may be killed\n",
			scope->candidate_count);
		return;
	}
	units_format_bytes(size, sizeof(size), candidate_freeable_bytes(victim->candidate));
	fprintf(r->out, "would kill %s[%d], %s%s%s\n", victim->candidate->comm,
		victim->candidate->pid, size, victim->rule ? ", rule " : "",
		victim->rule ? victim->rule->text : "");
}

static void tell_head(struct replay *r, const char *config_name)
{
	time_t wall = (time_t)(r->head.wall_ns / 1000000000);
	char when[32], ram[UNITS_TEXT_MAX];
	struct tm tm;

	gmtime_r(&wall, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (r->options->json) {
		struct json json;
		char line[LINE_MAX_BYTES];
		size_t len;

		json_begin(&json, line, sizeof(line));
		json_text(&json, "event", "recording");
		json_text(&json, "time", when);
		json_u64(&json, "abi", r->head.abi);
		json_text(&json, "kernel", r->head.release);
		json_u64(&json, "ram_bytes", r->head.ram_bytes);
		json_u64(&json, "cpus", r->head.cpus);
		json_u64(&json, "cgroup_version", r->head.cgroup_version);
		json_u64(&json, "page_bytes", r->head.page_bytes);
		json_text(&json, "configuration", config_name);
		if (!json_end(&json, &len))
			fprintf(r->out, "%s\n", line);
		return;
	}
	units_format_bytes(ram, sizeof(ram), r->head.ram_bytes);
	fprintf(r->out, "recorded %s: Linux %s, %u CPUs, %s, cgroup v%u, ABI %u%s\n", when,
		r->head.release, r->head.cpus, ram, r->head.cgroup_version, r->head.abi,
		r->head.dry_run ? ", nothing was killed" : "");
	fprintf(r->out, "judged by: %s\n", config_name);
}

/* "0.3 s earlier than", "1.2 s later than" */
static void tell_difference(struct replay *r, const struct scope *scope, const struct death *would,
			    const struct death *did)
{
	double by = would && did ? (double)(int64_t)(would->at_ns - did->at_ns) / 1e9 : 0;

	if (r->options->json) {
		struct json json;
		char line[LINE_MAX_BYTES];
		size_t len;

		json_begin(&json, line, sizeof(line));
		json_text(&json, "event", "difference");
		put_scope(&json, scope);
		if (would) {
			json_u64(&json, "would_mono_ns", would->at_ns);
			json_i64(&json, "would_pid", would->pid);
			json_text(&json, "would_comm", would->comm);
		}
		if (did) {
			json_u64(&json, "did_mono_ns", did->at_ns);
			json_i64(&json, "did_pid", did->pid);
			json_text(&json, "did_comm", did->comm);
			json_bool(&json, "did_dry_run", !did->real);
		}
		if (would && did)
			json_double(&json, "later_s", by);
		if (!json_end(&json, &len))
			fprintf(r->out, "%s\n", line);
		return;
	}
	fprintf(r->out, "%s: ", scope_name(scope));
	if (would)
		fprintf(r->out, "would kill %s[%d] at %.3f s", would->comm, would->pid,
			seconds(r, would->at_ns));
	if (!did) {
		fputs(", where nothing was killed\n", r->out);
		return;
	}
	if (would && by > -0.05 && by < 0.05)
		fputs(", at the moment that ", r->out);
	else if (would)
		fprintf(r->out, ", %.1f s %s than ", by < 0 ? -by : by,
			by < 0 ? "earlier" : "later");
	else
		fprintf(r->out, "would not kill at %.3f s, when ", seconds(r, did->at_ns));
	fprintf(r->out, "%s[%d] was %s\n", did->comm, did->pid,
		did->real ? "killed" : "chosen (dry run)");
}

static void tell_end(struct replay *r)
{
	if (!r->has_head)
		return;
	for (size_t i = 0; i < r->scope_count; i++) {
		const struct scope *scope = &r->scopes[i];

		/* what was done after the last sample */
		for (size_t n = 0; n < scope->event_count; n++)
			if (scope->events[n].did.what != TRACE_VERDICT)
				tell_did(r, scope, &scope->events[n]);
		for (size_t n = 0; n < scope->would.count || n < scope->did.count; n++)
			tell_difference(r, scope,
					n < scope->would.count ? &scope->would.list[n] : NULL,
					n < scope->did.count ? &scope->did.list[n] : NULL);
	}
	if (r->options->json) {
		struct json json;
		char line[512];
		size_t len;

		json_begin(&json, line, sizeof(line));
		json_text(&json, "event", "end");
		json_u64(&json, "samples", r->samples);
		json_u64(&json, "scopes", r->scope_count);
		json_double(&json, "seconds", seconds(r, r->end_ns));
		json_u64(&json, "verdicts_recorded", r->verdicts);
		json_u64(&json, "verdicts_same", r->verdicts_same);
		if (!json_end(&json, &len))
			fprintf(r->out, "%s\n", line);
		return;
	}
	fprintf(r->out,
		"%zu samples of %zu scopes in %.1f s; of %zu recorded verdicts %zu came out the "
		"same\n",
		r->samples, r->scope_count, r->begin_ns ? seconds(r, r->end_ns) : 0.0, r->verdicts,
		r->verdicts_same);
}

/* ---- what is kept ---- */

static void scope_free(struct scope *scope)
{
	free(scope->path);
	free(scope->events);
	for (size_t i = 0; i < scope->candidate_count; i++) {
		free((char *)scope->candidates[i].comm);
		free((char *)scope->candidates[i].cmdline);
	}
	free(scope->candidates);
	free(scope->would.list);
	free(scope->did.list);
}

static void forget(struct replay *r)
{
	for (size_t i = 0; i < r->scope_count; i++)
		scope_free(&r->scopes[i]);
	free(r->scopes);
	config_free(r->config);
	r->scopes = NULL;
	r->scope_count = r->samples = r->verdicts = r->verdicts_same = 0;
	r->config = NULL;
	r->begin_ns = r->end_ns = 0;
	r->has_head = false;
}

static struct scope *scope_of(struct replay *r, const struct trace_scope *about)
{
	struct scope *scope;
	void *fresh;

	for (size_t i = 0; i < r->scope_count; i++)
		if (r->scopes[i].about.id == about->id && r->scopes[i].about.kind == about->kind)
			return &r->scopes[i];
	fresh = more(r, r->scopes, r->scope_count + 1, sizeof(*scope));
	if (!fresh)
		return NULL;
	r->scopes = fresh;
	scope = &r->scopes[r->scope_count];
	*scope = (struct scope){.about = *about, .path = strdup(about->path)};
	if (!scope->path) {
		r->no_memory = true;
		return NULL;
	}
	scope->about.path = scope->path;
	r->scope_count++;
	if (about->kind == TRACE_SCOPE_NODE) {
		scope->policy = rules_policy_node(r->config);
	} else {
		struct scope_names names = scope_of_path(scope->path);

		scope->policy = rules_policy_cgroup(r->config, &names);
	}
	return scope;
}

static void keep_list(struct replay *r, struct scope *scope, const struct candidate *list, size_t n)
{
	struct candidate *fresh = calloc(n ? n : 1, sizeof(*fresh));

	for (size_t i = 0; i < scope->candidate_count; i++) {
		free((char *)scope->candidates[i].comm);
		free((char *)scope->candidates[i].cmdline);
	}
	free(scope->candidates);
	scope->candidates = fresh;
	scope->candidate_count = fresh ? n : 0;
	r->no_memory |= !fresh;
	for (size_t i = 0; fresh && i < n; i++) {
		fresh[i] = list[i];
		fresh[i].comm = strdup(list[i].comm);
		fresh[i].cmdline = list[i].cmdline ? strdup(list[i].cmdline) : NULL;
		r->no_memory |= !fresh[i].comm || (list[i].cmdline && !fresh[i].cmdline);
	}
}

static void keep_event(struct replay *r, struct scope *scope, const struct trace_did *did)
{
	struct event *fresh = more(r, scope->events, scope->event_count + 1, sizeof(*fresh));
	struct event *event;

	if (!fresh)
		return;
	scope->events = fresh;
	event = &fresh[scope->event_count++];
	*event = (struct event){.did = *did};
	snprintf(event->comm, sizeof(event->comm), "%s", did->comm);
	snprintf(event->text, sizeof(event->text), "%s", did->text);
	event->did.comm = event->did.text = NULL;
}

static void keep_death(struct replay *r, struct deaths *deaths, const struct death *death)
{
	struct death *fresh = more(r, deaths->list, deaths->count + 1, sizeof(*fresh));

	if (!fresh)
		return;
	deaths->list = fresh;
	fresh[deaths->count++] = *death;
}

/* ---- judging ---- */

static void take_before(struct replay *r, struct scope *scope, const struct event *event)
{
	const struct trace_did *did = &event->did;

	if (did->what == TRACE_KERNEL_KILL) {
		verdict_killed(&scope->judge.state, did->at_ns);
		tell_did(r, scope, event);
		return;
	}
	if (!strcmp(event->text, "stuck") || !strcmp(event->text, "refused")) {
		scope->backoffs[scope->backoff_next].pid = did->pid;
		scope->backoffs[scope->backoff_next].until_ns = did->at_ns + VICTIM_BACKOFF_NS;
		scope->backoff_next = (scope->backoff_next + 1) % BACKOFFS;
	}
	if (scope->pending && scope->incident == did->incident) {
		scope->pending = false;
		if (did->waits)
			verdict_settled(&scope->judge.state, did->at_ns);
	}
	tell_did(r, scope, event);
}

/* Ranks the processes that were listed last; how many may die. */
static size_t rank(struct replay *r, struct scope *scope, const struct evidence *e)
{
	int backoffs[BACKOFFS];
	struct victim_request request = {
		.policy = scope->policy,
		.scope_bytes = e->total_bytes,
		.self_pid = (int)r->head.self_pid,
		.backoff_pids = backoffs,
	};

	for (size_t i = 0; i < BACKOFFS; i++)
		if (scope->backoffs[i].until_ns > e->at_ns)
			backoffs[request.backoffs++] = scope->backoffs[i].pid;
	if (scope->candidate_count > r->ranking_room) {
		void *fresh = more(r, r->ranking, scope->candidate_count, sizeof(*r->ranking));

		if (!fresh)
			return 0;
		r->ranking = fresh;
		r->ranking_room = scope->candidate_count;
	}
	return victim_rank(&request, scope->candidates, scope->candidate_count, r->ranking);
}

static void act(struct replay *r, struct scope *scope, const struct judgement *j,
		const struct event *done)
{
	uint64_t at_ns = j->evidence.at_ns;
	size_t eligible = rank(r, scope, &j->evidence);

	tell_would(r, scope, j, eligible);
	if (eligible) {
		const struct candidate *victim = r->ranking[0].candidate;
		struct death death = {.at_ns = at_ns, .pid = victim->pid};

		snprintf(death.comm, sizeof(death.comm), "%s", victim->comm);
		if (!done || done->did.what == TRACE_KILL)
			keep_death(r, &scope->would, &death);
	}
	if (done && done->did.what == TRACE_STOOD_DOWN) {
		if (done->did.waits)
			verdict_settled(&scope->judge.state, done->did.at_ns);
		return;
	}
	if (!done && !eligible) {
		verdict_settled(&scope->judge.state, at_ns);
		return;
	}
	scope->judge.trouble = true;
	scope->pending = true;
	scope->incident = done ? done->did.incident : 0;
	verdict_killed(&scope->judge.state, done ? done->did.at_ns : at_ns);
}

/* A kill was done that this judgement did not ask for: what it gave back counts all the same. */
static void take_strange(struct scope *scope, const struct event *done)
{
	if (done->did.what != TRACE_KILL || done->did.dry_run)
		return;
	scope->pending = true;
	scope->incident = done->did.incident;
	verdict_killed(&scope->judge.state, done->did.at_ns);
}

static void compare_verdict(struct replay *r, struct scope *scope, const char *text)
{
	if (!scope->whole || !*scope->recorded)
		return;
	r->verdicts++;
	r->verdicts_same += !strcmp(scope->recorded, text);
}

static void judge_sample(struct replay *r, struct scope *scope, const struct sample *sample)
{
	const struct event *done = NULL;
	struct judgement j;
	uint64_t mute_ns;
	bool recovered;
	char text[64];

	if (!scope->hot) {
		judge_begin(&scope->judge, sample->at_ns);
		scope->whole = false;
	}
	scope->hot = true;
	r->samples++;
	if (scope->pending && !scope->incident) {
		scope->pending = false;
		verdict_settled(&scope->judge.state, sample->at_ns);
	}
	for (size_t i = 0; i < scope->event_count; i++) {
		const struct event *event = &scope->events[i];

		if (event->did.what == TRACE_VERDICT)
			snprintf(scope->recorded, sizeof(scope->recorded), "%s", event->text);
		else if (event->did.what == TRACE_SETTLED || event->did.what == TRACE_KERNEL_KILL)
			take_before(r, scope, event);
		else
			done = event;
	}
	if (!scope->policy) {
		scope->event_count = 0;
		return;
	}
	judge_see(&scope->judge, sample);
	j = judge_tick(&scope->judge, scope->policy, sample, scope->pending);
	if (j.judged) {
		snprintf(text, sizeof(text), "%s %s", verdict_action_name(j.verdict.action),
			 verdict_reason_name(j.verdict.reason));
		compare_verdict(r, scope, text);
		if (r->options->explain || strcmp(text, scope->verdict))
			tell_judgement(r, scope, r->options->explain ? "tick" : "verdict", &j);
		snprintf(scope->verdict, sizeof(scope->verdict), "%s", text);
		if (j.verdict.action == VERDICT_ACT)
			act(r, scope, &j, done);
		else if (done)
			take_strange(scope, done);
	} else if (done) {
		take_strange(scope, done);
	}
	if (done) {
		struct death death = {
			.at_ns = done->did.at_ns, .pid = done->did.pid, .real = !done->did.dry_run};

		tell_did(r, scope, done);
		snprintf(death.comm, sizeof(death.comm), "%s", done->comm);
		if (done->did.what == TRACE_KILL)
			keep_death(r, &scope->did, &death);
	}
	scope->event_count = 0;
	(void)judge_end(&scope->judge, sample->at_ns, scope->pending, &recovered, &mute_ns);
	if ((recovered || j.recovered) && !r->options->json)
		fprintf(r->out, "%9.3f s  %s  recovered\n", seconds(r, sample->at_ns),
			scope_name(scope));
}

static int begin(struct replay *r, const struct trace_head *head)
{
	const char *config_name = r->options->config_path;
	int err;

	tell_end(r);
	forget(r);
	r->head = *head;
	if (config_name) {
		if (config_load(config_name, &r->config))
			return EXIT_USAGE;
	} else if (head->config_name_len) {
		static struct config_errors errors;

		err = config_parse(head->config_name, head->config_text, head->config_len,
				   &r->config, &errors);
		if (err)
			log_error("%s: its configuration is none for this build (%s); name one "
				  "with -c",
				  r->name, errors.count ? errors.list[0].text : strerror(-err));
		config_errors_free(&errors);
		if (err)
			return EXIT_USAGE;
		config_name = head->config_name;
	} else {
		r->config = config_default();
		if (!r->config) {
			log_error("out of memory");
			return EXIT_FAILED;
		}
		config_name = "the built-in configuration";
	}
	r->has_head = true;
	tell_head(r, config_name);
	return EXIT_OK;
}

static int take(struct replay *r, const struct trace_item *item)
{
	struct scope *scope;

	if (item->kind == TRACE_HEAD)
		return begin(r, item->head);
	if (!r->begin_ns)
		r->begin_ns = item->at_ns;
	r->end_ns = item->at_ns;
	scope = scope_of(r, &item->scope);
	if (!scope)
		return EXIT_FAILED;
	switch (item->kind) {
	case TRACE_BEGIN:
		judge_begin(&scope->judge, item->at_ns);
		memset(scope->backoffs, 0, sizeof(scope->backoffs));
		scope->hot = scope->whole = true;
		scope->pending = false;
		scope->verdict[0] = scope->recorded[0] = '\0';
		break;
	case TRACE_END:
		scope->hot = false;
		break;
	case TRACE_LIST:
		keep_list(r, scope, item->candidates, item->count);
		break;
	case TRACE_DID:
		keep_event(r, scope, &item->did);
		break;
	default:
		judge_sample(r, scope, &item->sample);
	}
	return r->no_memory ? EXIT_FAILED : EXIT_OK;
}

int replay(const char *name, const void *bytes, size_t len, const struct replay_options *options,
	   FILE *out)
{
	struct replay r = {.name = name, .options = options, .out = out};
	struct trace_reader *reader;
	struct trace_item item;
	int found, code = EXIT_OK;

	if (trace_reader_new(&reader, bytes, len)) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	while (code == EXIT_OK && (found = trace_next(reader, &item)) > 0)
		code = take(&r, &item);
	if (code == EXIT_OK)
		tell_end(&r);
	if (r.no_memory)
		log_error("out of memory");
	if (code == EXIT_OK && found < 0) {
		log_error("%s: %s", name, trace_reader_error(reader));
		code = EXIT_FAILED;
	} else if (trace_reader_lost(reader)) {
		log_warn("%s: %" PRIu64 " items found no place when it was recorded", name,
			 trace_reader_lost(reader));
	}
	trace_reader_free(reader);
	forget(&r);
	free(r.ranking);
	return code;
}

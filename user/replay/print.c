// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "replay/print.h"

#include <inttypes.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"

/* A would_kill record whose every text is hostile has 30 kB. */
#define LINE_MAX_BYTES 36864

static double seconds(const struct replay_print *p, uint64_t at_ns)
{
	uint64_t begin_ns = p->replayed->begin_ns;

	return at_ns >= begin_ns ? (double)(at_ns - begin_ns) / 1e9
				 : -((double)(begin_ns - at_ns) / 1e9);
}

static struct record_head record_head_of(const struct replay_print *p,
					 const struct replayed_scope *scope, uint64_t at_ns)
{
	return (struct record_head){
		.wall_ns = p->replayed->head.wall_ns + (at_ns - p->replayed->head.mono_ns),
		.mono_ns = at_ns,
		.policy = scope->policy ? scope->policy->name : NULL,
		.scope_kind = replayed_is_node(scope) ? "node" : "cgroup",
		.scope_path = replayed_is_node(scope) ? NULL : scope->path,
		.scope_id = scope->about.id,
		.dry_run = true,
	};
}

void print_judgement(const struct replay_print *p, const struct replayed_scope *scope,
		     const char *event, const struct judgement *j)
{
	const struct evidence *e = &j->evidence;
	const struct verdict *v = &j->verdict;

	if (p->json) {
		struct record_head head = record_head_of(p, scope, e->at_ns);
		char line[LINE_MAX_BYTES];
		size_t len;

		if (!record_verdict(line, sizeof(line), &head, event, v, e, &len))
			fputs(line, p->out);
		return;
	}
	fprintf(p->out, "%9.3f s  %s  %s %s", seconds(p, e->at_ns), replayed_name(scope),
		verdict_action_name(v->action), verdict_reason_name(v->reason));
	if (v->risk.known)
		fprintf(p->out, "  risk %.3f", v->risk.value);
	if (v->held_ns)
		fprintf(p->out, " for %.1f s, score %.0f %% of the bound", (double)v->held_ns / 1e9,
			v->score * 100);
	if (v->risk.known && p->explain) {
		fprintf(p->out, " = logistic(%.2f", v->risk.intercept);
		for (int i = 0; i < FEATURES_; i++)
			if (v->risk.contributions[i] > 0)
				fprintf(p->out, " + %s %.2f", model_feature_name((enum feature)i),
					v->risk.contributions[i]);
		fputc(')', p->out);
	}
	if (e->has & EVIDENCE_HAS_THRASH)
		fprintf(p->out, "  lost %.0f %%", e->lost_share * 100);
	if (e->has & EVIDENCE_HAS_LEVEL)
		fprintf(p->out, "  level %.0f %%", e->level * 100);
	if (p->explain) {
		if (e->has & EVIDENCE_HAS_STALL)
			fprintf(p->out, "  stall %.3f", e->stall);
		if (e->has & EVIDENCE_HAS_THRASH)
			fprintf(p->out, " thrash %.3f io %.3f avoidable %.0f %%", e->thrash, e->io,
				e->avoidable * 100);
		if (e->has & EVIDENCE_HAS_LEVEL)
			fprintf(p->out, " growth %.1f MiB/s", e->growth / 1048576);
		if (e->lossy)
			fputs(" lossy", p->out);
	}
	fputc('\n', p->out);
}

static void put_scope(struct json *json, const struct replayed_scope *scope)
{
	json_open_map(json, "scope");
	json_text(json, "kind", replayed_is_node(scope) ? "node" : "cgroup");
	if (!replayed_is_node(scope))
		json_text(json, "path", scope->path);
	json_close_map(json);
}

/* What was done, as it was recorded. */
void print_did(const struct replay_print *p, const struct replayed_scope *scope,
	       const struct replayed_did *event)
{
	static const char *const names[TRACE_WHATS_] = {
		[TRACE_KILL] = "did_kill",
		[TRACE_SETTLED] = "did_settle",
		[TRACE_STOOD_DOWN] = "did_stand_down",
		[TRACE_KERNEL_KILL] = "kernel_kill",
		[TRACE_OPENED] = "did_open",
	};
	const struct trace_did *did = &event->did;
	char size[UNITS_TEXT_MAX];

	if (p->json) {
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
			fprintf(p->out, "%s\n", line);
		return;
	}
	units_format_bytes(size, sizeof(size), did->bytes);
	fprintf(p->out, "%9.3f s  %s  ", seconds(p, did->at_ns), replayed_name(scope));
	switch (did->what) {
	case TRACE_KILL:
		fprintf(p->out, "%s %s[%d], %s\n", did->dry_run ? "(dry run) chose" : "killed",
			event->comm, did->pid, size);
		break;
	case TRACE_OPENED:
		fprintf(p->out, "began to act on %s[%d]\n", event->comm, did->pid);
		break;
	case TRACE_SETTLED:
		fprintf(p->out, "outcome: %s, %s freed\n", event->text, size);
		break;
	case TRACE_STOOD_DOWN:
		fprintf(p->out, "killed no process: %s\n", event->text);
		break;
	default:
		fprintf(p->out, "the kernel killed %s[%d], %s\n", event->comm, did->pid, size);
	}
}

void print_would(const struct replay_print *p, const struct replayed_scope *scope,
		 const struct judgement *j, const struct replay_choice *choice)
{
	const struct victim *victim = &choice->victims[0];
	const struct evidence *e = &j->evidence;
	char size[UNITS_TEXT_MAX];

	if (p->json) {
		struct record_head head = record_head_of(p, scope, e->at_ns);
		struct record_kill kill = {
			.verdict = &j->verdict,
			.evidence = e,
			.event = "would_kill",
			.victims = choice->victims,
			.victim_count = choice->victim_count,
			.unit = choice->unit,
			.unit_refused = choice->unit_refused,
			.members = choice->members,
			.spared = choice->spared,
			.spared_count = choice->spared_count,
		};
		char line[LINE_MAX_BYTES];
		size_t len;

		if (choice->victim_count && !record_kill(line, sizeof(line), &head, &kill, &len))
			fputs(line, p->out);
		return;
	}
	fprintf(p->out, "%9.3f s  %s  ", seconds(p, e->at_ns), replayed_name(scope));
	if (!choice->victim_count) {
		fprintf(p->out, "would kill no process: none of %zu may be killed\n",
			scope->list.count);
		return;
	}
	units_format_bytes(size, sizeof(size), candidate_freeable_bytes(victim->candidate));
	fprintf(p->out, "would kill %s[%d], %s%s%s", victim->candidate->comm,
		victim->candidate->pid, size, victim->rule ? ", rule " : "",
		victim->rule ? victim->rule->text : "");
	if (choice->members > 1)
		fprintf(p->out, ", and %zu more of its %s", choice->members - 1,
			record_unit_name(choice->unit));
	if (choice->unit_refused)
		fprintf(p->out, ", without its group: %s", choice->unit_refused);
	for (size_t i = 0; i < choice->spared_count && i < RECORD_SPARED; i++)
		fprintf(p->out, "; spared %s[%d]: %s", choice->spared[i].comm,
			choice->spared[i].pid, choice->spared[i].why);
	fputc('\n', p->out);
}

void print_recovered(const struct replay_print *p, const struct replayed_scope *scope,
		     uint64_t at_ns)
{
	if (!p->json)
		fprintf(p->out, "%9.3f s  %s  recovered\n", seconds(p, at_ns),
			replayed_name(scope));
}

void print_head(const struct replay_print *p, const char *config_name)
{
	time_t wall = (time_t)(p->replayed->head.wall_ns / 1000000000);
	char when[32], ram[UNITS_TEXT_MAX];
	struct tm tm;

	gmtime_r(&wall, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (p->json) {
		struct json json;
		char line[LINE_MAX_BYTES];
		size_t len;

		json_begin(&json, line, sizeof(line));
		json_text(&json, "event", "recording");
		json_text(&json, "time", when);
		json_u64(&json, "abi", p->replayed->head.abi);
		json_text(&json, "kernel", p->replayed->head.release);
		json_u64(&json, "ram_bytes", p->replayed->head.ram_bytes);
		json_u64(&json, "cpus", p->replayed->head.cpus);
		json_u64(&json, "cgroup_version", p->replayed->head.cgroup_version);
		json_u64(&json, "page_bytes", p->replayed->head.page_bytes);
		json_text(&json, "configuration", config_name);
		if (!json_end(&json, &len))
			fprintf(p->out, "%s\n", line);
		return;
	}
	units_format_bytes(ram, sizeof(ram), p->replayed->head.ram_bytes);
	fprintf(p->out, "recorded %s: Linux %s, %u CPUs, %s, cgroup v%u, ABI %u%s\n", when,
		p->replayed->head.release, p->replayed->head.cpus, ram,
		p->replayed->head.cgroup_version, p->replayed->head.abi,
		p->replayed->head.dry_run ? ", nothing was killed" : "");
	fprintf(p->out, "judged by: %s\n", config_name);
}

/* "0.3 s earlier than", "1.2 s later than" */
static void print_difference(const struct replay_print *p, const struct replayed_scope *scope,
			     const struct replayed_kill *would, const struct replayed_kill *did)
{
	double by = would && did ? (double)(int64_t)(would->at_ns - did->at_ns) / 1e9 : 0;

	if (p->json) {
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
			fprintf(p->out, "%s\n", line);
		return;
	}
	fprintf(p->out, "%s: ", replayed_name(scope));
	if (would)
		fprintf(p->out, "would kill %s[%d] at %.3f s", would->comm, would->pid,
			seconds(p, would->at_ns));
	if (!did) {
		fputs(", when no process was killed\n", p->out);
		return;
	}
	if (would && by > -0.05 && by < 0.05)
		fputs(", when ", p->out);
	else if (would)
		fprintf(p->out, ", %.1f s %s than ", by < 0 ? -by : by,
			by < 0 ? "earlier" : "later");
	else
		fprintf(p->out, "would not kill at %.3f s, when ", seconds(p, did->at_ns));
	fprintf(p->out, "%s[%d] was %s\n", did->comm, did->pid,
		did->real ? "killed" : "chosen (dry run)");
}

void print_end(const struct replay_print *p)
{
	if (!p->replayed->has_head)
		return;
	for (size_t i = 0; i < p->replayed->scope_count; i++) {
		const struct replayed_scope *scope = &p->replayed->scopes[i];
		const struct replayed_kills *would = &scope->would, *did = &scope->did;

		/* what was done after the last sample */
		for (size_t n = 0; n < scope->pending_count; n++)
			print_did(p, scope, &scope->pending[n]);
		for (size_t n = 0; n < would->count || n < did->count; n++)
			print_difference(p, scope, n < would->count ? &would->list[n] : NULL,
					 n < did->count ? &did->list[n] : NULL);
	}
	if (p->json) {
		struct json json;
		char line[512];
		size_t len;

		json_begin(&json, line, sizeof(line));
		json_text(&json, "event", "end");
		json_u64(&json, "samples", p->replayed->samples);
		json_u64(&json, "scopes", p->replayed->scope_count);
		json_double(&json, "seconds", seconds(p, p->replayed->end_ns));
		json_u64(&json, "verdicts_recorded", p->replayed->verdicts);
		json_u64(&json, "verdicts_same", p->replayed->verdicts_same);
		if (!json_end(&json, &len))
			fprintf(p->out, "%s\n", line);
		return;
	}
	fprintf(p->out,
		"%zu samples of %zu scope%s in %.1f s; of %zu recorded verdicts %zu are the same\n",
		p->replayed->samples, p->replayed->scope_count,
		p->replayed->scope_count == 1 ? "" : "s",
		p->replayed->begin_ns ? seconds(p, p->replayed->end_ns) : 0.0,
		p->replayed->verdicts, p->replayed->verdicts_same);
}

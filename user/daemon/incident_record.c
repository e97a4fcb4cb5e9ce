// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/incident_record.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/hot_scope.h"
#include "daemon/incident_data.h"
#include "daemon/report.h"
#include "tell/writer.h"

void incident_add_step(struct incident *incident, const char *name, uint64_t now_ns)
{
	if (incident->step_count < INCIDENT_STEPS)
		incident->steps[incident->step_count++] =
			(struct record_step){name, now_ns - incident->verdict_ns};
}

int incident_make_record(const struct incident *incident, const struct hot_scope *scope,
			 const struct reporter *reporter, const char *event, const char *outcome,
			 uint64_t freed_bytes, uint64_t now_ns, char *line, size_t size,
			 size_t *ret_len)
{
	struct victim victims[1 + RECORD_RUNNERS_UP];
	struct record_head head = report_head(reporter, scope, incident->id);
	struct record_kill record = {
		.event = event,
		.verdict = &incident->verdict,
		.evidence = &incident->evidence,
		.victims = victims,
		.victim_count = incident->victim_count,
		.unit = incident->group.unit,
		.unit_refused = incident->unit_refused,
		.members = incident->members,
		.spared = incident->spared,
		.spared_count = incident->spared_count,
		.outcome = outcome,
		.error = incident->kill.error,
		.steps = incident->steps,
		.step_count = incident->step_count,
		.freed_bytes = freed_bytes,
		.took_ns = now_ns - incident->verdict_ns,
		.history = &scope->history,
	};

	head.dry_run = incident->dry_run;
	for (size_t i = 0; i < incident->victim_count; i++)
		victims[i] = incident->victims[i].victim;
	return record_kill(line, size, &head, &record, ret_len);
}

void incident_write_record(const struct incident *incident, const struct hot_scope *scope,
			   const struct reporter *reporter, const char *event, const char *outcome,
			   uint64_t freed_bytes, uint64_t now_ns)
{
	char line[WRITER_LINE_MAX];
	size_t len;

	if (incident_make_record(incident, scope, reporter, event, outcome, freed_bytes, now_ns,
				 line, sizeof(line), &len) ||
	    writer_event(reporter->writer, line, len))
		log_error("the record of incident %llu is lost: the writer has no room",
			  (unsigned long long)incident->id);
}

void incident_log_begin(const struct incident *incident, const struct hot_scope *scope)
{
	const struct candidate *victim = &incident->victims[0].candidate;
	const struct rule *rule = incident->victims[0].victim.rule;
	char size[UNITS_TEXT_MAX], lost[16], more[48] = "";

	units_format_bytes(size, sizeof(size), candidate_freeable_bytes(victim));
	snprintf(lost, sizeof(lost), "%.0f", incident->evidence.lost_share * 100);
	if (incident->members > 1)
		snprintf(more, sizeof(more), " and %zu more of its %s", incident->members - 1,
			 record_unit_name(incident->group.unit));
	log_warn("%s: %s %s[%d]%s (uid %u, %s, adj %d%s%s): policy %s, %s, risk %.3f, "
		 "%s %% of the time of its tasks lost, level %.0f %%",
		 hot_scope_name(scope), incident->dry_run ? "(dry run) would kill" : "killing",
		 victim->comm, victim->pid, more, victim->uid, size, victim->oom_score_adj,
		 rule ? ", rule " : "", rule ? rule->text : "", scope->policy->name,
		 verdict_reason_name(incident->verdict.reason), incident->verdict.risk.value, lost,
		 incident->evidence.level * 100);
	if (incident->unit_refused)
		log_warn("%s: only the process is killed, not its %s: %s", hot_scope_name(scope),
			 record_unit_name(scope->policy->kill), incident->unit_refused);
}

void incident_log_end(const struct incident *incident, const struct hot_scope *scope,
		      uint64_t freed_bytes, uint64_t now_ns)
{
	const struct candidate *victim = &incident->victims[0].candidate;
	char freed_text[UNITS_TEXT_MAX], took_text[UNITS_TEXT_MAX];
	const char *name = hot_scope_name(scope);

	units_format_bytes(freed_text, sizeof(freed_text), freed_bytes);
	units_format_duration(took_text, sizeof(took_text), now_ns - incident->verdict_ns);
	switch (incident->kill.state) {
	case KILL_GONE:
		if (incident->dry_run)
			log_info("%s: (dry run) %s[%d] would have been killed", name, victim->comm,
				 victim->pid);
		else
			log_info("%s: %s[%d] is gone after %s, %s freed", name, victim->comm,
				 victim->pid, took_text, freed_text);
		break;
	case KILL_STUCK:
		log_warn("%s: %s[%d] was sent SIGKILL but is still there after %s (uninterruptible "
			 "or frozen); the next one is chosen",
			 name, victim->comm, victim->pid, took_text);
		break;
	case KILL_REFUSED:
		log_warn("%s: %s[%d] cannot be killed: %s; fastoom-bpf needs CAP_KILL; the next "
			 "one is chosen",
			 name, victim->comm, victim->pid, strerror(-incident->kill.error));
		break;
	case KILL_UNSENT:
		log_warn("%s: %s[%d] could not be signalled: %s; the next verdict tries "
			 "again; raise LimitNOFILE or fs.file-max",
			 name, victim->comm, victim->pid, strerror(-incident->kill.error));
		break;
	default:
		log_info("%s: %s[%d] %s; nothing was sent", name, victim->comm, victim->pid,
			 incident->kill.state == KILL_REUSED ? "is another process now"
							     : "exited by itself");
	}
	for (size_t i = 0; i < incident->spared_count && i < RECORD_SPARED; i++)
		log_info("%s: %s[%d] of the same %s was spared: %s", name, incident->spared[i].comm,
			 incident->spared[i].pid, record_unit_name(incident->group.unit),
			 incident->spared[i].why);
}

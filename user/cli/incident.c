// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "cli/incident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "base/worker.h"
#include "cli/daemon.h"
#include "cli/notes.h"
#include "cli/tape.h"
#include "sense/tasks.h"
#include "tell/recorder.h"
#include "tell/writer.h"

/* Since the verdict, the scope gave back so much by itself that nobody needs to die. */
#define RECOVERED_PART 0.90

static void step(struct incident *incident, const char *name, uint64_t now_ns)
{
	if (incident->step_count < INCIDENT_STEPS)
		incident->steps[incident->step_count++] =
			(struct record_step){name, now_ns - incident->verdict_ns};
}

static void copy_text(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void keep_victim(struct incident_victim *kept, const struct victim *victim)
{
	const struct candidate *candidate = victim->candidate;

	kept->victim = *victim;
	kept->candidate = *candidate;
	kept->victim.candidate = &kept->candidate;
	copy_text(kept->comm, sizeof(kept->comm), candidate->comm, strlen(candidate->comm));
	kept->candidate.comm = kept->comm;
	if (candidate->cmdline) {
		copy_text(kept->cmdline, sizeof(kept->cmdline), candidate->cmdline,
			  candidate->cmdline_len);
		kept->candidate.cmdline = kept->cmdline;
		kept->candidate.cmdline_len = strlen(kept->cmdline);
	}
	if (victim->rule) {
		copy_text(kept->rule_text, sizeof(kept->rule_text), victim->rule->text,
			  strlen(victim->rule->text));
		kept->rule = (struct rule){.text = kept->rule_text};
		kept->victim.rule = &kept->rule;
	}
}

static void write_record(struct daemon *daemon, struct watch *watch, const char *event,
			 const char *outcome, uint64_t freed_bytes, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	struct victim victims[1 + RECORD_RUNNERS_UP];
	struct record_head head = note_head(daemon, watch, incident->id);
	struct record_kill record = {
		.event = event,
		.verdict = &incident->verdict,
		.evidence = &incident->evidence,
		.victims = victims,
		.victim_count = incident->victim_count,
		.members = incident->members,
		.outcome = outcome,
		.error = incident->kill.error,
		.steps = incident->steps,
		.step_count = incident->step_count,
		.freed_bytes = freed_bytes,
		.took_ns = now_ns - incident->verdict_ns,
		.minute = &watch->minute,
	};
	char line[WRITER_LINE_MAX];
	size_t len;

	for (size_t i = 0; i < incident->victim_count; i++)
		victims[i] = incident->victims[i].victim;
	if (record_kill(line, sizeof(line), &head, &record, &len) ||
	    writer_event(daemon->writer, line, len))
		log_error("the record of incident %llu is lost: the writer has no room",
			  (unsigned long long)incident->id);
}

static void back_off(struct watch *watch, int pid, uint64_t now_ns)
{
	watch->backoffs[watch->backoff_next++ % BACKOFFS_MAX] =
		(struct backoff){pid, now_ns + VICTIM_BACKOFF_NS};
}

/* Ends the incident: its record, a line for people, and what the next verdict must know. */
static void finish(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	enum kill_state state = incident->kill.state;
	char freed_text[UNITS_TEXT_MAX], took_text[UNITS_TEXT_MAX];
	uint64_t held_bytes = 0, freed_bytes = 0;
	int err = watch_held(daemon, watch, now_ns, &held_bytes);

	/* a cgroup that was removed gave everything back */
	if ((!err || err == -ENODEV) && held_bytes < incident->held_bytes)
		freed_bytes = incident->held_bytes - held_bytes;
	step(incident, kill_state_name(state), now_ns);
	write_record(daemon, watch, "kill", kill_state_name(state), freed_bytes, now_ns);

	units_format_bytes(freed_text, sizeof(freed_text), freed_bytes);
	units_format_duration(took_text, sizeof(took_text), now_ns - incident->verdict_ns);
	switch (state) {
	case KILL_GONE:
		log_info("%s: %s%s[%d] is gone after %s, %s given back", watch_name(watch),
			 daemon->options.dry_run ? "(dry run) " : "", victim->comm, victim->pid,
			 took_text, freed_text);
		break;
	case KILL_STUCK:
		log_warn("%s: %s[%d] was sent SIGKILL but is still there after %s (uninterruptible "
			 "or frozen); the next one is chosen",
			 watch_name(watch), victim->comm, victim->pid, took_text);
		back_off(watch, victim->pid, now_ns);
		break;
	case KILL_REFUSED:
		log_warn(
			"%s: %s[%d] cannot be killed: %s; fastoom-bpf needs CAP_KILL; the next one "
			"is chosen",
			watch_name(watch), victim->comm, victim->pid,
			strerror(-incident->kill.error));
		back_off(watch, victim->pid, now_ns);
		break;
	default:
		log_info("%s: %s[%d] %s; nothing was sent", watch_name(watch), victim->comm,
			 victim->pid,
			 state == KILL_REUSED ? "is another process now" : "exited by itself");
	}
	if (state == KILL_GONE || state == KILL_STUCK)
		verdict_settled(&watch->judge.state, now_ns);
	tape_settled(daemon, watch, kill_state_name(state), freed_bytes,
		     state == KILL_GONE || state == KILL_STUCK, now_ns);
	recorder_hand_over(daemon->recorder, incident->id);
	kill_done(&incident->kill);
	incident->open = false;
}

/*
 * Ranks the processes of the cgroup that is to die, with those of its descendants, which
 * cgroup.kill takes too. False when one of them may not die, or they cannot be listed.
 */
static bool group_rank(struct daemon *daemon, struct watch *watch, uint64_t memcg_id,
		       size_t *ret_count)
{
	struct victim_request request = {
		.policy = watch->policy,
		.scope_bytes = watch->incident.evidence.total_bytes,
		.self_pid = getpid(),
	};
	const struct candidate *candidates;
	size_t n;

	*ret_count = 0;
	if (tasks_read(daemon->tasks, memcg_id, daemon_boot_now(), &candidates, &n) ||
	    n > daemon->ranking_size)
		return false;
	victim_rank(&request, candidates, n, daemon->ranking);
	*ret_count = n;
	for (size_t i = 0; i < n; i++)
		/* being small is no reason to be spared when the cgroup goes */
		if (daemon->ranking[i].excluded && daemon->ranking[i].excluded != VICTIM_SMALL)
			return false;
	return true;
}

/* All that are ranked and may die, but the one that is killed already. */
static void kill_ranked(struct daemon *daemon, size_t n, int but_pid, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++) {
		const struct victim *victim = &daemon->ranking[i];
		struct kill kill;

		if ((victim->excluded && victim->excluded != VICTIM_SMALL) ||
		    victim->candidate->pid == but_pid)
			continue;
		kill_send(&kill, victim->candidate->pid, victim->candidate->start_boot_ns,
			  daemon->options.dry_run, now_ns);
		kill_done(&kill);
	}
}

/* The ranking is the group's. */
static void kill_group(struct daemon *daemon, size_t n, const struct candidate *victim,
		       uint64_t now_ns)
{
	struct cgroup cgroup;
	int err = -ENOENT;

	if (daemon->host.version == 2 &&
	    !cgroup_open_id(&daemon->host, victim->memcg_id, &cgroup)) {
		err = kill_cgroup(cgroup.dir_fd, daemon->options.dry_run);
		cgroup_shut(&cgroup);
	}
	if (err)
		kill_ranked(daemon, n, victim->pid, now_ns);
}

struct reap_request {
	int pidfd;
};

static void reap(void *argument, size_t len)
{
	const struct reap_request *request = argument;

	(void)len;
	(void)kill_reap(request->pidfd);
	close(request->pidfd);
}

static void send_kill(struct daemon *daemon, struct watch *watch)
{
	struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	/* once: it stays readable for as long as it is open */
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
	struct reap_request request;
	uint64_t now_ns = daemon_now();

	kill_send(&incident->kill, victim->pid, victim->start_boot_ns, daemon->options.dry_run,
		  now_ns);
	if (incident->kill.state != KILL_SENT) {
		tape_stood_down(daemon, watch, kill_state_name(incident->kill.state), false,
				now_ns);
		finish(daemon, watch, now_ns);
		return;
	}
	if (incident->group)
		kill_group(daemon, incident->members, victim, now_ns);
	step(incident, "signal", daemon_now());
	verdict_killed(&watch->judge.state, now_ns);
	tape_kill(daemon, watch, now_ns);

	event.data.fd = incident->kill.ref.fd;
	if (epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, incident->kill.ref.fd, &event) < 0)
		log_debug("pidfd of %d is not in the loop: %s", victim->pid, strerror(errno));
	if (daemon->options.dry_run)
		return;
	request.pidfd = fcntl(incident->kill.ref.fd, F_DUPFD_CLOEXEC, 3);
	if (request.pidfd >= 0 && worker_give(daemon->aide, reap, &request, sizeof(request)))
		close(request.pidfd);
}

static void tell_order(struct daemon *daemon, const struct watch *watch)
{
	const struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	const struct rule *rule = incident->victims[0].victim.rule;
	char size[UNITS_TEXT_MAX], lost[16];

	units_format_bytes(size, sizeof(size), candidate_gives_bytes(victim));
	snprintf(lost, sizeof(lost), "%.0f", incident->evidence.lost_share * 100);
	log_warn("%s: %skilling %s[%d] (uid %u, %s, adj %d%s%s): policy %s, %s, risk %.3f, "
		 "%s %% of its tasks' time lost, level %.0f %%",
		 watch_name(watch), daemon->options.dry_run ? "(dry run) " : "", victim->comm,
		 victim->pid, victim->uid, size, victim->oom_score_adj, rule ? ", rule " : "",
		 rule ? rule->text : "", watch->policy->name,
		 verdict_reason_name(incident->verdict.reason), incident->verdict.risk.value, lost,
		 incident->evidence.level * 100);
}

static size_t live_backoffs(struct watch *watch, uint64_t now_ns, int *pids)
{
	size_t n = 0;

	for (size_t i = 0; i < BACKOFFS_MAX; i++)
		if (watch->backoffs[i].until_ns > now_ns)
			pids[n++] = watch->backoffs[i].pid;
	return n;
}

/* Nobody can die: say so once, and look again in a while. */
static void tell_empty(struct daemon *daemon, struct watch *watch, size_t n, uint64_t now_ns)
{
	struct record_head head = note_head(daemon, watch, 0);
	char line[WRITER_LINE_MAX], message[256];
	size_t len;

	verdict_settled(&watch->judge.state, now_ns);
	tape_stood_down(daemon, watch, "nobody may be killed", true, now_ns);
	if (watch->empty_told)
		return;
	watch->empty_told = true;
	snprintf(message, sizeof(message),
		 "near-oom, but none of the %zu processes of this scope may be killed: all are "
		 "protected, too small, or were stuck a moment ago",
		 n);
	log_error("%s: %s", watch_name(watch), message);
	if (!record_note(line, sizeof(line), &head, "error", message, &len))
		(void)writer_event(daemon->writer, line, len);
}

void incident_begin(struct daemon *daemon, struct watch *watch, const struct verdict *verdict,
		    const struct evidence *evidence, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	const struct candidate *candidates;
	int backoffs[BACKOFFS_MAX];
	struct victim_request request = {
		.policy = watch->policy,
		.scope_bytes = evidence->total_bytes,
		.self_pid = getpid(),
		.backoff_pids = backoffs,
	};
	uint64_t held_bytes;
	size_t n, eligible;
	int err;

	err = tasks_read(daemon->tasks, watch->scope, daemon_boot_now(), &candidates, &n);
	if (err) {
		log_warn("%s: its processes cannot be listed: %s; nothing is killed blindly",
			 watch_name(watch), strerror(-err));
		tape_stood_down(daemon, watch, "its processes cannot be listed", false, now_ns);
		return;
	}
	if (tasks_overflow(daemon->tasks))
		log_warn("%s: %llu processes found no place in the list and are not considered",
			 watch_name(watch), (unsigned long long)tasks_overflow(daemon->tasks));
	if (n > daemon->ranking_size)
		n = daemon->ranking_size;
	request.backoffs = live_backoffs(watch, now_ns, backoffs);
	eligible = victim_rank(&request, candidates, n, daemon->ranking);
	if (!eligible) {
		tape_list(daemon, watch, now_ns, candidates, n);
		tell_empty(daemon, watch, n, now_ns);
		return;
	}

	/* choosing took its time: did the scope recover meanwhile, by a kill of the kernel's, say?
	 */
	if (watch_held(daemon, watch, now_ns, &held_bytes) ||
	    (double)held_bytes < RECOVERED_PART * (double)evidence->held_bytes) {
		verdict_settled(&watch->judge.state, now_ns);
		tape_stood_down(daemon, watch, "it recovered by itself", true, now_ns);
		return;
	}

	*incident = (struct incident){
		.open = true,
		.id = daemon->next_id++,
		.verdict_ns = now_ns,
		.held_bytes = held_bytes,
		.members = 1,
		.kill = {.ref = PIDREF_NONE},
		.verdict = *verdict,
		.evidence = *evidence,
	};
	while (incident->victim_count < ARRAY_SIZE(incident->victims) &&
	       incident->victim_count < eligible) {
		keep_victim(&incident->victims[incident->victim_count],
			    &daemon->ranking[incident->victim_count]);
		incident->victim_count++;
	}
	if (watch->policy->kill == KILL_UNIT_CGROUP) {
		/* the candidates do not outlive the next list */
		tape_list(daemon, watch, now_ns, candidates, n);
		incident->group = group_rank(daemon, watch, incident->victims[0].candidate.memcg_id,
					     &incident->members);
	}
	if (!incident->group)
		incident->members = 1;
	step(incident, "chosen", daemon_now());
	write_record(daemon, watch, "act", NULL, 0, daemon_now());
	step(incident, "recorded", daemon_now());
	watch->judge.trouble = true;
	send_kill(daemon, watch);
	if (watch->policy->kill != KILL_UNIT_CGROUP)
		tape_list(daemon, watch, now_ns, candidates, n);
	if (incident->open)
		tell_order(daemon, watch);
}

/* A cgroup is killed when it is empty: what was forked meanwhile dies too. */
static bool group_is_empty(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	size_t n;

	if (daemon->options.dry_run)
		return true;
	(void)group_rank(daemon, watch, incident->victims[0].candidate.memcg_id, &n);
	kill_ranked(daemon, n, 0, now_ns);
	return n == 0;
}

void incident_look(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;

	if (!incident->open || !kill_look(&incident->kill, now_ns))
		return;
	if (incident->group && incident->kill.state == KILL_GONE &&
	    !group_is_empty(daemon, watch, now_ns)) {
		/* the next tick looks again; after all patience somebody in it is stuck */
		incident->kill.state =
			now_ns - incident->kill.sent_ns < KILL_PATIENCE_NS ? KILL_SENT : KILL_STUCK;
		if (incident->kill.state == KILL_SENT)
			return;
	}
	finish(daemon, watch, now_ns);
}

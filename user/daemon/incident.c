// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/incident.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "act/ladder.h"
#include "act/notifier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "base/worker.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "daemon/trace_feed.h"
#include "sense/loader.h"
#include "sense/tasks.h"
#include "tell/trace_store.h"
#include "tell/writer.h"

/* A reclaim asks for this part of the scope: enough to breathe, and soon done. */
#define RECLAIM_PART 10

/* A scope that grew by this part of it while a step was tried is not getting better. */
#define CLIMBING_PART 50

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

/* @from NULL: not known, and so it stays. */
static const char *copy_name(char *to, size_t size, const char *from)
{
	if (!from)
		return NULL;
	copy_text(to, size, from, strlen(from));
	return to;
}

static void keep_victim(struct incident_victim *kept, const struct victim *victim)
{
	const struct candidate *candidate = victim->candidate;

	kept->victim = *victim;
	kept->candidate = *candidate;
	kept->victim.candidate = &kept->candidate;
	kept->candidate.comm = copy_name(kept->comm, sizeof(kept->comm), candidate->comm);
	kept->candidate.exe = copy_name(kept->exe, sizeof(kept->exe), candidate->exe);
	kept->candidate.cgroup = copy_name(kept->cgroup, sizeof(kept->cgroup), candidate->cgroup);
	kept->candidate.pod = copy_name(kept->pod, sizeof(kept->pod), candidate->pod);
	kept->candidate.namespace =
		copy_name(kept->namespace, sizeof(kept->namespace), candidate->namespace);
	kept->candidate.container =
		copy_name(kept->container, sizeof(kept->container), candidate->container);
	kept->candidate.pod_uid = NULL; /* in no record: the path says it */
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

static size_t slot_of(const struct daemon *daemon, const struct watch *watch)
{
	return (size_t)(watch - daemon->watches);
}

static int make_record(struct daemon *daemon, const struct watch *watch, const char *event,
		       const char *outcome, uint64_t freed_bytes, uint64_t now_ns, char *line,
		       size_t size, size_t *ret_len)
{
	const struct incident *incident = &watch->incident;
	struct victim victims[1 + RECORD_RUNNERS_UP];
	struct record_head head = report_head(daemon, watch, incident->id);
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
		.history = &watch->history,
	};

	head.dry_run = incident->dry_run;
	for (size_t i = 0; i < incident->victim_count; i++)
		victims[i] = incident->victims[i].victim;
	return record_kill(line, size, &head, &record, ret_len);
}

static void write_record(struct daemon *daemon, struct watch *watch, const char *event,
			 const char *outcome, uint64_t freed_bytes, uint64_t now_ns)
{
	char line[WRITER_LINE_MAX];
	size_t len;

	if (make_record(daemon, watch, event, outcome, freed_bytes, now_ns, line, sizeof(line),
			&len) ||
	    writer_event(daemon->writer, line, len))
		log_error("the record of incident %llu is lost: the writer has no room",
			  (unsigned long long)watch->incident.id);
}

static void back_off(struct watch *watch, int pid, uint64_t now_ns)
{
	watch->backoffs[watch->backoff_next++ % BACKOFFS_MAX] =
		(struct backoff){pid, now_ns + VICTIM_BACKOFF_NS};
}

static uint64_t freed(struct daemon *daemon, const struct watch *watch, uint64_t now_ns)
{
	uint64_t held_bytes = 0;
	int err = watch_held(daemon, watch, now_ns, &held_bytes);

	/* a cgroup that was removed gave everything back */
	if ((err && err != -ENODEV) || held_bytes >= watch->incident.held_bytes)
		return 0;
	return watch->incident.held_bytes - held_bytes;
}

/* Ends the incident: its record, a line for people, and what the next verdict must know. */
static void finish(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	enum kill_state state = incident->kill.state;
	char freed_text[UNITS_TEXT_MAX], took_text[UNITS_TEXT_MAX];
	uint64_t freed_bytes = freed(daemon, watch, now_ns);

	step(incident, kill_state_name(state), now_ns);
	write_record(daemon, watch, "kill", kill_state_name(state), freed_bytes, now_ns);

	units_format_bytes(freed_text, sizeof(freed_text), freed_bytes);
	units_format_duration(took_text, sizeof(took_text), now_ns - incident->verdict_ns);
	switch (state) {
	case KILL_GONE:
		log_info("%s: %s%s[%d] is gone after %s, %s given back", watch_name(watch),
			 incident->dry_run ? "(dry run) " : "", victim->comm, victim->pid,
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
	trace_feed_settled(daemon, watch, kill_state_name(state), freed_bytes,
			   state == KILL_GONE || state == KILL_STUCK, now_ns);
	trace_store_hand_over(daemon->trace_store, incident->id);
	kill_done(&incident->kill);
	incident->open = false;
}

/* Nobody had to die, or nobody was to. */
static void finish_gently(struct daemon *daemon, struct watch *watch, bool relieved,
			  uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	const char *outcome = relieved ? "relieved" : "unrelieved";
	char took_text[UNITS_TEXT_MAX];

	step(incident, outcome, now_ns);
	write_record(daemon, watch, "act", outcome, freed(daemon, watch, now_ns), now_ns);
	units_format_duration(took_text, sizeof(took_text), now_ns - incident->verdict_ns);
	log_info("%s: %s after %s, nobody was killed", watch_name(watch), outcome, took_text);
	/* what did not help counts as a kill does: it is not to be tried every second */
	(relieved ? verdict_settled : verdict_killed)(&watch->judge.state, now_ns);
	kill_done(&incident->kill);
	incident->open = false;
}

/*
 * Ranks those that die with the victim: of the cgroup that is to die, with its descendants,
 * which cgroup.kill takes too; of its process group within the scope; of its pod, wherever in
 * it. They stand at the beginning of the ranking. False when one of them may not die, when they
 * are more than the policy allows, or cannot be listed.
 */
static bool group_rank(struct daemon *daemon, struct watch *watch, size_t *ret_count,
		       bool *ret_whole)
{
	const struct victim_group *group = &watch->incident.group;
	struct victim_request request = {
		.policy = watch->policy,
		.scope_bytes = watch->incident.evidence.total_bytes,
		.self_pid = getpid(),
	};
	uint64_t scope = group->unit == KILL_UNIT_CGROUP ? group->memcg_id
			 : group->unit == KILL_UNIT_POD	 ? FO_SCOPE_NODE
							 : watch->scope;
	const struct candidate *candidates;
	size_t n, members = 0;

	*ret_count = 0;
	*ret_whole = true;
	if (tasks_read(daemon->tasks, scope, clock_boot_ns(), &candidates, &n) ||
	    n > daemon->ranking_size)
		return false;
	victim_rank(&request, candidates, n, daemon->ranking);
	for (size_t i = 0; i < n; i++) {
		const struct victim *victim = &daemon->ranking[i];

		if (!victim_is_in_group(group, victim->candidate))
			continue;
		if (victim_may_stay(victim->excluded)) {
			*ret_whole = false;
			continue;
		}
		/* being small is no reason to be spared when the others go */
		if (victim->excluded && victim->excluded != VICTIM_SMALL)
			return false;
		daemon->ranking[members++] = *victim;
	}
	*ret_count = members;
	return members <= watch->policy->max_victims;
}

/* The first @n of the ranking, but the one that has its signal already. */
static void signal_ranked(struct daemon *daemon, const struct watch *watch, size_t n, int but_pid,
			  bool ask, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++) {
		const struct candidate *candidate = daemon->ranking[i].candidate;
		struct kill kill;

		if (candidate->pid == but_pid)
			continue;
		(ask ? kill_term : kill_send)(&kill, candidate->pid, candidate->start_boot_ns,
					      watch->incident.dry_run, now_ns);
		kill_done(&kill);
	}
}

/* The victim's group, as it is now. */
static void signal_group(struct daemon *daemon, struct watch *watch, bool ask, uint64_t now_ns)
{
	const struct incident *incident = &watch->incident;
	struct cgroup cgroup;
	int err = -ENOENT;
	bool whole;
	size_t n;

	if (incident->group.unit == KILL_UNIT_PROCESS)
		return;
	/* also those that may not die any more are looked at again */
	if (!group_rank(daemon, watch, &n, &whole) && n == 0)
		return;
	if (!ask && whole && incident->group.unit == KILL_UNIT_CGROUP &&
	    daemon->host.version == 2 &&
	    !cgroup_open_id(&daemon->host, incident->group.memcg_id, &cgroup)) {
		err = kill_cgroup(cgroup.dir_fd, incident->dry_run);
		cgroup_shut(&cgroup);
	}
	if (err)
		signal_ranked(daemon, watch, n, incident->victims[0].candidate.pid, ask, now_ns);
}

struct reap_request {
	const struct ladder *ladder;
	int pidfd;
	int pid;
};

static void reap(void *argument, size_t len)
{
	const struct reap_request *request = argument;
	struct pollfd gone = {.fd = request->pidfd, .events = POLLIN};

	(void)len;
	/* a number of its own only as long as it is there */
	if (poll(&gone, 1, 0) == 0)
		(void)ladder_thaw(request->ladder, request->pid);
	(void)kill_reap(request->pidfd);
	close(request->pidfd);
}

/* The loop hears of its end; the aide sees to it that it can end. */
static void follow(struct daemon *daemon, const struct incident *incident, bool dying)
{
	/* once: it stays readable for as long as it is open */
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
	struct reap_request request = {daemon->ladder, -1, incident->kill.ref.pid};

	event.data.fd = incident->kill.ref.fd;
	if (epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, incident->kill.ref.fd, &event) < 0 &&
	    errno != EEXIST)
		log_debug("pidfd of %d is not in the loop: %s", request.pid, strerror(errno));
	if (incident->dry_run || !dying)
		return;
	request.pidfd = fcntl(incident->kill.ref.fd, F_DUPFD_CLOEXEC, 3);
	if (request.pidfd >= 0 && worker_give(daemon->helper, reap, &request, sizeof(request)))
		close(request.pidfd);
}

/* SIGTERM if @ask, else SIGKILL; to the very process that was asked before, if one was. */
static void send_signal(struct daemon *daemon, struct watch *watch, bool ask)
{
	struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	bool first = incident->kill.state == KILL_IDLE;
	uint64_t now_ns = clock_mono_ns();

	if (!first)
		kill_insist(&incident->kill, now_ns);
	else
		(ask ? kill_term : kill_send)(&incident->kill, victim->pid, victim->start_boot_ns,
					      incident->dry_run, now_ns);
	if (kill_is_final(&incident->kill)) {
		trace_feed_stood_down(daemon, watch, kill_state_name(incident->kill.state), false,
				      now_ns);
		finish(daemon, watch, now_ns);
		return;
	}
	signal_group(daemon, watch, ask, now_ns);
	step(incident, ask ? "term" : "signal", clock_mono_ns());
	if (first) {
		verdict_killed(&watch->judge.state, now_ns);
		trace_feed_kill(daemon, watch, now_ns);
	}
	follow(daemon, incident, !ask);
}

/* ---- the ladder ---- */

/* Longer than a worker takes that is not held up; who waits longer waits for a stuck write. */
#define UNDO_MOST_NS 1000000000ULL

static void notify(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	const char *program = daemon->config->notify_program;
	char line[WRITER_LINE_MAX];
	size_t len;
	int err = -ENOENT;

	if (daemon->notifier && program)
		err = make_record(daemon, watch, "act", NULL, 0, now_ns, line, sizeof(line), &len);
	if (!err && !watch->incident.dry_run)
		err = notifier_send(daemon->notifier, program, daemon->config->notify_timeout_ns,
				    line, len);
	step(&watch->incident, err ? "notify failed" : "notify", clock_mono_ns());
	if (err)
		log_warn("%s: nobody is notified: %s", watch_name(watch), strerror(-err));
}

/* Whether all in the victim's cgroup may stand still: then they may also die. */
static bool may_freeze(struct daemon *daemon, struct watch *watch)
{
	struct incident *incident = &watch->incident;
	const struct victim_group group = incident->group;
	bool whole, may;
	size_t n;

	incident->group = (struct victim_group){
		.unit = KILL_UNIT_CGROUP, .memcg_id = incident->victims[0].candidate.memcg_id};
	may = group_rank(daemon, watch, &n, &whole) && whole;
	incident->group = group;
	return may;
}

static int begin_gentle(struct daemon *daemon, struct watch *watch, enum ladder_step_kind kind)
{
	struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	bool of_scope = kind == STEP_RECLAIM || kind == STEP_FORCE_EMPTY;
	struct ladder_order order = {
		.kind = kind,
		/* the node's own memory is the victim's cgroup's to give back, too */
		.path = of_scope && watch->scope != FO_SCOPE_NODE ? watch->cgroup.path
								  : victim->cgroup,
		.pid = victim->pid,
		.bytes = incident->evidence.total_bytes / RECLAIM_PART,
	};

	if (!order.path)
		return -ENODATA;
	if (!of_scope && !may_freeze(daemon, watch))
		return -EPERM;
	if (incident->dry_run)
		return 0;
	return ladder_give(daemon->ladder, slot_of(daemon, watch), &order);
}

/* From the rung that is due, upwards, to the first one that has to be waited for. */
static void climb(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	static const char *const names[LADDER_STEPS_][2] = {
		[STEP_RECLAIM] = {"reclaim", "reclaim not possible"},
		[STEP_FORCE_EMPTY] = {"force_empty", "force_empty not possible"},
		[STEP_THROTTLE] = {"throttle", "throttle not possible"},
		[STEP_FREEZE] = {"freeze", "freeze not possible"},
	};
	struct incident *incident = &watch->incident;

	for (; incident->open && incident->ladder_step < incident->ladder_count;
	     incident->ladder_step++) {
		enum ladder_step_kind kind = incident->ladder[incident->ladder_step].kind;
		int err;

		incident->step_ns = now_ns;
		incident->step_left_ns = 0;
		if (watch_held(daemon, watch, now_ns, &incident->step_held_bytes))
			incident->step_held_bytes = UINT64_MAX;
		switch (kind) {
		case STEP_NOTIFY:
			notify(daemon, watch, now_ns);
			continue;
		case STEP_TERM:
		case STEP_KILL:
			send_signal(daemon, watch, kind == STEP_TERM);
			return;
		default:
			err = begin_gentle(daemon, watch, kind);
			step(incident, names[kind][err != 0], clock_mono_ns());
			if (!err)
				return;
			log_debug("%s: %s: %s", watch_name(watch), names[kind][1], strerror(-err));
		}
	}
	if (incident->open)
		finish_gently(daemon, watch, false, now_ns);
}

/* The scope fills up while we wait: waiting longer only makes it worse. */
static bool is_climbing(const struct watch *watch, uint64_t held_bytes)
{
	const struct incident *incident = &watch->incident;
	uint64_t part = incident->evidence.total_bytes / CLIMBING_PART;

	return watch->judge.verdict.spike || (incident->step_held_bytes != UINT64_MAX &&
					      held_bytes > incident->step_held_bytes + part);
}

/* Whether the rung that is being tried has had its time, or there is none to give it. */
static bool step_is_over(struct daemon *daemon, const struct watch *watch, uint64_t now_ns)
{
	const struct incident *incident = &watch->incident;
	const struct ladder_step *ladder_step = &incident->ladder[incident->ladder_step];
	uint64_t held_bytes;
	int err;

	if (now_ns - incident->step_ns >= ladder_step->wait_ns)
		return true;
	/* a step that turned out not to be possible */
	if (ladder_step->kind != STEP_TERM && !incident->dry_run) {
		err = ladder_result(daemon->ladder, slot_of(daemon, watch));
		if (err && err != -EINPROGRESS)
			return true;
	}
	/* an unfinished reclaim that lets the scope fill up is doing what it can */
	return ladder_step->kind != STEP_RECLAIM && ladder_step->kind != STEP_FORCE_EMPTY &&
	       !watch_held(daemon, watch, now_ns, &held_bytes) && is_climbing(watch, held_bytes);
}

static bool next_is_gentle(const struct incident *incident)
{
	enum ladder_step_kind next = incident->ladder_step + 1 < incident->ladder_count
					     ? incident->ladder[incident->ladder_step + 1].kind
					     : STEP_KILL;

	return next != STEP_KILL && next != STEP_TERM && next != STEP_NOTIFY;
}

/* A gentle rung, or SIGTERM: has it helped, or is it time for the next one? */
static void look_at_step(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;
	bool asked = incident->kill.state == KILL_TERM_SENT;

	if (!step_is_over(daemon, watch, now_ns))
		return;
	if (!asked) {
		if (!incident->dry_run && !incident->step_left_ns)
			ladder_undo(daemon->ladder, slot_of(daemon, watch));
		if (!incident->step_left_ns)
			incident->step_left_ns = now_ns;
		/* who was told to end must end; all else has done its work when the risk is gone */
		if (watch->judge.verdict.risk.known && !watch->judge.verdict.over) {
			finish_gently(daemon, watch, true, now_ns);
			return;
		}
		/* the next one begins where this one is undone: a moment, if the kernel lets us */
		if (next_is_gentle(incident) && now_ns - incident->step_left_ns < UNDO_MOST_NS &&
		    ladder_is_busy(daemon->ladder, slot_of(daemon, watch)))
			return;
	}
	incident->ladder_step++;
	climb(daemon, watch, now_ns);
}

static void tell_order(const struct watch *watch)
{
	const struct incident *incident = &watch->incident;
	const struct candidate *victim = &incident->victims[0].candidate;
	const struct rule *rule = incident->victims[0].victim.rule;
	char size[UNITS_TEXT_MAX], lost[16];

	units_format_bytes(size, sizeof(size), candidate_freeable_bytes(victim));
	snprintf(lost, sizeof(lost), "%.0f", incident->evidence.lost_share * 100);
	log_warn("%s: %skilling %s[%d] (uid %u, %s, adj %d%s%s): policy %s, %s, risk %.3f, "
		 "%s %% of its tasks' time lost, level %.0f %%",
		 watch_name(watch), incident->dry_run ? "(dry run) " : "", victim->comm,
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
	struct record_head head = report_head(daemon, watch, 0);
	char line[WRITER_LINE_MAX], message[256];
	size_t len;

	verdict_settled(&watch->judge.state, now_ns);
	trace_feed_stood_down(daemon, watch, "nobody may be killed", true, now_ns);
	if (watch->empty_told)
		return;
	watch->empty_told = true;
	snprintf(message, sizeof(message),
		 "near-oom, but none of the %zu processes of this scope may be killed: all are "
		 "protected, too small, or were stuck a moment ago",
		 n);
	log_error("%s: %s", watch_name(watch), message);
	if (!record_message(line, sizeof(line), &head, "error", message, &len))
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
		.node = watch->scope == FO_SCOPE_NODE,
		.self_pid = getpid(),
		.backoff_pids = backoffs,
	};
	uint64_t held_bytes;
	size_t n, eligible;
	bool grouped;
	int err;

	err = tasks_read(daemon->tasks, watch->scope, clock_boot_ns(), &candidates, &n);
	if (err) {
		log_warn("%s: its processes cannot be listed: %s; nothing is killed blindly",
			 watch_name(watch), strerror(-err));
		trace_feed_stood_down(daemon, watch, "its processes cannot be listed", false,
				      now_ns);
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
		trace_feed_list(daemon, watch, now_ns, candidates, n);
		tell_empty(daemon, watch, n, now_ns);
		return;
	}

	/* choosing took its time: did the scope recover meanwhile, by a kill of the kernel's, say?
	 */
	if (watch_held(daemon, watch, now_ns, &held_bytes) ||
	    (double)held_bytes < RECOVERED_PART * (double)evidence->held_bytes) {
		verdict_settled(&watch->judge.state, now_ns);
		trace_feed_stood_down(daemon, watch, "it recovered by itself", true, now_ns);
		return;
	}

	*incident = (struct incident){
		.open = true,
		.dry_run = daemon->options.dry_run || watch->policy->dry_run,
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
	incident->ladder_count = watch->policy->ladder_count;
	memcpy(incident->ladder, watch->policy->ladder, sizeof(incident->ladder));
	if (!incident->ladder_count)
		incident->ladder[incident->ladder_count++] =
			(struct ladder_step){.kind = STEP_KILL};
	incident->group = victim_group_of(watch->policy, daemon->ranking[0].candidate);
	grouped = incident->group.unit != KILL_UNIT_PROCESS;
	if (grouped)
		/* the candidates do not outlive the next list */
		trace_feed_list(daemon, watch, now_ns, candidates, n);
	if (grouped && !group_rank(daemon, watch, &incident->members, &incident->whole)) {
		incident->group = (struct victim_group){.unit = KILL_UNIT_PROCESS};
		incident->members = 1;
	}
	step(incident, "chosen", clock_mono_ns());
	write_record(daemon, watch, "act", NULL, 0, clock_mono_ns());
	step(incident, "recorded", clock_mono_ns());
	watch->judge.trouble = true;
	climb(daemon, watch, clock_mono_ns());
	if (!grouped)
		trace_feed_list(daemon, watch, now_ns, candidates, n);
	if (incident->open)
		tell_order(watch);
}

/* A group is killed when nobody is left: what was forked meanwhile dies too. */
static bool group_is_empty(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	bool whole;
	size_t n;

	if (watch->incident.dry_run)
		return true;
	(void)group_rank(daemon, watch, &n, &whole);
	signal_ranked(daemon, watch, n, 0, false, now_ns);
	return n == 0;
}

void incident_drop(struct daemon *daemon, struct watch *watch)
{
	ladder_undo(daemon->ladder, slot_of(daemon, watch));
	kill_done(&watch->incident.kill);
	watch->incident.open = false;
}

void incident_look(struct daemon *daemon, struct watch *watch, uint64_t now_ns)
{
	struct incident *incident = &watch->incident;

	if (!incident->open)
		return;
	if (!kill_look(&incident->kill, now_ns)) {
		if (incident->kill.state != KILL_SENT)
			look_at_step(daemon, watch, now_ns);
		return;
	}
	if (incident->group.unit != KILL_UNIT_PROCESS && incident->kill.state == KILL_GONE &&
	    !group_is_empty(daemon, watch, now_ns)) {
		/* the next tick looks again; after all patience somebody in it is stuck */
		incident->kill.state =
			now_ns - incident->kill.sent_ns < KILL_TIMEOUT_NS ? KILL_SENT : KILL_STUCK;
		if (incident->kill.state == KILL_SENT)
			return;
	}
	finish(daemon, watch, now_ns);
}

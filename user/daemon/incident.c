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
#include "base/descriptors.h"
#include "base/log.h"
#include "base/util.h"
#include "base/worker.h"
#include "daemon/hot_scope.h"
#include "daemon/incident_data.h"
#include "daemon/incident_group.h"
#include "daemon/incident_record.h"
#include "daemon/no_victim.h"
#include "daemon/report.h"
#include "daemon/trace_feed.h"
#include "sense/tasks.h"
#include "tell/trace_store.h"
#include "tell/writer.h"

/* Step reclaim frees this part of the scope: its tasks can go on, and it takes little time. */
#define RECLAIM_PART 10

/* A scope that grows by this part of its memory during a step is not recovering. */
#define GROWING_PART 50

/* Processes that share their memory are gone this long after the signal at the earliest: two ticks.
 */
#define SHARERS_EXIT_NS 200000000ULL

/* The next step waits at most this long for a step to be undone: a write to a cgroup can hang. */
#define UNDO_MOST_NS 1000000000ULL

static int held(const struct incident_parts *parts, const struct hot_scope *scope, uint64_t now_ns,
		uint64_t *ret_bytes)
{
	return hot_scope_held(scope, parts->sampler, parts->tracking, now_ns, ret_bytes);
}

static uint64_t freed(const struct incident_parts *parts, const struct incident *incident,
		      const struct hot_scope *scope, uint64_t now_ns)
{
	uint64_t held_bytes = 0;
	int err = held(parts, scope, now_ns, &held_bytes);

	/* a cgroup that was removed gave everything back */
	if ((err && err != -ENODEV) || held_bytes >= incident->held_bytes)
		return 0;
	return incident->held_bytes - held_bytes;
}

static void finish(struct incident_parts *parts, struct incident *incident, struct hot_scope *scope,
		   enum case_outcome outcome, uint64_t now_ns)
{
	bool no_signal = outcome == CASE_RELIEVED || outcome == CASE_UNRELIEVED;
	uint64_t freed_bytes = freed(parts, incident, scope, now_ns);
	int pid = incident->victims[0].candidate.pid;

	incident_add_step(incident, case_outcome_name(outcome), now_ns);
	incident_write_record(incident, scope, parts->reporter, no_signal ? "act" : "kill",
			      case_outcome_name(outcome), freed_bytes, now_ns);
	if (no_signal)
		log_info("%s: %s by the steps before a kill; no process was killed",
			 hot_scope_name(scope), case_outcome_name(outcome));
	else
		incident_log_end(incident, scope, freed_bytes, now_ns);
	trace_feed_closed(parts->trace, scope, incident->dry_run, outcome, pid, freed_bytes,
			  now_ns);
	case_close(&scope->state, outcome, pid, now_ns);
	scope->freed |=
		!incident->dry_run && (outcome == CASE_KILLED || outcome == CASE_UNCONFIRMED);
	if (!no_signal)
		trace_store_hand_over(parts->trace->store, incident->id);
	kill_done(&incident->kill);
	descriptors_hold();
	incident->open = false;
}

static enum case_outcome outcome_of(const struct kill *kill)
{
	switch (kill->state) {
	case KILL_GONE:
		return CASE_KILLED;
	case KILL_EXITED:
		return CASE_EXITED;
	case KILL_REUSED:
		return CASE_REUSED;
	case KILL_REFUSED:
		return CASE_REFUSED;
	case KILL_UNSENT:
		return CASE_UNSENT;
	default:
		return CASE_STUCK;
	}
}

/* ---- signals ---- */

struct free_request {
	const struct ladder *ladder;
	int pidfd;
	int pid;
};

static void free_memory(void *argument, size_t len)
{
	const struct free_request *request = argument;
	struct pollfd gone = {.fd = request->pidfd, .events = POLLIN};

	(void)len;
	/* while the process exists, its pid cannot belong to another one */
	if (poll(&gone, 1, 0) == 0)
		(void)ladder_thaw(request->ladder, request->pid);
	(void)kill_reap(request->pidfd);
	close(request->pidfd);
}

/*
 * Has the helper thread thaw the victim and free its memory. Without a descriptor or a place in the
 * helper's queue the next look tries again: a frozen victim cannot exit without it.
 */
static void free_dying(const struct incident_parts *parts, struct incident *incident)
{
	struct free_request request = {parts->ladder, -1, incident->kill.ref.pid};

	if (incident->dry_run || incident->freeing)
		return;
	request.pidfd = fcntl(incident->kill.ref.fd, F_DUPFD_CLOEXEC, 3);
	if (request.pidfd < 0)
		return;
	incident->freeing = !worker_give(parts->helper, free_memory, &request, sizeof(request));
	if (!incident->freeing)
		close(request.pidfd);
}

/* Wakes the event loop when the victim exits; has its memory freed if it is @dying. */
static void watch_exit(const struct incident_parts *parts, struct incident *incident, bool dying)
{
	/* ONESHOT: after the exit the pidfd stays readable until it is closed */
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};

	event.data.fd = incident->kill.ref.fd;
	if (epoll_ctl(parts->epoll_fd, EPOLL_CTL_ADD, incident->kill.ref.fd, &event) < 0 &&
	    errno != EEXIST)
		log_debug("the exit of %d will not wake the daemon: epoll_ctl: %s; each tick looks",
			  incident->kill.ref.pid, strerror(errno));
	if (dying)
		free_dying(parts, incident);
}

/*
 * Whether a signal that could not be sent without a descriptor is tried again at the next look.
 * After KILL_TIMEOUT_NS the incident ends, and the next verdict lists the processes again.
 */
static bool waits_to_send(struct incident *incident, uint64_t now_ns)
{
	if (incident->kill.state != KILL_UNSENT)
		return false;
	if (!incident->unsent_ns) {
		incident->unsent_ns = now_ns;
		incident_add_step(incident, "no descriptor", now_ns);
	}
	if (now_ns - incident->unsent_ns >= KILL_TIMEOUT_NS)
		return false;
	kill_done(&incident->kill);
	return true;
}

/* Sends SIGTERM if @term, else SIGKILL. After SIGTERM, SIGKILL goes to the same process. */
static void send_signal(struct incident_parts *parts, struct incident *incident,
			struct hot_scope *scope, bool term)
{
	const struct candidate *victim = &incident->victims[0].candidate;
	bool first = incident->kill.state == KILL_IDLE;
	uint64_t now_ns = clock_mono_ns();

	if (!first)
		kill_insist(&incident->kill, now_ns);
	else
		(term ? kill_term : kill_send)(&incident->kill, victim->pid, victim->start_boot_ns,
					       incident->dry_run, now_ns);
	if (waits_to_send(incident, now_ns))
		return;
	if (kill_is_final(&incident->kill)) {
		finish(parts, incident, scope, outcome_of(&incident->kill), now_ns);
		return;
	}
	incident_signal_group(parts, incident, scope, term, now_ns);
	incident_add_step(incident, term ? "term" : "signal", clock_mono_ns());
	if (first) {
		case_signalled(&scope->state, victim->comm, victim->start_boot_ns, now_ns);
		trace_feed_signalled(parts->trace, scope, incident->dry_run, victim, now_ns);
	}
	watch_exit(parts, incident, !term);
}

/* ---- the ladder ---- */

static void notify(struct incident_parts *parts, struct incident *incident,
		   const struct hot_scope *scope, uint64_t now_ns)
{
	char line[WRITER_LINE_MAX];
	size_t len;
	int err = -ENOENT;

	if (parts->notifier && parts->notify_program)
		err = incident_make_record(incident, scope, parts->reporter, "act", NULL, 0, now_ns,
					   line, sizeof(line), &len);
	if (!err && !incident->dry_run)
		err = notifier_send(parts->notifier, parts->notify_program,
				    parts->notify_timeout_ns, line, len);
	incident_add_step(incident, err ? "notify failed" : "notify", clock_mono_ns());
	if (err)
		log_warn("%s: the notify program is not run: %s", hot_scope_name(scope),
			 strerror(-err));
}

static int begin_cgroup_step(struct incident_parts *parts, struct incident *incident,
			     const struct hot_scope *scope, enum ladder_step_kind kind,
			     uint64_t now_ns)
{
	const struct candidate *victim = &incident->victims[0].candidate;
	bool of_scope = kind == STEP_RECLAIM || kind == STEP_FORCE_EMPTY;
	struct ladder_request request = {
		.kind = kind,
		/* on the node, reclaim from the victim's cgroup */
		.path = of_scope && !hot_scope_is_node(scope) ? scope->cgroup.path : victim->cgroup,
		.pid = victim->pid,
		.bytes = incident->evidence.total_bytes / RECLAIM_PART,
	};

	if (!request.path)
		return -ENODATA;
	if (!of_scope && !incident_may_stop_cgroup(parts, incident, scope, now_ns))
		return -EPERM;
	if (incident->dry_run)
		return 0;
	return ladder_give(parts->ladder, incident->slot, &request);
}

/* Runs the steps from the current one on, up to one that takes time. */
static void run_steps(struct incident_parts *parts, struct incident *incident,
		      struct hot_scope *scope, uint64_t now_ns)
{
	static const char *const names[LADDER_STEPS_][2] = {
		[STEP_RECLAIM] = {"reclaim", "reclaim not possible"},
		[STEP_FORCE_EMPTY] = {"force_empty", "force_empty not possible"},
		[STEP_THROTTLE] = {"throttle", "throttle not possible"},
		[STEP_FREEZE] = {"freeze", "freeze not possible"},
	};

	for (; incident->open && incident->current < incident->ladder_count; incident->current++) {
		enum ladder_step_kind kind = incident->ladder[incident->current].kind;
		int err;

		incident->step_ns = now_ns;
		incident->step_left_ns = 0;
		if (held(parts, scope, now_ns, &incident->step_held_bytes))
			incident->step_held_bytes = UINT64_MAX;
		switch (kind) {
		case STEP_NOTIFY:
			notify(parts, incident, scope, now_ns);
			continue;
		case STEP_TERM:
		case STEP_KILL:
			send_signal(parts, incident, scope, kind == STEP_TERM);
			return;
		default:
			err = begin_cgroup_step(parts, incident, scope, kind, now_ns);
			incident_add_step(incident, names[kind][err != 0], clock_mono_ns());
			if (!err)
				return;
			log_debug("%s: %s: %s", hot_scope_name(scope), names[kind][1],
				  strerror(-err));
		}
	}
	if (incident->open)
		finish(parts, incident, scope, CASE_UNRELIEVED, now_ns);
}

/* The scope grows during the step: waiting longer would make the shortage worse. */
static bool is_growing(const struct incident *incident, const struct hot_scope *scope,
		       uint64_t held_bytes)
{
	uint64_t part = incident->evidence.total_bytes / GROWING_PART;

	return scope->state.judge.verdict.spike || (incident->step_held_bytes != UINT64_MAX &&
						    held_bytes > incident->step_held_bytes + part);
}

/* Whether the current step has ended: its time is over, it is impossible, or the scope grows. */
static bool step_is_over(const struct incident_parts *parts, const struct incident *incident,
			 const struct hot_scope *scope, uint64_t now_ns)
{
	const struct ladder_step *step = &incident->ladder[incident->current];
	uint64_t held_bytes;
	int err;

	if (now_ns - incident->step_ns >= step->wait_ns)
		return true;
	/* the step is impossible on this host */
	if (step->kind != STEP_TERM && !incident->dry_run) {
		err = ladder_result(parts->ladder, incident->slot);
		if (err && err != -EINPROGRESS)
			return true;
	}
	/* growth does not end a reclaim: it still frees memory */
	return step->kind != STEP_RECLAIM && step->kind != STEP_FORCE_EMPTY &&
	       !held(parts, scope, now_ns, &held_bytes) && is_growing(incident, scope, held_bytes);
}

static bool next_is_cgroup_step(const struct incident *incident)
{
	enum ladder_step_kind next = incident->current + 1 < incident->ladder_count
					     ? incident->ladder[incident->current + 1].kind
					     : STEP_KILL;

	return next != STEP_KILL && next != STEP_TERM && next != STEP_NOTIFY;
}

/* For a cgroup step or SIGTERM: ends the action if the risk has fallen, or begins the next step. */
static void check_step(struct incident_parts *parts, struct incident *incident,
		       struct hot_scope *scope, uint64_t now_ns)
{
	const struct verdict *verdict = &scope->state.judge.verdict;

	if (!step_is_over(parts, incident, scope, now_ns))
		return;
	if (incident->kill.state != KILL_TERM_SENT) {
		if (!incident->dry_run && !incident->step_left_ns)
			ladder_undo(parts->ladder, incident->slot);
		if (!incident->step_left_ns)
			incident->step_left_ns = now_ns;
		/* not after SIGTERM: a process that was told to exit must exit */
		if (verdict->risk.known && !verdict->over) {
			finish(parts, incident, scope, CASE_RELIEVED, now_ns);
			return;
		}
		/* the next step begins when this one is undone */
		if (next_is_cgroup_step(incident) &&
		    now_ns - incident->step_left_ns < UNDO_MOST_NS &&
		    ladder_is_busy(parts->ladder, incident->slot))
			return;
	}
	incident->current++;
	run_steps(parts, incident, scope, now_ns);
}

/* ---- from the verdict to the action ---- */

/* No action begins: reports it once per episode. The scope is judged again later. */
static void stand_down(struct incident_parts *parts, struct hot_scope *scope,
		       const struct judgement *judgement, enum case_choice why, size_t n,
		       uint64_t now_ns)
{
	bool report = case_stand_down(&scope->state, why, now_ns);

	descriptors_hold();
	trace_feed_stood_down(parts->trace, scope, report_is_dry_run(parts->reporter, scope), why,
			      now_ns);
	if (report && why == CASE_NONE_PERMITTED)
		no_victim_report(parts, scope, judgement, n);
}

/*
 * Has the names of the leading candidates read, if a protect rule asks for them and they are not
 * known. A victim chosen without them could be an innocent one. True: the next tick chooses again.
 */
static bool waits_for_names(struct incident_parts *parts, const struct hot_scope *scope,
			    const struct evidence *evidence, uint64_t now_ns, size_t n,
			    size_t eligible)
{
	const struct candidate *unread[TASKS_WANTED_MAX];
	size_t count = case_unread(&scope->state, scope->policy, evidence->total_bytes, now_ns,
				   parts->ranking, n, eligible, unread, ARRAY_SIZE(unread));

	for (size_t i = 0; i < count; i++)
		tasks_want(parts->tasks, unread[i]);
	return count > 0;
}

/* Copies what is needed after the list and the ranking are overwritten. */
static void fill_incident(struct incident_parts *parts, struct incident *incident,
			  const struct hot_scope *scope, const struct judgement *judgement,
			  size_t eligible, uint64_t held_bytes, uint64_t now_ns)
{
	size_t slot = incident->slot;

	*incident = (struct incident){
		.open = true,
		.slot = slot,
		.dry_run = report_is_dry_run(parts->reporter, scope),
		.id = parts->next_id++,
		.verdict_ns = now_ns,
		.held_bytes = held_bytes,
		.kill = {.ref = PIDREF_NONE},
		.verdict = judgement->verdict,
		.evidence = judgement->evidence,
	};
	while (incident->victim_count < ARRAY_SIZE(incident->victims) &&
	       incident->victim_count < eligible) {
		kept_victim_set(&incident->victims[incident->victim_count],
				&parts->ranking[incident->victim_count]);
		incident->victim_count++;
	}
	incident->ladder_count = scope->policy->ladder_count;
	memcpy(incident->ladder, scope->policy->ladder, sizeof(incident->ladder));
	if (!incident->ladder_count)
		incident->ladder[incident->ladder_count++] =
			(struct ladder_step){.kind = STEP_KILL};
}

void incident_begin(struct incident_parts *parts, struct incident *incident,
		    struct hot_scope *scope, const struct judgement *judgement, uint64_t now_ns)
{
	const struct evidence *evidence = &judgement->evidence;
	const struct candidate *candidates;
	uint64_t held_bytes;
	size_t n, eligible;
	int err = tasks_read(parts->tasks, scope->id, clock_boot_ns(), &candidates, &n);

	if (descriptors_are_short(err) && descriptors_release())
		err = tasks_read(parts->tasks, scope->id, clock_boot_ns(), &candidates, &n);
	if (err) {
		log_warn("%s: its processes cannot be listed: %s; no process is killed",
			 hot_scope_name(scope), strerror(-err));
		stand_down(parts, scope, judgement, CASE_NOT_LISTED, 0, now_ns);
		return;
	}
	if (tasks_overflow(parts->tasks))
		log_warn("%s: %llu processes did not fit into the list and are not candidates",
			 hot_scope_name(scope), (unsigned long long)tasks_overflow(parts->tasks));
	if (n > parts->ranking_size)
		n = parts->ranking_size;
	/* here, because the next listing overwrites the candidates */
	trace_feed_list(parts->trace, scope, now_ns, candidates, n);
	eligible = case_rank(&scope->state, scope->policy, evidence->total_bytes, now_ns,
			     candidates, n, parts->ranking);
	if (waits_for_names(parts, scope, evidence, now_ns, n, eligible)) {
		stand_down(parts, scope, judgement, CASE_UNREAD, n, now_ns);
		return;
	}
	if (!eligible) {
		stand_down(parts, scope, judgement, CASE_NONE_PERMITTED, n, now_ns);
		return;
	}
	if (held(parts, scope, now_ns, &held_bytes) ||
	    !case_still_short(&scope->state, evidence, held_bytes, now_ns)) {
		stand_down(parts, scope, judgement, CASE_RECOVERED, n, now_ns);
		return;
	}
	fill_incident(parts, incident, scope, judgement, eligible, held_bytes, now_ns);
	incident_choose_group(parts, incident, scope, candidates, n, now_ns);
	case_open(&scope->state, incident->id, incident->dry_run);
	trace_feed_opened(parts->trace, scope, incident->dry_run, &incident->victims[0].candidate,
			  now_ns);
	incident_add_step(incident, "chosen", clock_mono_ns());
	incident_write_record(incident, scope, parts->reporter, "act", NULL, 0, clock_mono_ns());
	incident_add_step(incident, "recorded", clock_mono_ns());
	run_steps(parts, incident, scope, clock_mono_ns());
	if (incident->open)
		incident_log_begin(incident, scope);
}

void incident_drop(struct incident_parts *parts, struct incident *incident, struct hot_scope *scope)
{
	ladder_undo(parts->ladder, incident->slot);
	kill_done(&incident->kill);
	descriptors_hold();
	case_drop(&scope->state);
	incident->open = false;
}

void incident_look(struct incident_parts *parts, struct incident *incident, struct hot_scope *scope,
		   uint64_t now_ns)
{
	struct kill *kill = &incident->kill;
	enum group_state group = GROUP_GONE;

	if (!incident->open)
		return;
	if (incident->unsent_ns && kill->state == KILL_IDLE) {
		send_signal(parts, incident, scope,
			    incident->ladder[incident->current].kind == STEP_TERM);
		return;
	}
	if (!kill_look(kill, now_ns)) {
		if (kill->state == KILL_SENT)
			free_dying(parts, incident);
		if (kill->state != KILL_SENT)
			check_step(parts, incident, scope, now_ns);
		return;
	}
	if (!victim_group_is_single(&incident->group) && kill->state == KILL_GONE)
		group = incident_look_at_group(parts, incident, scope, now_ns);
	/* the last one that shares the memory frees it, when it is in no list any more */
	if (group == GROUP_GONE && incident->group.mm && !incident->dry_run &&
	    now_ns - kill->sent_ns < SHARERS_EXIT_NS)
		group = GROUP_ALIVE;
	if (group != GROUP_GONE && now_ns - kill->sent_ns < KILL_TIMEOUT_NS) {
		kill->state = KILL_SENT; /* the next tick checks again */
		return;
	}
	if (group == GROUP_ALIVE)
		kill->state = KILL_STUCK;
	finish(parts, incident, scope,
	       group == GROUP_NOT_LISTED ? CASE_UNCONFIRMED : outcome_of(kill), now_ns);
}

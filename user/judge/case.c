// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/case.h"

#include <math.h>
#include <string.h>

#include "judge/candidate.h"
#include "judge/sample.h"

/*
 * A scope that gave back a tenth since the verdict needs no kill: a livelock frees next to
 * nothing by itself, a kill of the kernel frees more (docs/judgement.md, after a kill).
 */
#define RECOVERED_PART 0.90

/* The service has read back by then what it had lost: measured, docs/judgement.md, "Relief". */
#define MEASURE_NS 3000000000ULL

/* A kill that gave back less than this part of what was predicted was useless; and how many may be.
 */
#define USELESS_PART 0.25
#define USELESS_MOST 2
/* Of less nothing can be said: as LEAST_RELIEF in victim.c. */
#define MEASURED_LEAST 0.10

/*
 * A unit that suffers alone relieves nobody by its death but itself: it dies where a policy names
 * its scope, after this long, and if a restart would free it; design.md, section 5.
 */
#define ALONE_NS    10000000000ULL
#define ALONE_LOSS  0.50
#define ALONE_LEAST 0.05 /* relief of others: below, it suffers alone */
/* A restart frees what is new of it, or what is half of the scope; not files that do not fit. */
#define ALONE_NEW_PART	0.25
#define ALONE_HELD_PART 0.50

/* Births that outrun kills: as many as were killed, within this time; chosen. */
#define KIN_SPAN_NS 10000000000ULL
#define KIN_BIRTHS  CASE_KILLS_KEPT

void case_begin(struct scope_case *c, bool node, int self_pid, uint64_t now_ns)
{
	*c = (struct scope_case){.node = node, .self_pid = self_pid};
	judge_begin(&c->judge, now_ns);
}

void case_take_kills(struct scope_case *c, const struct verdict_kills *kills)
{
	c->judge.state.kills = *kills;
}

const struct verdict_kills *case_kills(const struct scope_case *c)
{
	return &c->judge.state.kills;
}

void case_see(struct scope_case *c, const struct sample *sample)
{
	judge_see(&c->judge, sample);
	if (sample->has & SAMPLE_HAS_LEVEL) {
		c->total_bytes = sample->total_bytes;
		c->held_bytes = sample->held_bytes;
	}
}

bool case_wants_tasks(const struct scope_case *c)
{
	return judge_wants_tasks(&c->judge);
}

bool case_wants_tracking(const struct scope_case *c)
{
	return judge_wants_tracking(&c->judge);
}

/* A relief of pages, where a page is known. */
static double pages_of(const struct scope_case *c, uint64_t bytes)
{
	return (double)bytes / (c->page_bytes ? (double)c->page_bytes : 4096.0);
}

static uint64_t dying_of(const struct scope_case *c)
{
	uint64_t dying = 0;

	for (size_t i = 0; i < c->relief.count; i++)
		for (size_t j = 0; j < c->best.dying_count; j++)
			if (c->relief.list[i].pid == c->best.dying[j])
				dying |= 1ULL << i;
	return dying;
}

/* Of the best permitted kill. Before the first list: as if all that processes hold were freed. */
static struct relief best_relief(struct scope_case *c, const struct policy *policy,
				 const struct sample *sample)
{
	double pages = pages_of(c, c->best.known ? c->best.name_bytes : sample->anon_bytes);
	struct relief all = relief_of(&c->relief, pages, 0), others = all;

	c->predicted = all.share;
	if (c->best.known) {
		others = relief_of(&c->relief, pages, dying_of(c));
		c->predicted =
			relief_of(&c->relief, pages_of(c, c->best.freeable_bytes), dying_of(c))
				.share;
	}
	if (others.share >= ALONE_LEAST || all.share < ALONE_LOSS || c->node || policy->warn_only ||
	    !c->best.restart_frees) {
		c->alone_since_ns = 0;
		return others;
	}
	if (!c->alone_since_ns)
		c->alone_since_ns = sample->at_ns;
	return sample->at_ns - c->alone_since_ns >= ALONE_NS ? all : others;
}

/* What the last kill gave back, when it is time, or when the scope is to be acted on again. */
static void measure(struct scope_case *c, struct judgement *j, uint64_t now_ns)
{
	const struct case_measure *m = &c->measure;
	double after = relief_of(&c->relief, INFINITY, 0).share;

	if (!m->due_ns || !j->judged || (now_ns < m->due_ns && j->verdict.action != VERDICT_ACT))
		return;
	j->relief_measured = true;
	j->relief_predicted = m->predicted;
	j->relief_after = m->before > after ? m->before - after : 0;
	j->relief_action = m->action_id;
	/* where others are born meanwhile, the kill was not useless, but not enough */
	if (m->predicted < MEASURED_LEAST || c->births >= KIN_BIRTHS ||
	    j->relief_after >= USELESS_PART * m->predicted)
		c->useless = 0;
	else
		c->useless++;
	c->measure.due_ns = 0;
	if (c->useless < USELESS_MOST)
		return;
	c->useless = 0;
	verdict_no_relief(&c->judge.state, now_ns);
	if (j->verdict.action == VERDICT_ACT) {
		/* what the next judgement says, and the case warns of it then */
		j->verdict.action = VERDICT_WAIT;
		j->verdict.reason = REASON_NO_RELIEF;
	}
}

struct judgement case_step(struct scope_case *c, const struct policy *policy,
			   const struct sample *sample, const struct process_span *spans, size_t n,
			   bool pending_within)
{
	struct relief relief = {0};
	struct judgement j;

	if (sample->has & SAMPLE_HAS_PAGE_BYTES)
		c->page_bytes = sample->page_bytes;
	if (sample->has & SAMPLE_HAS_PROCESSES) {
		relief_add(&c->relief, sample->at_ns, spans, n, (double)sample->pages_per_sample);
		relief = best_relief(c, policy, sample);
	}
	j = judge_tick(&c->judge, policy, sample, &relief, c->pending || pending_within);
	measure(c, &j, sample->at_ns);
	if (j.judged && j.calm) {
		c->none_reported = false;
		c->unread_since_ns = 0;
	}
	return j;
}

/* The only place that makes one. @pids has room for CASE_BACKOFFS_MAX. */
static struct victim_request make_request(const struct scope_case *c, const struct policy *policy,
					  uint64_t total_bytes, uint64_t now_ns, int *pids)
{
	struct victim_request request = {
		.policy = policy,
		.scope_bytes = total_bytes,
		.node = c->node,
		.self_pid = c->self_pid,
		.backoff_pids = pids,
		.relief = c->relief.measured_s > 0 ? &c->relief : NULL,
		.page_bytes = c->page_bytes ? c->page_bytes : 4096,
	};

	for (size_t i = 0; i < CASE_BACKOFFS_MAX; i++)
		if (c->backoffs[i].until_ns > now_ns)
			pids[request.backoffs++] = c->backoffs[i].pid;
	return request;
}

static uint64_t largest_bytes(const struct scope_case *c, const struct candidate *candidates,
			      size_t n)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < n; i++) {
		const struct candidate *candidate = &candidates[i];
		uint64_t bytes = candidate_freeable_bytes(candidate);

		if (candidate->pid > 1 && candidate->pid != c->self_pid &&
		    candidate->oom_score_adj > -1000 && bytes > largest)
			largest = bytes;
	}
	return largest;
}

/* Processes of the last victim's name that were born after it. */
static unsigned births(const struct scope_case *c, const struct candidate *candidates, size_t n)
{
	const struct case_kill *last = &c->kills[CASE_KILLS_KEPT - 1];
	unsigned count = 0;

	for (size_t i = 0; last->at_ns && i < n; i++)
		count += candidates[i].start_boot_ns > last->start_boot_ns &&
			 !strncmp(candidates[i].comm, last->comm, sizeof(last->comm) - 1);
	return count;
}

size_t case_list(struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		 uint64_t now_ns, const struct candidate *candidates, size_t n, struct victim *ret)
{
	const struct victim *best = NULL;
	size_t eligible;

	c->best = (struct case_best){.known = true};
	c->births = births(c, candidates, n);
	if (n > CASE_RANKED_MAX) {
		c->best.freeable_bytes = c->best.name_bytes = largest_bytes(c, candidates, n);
		return 0;
	}
	eligible = case_rank(c, policy, total_bytes, now_ns, candidates, n, ret);
	for (size_t i = 0; i < eligible; i++)
		if (!best || ret[i].relief > best->relief ||
		    (ret[i].relief == best->relief && ret[i].freeable_bytes > best->freeable_bytes))
			best = &ret[i];
	if (!best) {
		/* nobody may die: the loss itself leads to a verdict, which then says so */
		c->best.known = false;
		return 0;
	}
	c->best.freeable_bytes = best->freeable_bytes;
	c->best.name_bytes = best->freeable_bytes;
	for (size_t i = 0; policy->kill == KILL_UNIT_PROCESS && i < eligible; i++)
		if (&ret[i] != best && !strcmp(ret[i].candidate->comm, best->candidate->comm))
			c->best.name_bytes += ret[i].freeable_bytes;
	c->best.restart_frees =
		(double)best->growth_bytes >= ALONE_NEW_PART * (double)best->freeable_bytes ||
		(double)best->freeable_bytes >= ALONE_HELD_PART * (double)total_bytes;
	for (size_t i = 0; i < c->relief.count && c->best.dying_count < CASE_DYING_MAX; i++)
		if (best->dying & 1ULL << i)
			c->best.dying[c->best.dying_count++] = c->relief.list[i].pid;
	return eligible;
}

size_t case_rank(const struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		 uint64_t now_ns, const struct candidate *candidates, size_t n, struct victim *ret)
{
	int pids[CASE_BACKOFFS_MAX];
	struct victim_request request = make_request(c, policy, total_bytes, now_ns, pids);

	return victim_rank(&request, candidates, n, ret);
}

size_t case_unread(const struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		   uint64_t now_ns, const struct victim *ranking, size_t n, size_t eligible,
		   const struct candidate **ret, size_t max)
{
	int pids[CASE_BACKOFFS_MAX];
	struct victim_request request = make_request(c, policy, total_bytes, now_ns, pids);
	size_t count = 0;

	if (c->unread_since_ns && now_ns - c->unread_since_ns >= CASE_UNREAD_NS)
		return 0;
	for (size_t i = eligible; i < n && count < max; i++)
		if (victim_is_awaited(&request, &ranking[i], eligible ? &ranking[0] : NULL))
			ret[count++] = ranking[i].candidate;
	return count;
}

struct victim_members case_rank_members(const struct scope_case *c, const struct policy *policy,
					uint64_t total_bytes, uint64_t now_ns,
					const struct victim_group *group,
					const struct candidate *candidates, size_t n,
					struct victim *ret)
{
	int pids[CASE_BACKOFFS_MAX];
	struct victim_request request = make_request(c, policy, total_bytes, now_ns, pids);

	return victim_rank_members(&request, group, candidates, n, ret);
}

bool case_still_short(const struct scope_case *c, const struct evidence *evidence,
		      uint64_t held_bytes, uint64_t now_ns)
{
	uint64_t before_bytes = evidence->held_bytes;

	/* the evidence is older than the kill; @held_bytes may be newer */
	if (c->kernel_kill_ns && now_ns - c->kernel_kill_ns < WINDOW_SPAN_NS &&
	    c->kernel_kill_held_bytes > before_bytes)
		before_bytes = c->kernel_kill_held_bytes;
	return (double)held_bytes >= RECOVERED_PART * (double)before_bytes;
}

bool case_stand_down_waits(enum case_choice why)
{
	return why == CASE_NONE_PERMITTED || why == CASE_RECOVERED;
}

bool case_stand_down(struct scope_case *c, enum case_choice why, uint64_t now_ns)
{
	bool report = why == CASE_NOT_LISTED || (why == CASE_NONE_PERMITTED && !c->none_reported);

	if (why == CASE_NONE_PERMITTED)
		c->none_reported = true;
	if (why != CASE_UNREAD)
		c->unread_since_ns = 0;
	else if (!c->unread_since_ns)
		c->unread_since_ns = now_ns;
	if (case_stand_down_waits(why))
		verdict_settled(&c->judge.state, now_ns);
	return report;
}

const char *case_choice_name(enum case_choice choice)
{
	static const char *const names[CASE_CHOICES_] = {
		[CASE_CHOSEN] = "chosen",
		[CASE_NOT_LISTED] = "its processes cannot be listed",
		[CASE_NONE_PERMITTED] = "no process may be killed",
		[CASE_RECOVERED] = "it recovered by itself",
		[CASE_UNREAD] = "the names of its processes are being read",
	};

	return names[choice];
}

void case_widen_group(const struct scope_case *c, uint64_t now_ns, const struct victim *ranking,
		      size_t n, struct victim_group *group)
{
	const struct candidate *victim = ranking[0].candidate;
	const uint64_t first_start_ns = c->kills[CASE_KILLS_KEPT - 1].start_boot_ns;
	size_t born = 0;

	if (group->unit != KILL_UNIT_PROCESS || ranking[0].kin <= 0)
		return;
	for (size_t i = 0; i < CASE_KILLS_KEPT; i++)
		if (!c->kills[i].at_ns || now_ns - c->kills[i].at_ns > KIN_SPAN_NS ||
		    strncmp(c->kills[i].comm, victim->comm, sizeof(c->kills[i].comm) - 1))
			return;
	for (size_t i = 0; i < n; i++)
		born += ranking[i].kin == ranking[0].kin &&
			ranking[i].candidate->start_boot_ns > first_start_ns &&
			!strcmp(ranking[i].candidate->comm, victim->comm);
	if (born < KIN_BIRTHS)
		return;
	group->unit = KILL_UNIT_KIN;
	group->kin = ranking[0].kin;
}

void case_open(struct scope_case *c, uint64_t action_id, bool dry_run)
{
	c->pending = true;
	c->unread_since_ns = 0;
	c->action_id = action_id;
	c->dry_run = dry_run;
	c->judge.trouble = true;
	c->measure = (struct case_measure){
		.action_id = action_id,
		.predicted = c->predicted,
		.before = relief_of(&c->relief, INFINITY, 0).share,
	};
}

void case_signalled(struct scope_case *c, const char *comm, uint64_t start_boot_ns, uint64_t now_ns)
{
	verdict_killed(&c->judge.state, now_ns);
	memmove(&c->kills[1], &c->kills[0], sizeof(c->kills) - sizeof(c->kills[0]));
	c->kills[0] = (struct case_kill){.at_ns = now_ns, .start_boot_ns = start_boot_ns};
	strncpy(c->kills[0].comm, comm ? comm : "", sizeof(c->kills[0].comm) - 1);
}

void case_back_off(struct scope_case *c, int pid, uint64_t now_ns)
{
	c->backoffs[c->backoff_next++ % CASE_BACKOFFS_MAX] =
		(struct case_backoff){pid, now_ns + VICTIM_BACKOFF_NS};
}

bool case_outcome_waits(enum case_outcome outcome)
{
	return outcome == CASE_KILLED || outcome == CASE_STUCK || outcome == CASE_UNCONFIRMED ||
	       outcome == CASE_RELIEVED || outcome == CASE_UNRELIEVED;
}

void case_close(struct scope_case *c, enum case_outcome outcome, int pid, uint64_t now_ns)
{
	if ((outcome == CASE_KILLED || outcome == CASE_UNCONFIRMED) && c->action_id &&
	    !c->dry_run && c->relief.measured_s > 0)
		c->measure.due_ns = now_ns + MEASURE_NS;
	c->pending = false;
	c->action_id = 0;
	if (outcome == CASE_STUCK || outcome == CASE_REFUSED)
		case_back_off(c, pid, now_ns);
	/* steps that did not help count as a kill does: they are not repeated every second */
	if (outcome == CASE_UNRELIEVED)
		verdict_killed(&c->judge.state, now_ns);
	else if (case_outcome_waits(outcome))
		verdict_settled(&c->judge.state, now_ns);
}

void case_drop(struct scope_case *c)
{
	c->pending = false;
	c->action_id = 0;
}

static const char *const outcome_names[CASE_OUTCOMES_] = {
	[CASE_KILLED] = "killed",     [CASE_EXITED] = "exited",
	[CASE_REUSED] = "reused",     [CASE_REFUSED] = "refused",
	[CASE_STUCK] = "stuck",	      [CASE_UNCONFIRMED] = "unconfirmed",
	[CASE_RELIEVED] = "relieved", [CASE_UNRELIEVED] = "unrelieved",
	[CASE_UNSENT] = "unsent",
};

const char *case_outcome_name(enum case_outcome outcome)
{
	return outcome_names[outcome];
}

enum case_outcome case_outcome_of_name(const char *name)
{
	int outcome = 0;

	while (outcome < CASE_OUTCOMES_ && strcmp(outcome_names[outcome], name))
		outcome++;
	return (enum case_outcome)outcome;
}

void case_kernel_killed(struct scope_case *c, const struct policy *policy, uint64_t freed_bytes,
			uint64_t now_ns)
{
	c->kernel_kill_ns = now_ns;
	c->kernel_kill_held_bytes = c->held_bytes;
	/* before the first sample there is no evidence that could be older than the kill */
	if (c->total_bytes && !victim_is_small(policy, c->total_bytes, freed_bytes))
		verdict_kernel_killed(&c->judge.state, now_ns);
}

enum judge_end case_end(struct scope_case *c, uint64_t now_ns, bool *ret_recovered,
			uint64_t *ret_mute_ns)
{
	return judge_end(&c->judge, now_ns, c->pending, ret_recovered, ret_mute_ns);
}

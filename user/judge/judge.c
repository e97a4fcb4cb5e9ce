// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/judge.h"

#include <string.h>

#include "judge/relief.h"

/* A scope without reclaim for this long is idle: longer than the gaps on a slow disk. */
#define IDLE_NS 3000000000ULL

/*
 * A scope below this level is not near OOM, whatever it reclaims: it is muted, and page tracking,
 * which runs on every page read and task switch, stays off (docs/judgement.md, level and growth).
 */
#define TRACKING_LEVEL 0.30

/*
 * A scope of little else than file pages in use (a service that maps more than the limit) is in a
 * livelock below that level, too. No kill helps, so it is a warning. Chosen: major faults and
 * refaults that a service on a slow disk has, and no stream; and as long as harm may last before a
 * verdict. docs/judgement.md, "Files alone".
 */
#define REREADS_FAULTS	20.0
#define REREADS_BYTES	2048.0 /* refaulted for each major fault: half a page */
#define REREADS_KEPT_NS 3000000000ULL
#define FILES_REFAULTED 0.5
#define FILES_LOST	0.5
#define FILES_LEAST	0.2 /* tasks, as LOST_LEAST_TASKS of the window */
#define FILES_HOLD_NS	3000000000ULL

/*
 * Signs that a scope loses time, from files, while page tracking is off: any refault, or major
 * faults as of a service that rereads. Growth is one, too: it precedes the loss. A stream has none
 * of them. Chosen: kept for as long as harm may last before a verdict.
 */
#define LOSS_FAULTS_PER_S REREADS_FAULTS
#define LOSS_GROWTH	  0.01 /* of the scope's memory a second */
#define LOSS_KEPT_NS	  REREADS_KEPT_NS

/* A scope with headroom is watched for this long before it is muted: the rates need it. */
#define LOOK_NS 600000000ULL

/* How fast memory can be filled: one CPU zeroes 1 to 2 GB/s. */
#define FASTEST_BYTES_PER_S (1ULL << 30)
#define MUTE_LEAST_NS	    100000000ULL
#define MUTE_MOST_NS	    1000000000ULL

/* Page tracking takes a moment to start; blindness that lasts longer is reported. */
#define BLIND_REPORT_NS 5000000000ULL

/*
 * Recovered: the risk is low, and tasks lose less than a quarter of their time, for as long as the
 * evidence covers. Chosen: a quarter is what a task may lose at its usual work
 * (bpf/progress.bpf.h).
 */
#define WELL_LOST_SHARE 0.25
#define WELL_HOLD_NS	WINDOW_SPAN_NS

void judge_begin(struct judge *judge, uint64_t now_ns)
{
	memset(judge, 0, sizeof(*judge));
	judge->level = -1;
	judge->active_ns = judge->begun_ns = now_ns;
}

/* Without either counter, reclaim itself is the sign. */
static bool shows_loss(const struct judge *judge, const struct sample *sample)
{
	const uint32_t has = sample->has & (SAMPLE_HAS_REFAULTS | SAMPLE_HAS_FAULTS);
	const uint32_t both = has & judge->signs;
	double span_s = (double)(sample->at_ns - judge->seen_ns) / 1e9;

	if (!has)
		return true;
	return ((both & SAMPLE_HAS_REFAULTS) && sample->refault_pages > judge->refault_pages) ||
	       ((both & SAMPLE_HAS_FAULTS) && sample->major_faults > judge->major_faults &&
		(double)(sample->major_faults - judge->major_faults) >= LOSS_FAULTS_PER_S * span_s);
}

void judge_see(struct judge *judge, const struct sample *sample)
{
	if (sample->at_ns <= judge->at_ns)
		return;
	if (shows_loss(judge, sample))
		judge->loss_ns = sample->at_ns;
	judge->signs = sample->has;
	judge->refault_pages = sample->refault_pages;
	judge->major_faults = sample->major_faults;
	judge->seen_ns = sample->at_ns;
	if (sample->has & SAMPLE_HAS_LEVEL) {
		judge->level = (double)sample->held_bytes / (double)(sample->total_bytes + 1);
		judge->headroom_bytes = sample->total_bytes > sample->held_bytes
						? sample->total_bytes - sample->held_bytes
						: 0;
	}
	if (sample->reclaims != judge->reclaims || sample->scanned_pages != judge->scans ||
	    sample->stall_open || ((sample->has & SAMPLE_HAS_UNDER_OOM) && sample->under_oom))
		judge->active_ns = sample->at_ns;
	judge->reclaims = sample->reclaims;
	judge->scans = sample->scanned_pages;
}

static bool rereads(const struct judge *judge)
{
	return judge->rereads_ns && judge->at_ns - judge->rereads_ns < REREADS_KEPT_NS;
}

/* Whether the scope has lost most of its time to file pages for FILES_HOLD_NS, at a low level. */
static bool files_livelock(struct judge *judge, const struct evidence *e, uint64_t now_ns)
{
	double wanted = e->io + e->run > FILES_LEAST ? e->io + e->run : FILES_LEAST;

	if (e->reclaiming && (e->has & EVIDENCE_HAS_TURNOVER) && (e->has & EVIDENCE_HAS_FAULTS) &&
	    e->major_faults >= REREADS_FAULTS &&
	    e->turnover * (double)e->file_lru_bytes >= REREADS_BYTES * e->major_faults)
		judge->rereads_ns = now_ns;
	if (!rereads(judge) || judge->level >= TRACKING_LEVEL || !(e->has & EVIDENCE_HAS_THRASH) ||
	    e->refaulted < FILES_REFAULTED || e->refaulted * e->io < FILES_LOST * wanted)
		judge->files_since_ns = 0;
	else if (!judge->files_since_ns)
		judge->files_since_ns = now_ns;
	return judge->files_since_ns && now_ns - judge->files_since_ns >= FILES_HOLD_NS;
}

bool judge_wants_tasks(const struct judge *judge)
{
	return judge->level >= TRACKING_LEVEL || rereads(judge);
}

bool judge_wants_tracking(const struct judge *judge)
{
	return judge_wants_tasks(judge) && judge->loss_ns &&
	       judge->seen_ns - judge->loss_ns < LOSS_KEPT_NS;
}

/* Report blindness once per episode. */
static bool reports_blind(struct judge *judge, uint64_t now_ns)
{
	if (judge->verdict.reason != REASON_BLIND) {
		judge->blind_since_ns = 0;
		judge->blind_reported = false;
	} else if (!judge->blind_since_ns) {
		judge->blind_since_ns = now_ns;
	} else if (!judge->blind_reported && now_ns - judge->blind_since_ns >= BLIND_REPORT_NS) {
		judge->blind_reported = true;
		return true;
	}
	return false;
}

/* Whether the scope has been well for WELL_HOLD_NS. */
static bool is_well(struct judge *judge, const struct evidence *e, uint64_t now_ns)
{
	bool loses = ((e->has & EVIDENCE_HAS_THRASH) && e->lost_share >= WELL_LOST_SHARE) ||
		     judge->files_since_ns;

	if (!judge->verdict.low || loses)
		judge->well_since_ns = 0;
	else if (!judge->well_since_ns)
		judge->well_since_ns = now_ns;
	return judge->well_since_ns && now_ns - judge->well_since_ns >= WELL_HOLD_NS;
}

struct judgement judge_tick(struct judge *judge, const struct policy *policy,
			    const struct sample *sample, const struct relief *relief,
			    bool kill_pending)
{
	struct judgement j = {0};
	bool well;

	if (sample->at_ns <= judge->at_ns)
		return j;
	/* a condition does not hold over a gap in the samples */
	if (sample->at_ns - judge->at_ns > WINDOW_GAP_NS)
		verdict_unseen(&judge->state);
	judge->at_ns = sample->at_ns;
	window_add(&judge->window, sample);
	j.evidence = window_evidence(&judge->window);
	j.judged = j.evidence.span_ns != 0;
	if (!j.judged)
		return j;
	if (relief && relief->known) {
		j.evidence.relief = relief->share;
		j.evidence.relief_tasks = relief->tasks;
		j.evidence.relief_pid = relief->pid;
		j.evidence.has |= EVIDENCE_HAS_RELIEF;
	}
	j.verdict = verdict_decide(&judge->state, policy, &j.evidence, sample->at_ns, kill_pending);
	if ((j.evidence.has & EVIDENCE_HAS_LEVEL) &&
	    j.evidence.growth > LOSS_GROWTH * (double)j.evidence.total_bytes)
		judge->loss_ns = sample->at_ns;
	/* page tracking is off because nothing is lost: that is calm */
	if (j.verdict.reason == REASON_BLIND && !j.evidence.lossy && judge_wants_tasks(judge) &&
	    !judge_wants_tracking(judge) && (j.evidence.has & EVIDENCE_HAS_LEVEL))
		j.verdict.reason = REASON_CALM;
	if (files_livelock(judge, &j.evidence, sample->at_ns) && !judge->files_warned &&
	    j.verdict.action == VERDICT_WAIT &&
	    (j.verdict.reason == REASON_CALM || j.verdict.reason == REASON_LEVEL_LOW)) {
		j.verdict.action = VERDICT_WARN;
		j.verdict.reason = REASON_LEVEL_LOW;
		judge->files_warned = true;
	}
	judge->verdict = j.verdict;
	j.blind = reports_blind(judge, sample->at_ns);
	if (j.verdict.action == VERDICT_WARN)
		judge->trouble = true;
	well = is_well(judge, &j.evidence, sample->at_ns);
	j.calm = j.verdict.action == VERDICT_WAIT && j.verdict.reason == REASON_CALM &&
		 !judge->state.warned && (well || !judge->trouble);
	if (j.calm) {
		j.recovered = judge->trouble;
		judge->trouble = judge->files_warned = false;
	}
	return j;
}

enum judge_end judge_end(struct judge *judge, uint64_t now_ns, bool kill_pending,
			 bool *ret_recovered, uint64_t *ret_mute_ns)
{
	uint64_t mute_ns;

	*ret_recovered = false;
	if (now_ns < judge->at_ns || kill_pending || now_ns < judge->state.settle_until_ns)
		return JUDGE_GOES_ON;
	if (now_ns - judge->active_ns >= IDLE_NS) {
		/* an idle scope has recovered, also where the evidence cannot say so */
		*ret_recovered = judge->trouble;
		judge->trouble = false;
		return JUDGE_IDLE;
	}
	if (judge->trouble || judge->level < 0 || judge->level >= TRACKING_LEVEL ||
	    rereads(judge) || now_ns - judge->begun_ns < LOOK_NS)
		return JUDGE_GOES_ON;
	mute_ns = judge->headroom_bytes * 1000 / (FASTEST_BYTES_PER_S / 1000000);
	if (mute_ns > MUTE_MOST_NS)
		mute_ns = MUTE_MOST_NS;
	if (mute_ns < MUTE_LEAST_NS)
		mute_ns = MUTE_LEAST_NS;
	*ret_mute_ns = mute_ns;
	return JUDGE_HEADROOM;
}

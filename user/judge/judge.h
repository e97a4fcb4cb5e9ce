/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * judge: one hot scope, judged sample after sample: window, evidence, verdict. Part of its case.
 *
 * Purity:    pure; the time is the sample's.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    none; a sample without an essential input is judged blind. A sample that is not
 *            newer than the one before changes nothing.
 * Ownership: the caller owns every struct; judge_begin() makes one ready.
 */
#ifndef FASTOOM_JUDGE_JUDGE_H
#define FASTOOM_JUDGE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/verdict.h"
#include "judge/window.h"

struct policy;
struct relief;
struct sample;

/* The state of one scope between samples. */
struct judge {
	struct window window;
	struct verdict_state state;
	struct verdict verdict; /* the latest */
	double level;		/* 0..1, of the latest sample; negative: not known */
	uint64_t headroom_bytes;
	uint64_t reclaims;
	uint64_t scans;
	uint64_t at_ns;	    /* of the latest sample that was judged */
	uint64_t active_ns; /* when it last reclaimed */
	/* signs of loss in the latest sample that was seen */
	uint32_t signs; /* SAMPLE_HAS_* */
	uint64_t refault_pages;
	uint64_t major_faults;
	uint64_t seen_ns;
	uint64_t loss_ns; /* when there was one; 0: never */
	uint64_t blind_since_ns;
	uint64_t begun_ns;
	uint64_t rereads_ns;	 /* when it last reread file pages; 0: never */
	uint64_t files_since_ns; /* since when it loses its time to them; 0: it does not */
	bool files_warned;
	uint64_t well_since_ns; /* since when it is as after a recovery; 0: it is not */
	bool blind_reported;
	bool trouble; /* warned or acted: `recovered` follows; set by the case when it acts */
};

/* What one sample says. */
struct judgement {
	bool judged; /* false: too few samples yet; of the evidence only the times are valid */
	struct evidence evidence;
	struct verdict verdict;
	bool blind;	/* report that the scope is blind */
	bool calm;	/* whatever was reported of this scope is over; at once if nothing was */
	bool recovered; /* report it */
	/* set by the case: the relief of the last kill was measured */
	bool relief_measured;
	double relief_predicted; /* 0..1 */
	double relief_after;	 /* 0..1: measured */
	uint64_t relief_action;	 /* the id of the kill */
};

enum judge_end {
	JUDGE_GOES_ON,
	JUDGE_IDLE,	/* quiet for long enough */
	JUDGE_HEADROOM, /* it reclaims, but cannot be near before *ret_mute_ns are over */
};

void judge_begin(struct judge *judge, uint64_t now_ns);

/* Before the sample is judged: what the sample alone says, such as the level. */
void judge_see(struct judge *judge, const struct sample *sample);
/* Whether it is near enough to OOM to list its processes. */
bool judge_wants_tasks(const struct judge *judge);
/* The same, and there is a sign that it loses time. */
bool judge_wants_tracking(const struct judge *judge);

/* @relief: of the best permitted kill; NULL: not measured. */
struct judgement judge_tick(struct judge *judge, const struct policy *policy,
			    const struct sample *sample, const struct relief *relief,
			    bool kill_pending);

/* After acting: whether the scope is still worth watching. *ret_recovered: report it now. */
enum judge_end judge_end(struct judge *judge, uint64_t now_ns, bool kill_pending,
			 bool *ret_recovered, uint64_t *ret_mute_ns);

#endif /* FASTOOM_JUDGE_JUDGE_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * victim: ranks candidates. Pure: reads no file, sends nothing, logs nothing.
 *
 * Units:     the score is in bytes, of a fictional size: what the candidate gives back,
 *            weighted by blame, plus oom_score_adj in thousandths of the scope.
 * Errors:    none; an empty or fully excluded list ranks to 0 entries.
 * Ownership: victims point into the caller's candidates and policy, which must outlive them.
 */
#ifndef FASTOOM_JUDGE_VICTIM_H
#define FASTOOM_JUDGE_VICTIM_H

#include <stddef.h>
#include <stdint.h>

#include "judge/rules.h"

struct candidate;
struct policy;

/* A candidate that could not be killed is left alone this long: nohang and systemd users' loops. */
#define VICTIM_BACKOFF_NS 60000000000ULL

enum victim_exclusion {
	VICTIM_ELIGIBLE,
	VICTIM_SELF,	  /* PID 1, a kernel thread, or us */
	VICTIM_ADJ,	  /* oom_score_adj -1000 */
	VICTIM_PROTECTED, /* `protect` names it */
	VICTIM_UNKNOWN,	  /* `protect` could name it, but its command line is not known yet */
	VICTIM_SMALL,	  /* gives back too little to matter, and no rule prefers it */
	VICTIM_BACKOFF,	  /* could not be killed a moment ago */
	VICTIM_EXCLUSIONS_,
};

struct victim {
	const struct candidate *candidate;
	const struct rule *rule; /* what put it here; NULL: its score alone */
	enum victim_exclusion excluded;
	enum standing standing;
	double score;
	double blame; /* its share of the scope's recent growth, 0..1 */
};

struct victim_request {
	const struct policy *policy;
	uint64_t scope_bytes; /* limit or RAM: the unit of oom_score_adj */
	int self_pid;
	const int *backoff_pids; /* may be NULL */
	size_t backoffs;
};

/*
 * Fills @ret with all @n candidates: eligible ones first; among them those that `prefer`
 * names, then the others, then those that `avoid` names; each by falling score. Ties: what
 * gives back more, then the younger process, then the lower pid, so that equal input gives
 * equal order. Returns how many are eligible.
 */
size_t victim_rank(const struct victim_request *request, const struct candidate *candidates,
		   size_t n, struct victim *ret);

const char *victim_exclusion_name(enum victim_exclusion exclusion);

#endif /* FASTOOM_JUDGE_VICTIM_H */

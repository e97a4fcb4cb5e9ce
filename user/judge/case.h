/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * case: the state machine of one hot scope, from its first sample until it is idle: the judgement,
 * the choice of a victim, the action that is pending, and what an outcome means for the next
 * judgement. The daemon and replay both drive it, and nothing else asks for a victim.
 *
 * One tick:
 *	case_see()     the sample; then case_wants_tracking() is known
 *	case_step()    the judgement; VERDICT_ACT asks for an action
 *	case_choose()  the victim, from the processes listed at that moment
 *	case_open()    the action begins; or case_stand_down(): none does
 * and later, in order: case_signalled() with the first signal, case_close() with the outcome.
 *
 * Purity:    pure: no clock, file, allocation or log; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    none; outcomes are values.
 * Ownership: the caller owns every struct; nothing keeps a pointer to an argument.
 */
#ifndef FASTOOM_JUDGE_CASE_H
#define FASTOOM_JUDGE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/judge.h"
#include "judge/victim.h"

struct candidate;
struct policy;
struct sample;

/* More victims that refuse to die within VICTIM_BACKOFF_NS displace the oldest. */
#define CASE_BACKOFFS_MAX 16

struct case_backoff {
	int pid;
	uint64_t until_ns;
};

struct scope_case {
	struct judge judge;
	bool node;		  /* the scope is the node */
	int self_pid;		  /* of the daemon: never a victim */
	bool pending;		  /* an action is open */
	uint64_t action_id;	  /* of that action; 0: replay assumes it */
	bool none_reported;	  /* that no process may be killed, since risk was last calm */
	uint64_t unread_since_ns; /* the choice waits for names since then; 0: it does not */
	struct case_backoff backoffs[CASE_BACKOFFS_MAX];
	size_t backoff_next;
};

enum case_choice {
	CASE_CHOSEN,
	CASE_NOT_LISTED,     /* the processes cannot be listed */
	CASE_NONE_PERMITTED, /* no process may be killed */
	CASE_RECOVERED,	     /* the scope holds less than at the verdict */
	CASE_UNREAD,	     /* the names of the leading candidates are being read */
	CASE_CHOICES_,
};

/* How an action ended; the names appear in records and traces: they are stable. */
enum case_outcome {
	CASE_KILLED,	  /* the victim is gone */
	CASE_EXITED,	  /* it was gone before the signal */
	CASE_REUSED,	  /* its pid was another process: nothing was sent */
	CASE_REFUSED,	  /* the kernel refused the signal */
	CASE_STUCK,	  /* it was signalled and does not die */
	CASE_UNCONFIRMED, /* it is gone; its group could not be listed to the end */
	CASE_RELIEVED,	  /* a step below killing was enough */
	CASE_UNRELIEVED,  /* the ladder has no kill, and its steps were not enough */
	CASE_OUTCOMES_,
};

void case_begin(struct scope_case *c, bool node, int self_pid, uint64_t now_ns);

/* Takes in what the sample alone says. */
void case_see(struct scope_case *c, const struct sample *sample);
/* Whether the scope needs page tracking. */
bool case_wants_tracking(const struct scope_case *c);

/* Judges the sample. @pending_within: an action is open in a scope within this one. */
struct judgement case_step(struct scope_case *c, const struct policy *policy,
			   const struct sample *sample, bool pending_within);

/*
 * Ranks @n candidates into @ret, which has @n elements; returns how many may die. @total_bytes:
 * the limit or RAM of the scope.
 */
size_t case_rank(const struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		 uint64_t now_ns, const struct candidate *candidates, size_t n, struct victim *ret);

/* By choice: a few listings, and what a helper thread needs that nothing holds up. */
#define CASE_UNREAD_NS 500000000ULL

/*
 * The candidates of case_rank()'s @ranking that would be killed before its first one, but whose
 * names are not read yet: @ret has room for @max. Returns their number; 0 when the choice has
 * waited CASE_UNREAD_NS for names already. Otherwise the caller has them read and stands down with
 * CASE_UNREAD: the next tick chooses again.
 */
size_t case_unread(const struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		   uint64_t now_ns, const struct victim *ranking, size_t n, size_t eligible,
		   const struct candidate **ret, size_t max);

/* The members of @group among @candidates; see victim_rank_members(). */
struct victim_members case_rank_members(const struct scope_case *c, const struct policy *policy,
					uint64_t total_bytes, uint64_t now_ns,
					const struct victim_group *group,
					const struct candidate *candidates, size_t n,
					struct victim *ret);

/*
 * After choosing, which takes a moment: whether the scope still holds what it held at the
 * verdict. False: it recovered meanwhile, for instance by a kill of the kernel.
 */
bool case_still_short(const struct evidence *evidence, uint64_t held_bytes);

/* No action begins: @why is not CASE_CHOSEN. True: this is to be reported. */
bool case_stand_down(struct scope_case *c, enum case_choice why, uint64_t now_ns);
/* Whether the next judgement waits after it. */
bool case_stand_down_waits(enum case_choice why);
const char *case_choice_name(enum case_choice choice);

void case_open(struct scope_case *c, uint64_t action_id);
/* The first signal of the action was sent, or would have been. */
void case_signalled(struct scope_case *c, uint64_t now_ns);
/* @pid: of the victim. */
void case_close(struct scope_case *c, enum case_outcome outcome, int pid, uint64_t now_ns);
/* @pid could not be killed: it is passed over for VICTIM_BACKOFF_NS. */
void case_back_off(struct scope_case *c, int pid, uint64_t now_ns);
/* The scope is no longer watched, or its action was dropped without an outcome. */
void case_drop(struct scope_case *c);
const char *case_outcome_name(enum case_outcome outcome);
/* Whether the next judgement waits after it. */
bool case_outcome_waits(enum case_outcome outcome);
/* CASE_OUTCOMES_: no outcome has that name. */
enum case_outcome case_outcome_of_name(const char *name);

/* The kernel's OOM killer took a process of the scope. */
void case_kernel_killed(struct scope_case *c, uint64_t now_ns);

/* After the tick: see judge_end(). */
enum judge_end case_end(struct scope_case *c, uint64_t now_ns, bool *ret_recovered,
			uint64_t *ret_mute_ns);

#endif /* FASTOOM_JUDGE_CASE_H */

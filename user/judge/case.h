/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * case: the state machine of one hot scope, from its first sample until it is idle. It judges the
 * samples, chooses a victim, keeps the pending action, and applies its outcome to the next
 * judgement. An action is all that follows a verdict to act: the steps of the ladder, usually a
 * kill. The daemon and replay both use this module; no other code chooses a victim.
 *
 * One tick:
 *	case_see()     takes the sample; case_wants_tracking() is valid from here on
 *	case_step()    judges it; the caller goes on only if the verdict is VERDICT_ACT
 *	case_rank()    ranks the processes that the caller listed; the first one is the victim
 *	case_open()    the action begins; or case_stand_down(): no action begins
 * After that: case_signalled() after the first signal, then case_close() with the outcome.
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
#include "judge/relief.h"
#include "judge/victim.h"

struct candidate;
struct policy;
struct sample;

/* Victims that could not be killed within VICTIM_BACKOFF_NS; one more replaces the oldest. */
#define CASE_BACKOFFS_MAX 16

/* Ranking this many takes 1 to 2 ms of the thread that kills. */
#define CASE_RANKED_MAX 256

struct case_backoff {
	int pid;
	uint64_t until_ns;
};

/* Of the processes that die in the best permitted kill, those that are looked for in the relief. */
#define CASE_DYING_MAX 16

/* The permitted kill that would relieve most, by the latest list of processes. */
struct case_best {
	bool known;		 /* false: there was no list yet */
	uint64_t freeable_bytes; /* by it alone */
	/* by it and the other permitted kills of its name: of many small processes each frees
	 * little, and they die one after the other */
	uint64_t name_bytes;
	int dying[CASE_DYING_MAX]; /* pids in the relief's list that it kills */
	size_t dying_count;
	bool restart_frees; /* most of what it frees is new, or most of the scope */
};

/* A kill of this scope. */
struct case_kill {
	uint64_t at_ns;
	uint64_t start_boot_ns; /* of the victim */
	char comm[16];
};

/* Kills that are kept: two and a third one of the same name may be a fork bomb. */
#define CASE_KILLS_KEPT 2

/* A kill whose relief is to be measured. */
struct case_measure {
	uint64_t due_ns; /* 0: none */
	uint64_t action_id;
	double predicted; /* share, of the best permitted kill at the verdict */
	double before;	  /* share that all processes lost, at any distance */
};

struct scope_case {
	struct judge judge;
	struct case_kill kills[CASE_KILLS_KEPT]; /* the latest first */
	struct case_measure measure;
	unsigned useless; /* kills in a row that relieved nobody */
	unsigned births;  /* processes of the last victim's name that are younger than it */
	bool dry_run;	  /* the pending action sends nothing, so nothing can be measured */
	struct relief_state relief;
	struct case_best best;
	double predicted;	 /* relief of the best permitted kill alone, of the latest sample */
	uint64_t page_bytes;	 /* 0: not known */
	uint64_t alone_since_ns; /* only what the best kill takes suffers, since then; 0: no */
	bool node;		 /* the scope is the node, not a cgroup */
	int self_pid;		 /* pid of the daemon, which is never a victim */
	bool pending;		 /* an action has begun and has no outcome yet */
	uint64_t action_id;	 /* of the pending action; 0: an action that only replay assumes */
	bool none_reported;	 /* CASE_NONE_PERMITTED was reported in this episode */
	struct case_backoff backoffs[CASE_BACKOFFS_MAX];
	size_t backoff_next;
	uint64_t total_bytes;		 /* of the latest sample that has them; 0: none did */
	uint64_t held_bytes;		 /* of the same sample */
	uint64_t kernel_kill_ns;	 /* of the latest kill of the kernel; 0: none */
	uint64_t kernel_kill_held_bytes; /* of the sample before it */
	uint64_t unread_since_ns;	 /* the choice waits for names since then; 0: it does not */
};

enum case_choice {
	CASE_CHOSEN,
	CASE_NOT_LISTED,     /* the processes cannot be listed */
	CASE_NONE_PERMITTED, /* no process may be killed */
	CASE_RECOVERED,	     /* the scope recovered after the verdict, before any step */
	CASE_UNREAD,	     /* the names of the leading candidates are being read */
	CASE_CHOICES_,
};

/* How an action ended. The names are in records and traces, so they must not change. */
enum case_outcome {
	CASE_KILLED,	  /* the victim is gone */
	CASE_EXITED,	  /* the victim exited before the signal */
	CASE_REUSED,	  /* the pid belonged to another process: no signal was sent */
	CASE_REFUSED,	  /* the kernel did not let the daemon signal it */
	CASE_STUCK,	  /* it was sent SIGKILL and did not exit in time */
	CASE_UNCONFIRMED, /* the victim is gone, but its group could not be listed */
	CASE_RELIEVED,	  /* the scope recovered by a step that kills no process */
	CASE_UNRELIEVED,  /* the ladder has no step that kills, and the scope did not recover */
	CASE_UNSENT,	  /* no descriptor or memory for the signal; the victim is not excluded */
	CASE_OUTCOMES_,
};

void case_begin(struct scope_case *c, bool node, int self_pid, uint64_t now_ns);

/* After case_begin(): the kills in this scope from when it was watched before. */
void case_take_kills(struct scope_case *c, const struct verdict_kills *kills);
const struct verdict_kills *case_kills(const struct scope_case *c);

/* Updates the state that depends on the sample alone, not on the policy. */
void case_see(struct scope_case *c, const struct sample *sample);
/* Whether the scope needs page tracking. */
bool case_wants_tasks(const struct scope_case *c);
bool case_wants_tracking(const struct scope_case *c);

/*
 * Judges the sample, with the @n spans of its processes. @pending_within: an action is pending in a
 * descendant of this scope.
 */
struct judgement case_step(struct scope_case *c, const struct policy *policy,
			   const struct sample *sample, const struct process_span *spans, size_t n,
			   bool pending_within);

/*
 * Takes in a list of the scope's processes: finds the permitted kill that would relieve most.
 * @ret: as in case_rank(), whose value is returned. A list of more than CASE_RANKED_MAX is not
 * ranked: @ret is left alone, 0 is returned, and the largest process stands for the best kill.
 */
size_t case_list(struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		 uint64_t now_ns, const struct candidate *candidates, size_t n, struct victim *ret);

/*
 * Ranks @n candidates into @ret, which has @n elements; returns how many may be killed.
 * @total_bytes: the limit of the cgroup, or the RAM of the node.
 */
size_t case_rank(const struct scope_case *c, const struct policy *policy, uint64_t total_bytes,
		 uint64_t now_ns, const struct candidate *candidates, size_t n, struct victim *ret);

/* Chosen: enough for a few listings and for a helper thread that is not held up. */
#define CASE_UNREAD_NS 500000000ULL

/*
 * Finds the candidates of case_rank()'s @ranking that would be killed before its first one, but
 * whose names are not read yet. @ret has room for @max. Returns their number, or 0 if the choice
 * has waited CASE_UNREAD_NS for names already. If not 0, the caller has the names read and stands
 * down with CASE_UNREAD; the next tick chooses again.
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
 * Whether the scope still holds what it held at the verdict, and what it held before a kill of the
 * kernel within the window. Asked after the choice, which takes time. False: the scope recovered.
 */
bool case_still_short(const struct scope_case *c, const struct evidence *evidence,
		      uint64_t held_bytes, uint64_t now_ns);

/* Ends the tick without an action; @why is not CASE_CHOSEN. True: the caller reports it. */
bool case_stand_down(struct scope_case *c, enum case_choice why, uint64_t now_ns);
/* Whether the scope settles (SETTLE_NS) after case_stand_down() before it is judged again. */
bool case_stand_down_waits(enum case_choice why);
const char *case_choice_name(enum case_choice choice);

/*
 * The @group of the next action becomes its kin of the same name, where the last two kills were of
 * that name too, within KIN_SPAN_NS, and more processes were born of it than were killed: a fork
 * bomb. @ranking: all @n processes, the victim first, as case_rank() returned them.
 */
void case_widen_group(const struct scope_case *c, uint64_t now_ns, const struct victim *ranking,
		      size_t n, struct victim_group *group);

void case_open(struct scope_case *c, uint64_t action_id, bool dry_run);
/* The first signal of the action was sent to a process; in a dry run, would have been sent. */
void case_signalled(struct scope_case *c, const char *comm, uint64_t start_boot_ns,
		    uint64_t now_ns);
/* The action has ended. @pid: the victim. */
void case_close(struct scope_case *c, enum case_outcome outcome, int pid, uint64_t now_ns);
/* @pid could not be killed: excludes it for VICTIM_BACKOFF_NS. */
void case_back_off(struct scope_case *c, int pid, uint64_t now_ns);
/* The scope is no longer sampled, or its action ended without an outcome. */
void case_drop(struct scope_case *c);
const char *case_outcome_name(enum case_outcome outcome);
/* Whether the scope settles (SETTLE_NS) after this outcome before it is judged again. */
bool case_outcome_waits(enum case_outcome outcome);
/* Returns CASE_OUTCOMES_ for an unknown name. */
enum case_outcome case_outcome_of_name(const char *name);

/*
 * The kernel's OOM killer killed a process of the scope, which held @freed_bytes. The scope settles
 * if that matters to it. The kill does not count for kills_per_minute: the daemon did not do it.
 */
void case_kernel_killed(struct scope_case *c, const struct policy *policy, uint64_t freed_bytes,
			uint64_t now_ns);

/* To be called at the end of each tick; see judge_end(). */
enum judge_end case_end(struct scope_case *c, uint64_t now_ns, bool *ret_recovered,
			uint64_t *ret_mute_ns);

#endif /* FASTOOM_JUDGE_CASE_H */

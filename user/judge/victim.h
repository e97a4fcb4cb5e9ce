/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * victim: ranks candidates. Pure: reads no file, sends nothing, logs nothing.
 *
 * Units:     the score is in bytes: freeable bytes weighted by blame, plus oom_score_adj in
 *            thousandths of the scope. Where the policy kills a group, cgroup or pod, both are of
 *            all that die: each process of a fork bomb is small, all of them together are not.
 *            Memory that several processes share counts once, and only where all of them die.
 * Errors:    none; an empty or fully excluded list ranks to 0 entries.
 * Ownership: victims point into the caller's candidates and policy, which must outlive them.
 */
#ifndef FASTOOM_JUDGE_VICTIM_H
#define FASTOOM_JUDGE_VICTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/config.h"
#include "judge/rules.h"

struct relief_state;

/* A candidate that could not be killed is passed over this long: a retry would fail, too. */
#define VICTIM_BACKOFF_NS 60000000000ULL

enum victim_exclusion {
	VICTIM_ELIGIBLE,
	VICTIM_SELF,	  /* PID 1, a kernel thread, or the daemon */
	VICTIM_ADJ,	  /* oom_score_adj -1000 */
	VICTIM_HOLDER,	  /* a pod's sandbox, or a container runtime, shim or kubelet */
	VICTIM_PROTECTED, /* `protect` names it */
	VICTIM_UNKNOWN,	  /* a `protect` rule asks for what is not known of it yet */
	VICTIM_SMALL,	  /* its kill frees too little, and no rule prefers it */
	VICTIM_INIT,	  /* the first process of a container, and the policy spares those */
	VICTIM_LITTLE,	  /* its kill relieves less than a quarter of what the best one does */
	VICTIM_SUFFERER,  /* it lost its time itself, and its kill relieves no other process */
	VICTIM_BACKOFF,	  /* could not be killed within VICTIM_BACKOFF_NS */
	VICTIM_EXCLUSIONS_,
};

/* On the node: which pods are killed before other processes that no rule names. */
enum victim_tier {
	VICTIM_TIER_BESTEFFORT, /* requested nothing */
	VICTIM_TIER_ABOVE,	/* Burstable, and its pod holds more than it requested */
	VICTIM_TIER_REST,
	VICTIM_TIERS_,
};

struct victim {
	const struct candidate *candidate;
	const struct rule *rule; /* that decided its place; NULL: its score did */
	enum victim_exclusion excluded;
	enum standing standing;
	enum victim_tier tier;
	uint64_t freeable_bytes; /* of all that die together */
	uint64_t growth_bytes;	 /* of all that die together */
	double score;
	double relief;	  /* 0..1, judge/relief.h; negative: not known */
	uint64_t dying;	  /* places of the relief's processes that die with it */
	uint32_t sharers; /* processes of the list with its memory (CLONE_VM), itself included */
	bool counts;	  /* false: another one of them counts for all */
	int kin;	  /* a session, and those begun from it; 0: not known */
	double blame;	  /* 0..1: its kin's share of the scope's growth, as far as it is new */
};

struct victim_request {
	const struct policy *policy;
	uint64_t scope_bytes; /* limit or RAM: the unit of oom_score_adj */
	bool node;	      /* the scope is the node: pods have tiers */
	int self_pid;
	const int *backoff_pids; /* may be NULL */
	size_t backoffs;
	const struct relief_state *relief; /* NULL: not known */
	uint64_t page_bytes;		   /* with relief */
};

/*
 * Fills @ret with all @n candidates, the eligible ones first: those that `prefer` names, then the
 * others by tier, then those that `avoid` names; each by falling score. Ties: more freeable bytes,
 * then the younger process, then the lower pid. Equal input gives equal order. Returns how many
 * are eligible.
 */
size_t victim_rank(const struct victim_request *request, const struct candidate *candidates,
		   size_t n, struct victim *ret);

/*
 * After victim_rank(): whether @victim is excluded only because its names are not read yet, and
 * would be killed before @first if they permit it. @first: the first eligible one, or NULL.
 */
bool victim_is_awaited(const struct victim_request *request, const struct victim *victim,
		       const struct victim *first);

/* The processes that die together with a victim. */
struct victim_group {
	enum kill_unit unit;
	uint64_t memcg_id;   /* KILL_UNIT_CGROUP */
	const char *cgroup;  /* likewise: its path, for what is below it; NULL: not known */
	int process_group;   /* KILL_UNIT_GROUP */
	const char *pod_uid; /* KILL_UNIT_POD */
	int kin;	     /* KILL_UNIT_KIN, with its name: */
	const char *comm;
	uint64_t mm; /* with any unit: what shares the victim's memory; 0: nothing does */
};

/* Whether the victim dies alone. */
static inline bool victim_group_is_single(const struct victim_group *group)
{
	return group->unit == KILL_UNIT_PROCESS && !group->mm;
}

/*
 * The group of @victim under @policy; KILL_UNIT_PROCESS where its group is not known. Points to the
 * candidate's strings.
 */
struct victim_group victim_group_of(const struct policy *policy, const struct victim *victim);

/* Of a list of processes: the members that die, and those that must not. */
struct victim_members {
	size_t dying;
	size_t spared;
};

/*
 * Fills @ret, of @n elements: first the members of @group that die, in the order of
 * victim_rank(), then the members that are spared, each with its reason in `excluded`. A member
 * that gives back little dies with the others. The rest of @ret has no meaning.
 */
struct victim_members victim_rank_members(const struct victim_request *request,
					  const struct victim_group *group,
					  const struct candidate *candidates, size_t n,
					  struct victim *ret);

/*
 * Whether @freeable_bytes are too few to matter to a scope with @scope_bytes of memory: less than
 * `min_free`, by default 1 % of the scope's memory and at most 32 MiB.
 */
bool victim_is_small(const struct policy *policy, uint64_t scope_bytes, uint64_t freeable_bytes);

/* Whether the cgroup @path is @above or lies below it. */
bool victim_path_is_within(const char *path, const char *above);

const char *victim_tier_name(enum victim_tier tier);
const char *victim_exclusion_name(enum victim_exclusion exclusion);

#endif /* FASTOOM_JUDGE_VICTIM_H */

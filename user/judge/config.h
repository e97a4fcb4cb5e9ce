/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * config: what the administrator decided, as plain data.
 *
 * Purity:    data only; reading files into it is the work of config/.
 * Units:     limits are counts, *_bytes bytes, *_ns ns.
 * Ownership: everything in a struct config belongs to it; config_free() in
 *            config/ frees it whole. judge never keeps a pointer into it.
 */
#ifndef FASTOOM_JUDGE_CONFIG_H
#define FASTOOM_JUDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/candidate.h"

struct regex;

enum pressure { /* how early a policy acts; low acts earliest */
	PRESSURE_LOW,
	PRESSURE_MEDIUM,
	PRESSURE_HIGH,
	PRESSURE_MAX_,
};

enum kill_unit { /* what dies together with the chosen process */
	KILL_UNIT_PROCESS,
	KILL_UNIT_GROUP, /* its process group */
	KILL_UNIT_CGROUP,
	KILL_UNIT_POD, /* every container of its pod */
	KILL_UNIT_MAX_,
};

enum rank {	     /* order between those that no rule names */
	RANK_BLAME,  /* what it gives back, weighted by its share of recent growth */
	RANK_SIZE,   /* what it gives back */
	RANK_KERNEL, /* what it gives back plus oom_score_adj, as oom_badness() */
	RANK_MAX_,
};

/* What a pod, or a container of one, must be called; what is not given does not matter. */
struct pod_match {
	struct regex *pod;
	struct regex *namespace; /* all of it */
	struct regex *container;
	enum qos qos; /* QOS_NONE: not given */
};

/* One rule: everything that is given must match (NULL, QOS_NONE = not given). */
struct rule {
	struct regex *comm;
	struct regex *exe;
	struct regex *cmdline;
	char *cgroup; /* shell pattern, as a policy's */
	struct pod_match pod;
	bool has_uid;
	uint32_t uid_from;
	uint32_t uid_to;
	bool host_only; /* holds for processes of the host: in a pod they call themselves anything
			 */
	char *text;	/* as written, for records: "comm: ^java$" */
};

/* What is done against a Near-OOM, from the gentlest to the last. */
enum ladder_step_kind {
	STEP_NOTIFY,	  /* a program of the administrator's is run */
	STEP_RECLAIM,	  /* the scope's memory is reclaimed (v2) */
	STEP_FORCE_EMPTY, /* all that can be is reclaimed from it (v1) */
	STEP_THROTTLE,	  /* the victim's cgroup is held at what it has (v2) */
	STEP_FREEZE,	  /* the victim's cgroup stands still */
	STEP_TERM,	  /* the victim is asked to end */
	STEP_KILL,
	LADDER_STEPS_,
};

/* One step of a ladder, and how long it may take to show: then the next one. */
struct ladder_step {
	enum ladder_step_kind kind;
	uint64_t wait_ns;
};

#define LADDER_MAX 8

struct rule_list {
	struct rule *rules;
	size_t count;
};

/* More kills a minute than this is a killer gone wild, or a scope that no kill mends. */
#define POLICY_KILLS_PER_MINUTE	     6
#define POLICY_KILLS_PER_MINUTE_MOST 16

/* More processes than a service has on purpose: whoever means it says so. */
#define POLICY_MAX_VICTIMS 256

struct policy {
	char *name;
	bool match_node;    /* judges the node */
	char *match_cgroup; /* or: shell pattern on the path below the controller's root; NULL =
			       none */
	bool match_pods;    /* or: pods and their containers, those of match_pod */
	struct pod_match match_pod;
	bool warn_only; /* watched and warned of, never acted on */
	bool dry_run;
	bool spare_pid1; /* the first process of a container is never killed */
	enum pressure pressure;
	enum kill_unit kill;
	enum rank rank;
	uint64_t min_free_bytes;   /* a kill that gives back less is not worth it; 0: by scope */
	unsigned max_victims;	   /* what would die together is more: only the process does */
	unsigned kills_per_minute; /* 1 .. POLICY_KILLS_PER_MINUTE_MOST */
	double proactive_reclaim;  /* from this part of the limit on; 0: never */
	struct ladder_step ladder[LADDER_MAX];
	size_t ladder_count; /* 0: [ kill ] */
	struct rule_list protect;
	struct rule_list avoid;
	struct rule_list prefer;
};

struct config {
	char *notify_program; /* NULL: none */
	uint64_t notify_timeout_ns;
	char *readers;	   /* the group that may read the control socket; NULL = everyone */
	char *events_path; /* NULL = records go nowhere but the log */
	struct policy *policies;
	size_t policy_count;
};

#endif /* FASTOOM_JUDGE_CONFIG_H */

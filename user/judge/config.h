/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * config: the configuration as plain data. user/config reads it from files.
 *
 * Purity:    data only.
 * Units:     *_bytes, *_ns durations, ratios 0..1; limits are counts.
 * Errors:    none.
 * Ownership: a struct config owns all that it points to; config_free() (user/config) frees it.
 *            judge keeps no pointer into it.
 */
#ifndef FASTOOM_JUDGE_CONFIG_H
#define FASTOOM_JUDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/candidate.h"

struct regex;

/* When a policy acts; low acts earliest. docs/judgement.md, "Pressure levels". */
enum pressure {
	PRESSURE_LOW,
	PRESSURE_MEDIUM,
	PRESSURE_HIGH,
	PRESSURE_MAX_,
};

/* What is killed with the chosen process. */
enum kill_unit {
	KILL_UNIT_PROCESS, /* nothing else */
	KILL_UNIT_GROUP,   /* its process group */
	KILL_UNIT_CGROUP,  /* its cgroup and the descendants */
	KILL_UNIT_POD,	   /* all containers of its pod */
	KILL_UNIT_MAX_,
	/* its kin of the same name: not configured, but what a fork bomb widens a kill to */
	KILL_UNIT_KIN = KILL_UNIT_MAX_,
	KILL_UNITS_,
};

/* The order of candidates that no rule names. docs/judgement.md, "Choosing the victim". */
enum rank {
	RANK_BLAME,  /* freeable bytes, weighted by the share of recent growth */
	RANK_SIZE,   /* freeable bytes */
	RANK_KERNEL, /* resident bytes and swap, plus oom_score_adj, as oom_badness() */
	RANK_MAX_,
};

/* Names of a pod or container to match; a field that is not given matches all. */
struct pod_match {
	struct regex *pod;
	struct regex *namespace; /* matches the whole name */
	struct regex *container;
	enum qos qos; /* QOS_NONE: not given */
};

/* A rule: all given fields must match (NULL, QOS_NONE: not given). */
struct rule {
	struct regex *comm;
	struct regex *exe;
	struct regex *cmdline;
	char *cgroup; /* shell pattern, as match_cgroup */
	struct pod_match pod;
	bool has_uid;
	uint32_t uid_from;
	uint32_t uid_to;
	bool host_only; /* does not match in pods, where a process can have any name */
	char *text;	/* as written, for records: "comm: ^java$" */
};

/* The steps of an action, in the order of their severity. docs/judgement.md, "The ladder". */
enum ladder_step_kind {
	STEP_NOTIFY,	  /* runs the administrator's program */
	STEP_RECLAIM,	  /* reclaims from the scope (v2) */
	STEP_FORCE_EMPTY, /* reclaims all it can from the scope (v1) */
	STEP_THROTTLE,	  /* limits the victim's cgroup to its present usage (v2) */
	STEP_FREEZE,	  /* freezes the victim's cgroup */
	STEP_TERM,	  /* sends SIGTERM to the victim */
	STEP_KILL,	  /* sends SIGKILL to the victim */
	LADDER_STEPS_,
};

/* One step, and how long to wait for its effect before the next one. */
struct ladder_step {
	enum ladder_step_kind kind;
	uint64_t wait_ns;
};

#define LADDER_MAX 8 /* steps; chosen: there are seven kinds */

struct rule_list {
	struct rule *rules;
	size_t count;
};

/* Default and maximum of kills_per_minute; chosen. docs/judgement.md, "The storm limit". */
#define POLICY_KILLS_PER_MINUTE	     6
#define POLICY_KILLS_PER_MINUTE_MOST 16

/* Default of max_victims; chosen: more processes than a service usually has. */
#define POLICY_MAX_VICTIMS 256

struct policy {
	char *name;
	bool match_node;    /* matches the node */
	char *match_cgroup; /* or: shell pattern of the path below the controller's root; NULL: none
			     */
	bool match_pods;    /* or: pods and containers by match_pod */
	struct pod_match match_pod;
	bool warn_only;	 /* warns only */
	bool dry_run;	 /* sends no signal */
	bool spare_pid1; /* does not kill the first process of a container */
	enum pressure pressure;
	enum kill_unit kill;
	enum rank rank;
	uint64_t min_free_bytes; /* candidates with fewer freeable bytes are spared; 0: by scope */
	unsigned max_victims;	 /* a kill unit with more processes is reduced to the process */
	unsigned kills_per_minute; /* 1 .. POLICY_KILLS_PER_MINUTE_MOST */
	double proactive_reclaim;  /* ratio of the limit from which on to reclaim; 0: never */
	struct ladder_step ladder[LADDER_MAX];
	size_t ladder_count; /* 0: [ kill ] */
	struct rule_list protect;
	struct rule_list avoid;
	struct rule_list prefer;
};

/* Whether to start beside another program that kills in the same shortage. */
enum rivals {
	RIVALS_REFUSE,
	RIVALS_ALLOW,
	RIVALS_MAX_,
};

struct config {
	char *notify_program; /* NULL: none */
	uint64_t notify_timeout_ns;
	char *readers;	   /* the group that may connect to the control socket; NULL: all users */
	char *events_path; /* NULL: records go to the log only */
	enum rivals rivals;
	struct policy *policies;
	size_t policy_count;
};

#endif /* FASTOOM_JUDGE_CONFIG_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * config: what the administrator decided, as plain data.
 *
 * Purity:    data only; reading files into it is cli/config_file's work.
 * Units:     none but the limits, which are counts.
 * Ownership: everything in a struct config belongs to it; config_free() in
 *            cli/config_file frees it whole. judge never keeps a pointer into it.
 */
#ifndef FASTOOM_JUDGE_CONFIG_H
#define FASTOOM_JUDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct regex;

enum pressure { /* how early a policy acts; low acts earliest */
	PRESSURE_LOW,
	PRESSURE_MEDIUM,
	PRESSURE_HIGH,
	PRESSURE_MAX_,
};

enum kill_unit { /* what dies together with the chosen process */
	KILL_UNIT_PROCESS,
	KILL_UNIT_CGROUP,
	KILL_UNIT_MAX_,
};

enum rank {	     /* order between those that no rule names */
	RANK_BLAME,  /* what it gives back, weighted by its share of recent growth */
	RANK_SIZE,   /* what it gives back */
	RANK_KERNEL, /* what it gives back plus oom_score_adj, as oom_badness() */
	RANK_MAX_,
};

/* One rule: every pattern that is given must match (NULL = not given). */
struct rule {
	struct regex *comm;
	struct regex *cmdline;
	char *text; /* as written, for records: "comm: ^java$" */
};

struct rule_list {
	struct rule *rules;
	size_t count;
};

struct policy {
	char *name;
	bool match_node;    /* judges the node */
	char *match_cgroup; /* or: shell pattern on the path below the controller's root; NULL =
			       none */
	bool warn_only;	    /* watched and warned of, never acted on */
	enum pressure pressure;
	enum kill_unit kill;
	enum rank rank;
	struct rule_list protect;
	struct rule_list avoid;
	struct rule_list prefer;
};

struct config {
	char *readers;	   /* the group that may read the control socket; NULL = everyone */
	char *events_path; /* NULL = records go nowhere but the log */
	struct policy *policies;
	size_t policy_count;
};

#endif /* FASTOOM_JUDGE_CONFIG_H */

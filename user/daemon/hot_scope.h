/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * hot_scope: a scope that reclaims: its cgroup and names, its policy, its case, its history.
 *
 * Purity:    reads the cgroup's files and the kernel's sums.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    0 or -errno; what cannot be read is missing in the sample.
 * Ownership: hot_scope_open() gives, hot_scope_close() takes. The policy is the configuration's.
 */
#ifndef FASTOOM_DAEMON_HOT_SCOPE_H
#define FASTOOM_DAEMON_HOT_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/page_tracking.h"
#include "judge/case.h"
#include "judge/history.h"
#include "judge/rules.h"
#include "sense/cgroup.h"
#include "sense/pod.h"

struct config;
struct podnames;
struct sampler;

/* Kubernetes: the name of a pod has up to 253 bytes. */
#define HOT_SCOPE_NAME_MAX 256

struct hot_scope {
	uint64_t id; /* FO_SCOPE_NODE or the id of a cgroup */
	struct cgroup cgroup;
	struct scope_names names; /* of the cgroup; they point below */
	struct pod_path pod_path;
	char pod[HOT_SCOPE_NAME_MAX];
	char namespace[HOT_SCOPE_NAME_MAX];
	char container[HOT_SCOPE_NAME_MAX];
	const struct policy *policy;
	struct scope_case state;
	struct history history;
	bool freed;	      /* a kill has freed memory since the last sample */
	uint64_t total_bytes; /* RAM or limit, of the latest sample; 0: not known */
};

/* Opens the files of scope @id; the rest of @ret stays as it is. */
int hot_scope_open(struct hot_scope *ret, const struct cgroup_host *host, uint64_t id);
void hot_scope_close(struct hot_scope *scope);
/* Takes the policy that @config has for it, and the names of its pod; false: it has none. */
bool hot_scope_take_policy(struct hot_scope *scope, const struct config *config,
			   struct podnames *names);

/* Whether a policy acts on the cgroup @path. Needs no open scope. */
bool hot_scope_acts(const char *path, const struct config *config, struct podnames *names);

bool hot_scope_is_node(const struct hot_scope *scope);
/* For people: "node", or the cgroup's path. */
const char *hot_scope_name(const struct hot_scope *scope);
/* Whether @inner is @outer or lies within it. */
bool hot_scope_is_within(const struct hot_scope *inner, const struct hot_scope *outer);

/* -ENODEV: its cgroup is gone. */
int hot_scope_sample(const struct hot_scope *scope, struct sampler *sampler,
		     const struct page_tracking *tracking, uint64_t now_ns, struct sample *ret);
/* The bytes that it holds now. */
int hot_scope_held(const struct hot_scope *scope, struct sampler *sampler,
		   const struct page_tracking *tracking, uint64_t now_ns, uint64_t *ret_bytes);

#endif /* FASTOOM_DAEMON_HOT_SCOPE_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/hot_scope.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "sense/cgroup_cache.h"
#include "sense/sampler.h"

int hot_scope_open(struct hot_scope *ret, const struct cgroup_host *host, uint64_t id)
{
	ret->id = id;
	return id == FO_SCOPE_NODE ? 0 : cgroup_open_id(host, id, &ret->cgroup);
}

void hot_scope_close(struct hot_scope *scope)
{
	cgroup_close(&scope->cgroup);
}

bool hot_scope_is_node(const struct hot_scope *scope)
{
	return scope->id == FO_SCOPE_NODE;
}

const char *hot_scope_name(const struct hot_scope *scope)
{
	return hot_scope_is_node(scope) ? "node" : scope->cgroup.path;
}

static const char *keep_name(char *to, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || len >= HOT_SCOPE_NAME_MAX)
		return NULL; /* half of a name is another name */
	memcpy(to, name, len + 1);
	return to;
}

bool hot_scope_take_policy(struct hot_scope *scope, const struct config *config,
			   struct podnames *names)
{
	struct place_info info;

	if (hot_scope_is_node(scope)) {
		scope->policy = rules_policy_node(config);
		return scope->policy != NULL;
	}
	place_of_path(scope->cgroup.path, names, &scope->pod_path, &info);
	scope->names = (struct scope_names){
		.path = scope->cgroup.path,
		.in_pod = info.pod_uid != NULL,
		.qos = info.qos,
		.pod = keep_name(scope->pod, info.pod),
		.namespace = keep_name(scope->namespace, info.namespace),
		.container = keep_name(scope->container, info.container),
	};
	scope->policy = rules_policy_cgroup(config, &scope->names);
	return scope->policy != NULL;
}

bool hot_scope_acts(const char *path, const struct config *config, struct podnames *names)
{
	const struct policy *policy;
	struct scope_names scope;
	struct pod_path pod_path;
	struct place_info info;

	place_of_path(path, names, &pod_path, &info);
	scope = (struct scope_names){
		.path = path,
		.in_pod = info.pod_uid != NULL,
		.qos = info.qos,
		.pod = info.pod,
		.namespace = info.namespace,
		.container = info.container,
	};
	policy = rules_policy_cgroup(config, &scope);
	return policy && !policy->warn_only;
}

bool hot_scope_is_within(const struct hot_scope *inner, const struct hot_scope *outer)
{
	if (hot_scope_is_node(outer) || inner == outer)
		return true;
	return !hot_scope_is_node(inner) &&
	       victim_path_is_within(inner->cgroup.path, outer->cgroup.path);
}

int hot_scope_sample(const struct hot_scope *scope, struct sampler *sampler,
		     const struct page_tracking *tracking, uint64_t now_ns, struct sample *ret)
{
	enum tracking_state state = page_tracking_state(tracking);
	bool on = state == TRACKING_ON;
	int err = hot_scope_is_node(scope)
			  ? sampler_node(sampler, now_ns, on, ret)
			  : sampler_cgroup(sampler, &scope->cgroup, now_ns, on, ret);

	if (!err && state == TRACKING_FAILED) {
		ret->has |= SAMPLE_HAS_TRACKING_ERROR;
		ret->tracking_error = (uint64_t)-page_tracking_error(tracking);
	}
	return err;
}

int hot_scope_held(const struct hot_scope *scope, struct sampler *sampler,
		   const struct page_tracking *tracking, uint64_t now_ns, uint64_t *ret_bytes)
{
	struct sample sample;
	int err = hot_scope_sample(scope, sampler, tracking, now_ns, &sample);

	if (err)
		return err;
	if (!(sample.has & SAMPLE_HAS_LEVEL))
		return -ENODATA;
	*ret_bytes = sample.held_bytes;
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * sampler: fills a struct sample from the BPF maps and the files of a scope.
 *
 * Purity:    reads maps and files; allocates only in sampler_new().
 * Units:     as in judge/sample.h; *_ns CLOCK_MONOTONIC or durations.
 * Errors:    0 or -errno. -ENODEV: the cgroup was removed. What cannot be read is missing in the
 *            sample.
 * Ownership: sampler_new() gives, sampler_free() takes; loader, host and node are borrowed.
 */
#ifndef FASTOOM_SENSE_SAMPLER_H
#define FASTOOM_SENSE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup;
struct held_by;
struct cgroup_host;
struct fo_scope_stat;
struct fo_wait_stat;
struct loader;
struct node;
struct sample;
struct sampler;

int sampler_new(struct sampler **ret, const struct loader *loader, const struct cgroup_host *host,
		const struct node *node);
void sampler_free(struct sampler *sampler);

/* @tracking: page tracking is on for the scope, so its waits are valid. */
int sampler_node(struct sampler *sampler, uint64_t now_ns, bool tracking, struct sample *ret);
int sampler_cgroup(struct sampler *sampler, const struct cgroup *cgroup, uint64_t now_ns,
		   bool tracking, struct sample *ret);

/* What holds the memory of @cgroup; NULL: of the node. */
void sampler_held_by(const struct sampler *sampler, const struct cgroup *cgroup,
		     struct held_by *ret);

/* The sums of a scope over all CPUs. -ENOENT: it has not reclaimed yet, or has had no waits. */
int sampler_stall(struct sampler *sampler, uint64_t scope, struct fo_scope_stat *ret);
int sampler_waits(struct sampler *sampler, uint64_t scope, struct fo_wait_stat *ret);
/* Memory stalls as PSI counts them, open ones included. -EOPNOTSUPP: not on this kernel. */
int sampler_memstall(struct sampler *sampler, uint64_t scope, uint64_t now_ns, uint64_t *ret_ns);

#endif /* FASTOOM_SENSE_SAMPLER_H */

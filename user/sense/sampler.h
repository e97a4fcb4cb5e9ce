/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * sampler: the kernel's sums and the scope's files -> one struct sample.
 *
 * Purity:    reads maps and files; allocates only in sampler_new().
 * Units:     see judge/sample.h.
 * Errors:    0 or -errno; what could not be read is missing in the sample. -ENODEV: the
 *            cgroup is gone.
 * Ownership: sampler_new() gives, sampler_free() takes; loader, host and node are borrowed.
 */
#ifndef FASTOOM_SENSE_SAMPLER_H
#define FASTOOM_SENSE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup;
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

/* @eyes: whether the wide eyes are open, so that waits mean something. */
int sampler_node(struct sampler *sampler, uint64_t now_ns, bool tracking, struct sample *ret);
int sampler_cgroup(struct sampler *sampler, const struct cgroup *cgroup, uint64_t now_ns,
		   bool tracking, struct sample *ret);

/* A scope's sums over all CPUs; -ENOENT: it never reclaimed. */
int sampler_stall(struct sampler *sampler, uint64_t scope, struct fo_scope_stat *ret);
/* Its memory stalls by the kernel's own notion; -EOPNOTSUPP: not to be had on this kernel. */
int sampler_memstall(struct sampler *sampler, uint64_t scope, uint64_t now_ns, uint64_t *ret_ns);
int sampler_waits(struct sampler *sampler, uint64_t scope, struct fo_wait_stat *ret);

#endif /* FASTOOM_SENSE_SAMPLER_H */

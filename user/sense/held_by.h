/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * held_by: reads what holds the memory of a scope, when no process of it may be killed.
 *
 * Purity:    reads files, most of them open already.
 * Units:     bytes.
 * Errors:    none: a kind that cannot be read is missing.
 * Ownership: the cgroup and the node are borrowed.
 */
#ifndef FASTOOM_SENSE_HELD_BY_H
#define FASTOOM_SENSE_HELD_BY_H

#include "judge/held_by.h"

struct cgroup;
struct cgroup_host;
struct node;

void held_by_cgroup(const struct cgroup_host *host, const struct cgroup *cgroup,
		    struct held_by *ret);
void held_by_node(const struct node *node, struct held_by *ret);

#endif /* FASTOOM_SENSE_HELD_BY_H */

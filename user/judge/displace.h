/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * displace: chooses the watched scope that gives its place to one that a policy acts on.
 *
 * Purity:    pure.
 * Units:     risk 0..1.
 * Errors:    none; DISPLACE_NONE.
 * Ownership: everything is the caller's.
 */
#ifndef FASTOOM_JUDGE_DISPLACE_H
#define FASTOOM_JUDGE_DISPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISPLACE_NONE SIZE_MAX

struct displace_scope {
	bool node;
	bool acts;   /* a policy acts on it; otherwise it is only warned of */
	bool open;   /* an action is pending in it */
	double risk; /* negative: not known, which counts as none */
};

/*
 * Chooses, among the scopes that are only warned of and have no pending action, the one with the
 * lowest risk, and the first of equal ones. Never the node.
 */
size_t displace_choose(const struct displace_scope *scopes, size_t n);

#endif /* FASTOOM_JUDGE_DISPLACE_H */

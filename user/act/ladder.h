/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ladder: the steps below killing that are done to a cgroup: reclaim, throttle, freeze. And
 * thawing a victim, which could not die otherwise.
 *
 * A step is handed to a thread of its own, for writing to memory.reclaim or memory.high returns
 * when the reclaim is over, which in a Near-OOM takes its time. What was done is undone by the
 * same thread, in order.
 *
 * Purity:    writes cgroup files.
 * Units:     bytes.
 * Errors:    0 or -errno; of a step that is under way, in ladder_result(). -EOPNOTSUPP: this
 *            version of cgroups has no such thing, or the cgroup is the root.
 * Ownership: ladder_new() gives, ladder_free() takes after what was given is undone.
 */
#ifndef FASTOOM_ACT_LADDER_H
#define FASTOOM_ACT_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/config.h"

struct ladder;

struct ladder_order {
	enum ladder_step_kind kind; /* STEP_RECLAIM .. STEP_FREEZE */
	const char *path;	    /* of the cgroup, below the memory controller's root */
	int pid;		    /* STEP_FREEZE on v1: of a process in it */
	uint64_t bytes;		    /* STEP_RECLAIM: how much */
};

/*
 * @slots: how many may do a step at a time. @mount: where the memory controller is; NULL: none.
 * @freezer: where v1's freezer is; NULL: looked for in /proc/self/mounts.
 */
int ladder_new(struct ladder **ret, size_t slots, int cgroup_version, const char *mount,
	       const char *freezer);
void ladder_free(struct ladder *ladder);

/* -EBUSY: the last step of this slot is still under way; -EOPNOTSUPP. */
int ladder_give(struct ladder *ladder, size_t slot, const struct ladder_order *order);
/* What the slot's last step did, it does no longer. */
void ladder_undo(struct ladder *ladder, size_t slot);
/* Whether a step or its undoing is still at work: then no other can be given. */
bool ladder_is_busy(const struct ladder *ladder, size_t slot);
/* -EINPROGRESS, or what became of the slot's last step. */
int ladder_result(const struct ladder *ladder, size_t slot);

/*
 * A process in a FROZEN cgroup of v1's freezer takes SIGKILL, but does not die. Takes it out of
 * that cgroup, and only it. May wait, so for a thread that may. 1: it was so; 0: it was not.
 */
int ladder_thaw(const struct ladder *ladder, int pid);

#endif /* FASTOOM_ACT_LADDER_H */

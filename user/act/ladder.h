/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ladder: the steps before a kill that act on a cgroup: reclaim, throttle, freeze. Also takes a
 * victim out of a frozen v1 cgroup, in which it could not die.
 *
 * A helper thread runs the steps and undoes them, in order: a write to memory.reclaim or
 * memory.high returns when the reclaim is over, which takes seconds in Near-OOM.
 *
 * Purity:    a thread; writes cgroup files.
 * Units:     bytes.
 * Errors:    0 or -errno. -EOPNOTSUPP: this cgroup version or kernel has no such file, or the
 *            cgroup is the root. ladder_result() reports the outcome of a step.
 * Ownership: ladder_new() gives; ladder_free() undoes all steps and takes. It waits up to 3 s.
 */
#ifndef FASTOOM_ACT_LADDER_H
#define FASTOOM_ACT_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/config.h"

struct ladder;

struct ladder_request {
	enum ladder_step_kind kind; /* STEP_RECLAIM .. STEP_FREEZE */
	const char *path;	    /* of the cgroup, below the memory controller's root */
	int pid;		    /* STEP_FREEZE on v1: a process in the cgroup */
	uint64_t bytes;		    /* STEP_RECLAIM: how much */
};

/*
 * @slots: how many scopes can have a step at a time. @mount: of the memory controller; NULL: none.
 * @freezer: of the v1 freezer; NULL: found in /proc/self/mounts.
 */
int ladder_new(struct ladder **ret, size_t slots, int cgroup_version, const char *mount,
	       const char *freezer);
void ladder_free(struct ladder *ladder);

/* Starts a step. -EBUSY: ladder_is_busy(); -ENOSPC: too many steps wait; -ENAMETOOLONG. */
int ladder_give(struct ladder *ladder, size_t slot, const struct ladder_request *request);
/* Undoes the slot's last step, after it is complete. */
void ladder_undo(struct ladder *ladder, size_t slot);
/* Whether the slot has a step that runs or is not undone yet. */
bool ladder_is_busy(const struct ladder *ladder, size_t slot);
/* Outcome of the slot's last step; -EINPROGRESS: it runs. */
int ladder_result(const struct ladder *ladder, size_t slot);

/*
 * Moves a process out of a FROZEN v1 cgroup to the freezer's root: in it, SIGKILL does not end the
 * process. Blocks, so not for the main thread. 1: moved; 0: it was not frozen.
 */
int ladder_thaw(const struct ladder *ladder, int pid);

#endif /* FASTOOM_ACT_LADDER_H */

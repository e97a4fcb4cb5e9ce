/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * mutes: the scopes that the BPF programs do not report. A change that the kernel refuses (no
 * memory, a busy bucket) is kept and tried again. Otherwise the scope would never be reported.
 *
 * Purity:    changes two BPF maps.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    none; failures are counted, and `error` is the latest.
 * Ownership: the descriptors of the maps are borrowed.
 */
#ifndef FASTOOM_DAEMON_MUTES_H
#define FASTOOM_DAEMON_MUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fo_reach;

/* Equal to the size of fo_hot (FO_HOT_MAX). Further changes are lost, and counted. */
#define MUTES_PENDING_MAX 256

struct mute {
	uint64_t scope;
	uint64_t until_ns; /* 0: it is no longer muted */
};

struct mutes {
	int hot_fd;   /* fo_hot */
	int reach_fd; /* fo_reach */
	struct mute pending[MUTES_PENDING_MAX];
	size_t pending_count;
	uint64_t failed; /* changes that the kernel refused; further tries do not count */
	int error;	 /* the latest, -errno; 0: none failed */
};

/* @scope is not reported before @until_ns, which must not be 0. */
void mutes_set(struct mutes *mutes, uint64_t scope, uint64_t until_ns);
/* @scope is reported at its next reclaim. */
void mutes_clear(struct mutes *mutes, uint64_t scope);
/* Sets which refaults a kill avoids. Not tried again: each tick sets it. */
void mutes_set_reach(struct mutes *mutes, uint64_t scope, const struct fo_reach *reach);

/* @scope is watched from now on: drops its pending change. */
void mutes_forget(struct mutes *mutes, uint64_t scope);
/* Tries the pending changes again. Returns how many are left. */
size_t mutes_retry(struct mutes *mutes);

#endif /* FASTOOM_DAEMON_MUTES_H */

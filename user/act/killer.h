/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * killer: sends the signal to an identity and follows it to its end; never blocks, forks
 * or allocates.
 *
 * A kill goes [asked ->] sent -> gone | stuck, or ends at once as gone (it exited by
 * itself), reused (the pid is another process now) or refused (not permitted). Asked is
 * SIGTERM: how long to wait for it is the caller's. A dry run leaves out the system call and
 * nothing else: it is "sent", and then gone.
 *
 * Purity:    system calls on the victim; no clock (time is an argument), no log.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    outcomes, not errors: every order has one.
 * Ownership: a struct kill holds a pidfd until kill_done().
 */
#ifndef FASTOOM_ACT_KILLER_H
#define FASTOOM_ACT_KILLER_H

#include <stdbool.h>
#include <stdint.h>

#include "act/pidref.h"

enum kill_state {
	KILL_IDLE,
	KILL_TERM_SENT, /* SIGTERM was sent; waiting on its pidfd */
	KILL_SENT,	/* SIGKILL was sent; waiting on its pidfd */
	KILL_GONE,	/* it is no more */
	KILL_EXITED,	/* it was gone before we came */
	KILL_REUSED,	/* its pid is another process: nothing was sent */
	KILL_REFUSED,	/* the kernel did not let us: see error */
	KILL_STUCK,	/* signalled, but still there after KILL_TIMEOUT_NS */
	KILL_STATES_,
};

/*
 * A dying process frees 95 MB in 7 ms, and took 218 ms at worst under load (docs/measurements.md).
 * Ten times that is a process in uninterruptible sleep, a frozen one, or a debugger's.
 */
#define KILL_TIMEOUT_NS 2000000000ULL

struct kill {
	struct pidref ref;
	enum kill_state state;
	int error;
	uint64_t opened_ns;
	uint64_t sent_ns;
	uint64_t ended_ns;
	bool dry_run;
};

/* Verifies the identity and sends SIGKILL. @now_ns is read by the caller right before. */
void kill_send(struct kill *kill, int pid, uint64_t start_boot_ns, bool dry_run, uint64_t now_ns);

/* The same with SIGTERM; then, if it is still there, SIGKILL to the very same process. */
void kill_term(struct kill *kill, int pid, uint64_t start_boot_ns, bool dry_run, uint64_t now_ns);
void kill_insist(struct kill *kill, uint64_t now_ns);

/* Looks whether it is over. True when the state is final. */
bool kill_look(struct kill *kill, uint64_t now_ns);
bool kill_is_final(const struct kill *kill);
void kill_done(struct kill *kill);

/*
 * process_mrelease(): gives the memory of a dying process back although it cannot run to
 * do it itself. Takes as long as the freeing: for a thread that may wait. Returns 0 or
 * -errno; -ESRCH and -EINVAL mean that there was nothing left to do.
 */
int kill_reap(int pidfd);

/* cgroup v2's cgroup.kill in the cgroup whose directory is open; -ENOENT: v1 or before 5.14. */
int kill_cgroup(int cgroup_dir_fd, bool dry_run);

const char *kill_state_name(enum kill_state state);

#endif /* FASTOOM_ACT_KILLER_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * killer: sends a signal to a process identified by a pidref, and follows the process to its end.
 * Never blocks, forks or allocates.
 *
 * A kill goes [KILL_TERM_SENT ->] KILL_SENT -> KILL_GONE or KILL_STUCK, or ends at once in
 * KILL_EXITED, KILL_REUSED, KILL_REFUSED or KILL_UNSENT. The caller decides how long to wait after
 * SIGTERM. A dry run omits the system call only: its kill is sent, then gone.
 *
 * Purity:    system calls on the victim. Time is an argument; nothing is logged.
 * Units:     *_ns CLOCK_MONOTONIC, start_boot_ns CLOCK_BOOTTIME.
 * Errors:    of a kill: its state, and error for KILL_REFUSED and KILL_UNSENT. Others: 0 or -errno.
 * Ownership: a struct kill owns a pidfd until kill_done().
 */
#ifndef FASTOOM_ACT_KILLER_H
#define FASTOOM_ACT_KILLER_H

#include <stdbool.h>
#include <stdint.h>

#include "act/pidref.h"

enum kill_state {
	KILL_IDLE,
	KILL_TERM_SENT, /* SIGTERM is sent; the pidfd reports the end */
	KILL_SENT,	/* SIGKILL is sent; the pidfd reports the end */
	KILL_GONE,	/* the process ended */
	KILL_EXITED,	/* the process had ended before a signal was sent */
	KILL_REUSED,	/* the pid belongs to another process; no signal was sent */
	KILL_REFUSED,	/* the kernel refused the signal; see error */
	KILL_UNSENT,	/* no descriptor or memory for the system call; see error */
	KILL_STUCK,	/* the process still exists KILL_TIMEOUT_NS after SIGKILL */
	KILL_STATES_,
};

/*
 * Far above the slowest exit (51 ms for 256 MiB, docs/measurements.md, "How long a kill takes"). A
 * process that takes longer is frozen, traced, or in uninterruptible sleep.
 */
#define KILL_TIMEOUT_NS 2000000000ULL

struct kill {
	struct pidref ref;
	enum kill_state state;
	int error; /* -errno */
	uint64_t opened_ns;
	uint64_t sent_ns;
	uint64_t ended_ns;
	bool dry_run;
};

/* Verifies the identity and sends SIGKILL. The caller reads @now_ns right before. */
void kill_send(struct kill *kill, int pid, uint64_t start_boot_ns, bool dry_run, uint64_t now_ns);

/* Verifies the identity and sends SIGTERM. */
void kill_term(struct kill *kill, int pid, uint64_t start_boot_ns, bool dry_run, uint64_t now_ns);
/* Sends SIGKILL through the same pidfd after kill_term(). */
void kill_insist(struct kill *kill, uint64_t now_ns);

/* Updates the state; true: it is final. */
bool kill_look(struct kill *kill, uint64_t now_ns);
bool kill_is_final(const struct kill *kill);
void kill_done(struct kill *kill);

/*
 * process_mrelease(2): frees the memory of a dying process that cannot run. Blocks until that is
 * done, so not for the main thread. -ESRCH, -EINVAL: there was nothing to free.
 */
int kill_reap(int pidfd);

/* Kills a cgroup v2 through cgroup.kill; @cgroup_dir_fd: its directory. -ENOENT: v1 or Linux
 * < 5.14. */
int kill_cgroup(int cgroup_dir_fd, bool dry_run);

/* The name in records; static. */
const char *kill_state_name(enum kill_state state);

#endif /* FASTOOM_ACT_KILLER_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * pidref: identifies a process by pid, start time and pidfd.
 *
 * A pid can be reused between choosing and killing. pidref_open() opens the pidfd, which pins the
 * process that has the pid now, then compares the start time. So an open pidref is the chosen
 * process, and stays it.
 *
 * Purity:    system calls on one process; opens one descriptor.
 * Units:     start_boot_ns CLOCK_BOOTTIME. It is compared in clock ticks (10 ms), the unit of
 *            /proc/PID/stat; a pid takes far longer to be reused.
 * Errors:    0 or -errno. -ESRCH: the process is gone; -ESTALE: the pid is another process;
 *            descriptors_are_short(): none was left, and the reserve of descriptors is released.
 * Ownership: pidref_open() gives the descriptor, pidref_close() takes it.
 */
#ifndef FASTOOM_ACT_PIDREF_H
#define FASTOOM_ACT_PIDREF_H

#include <stdbool.h>
#include <stdint.h>

struct pidref {
	int pid;
	int fd; /* -1: none */
	uint64_t start_boot_ns;
};

#define PIDREF_NONE ((struct pidref){.fd = -1})

int pidref_open(int pid, uint64_t start_boot_ns, struct pidref *ret);
void pidref_close(struct pidref *ref);
/* Pure except for the length of a tick: whether @ref is the process of this pid and start time. */
bool pidref_is(const struct pidref *ref, int pid, uint64_t start_boot_ns);

/*
 * Pure: field 22 of a line of /proc/PID/stat, in clock ticks since boot. The name in the line may
 * contain anything. -EINVAL: no such line.
 */
int pidref_parse_start(const char *stat, uint64_t *ret_ticks);

#endif /* FASTOOM_ACT_PIDREF_H */

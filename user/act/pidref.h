/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * pidref: a process as an identity, not a number: pid, start time and a pidfd.
 *
 * Between choosing and killing a pid can become another process. The pidfd is opened
 * first and pins whatever has the pid now; then the start time is compared, so a pidref
 * that opened is the process that was chosen, and can never become another one.
 *
 * Purity:    system calls on one process; opens one descriptor.
 * Units:     start_boot_ns CLOCK_BOOTTIME ns; /proc shows it in ticks, which is the
 *            precision of the comparison (10 ms: far below the time a pid takes to return).
 * Errors:    0 or -errno: -ESRCH gone, -ESTALE the pid is another process now.
 * Ownership: pidref_open() gives the descriptor, pidref_shut() takes it.
 */
#ifndef FASTOOM_ACT_PIDREF_H
#define FASTOOM_ACT_PIDREF_H

#include <stdint.h>

struct pidref {
	int pid;
	int fd; /* -1: none */
	uint64_t start_boot_ns;
};

#define PIDREF_NONE ((struct pidref){.fd = -1})

int pidref_open(int pid, uint64_t start_boot_ns, struct pidref *ret);
void pidref_shut(struct pidref *ref);

/* Pure: field 22 of /proc/PID/stat, whatever the program calls itself. -EINVAL. */
int pidref_parse_start(const char *stat, uint64_t *ret_ticks);

#endif /* FASTOOM_ACT_PIDREF_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kernel_kill: kills of the kernel's OOM killer: recorded, and passed on to the scopes that they
 * concern.
 *
 * Purity:    memory only, and the path of the victim's cgroup.
 * Units:     as in bpf/event.h.
 * Errors:    none.
 * Ownership: everything is borrowed.
 */
#ifndef FASTOOM_DAEMON_KERNEL_KILL_H
#define FASTOOM_DAEMON_KERNEL_KILL_H

#include <stdint.h>

struct fo_event_kill;
struct podnames;
struct watches;

/* The latest ones: mark_victim fires twice for one victim of a limit. */
#define KERNEL_KILLS_KEPT 16

struct kernel_kills {
	struct {
		int pid;
		uint64_t start_boot_ns;
	} recent[KERNEL_KILLS_KEPT];
	unsigned next;
};

void kernel_kill_report(struct kernel_kills *kills, struct watches *watches, struct podnames *names,
			const struct fo_event_kill *event);

#endif /* FASTOOM_DAEMON_KERNEL_KILL_H */

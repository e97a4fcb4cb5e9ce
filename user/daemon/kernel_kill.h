/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* kernel_kill: the kernel was faster. Its kills are recorded and count like ours. */
#ifndef FASTOOM_DAEMON_KERNEL_KILL_H
#define FASTOOM_DAEMON_KERNEL_KILL_H

struct daemon;
struct fo_event_kill;

void kernel_kill_tell(struct daemon *daemon, const struct fo_event_kill *event);

#endif /* FASTOOM_DAEMON_KERNEL_KILL_H */

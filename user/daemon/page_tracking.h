/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * eyes: when the wide eyes are opened and shut. Attaching takes tens of ms and may wait for
 * memory, so a thread of its own does it. Nothing can be judged before it is through, so that it
 * stands behind nobody's command line, and has the priority that the daemon has: of its turn among
 * those that fight for memory it had to wait for up to three seconds (docs/measurements.md).
 */
#ifndef FASTOOM_DAEMON_PAGE_TRACKING_H
#define FASTOOM_DAEMON_PAGE_TRACKING_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Errors: 0 or -errno. Without the right to a real-time priority it goes without. */
int tracking_start(struct daemon *daemon);
/* As worker_stop(). */
bool tracking_stop(struct daemon *daemon, uint64_t timeout_ns);
/* Once a tick: @needed is whether any scope wants them. */
void tracking_manage(struct daemon *daemon, bool needed, uint64_t now_ns);

#endif /* FASTOOM_DAEMON_PAGE_TRACKING_H */

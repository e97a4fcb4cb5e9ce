/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * harden: keeps the daemon running while nothing else does: memory locked, real-time priority, out
 * of the OOM killer's reach.
 *
 * Purity: changes this process.
 * Errors: 0 or -errno; harden() warns about each thing that is not allowed and goes on.
 */
#ifndef FASTOOM_DAEMON_HARDEN_H
#define FASTOOM_DAEMON_HARDEN_H

/* Above every CFS task, below what the administrator made real-time on purpose. */
#define HARDEN_PRIORITY 1

void harden(void);
/* Sets oom_score_adj to -1000. */
int harden_unkillable(void);

#endif /* FASTOOM_DAEMON_HARDEN_H */

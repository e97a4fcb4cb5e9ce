/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * harden: keeps this process running in Near-OOM: locked memory, real-time priority, a reserve of
 * file descriptors, and no kill by the OOM killer.
 *
 * Purity: changes this process.
 * Units:  none.
 * Errors: 0 or -errno; harden() warns of each thing that is not allowed and goes on.
 */
#ifndef FASTOOM_BASE_HARDEN_H
#define FASTOOM_BASE_HARDEN_H

/* SCHED_RR: above every SCHED_OTHER task, below any other real-time task. */
#define HARDEN_PRIORITY 1

void harden(void);
/* Sets oom_score_adj to -1000. */
int harden_unkillable(void);

#endif /* FASTOOM_BASE_HARDEN_H */

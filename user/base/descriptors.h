/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * descriptors: a kill needs a few file descriptors. This keeps some in reserve, and raises the
 * limit on their number.
 *
 * Purity:    changes this process. The reserve is of one thread, the one that kills.
 * Units:     none.
 * Errors:    0 or -errno. A reserve that cannot be filled stays smaller.
 * Ownership: the reserve is the process's, until it ends.
 */
#ifndef FASTOOM_BASE_DESCRIPTORS_H
#define FASTOOM_BASE_DESCRIPTORS_H

#include <stdbool.h>

/* Two kills at once: of each the pidfd, its copy for the helper thread, a list and a /proc file. */
#define DESCRIPTORS_RESERVE 8

/* Raises the soft limit to the hard one. */
int descriptors_raise(void);

/* Fills the reserve. */
void descriptors_hold(void);
/* Closes the reserve, so that descriptors can be opened; false: it was empty. */
bool descriptors_release(void);

/* Whether @err means that this process or the host has no descriptor or no memory for one left. */
bool descriptors_are_short(int err);

#endif /* FASTOOM_BASE_DESCRIPTORS_H */

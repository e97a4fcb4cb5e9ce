/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trust: whether only root and the user of this process can change what a path leads to. Each
 * folder above, each symbolic link, and the file or folder at its end must belong to root or to
 * that user, and must not be writable by a group or by all users.
 *
 * A folder above may be writable if it has the sticky bit, as /tmp has: other users cannot replace
 * what belongs to root in it. A read-only mount counts as not writable.
 *
 * Purity:    reads the file system.
 * Units:     none.
 * Ranges:    paths of at most PATH_MAX bytes; 40 symbolic links, as in the kernel.
 * Errors:    0: trusted. -EPERM: not trusted; struct trust says where and why. Other -errno: the
 *            path cannot be followed.
 * Ownership: the caller's memory.
 */
#ifndef FASTOOM_BASE_TRUST_H
#define FASTOOM_BASE_TRUST_H

#include <limits.h>

struct trust {
	char at[PATH_MAX]; /* the file, folder or link that others can change */
	char why[96];	   /* the reason, and a command that @at completes */
};

int trust_check(const char *path, struct trust *ret);

#endif /* FASTOOM_BASE_TRUST_H */

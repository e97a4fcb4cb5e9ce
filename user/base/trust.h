/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trust: whether only root and the user of this process can change what a path leads to. Everything
 * on the way counts: each folder above, each symbolic link, and the file or folder itself.
 *
 * A folder with the sticky bit, as /tmp, may be writable above the path's end: what root has in it
 * cannot be replaced by others. A read-only mount cannot be written.
 *
 * Purity:    reads the file system.
 * Units:     none.
 * Ranges:    paths of at most PATH_MAX bytes, 40 symbolic links, as the kernel's.
 * Errors:    0: trusted. -EPERM: not; struct trust says where and why. Other -errno: the path
 * cannot be followed. Ownership: the caller's memory.
 */
#ifndef FASTOOM_BASE_TRUST_H
#define FASTOOM_BASE_TRUST_H

#include <limits.h>

struct trust {
	char at[PATH_MAX]; /* the file, folder or link that others can change */
	char why[96];	   /* "belongs to uid 1000", and what to do */
};

int trust_check(const char *path, struct trust *ret);

#endif /* FASTOOM_BASE_TRUST_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * util: the handful of macros every room uses.
 *
 * Purity:    no state; the cleanup helpers free or close what a variable holds.
 * Units:     none.
 * Errors:    none; the helpers keep errno, so that cleaning up never hides a reason.
 * Ownership: _cleanup_x_ makes a variable the owner of what it holds; TAKE_PTR() and
 *            TAKE_FD() hand that on.
 */
#ifndef FASTOOM_BASE_UTIL_H
#define FASTOOM_BASE_UTIL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The value of a pointer, which is NULL from now on. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *take_from_ = &(p);                                                  \
		__typeof__(p) taken_ = *take_from_;                                                \
		*take_from_ = NULL;                                                                \
		taken_;                                                                            \
	})

/* The same for a file descriptor, which is -1 from now on. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_from_ = &(fd);                                                           \
		int taken_ = *take_from_;                                                          \
		*take_from_ = -1;                                                                  \
		taken_;                                                                            \
	})

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_fclose(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

/* Give the variable a value where it is declared: NULL, or -1 for a descriptor. */
#define _cleanup_free_	 _cleanup_(cleanup_free)
#define _cleanup_close_	 _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

#endif /* FASTOOM_BASE_UTIL_H */

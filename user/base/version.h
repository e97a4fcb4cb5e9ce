/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * version: of the program. A packager may define FASTOOM_VERSION on the compiler's command line;
 * the Makefile defines FASTOOM_COMMIT for main.c.
 */
#ifndef FASTOOM_BASE_VERSION_H
#define FASTOOM_BASE_VERSION_H

#ifndef FASTOOM_VERSION
#define FASTOOM_VERSION "0.1.0"
#endif

/* "": not built from git. */
#ifndef FASTOOM_COMMIT
#define FASTOOM_COMMIT ""
#endif

#endif /* FASTOOM_BASE_VERSION_H */

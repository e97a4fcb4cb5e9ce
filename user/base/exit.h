/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* exit: what the exit codes mean. */
#ifndef FASTOOM_BASE_EXIT_H
#define FASTOOM_BASE_EXIT_H

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* it could not do what was asked */
	EXIT_USAGE = 2,	 /* the command line or the configuration is wrong */
	EXIT_HOST = 3,	 /* this host cannot: no BTF, no permission, no such hook */
	EXIT_LOAD = 4,	 /* the kernel refused the BPF object */
};

#endif /* FASTOOM_BASE_EXIT_H */

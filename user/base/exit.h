/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * exit: the exit codes of all commands. fastoom-bpf(8) documents the numbers, so they do not
 * change.
 *
 * Purity:    data only.
 */
#ifndef FASTOOM_BASE_EXIT_H
#define FASTOOM_BASE_EXIT_H

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* the command failed */
	EXIT_USAGE = 2,	 /* the command line or the configuration is wrong */
	EXIT_HOST = 3,	 /* this host cannot run it: no BTF, no permission, a hook is missing */
	EXIT_LOAD = 4,	 /* the kernel refused the BPF object */
};

#endif /* FASTOOM_BASE_EXIT_H */

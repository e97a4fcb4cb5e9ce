// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-hold KIND MIB MIB_PER_S [FILE]: grows to MIB at a rate, then holds still. KIND:
 *	open	a memfd that is written to and never mapped
 *	mapped	a memfd that is mapped, as the RAM of a virtual machine
 *	pair	a shared anonymous mapping of two processes of one process group
 *	locked	mlocked pages of FILE
 *	clone	private memory that two processes share (CLONE_VM)
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MIB (1UL << 20)

static int __attribute__((noreturn)) rest(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static char *map(int flags, int fd, size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | (fd < 0 ? PROT_WRITE : 0), flags, fd, 0);

	if (memory == MAP_FAILED) {
		perror("fo-hold: mmap");
		exit(1);
	}
	return memory;
}

int main(int argc, char **argv)
{
	static char block[MIB], stack[65536] __attribute__((aligned(16)));
	const char *kind = argc > 3 ? argv[1] : "";
	unsigned long mib = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long rate = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	char *memory = NULL;
	int fd = -1;

	if (!mib || !rate || mib > 1024) {
		fputs("usage: fo-hold open|mapped|pair|locked|clone MIB MIB_PER_S [FILE]\n",
		      stderr);
		return 2;
	}
	memset(block, 1, sizeof(block));
	if (!strcmp(kind, "open") || !strcmp(kind, "mapped"))
		fd = memfd_create("fo-hold", MFD_CLOEXEC);
	else if (!strcmp(kind, "locked") && argc > 4)
		fd = open(argv[4], O_RDONLY | O_CLOEXEC);
	else if (!strcmp(kind, "pair"))
		memory = map(MAP_SHARED | MAP_ANONYMOUS, -1, mib * MIB);
	else if (!strcmp(kind, "clone"))
		memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, mib * MIB);
	if (fd < 0 && !memory) {
		perror("fo-hold");
		return 1;
	}
	if (!strcmp(kind, "locked"))
		memory = map(MAP_SHARED, fd, mib * MIB);
	if (!strcmp(kind, "pair") && fork() == 0)
		rest(NULL);
	if (!strcmp(kind, "clone") &&
	    clone(rest, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) < 0)
		return 1;
	for (unsigned long i = 0; i < mib; i++) {
		const struct timespec pause = {.tv_nsec = (long)(1000000000 / rate) % 1000000000};

		if (!strcmp(kind, "locked")) {
			if (mlock(memory + i * MIB, MIB) < 0)
				return 1;
		} else if (memory) {
			memset(memory + i * MIB, 1, MIB);
		} else if (write(fd, block, MIB) != (ssize_t)MIB) {
			return 1;
		} else if (!strcmp(kind, "mapped")) {
			const volatile char *part =
				mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, (off_t)(i * MIB));

			for (size_t at = 0; part != MAP_FAILED && at < MIB; at += 4096)
				(void)part[at];
		}
		nanosleep(&pause, NULL);
	}
	rest(NULL);
}

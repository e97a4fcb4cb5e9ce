// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-bomb SECONDS PAUSE_MS: a fork bomb with a pause. Each process forks, waits PAUSE_MS, and forks
 * again. Its bound is the limit of its pids cgroup; it ends by a SIGKILL to all processes, or after
 * SECONDS, which each process checks.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double end;
	long pause_ms;

	if (argc != 3 || atof(argv[1]) <= 0 || atof(argv[1]) > 300 || atol(argv[2]) < 1) {
		fputs("usage: fo-bomb SECONDS PAUSE_MS\n", stderr);
		return 2;
	}
	end = now() + atof(argv[1]);
	pause_ms = atol(argv[2]);
	signal(SIGCHLD, SIG_IGN); /* no zombies: they would count in the pids cgroup */
	while (now() < end) {
		struct timespec ts = {pause_ms / 1000, pause_ms % 1000 * 1000000};

		if (fork() < 0 && errno != EAGAIN)
			return 1;
		nanosleep(&ts, NULL);
	}
	return 0;
}

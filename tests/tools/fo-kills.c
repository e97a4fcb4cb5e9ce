// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-kills CGROUP KILLS MIB: kills KILLS processes of that size in a memory cgroup (path below the
 * root of the controller) without, and KILLS with process_mrelease() by another thread,
 * alternately. The code of the daemon chooses and kills each. Prints the distribution of the time
 * from the verdict to the signal, to the exit of the process, and until its memory is freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "act/killer.h"
#include "base/util.h"
#include "base/worker.h"
#include "judge/candidate.h"
#include "judge/victim.h"
#include "sense/cgroup.h"
#include "sense/loader.h"
#include "sense/cgroup_cache.h"
#include "sense/tasks.h"

#define KILLS_MAX 1000

enum {
	TO_SIGNAL,
	TO_EXIT,
	TO_MEMORY,
	SPANS
};

enum {
	PLAIN,
	REAPED,
	WAYS
};

static uint64_t spans_ns[WAYS][SPANS][KILLS_MAX];

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void __attribute__((noreturn)) die(const char *what, int err)
{
	fprintf(stderr, "fo-kills: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static pid_t start(const struct cgroup *cgroup, size_t bytes)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe", errno);
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (!pid) {
		int fd = openat(cgroup->dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		char *map;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED)
			_exit(1);
		memset(map, 1, bytes);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("the process did not get its memory", EIO);
	close(ready[0]);
	return pid;
}

static void reap(void *argument, size_t len)
{
	(void)len;
	(void)kill_reap(*(int *)argument);
	close(*(int *)argument);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const char *const names[SPANS] = {"verdict to signal", "signal to exit",
						 "exit to memory freed"};
	struct policy policy = {.rank = RANK_BLAME};
	struct victim_request request = {.policy = &policy, .self_pid = getpid()};
	const struct timespec moment = {.tv_nsec = 200000};
	size_t kills, bytes;
	struct worker *worker;
	struct loader *loader;
	struct cgroup_cache *cgroup_cache;
	struct tasks *tasks;
	struct victim *ranking;
	struct cgroup_host host;
	struct cgroup cgroup;
	char why[512] = "";
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: fo-kills CGROUP KILLS MIB\n");
		return 2;
	}
	kills = strtoul(argv[2], NULL, 10);
	bytes = strtoul(argv[3], NULL, 10) << 20;
	if (!kills || kills > KILLS_MAX || !bytes)
		die(argv[2], ERANGE);
	err = cgroup_host_open(&host, "");
	if (!err)
		err = cgroup_open_path(&host, argv[1], &cgroup);
	if (err)
		die(argv[1], err);
	err = loader_new(&loader, host.version, why, sizeof(why));
	if (err)
		die(why, err);
	err = worker_start(&worker, "reaper", 64, 4096);
	if (!err)
		err = cgroup_cache_new(&cgroup_cache, &host, NULL);
	if (!err)
		err = tasks_new(&tasks, loader, &host, cgroup_cache, worker);
	ranking = calloc(tasks_max(), sizeof(*ranking));
	if (err || !ranking)
		die("start", err ? err : ENOMEM);
	request.scope_bytes = bytes;

	for (size_t i = 0; i < WAYS * kills; i++) {
		const int way = i % WAYS;
		const struct candidate *candidates;
		struct cgroup_memory memory;
		struct pollfd gone;
		struct kill kill;
		uint64_t verdict, sent, exited, back;
		pid_t pid = start(&cgroup, bytes);
		size_t n;
		int fd;

		verdict = now_ns(CLOCK_MONOTONIC);
		err = tasks_read(tasks, cgroup.id, now_ns(CLOCK_BOOTTIME), &candidates, &n);
		if (err || !victim_rank(&request, candidates, n, ranking) ||
		    ranking[0].candidate->pid != pid)
			die("the process was not chosen", err ? err : ESRCH);
		kill_send(&kill, pid, ranking[0].candidate->start_boot_ns, false,
			  now_ns(CLOCK_MONOTONIC));
		if (kill.state != KILL_SENT)
			die("the process was not killed", kill.error);
		sent = now_ns(CLOCK_MONOTONIC);
		fd = way == REAPED ? fcntl(kill.ref.fd, F_DUPFD_CLOEXEC, 3) : -1;
		if (fd >= 0)
			(void)worker_give(worker, reap, &fd, sizeof(fd));
		gone = (struct pollfd){.fd = kill.ref.fd, .events = POLLIN};
		if (poll(&gone, 1, 10000) <= 0)
			die("the process does not exit", ETIMEDOUT);
		exited = now_ns(CLOCK_MONOTONIC);
		for (back = exited; back - exited < 10000000000ULL; nanosleep(&moment, NULL)) {
			err = cgroup_read(&host, &cgroup, &memory);
			back = now_ns(CLOCK_MONOTONIC);
			if (err)
				die("usage", err);
			if (memory.anon_bytes < bytes / 20)
				break;
		}
		kill_done(&kill);
		waitpid(pid, NULL, 0);
		spans_ns[way][TO_SIGNAL][i / WAYS] = sent - verdict;
		spans_ns[way][TO_EXIT][i / WAYS] = exited - sent;
		spans_ns[way][TO_MEMORY][i / WAYS] = back - exited;
	}
	for (int way = 0; way < WAYS; way++) {
		printf("%-20s %9s %9s %9s %9s\n", way == REAPED ? "ms, reaped" : "ms", "median",
		       "90 %", "99 %", "worst");
		for (int span = 0; span < SPANS; span++) {
			uint64_t *spans = spans_ns[way][span];

			qsort(spans, kills, sizeof(*spans), compare);
			printf("%-20s %9.3f %9.3f %9.3f %9.3f\n", names[span],
			       (double)spans[kills / 2] / 1e6, (double)spans[kills * 9 / 10] / 1e6,
			       (double)spans[kills * 99 / 100] / 1e6,
			       (double)spans[kills - 1] / 1e6);
		}
	}
	(void)worker_stop(worker, 3000000000ULL);
	loader_free(loader);
	return 0;
}

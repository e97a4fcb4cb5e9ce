// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Another tenant has more processes (the crowd) than there are texts, and a rule asks for the
 * executable. The executable of a leaker that is larger than each process of the crowd is read
 * within a few listings. That of a smaller process is read when the choice of a victim asks for it.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/util.h"
#include "base/worker.h"
#include "config/config.h"
#include "config/files.h"
#include "config/read.h"
#include "event.h"
#include "judge/case.h"
#include "scene.h"
#include "sense/cgroup_cache.h"
#include "sense/loader.h"
#include "sense/tasks.h"

#define CROWD 4300
#define STACK 1024
/* The size that each process of the crowd shows. They share one memory, so it exists once. */
#define CROWD_BYTES (8 * MIB)
/* A leaker, and a process smaller than the crowd's. Both hold more than 1 % of the scope. */
#define LARGE_BYTES  (64 * MIB)
#define LITTLE_BYTES (4 * MIB)
#define SCOPE_BYTES  (256 * MIB)

static pid_t crowd[CROWD];
static char *shared;
static volatile bool go_on = true;

static struct loader *loader;
static struct cgroup_host host = {.mount_fd = -1};
static struct cgroup_cache *cgroup_cache;
static struct cgroup cgroup;
static char cgroup_dir[SCENE_DIR_MAX];
static struct worker *worker;
static struct tasks *tasks;
static struct victim *ranking;
static struct config *config;

/* Uses no library function, because the whole crowd shares one memory. */
static int wait_about(void *unused)
{
	(void)unused;
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (go_on)
		syscall(SYS_pause);
	return 0;
}

static size_t begin_crowd(void)
{
	size_t n = 0;

	shared =
		mmap(NULL, CROWD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 0;
	memset(shared, 1, CROWD_BYTES);
	for (; n < CROWD; n++) {
		crowd[n] = clone(wait_about, shared + (n + 1) * STACK, CLONE_VM | SIGCHLD, NULL);
		if (crowd[n] < 0)
			break;
	}
	return n;
}

static void end_crowd(size_t n)
{
	for (size_t i = 0; i < n; i++)
		kill(crowd[i], SIGKILL);
	for (size_t i = 0; i < n; i++)
		waitpid(crowd[i], NULL, 0);
	munmap(shared, CROWD_BYTES);
}

/* A process of @bytes in the cgroup, without the memory of the crowd. */
static pid_t begin_process(size_t bytes)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (!pid) {
		char *map;

		enter_cgroup(cgroup_dir);
		if (shared)
			munmap(shared, CROWD_BYTES);
		map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED)
			_exit(98);
		memset(map, 1, bytes);
		if (write(ready[1], "x", 1) != 1)
			_exit(97);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static size_t list(uint64_t scope, const struct candidate **ret)
{
	size_t n = 0;

	assert_int_equal(tasks_read(tasks, scope, clock_boot_ns(), ret, &n), 0);
	return n;
}

/* One choice as the daemon makes it; true if @pid is the victim. */
static bool choose(struct scope_case *state, pid_t pid, uint64_t now_ns)
{
	const struct candidate *candidates, *unread[TASKS_WANTED_MAX];
	const struct policy *policy = &config->policies[0];
	size_t n = list(cgroup.id, &candidates);
	size_t eligible = case_rank(state, policy, SCOPE_BYTES, now_ns, candidates, n, ranking);
	size_t count = case_unread(state, policy, SCOPE_BYTES, now_ns, ranking, n, eligible, unread,
				   TASKS_WANTED_MAX);

	for (size_t i = 0; i < count; i++)
		tasks_want(tasks, unread[i]);
	if (count)
		(void)case_stand_down(state, CASE_UNREAD, now_ns);
	return !count && eligible && ranking[0].candidate->pid == pid;
}

static bool set_up(void)
{
	static struct config_errors errors;
	char text[] = "policies: [ { name: n, match: { node: true }, "
		      "protect: [ { exe: '^/nothing' } ] } ]";
	char name[] = "test";
	const struct config_file file = {name, text, strlen(text)};
	char why[512];

	if (geteuid() || cgroup_host_open(&host, "") ||
	    !make_cgroup(&host, "fo-crowd", 0, &cgroup, cgroup_dir))
		return false;
	if (loader_new(&loader, host.version, why, sizeof(why)))
		loader = NULL; /* /proc is read */
	assert_int_equal(worker_start(&worker, "fo-test", 64, 1024), 0);
	assert_int_equal(cgroup_cache_new(&cgroup_cache, &host, NULL), 0);
	assert_int_equal(tasks_new(&tasks, loader, &host, cgroup_cache, worker), 0);
	assert_int_equal(config_parse(&file, 1, &config, &errors), 0);
	ranking = calloc(tasks_max(), sizeof(*ranking));
	return ranking;
}

static void tear_down(void)
{
	assert_true(worker_stop(worker, 10 * SECOND));
	tasks_free(tasks);
	cgroup_cache_free(cgroup_cache);
	config_free(config);
	loader_free(loader);
	cgroup_close(&cgroup);
	assert_true(remove_cgroup(cgroup_dir));
	cgroup_host_close(&host);
	free(ranking);
}

static void test_crowd(void **state)
{
	const struct candidate *candidates;
	bool large_is_victim = false, little_is_victim = false;
	size_t n, known = 0, listed;
	struct scope_case c;
	pid_t pid;

	(void)state;
	if (!set_up()) {
		print_message("this needs root and a memory cgroup\n");
		skip();
	}
	n = begin_crowd();
	/* several listings, as one asks for less than the worker's queue holds */
	for (int i = 0; n == CROWD && i < 20; i++) {
		listed = list(FO_SCOPE_NODE, &candidates);
		known = 0;
		for (size_t j = 0; j < listed; j++)
			known += candidates[j].exe != NULL;
		sleep_ms(100);
	}

	pid = begin_process(LARGE_BYTES);
	case_begin(&c, false, getpid(), clock_mono_ns());
	for (int i = 0; n == CROWD && i < 20 && !large_is_victim; i++) {
		large_is_victim = choose(&c, pid, clock_mono_ns());
		sleep_ms(20);
	}
	end_process(pid);

	pid = begin_process(LITTLE_BYTES);
	case_begin(&c, false, getpid(), clock_mono_ns());
	for (int i = 0; n == CROWD && i < 20 && !little_is_victim; i++) {
		little_is_victim = choose(&c, pid, clock_mono_ns());
		sleep_ms(20);
	}
	end_process(pid);
	end_crowd(n);
	tear_down();

	if (n < CROWD) {
		print_message("only %zu processes may be made here\n", n);
		skip();
	}
	print_message("%zu of %d processes known\n", known, CROWD);
	assert_true(known < CROWD);
	assert_true(large_is_victim);
	assert_true(little_is_victim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

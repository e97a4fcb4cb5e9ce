// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What the death of a real process frees, as a listing tells it, for each way to hold shared memory
 * and for mlocked files; and processes that share all memory. Then some of them are killed, and the
 * usage of their cgroup falls by what was told.
 */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/worker.h"
#include "judge/candidate.h"
#include "scene.h"
#include "sense/cgroup.h"
#include "sense/cgroup_cache.h"
#include "sense/loader.h"
#include "sense/podnames.h"
#include "sense/shares.h"
#include "sense/tasks.h"

#define SIZE (16 * MIB)

enum role {
	MEMFD_MAPPED, /* a memfd that is mapped */
	MEMFD_OPEN,   /* written to, never mapped */
	ANON_SHARED,  /* MAP_SHARED | MAP_ANONYMOUS */
	PAIR_A,	      /* two processes with one shared mapping */
	PAIR_B,
	TMPFS_NAMED,   /* a file of a tmpfs that has a name */
	TMPFS_DELETED, /* one that has none */
	FILE_LOCKED,   /* a mapped file, mlocked */
	FILE_MAPPED,   /* the same without mlock */
	FILE_DELETED,  /* a file of a disk that has no name */
	CLONE_A,       /* two processes with one memory */
	CLONE_B,
	ROLES,
};

static struct loader *loader;
static struct cgroup_host host;
static struct cgroup cgroup;
static struct worker *helper;
static struct podnames *names;
static struct cgroup_cache *cache;
static char cgroup_dir[SCENE_DIR_MAX];
static char file_path[64], tmpfs_path[64];
static char why_not[512];
static pid_t pids[ROLES];
static int ready[2];

static int skip_all(const char *reason)
{
	snprintf(why_not, sizeof(why_not), "%s", reason);
	print_message("all skipped: %s\n", why_not);
	return 0;
}

static void need_scene(void)
{
	if (why_not[0])
		skip();
}

static void must(bool done, int code)
{
	if (!done)
		_exit(code);
}

static void write_all(int fd)
{
	static char block[1 << 20];

	memset(block, 1, sizeof(block));
	for (size_t n = 0; n < SIZE / sizeof(block); n++)
		must(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block), 90);
}

static char *map_file(int fd)
{
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(map != MAP_FAILED, 91);
	for (size_t i = 0; i < SIZE; i += 4096)
		((volatile char *)map)[i] = map[i];
	return map;
}

static void __attribute__((noreturn)) rest(void)
{
	must(write(ready[1], "x", 1) == 1, 92);
	for (;;)
		pause();
}

static int clone_child(void *unused)
{
	(void)unused;
	rest();
}

static void __attribute__((noreturn)) play(enum role role)
{
	static char stack[65536] __attribute__((aligned(16)));
	char *map;
	int fd;

	switch (role) {
	case MEMFD_MAPPED:
		fd = memfd_create("fo-mapped", MFD_CLOEXEC);
		must(fd >= 0 && !ftruncate(fd, (off_t)SIZE), 1);
		map_file(fd);
		close(fd);
		break;
	case MEMFD_OPEN:
		fd = memfd_create("fo-open", MFD_CLOEXEC);
		must(fd >= 0, 2);
		write_all(fd);
		break;
	case ANON_SHARED:
	case PAIR_A:
		map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		must(map != MAP_FAILED, 3);
		memset(map, 1, SIZE);
		if (role == PAIR_A && fork() == 0) {
			/* the parent's death ends it too */
			enter_cgroup(cgroup_dir);
			((volatile char *)map)[0] = 2;
			rest();
		}
		break;
	case TMPFS_NAMED:
	case TMPFS_DELETED:
		snprintf(tmpfs_path + strlen(tmpfs_path), 8, "-%d", role);
		fd = open(tmpfs_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		must(fd >= 0 && !ftruncate(fd, (off_t)SIZE), 4);
		map_file(fd);
		if (role == TMPFS_DELETED)
			unlink(tmpfs_path);
		break;
	case FILE_LOCKED:
	case FILE_MAPPED:
		fd = open(file_path, O_RDWR | O_CLOEXEC);
		must(fd >= 0, 5);
		map = map_file(fd);
		must(role == FILE_MAPPED || !mlock(map, SIZE), 6);
		break;
	case FILE_DELETED:
		snprintf(file_path + strlen(file_path), 8, "-x");
		fd = open(file_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		must(fd >= 0 && !ftruncate(fd, (off_t)SIZE), 7);
		map_file(fd);
		unlink(file_path);
		break;
	case CLONE_A:
		map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(map != MAP_FAILED, 8);
		memset(map, 1, SIZE);
		must(clone(clone_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) > 0, 9);
		break;
	default:
		_exit(10);
	}
	rest();
}

/* The only child of @pid. */
static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%d", &child) != 1)
			child = 0;
		fclose(file);
	}
	return child;
}

static int set_up(void **state)
{
	struct statfs fs;
	char why[512], byte;
	int fd, expected = 0;

	(void)state;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid())
		return skip_all("this needs root");
	if (cgroup_host_open(&host, ""))
		return skip_all("this host has no memory controller");
	if (statfs("/dev/shm", &fs) || fs.f_type != 0x01021994)
		return skip_all("/dev/shm is no tmpfs");
	if (!make_cgroup(&host, "fo-shares", 0, &cgroup, cgroup_dir))
		return skip_all("no cgroup can be made");
	if (loader_new(&loader, host.version, why, sizeof(why)))
		return skip_all(why);
	if (worker_start(&helper, "fo-helper", 64, 1024) || podnames_new(&names, "", NULL) ||
	    cgroup_cache_new(&cache, &host, names))
		return -1;
	snprintf(file_path, sizeof(file_path), "/var/tmp/fo-shares-XXXXXX");
	snprintf(tmpfs_path, sizeof(tmpfs_path), "/dev/shm/fo-shares-%d", (int)getpid());
	fd = mkostemp(file_path, O_CLOEXEC);
	if (fd < 0)
		return -1;
	write_all(fd);
	close(fd);
	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	for (int role = 0; role < ROLES; role++) {
		if (role == PAIR_B || role == CLONE_B)
			continue;
		pids[role] = fork();
		if (pids[role] == 0) {
			enter_cgroup(cgroup_dir);
			play((enum role)role);
		}
		expected += role == PAIR_A || role == CLONE_A ? 2 : 1;
	}
	close(ready[1]);
	for (int i = 0; i < expected; i++)
		if (read(ready[0], &byte, 1) != 1)
			return -1;
	pids[PAIR_B] = child_of(pids[PAIR_A]);
	pids[CLONE_B] = child_of(pids[CLONE_A]);
	return pids[PAIR_B] && pids[CLONE_B] ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	for (int role = ROLES; role-- > 0;)
		if (pids[role] > 0)
			kill(pids[role], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	unlink(file_path);
	strcat(tmpfs_path, "-5"); /* TMPFS_NAMED */
	unlink(tmpfs_path);
	worker_stop(helper, 3 * SECOND);
	cgroup_cache_free(cache);
	podnames_free(names);
	loader_free(loader);
	cgroup_close(&cgroup);
	if (cgroup_dir[0])
		(void)remove_cgroup(cgroup_dir);
	cgroup_host_close(&host);
	return 0;
}

_Static_assert(TMPFS_NAMED == 5, "tear_down() removes its file");

/* ---- listings ---- */

static struct tasks *tasks;
static const struct candidate *candidates;
static size_t count;

static const struct candidate *listed(enum role role)
{
	for (size_t i = 0; i < count; i++)
		if (candidates[i].pid == pids[role])
			return &candidates[i];
	fail_msg("role %d, process %d, is not listed", role, (int)pids[role]);
	return NULL;
}

static void list(void)
{
	assert_int_equal(tasks_read(tasks, cgroup.id, clock_boot_ns(), &candidates, &count), 0);
}

/* Lists until a pass has ended that knows of locked memory, too. */
static void list_all(const struct loader *with)
{
	assert_int_equal(tasks_new(&tasks, with, &host, cache, helper), 0);
	for (int i = 0; i < 100; i++) {
		list();
		if (count && candidates[0].shares_known)
			return;
		sleep_ms(50);
	}
	fail_msg("no pass has ended after 5 s");
}

static void assert_freeable(enum role role, uint64_t wanted)
{
	uint64_t own = candidate_freeable_bytes(listed(role));

	/* its own stack, heap and page tables */
	if (own < wanted || own > wanted + 2 * MIB)
		fail_msg("role %d: %llu KiB are freeable, not %llu", role,
			 (unsigned long long)own / 1024, (unsigned long long)wanted / 1024);
}

static void check_all(const struct loader *with)
{
	const struct candidate_share *a, *b;

	list_all(with);
	assert_freeable(MEMFD_MAPPED, SIZE);
	assert_freeable(MEMFD_OPEN, SIZE);
	assert_freeable(ANON_SHARED, SIZE);
	assert_freeable(PAIR_A, 0);
	assert_freeable(PAIR_B, 0);
	assert_freeable(TMPFS_NAMED, 0);
	assert_freeable(TMPFS_DELETED, SIZE);
	assert_freeable(FILE_MAPPED, 0);
	assert_freeable(FILE_DELETED, 0);
	a = &listed(PAIR_A)->shares[0];
	b = &listed(PAIR_B)->shares[0];
	assert_int_equal(a->holders, 2);
	assert_int_equal(b->holders, 2);
	assert_int_equal(a->set, b->set);
	assert_int_equal(a->bytes, SIZE);
	/* by part: the second process maps the file without a lock */
	assert_true(listed(FILE_LOCKED)->locked_file_bytes >= SIZE / 2 - MIB);
	assert_true(listed(FILE_LOCKED)->locked_file_bytes <= SIZE);
}

static void test_by_iterator(void **state)
{
	(void)state;
	need_scene();
	if (!loader_has(loader, "fo_task_list"))
		skip();
	check_all(loader);
	assert_int_equal(listed(CLONE_A)->mm, listed(CLONE_B)->mm);
	for (int role = 0; role < ROLES; role++) {
		assert_true(listed((enum role)role)->mm != 0);
		if (role != CLONE_A && role != CLONE_B)
			assert_true(listed((enum role)role)->mm != listed(CLONE_A)->mm);
	}
	tasks_free(tasks);
}

static void test_by_proc(void **state)
{
	(void)state;
	need_scene();
	check_all(NULL);
	tasks_free(tasks);
}

/* They are killed, and the usage falls by as much. */
static void test_kill_frees_it(void **state)
{
	const enum role roles[] = {MEMFD_OPEN, ANON_SHARED, TMPFS_DELETED};
	struct cgroup_memory before, after;

	(void)state;
	need_scene();
	list_all(loader);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		uint64_t wanted = candidate_sole_bytes(listed(roles[i]));

		assert_int_equal(cgroup_read(&host, &cgroup, &before), 0);
		kill(pids[roles[i]], SIGKILL);
		waitpid(pids[roles[i]], NULL, 0);
		pids[roles[i]] = 0;
		for (int wait = 0; wait < 40; wait++) {
			assert_int_equal(cgroup_read(&host, &cgroup, &after), 0);
			if (after.usage_bytes + wanted <= before.usage_bytes)
				break;
			sleep_ms(50);
		}
		if (after.usage_bytes + wanted > before.usage_bytes)
			fail_msg("role %d: %llu KiB of %llu were freed", (int)roles[i],
				 (unsigned long long)(before.usage_bytes - after.usage_bytes) /
					 1024,
				 (unsigned long long)wanted / 1024);
	}
	tasks_free(tasks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_iterator),
		cmocka_unit_test(test_by_proc),
		cmocka_unit_test(test_kill_frees_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

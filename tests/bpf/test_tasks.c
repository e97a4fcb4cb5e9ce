// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The BPF task iterator and its fallback against /proc: 200 children in a memory cgroup of their
 * own must be the same in all, and the iterator must cost less.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "act/pidref.h"
#include "scene.h"
#include "sense/cgroup.h"
#include "sense/loader.h"
#include "sense/procs.h"

#define CHILDREN 200
#define RECORDS	 1024

static struct loader *loader;
static struct cgroup_host host;
static struct cgroup cgroup;
static char cgroup_dir[SCENE_DIR_MAX];
static char why_not[512];
static pid_t children[CHILDREN];
static struct fo_task records[RECORDS];

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

/* ---- children ----------------------------------------------------------- */

static pid_t into_cgroup(void)
{
	pid_t pid = fork();

	if (!pid)
		enter_cgroup(cgroup_dir);
	return pid;
}

/* Names that a parser may fail on, sizes from 0 to 2 MiB, several users and adjustments. */
static void __attribute__((noreturn)) child(int i, int ready)
{
	static const char *const names[] = {"fo-child", "a) b (c", "123456789012345", "", "\n"};
	size_t bytes = (size_t)(i % 9) * 256 * 1024;
	char text[16], *map;

	if (bytes) {
		map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   (i % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED)
			_exit(98);
		memset(map, 1, bytes);
	}
	if (i % 4 == 0)
		setsid();
	else if (i % 4 == 1)
		setpgid(0, 0);
	prctl(PR_SET_NAME, names[i % 5]);
	snprintf(text, sizeof(text), "%d", i % 4 * 250);
	if (!put("/proc/self", "oom_score_adj", text))
		_exit(97);
	if (i % 3 == 0 && setresuid((uid_t)(1000 + i), (uid_t)(2000 + i), (uid_t)(1000 + i)))
		_exit(96);
	/* a change of user clears the death signal */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(ready, "x", 1) != 1)
		_exit(95);
	for (;;)
		pause();
}

static int set_up(void **state)
{
	char why[512], byte;
	int ready[2];

	(void)state;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid())
		return skip_all("this needs root");
	if (cgroup_host_open(&host, ""))
		return skip_all("this host has no memory controller");
	if (!make_cgroup(&host, "fo-tasks", 0, &cgroup, cgroup_dir))
		return skip_all("no cgroup can be made");
	if (loader_new(&loader, host.version, why, sizeof(why)))
		return skip_all(why);
	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = into_cgroup();
		if (children[i] < 0)
			return -1;
		if (!children[i])
			child(i, ready[1]);
	}
	close(ready[1]);
	for (int i = 0; i < CHILDREN; i++)
		if (read(ready[0], &byte, 1) != 1)
			return -1;
	close(ready[0]);
	sleep_ms(50);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < CHILDREN; i++)
		if (children[i] > 0)
			kill(children[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	loader_free(loader);
	cgroup_close(&cgroup);
	if (cgroup_dir[0])
		(void)remove_cgroup(cgroup_dir);
	cgroup_host_close(&host);
	return 0;
}

/* ---- both readings ------------------------------------------------------ */

static size_t read_bpf(uint64_t scope)
{
	int fd = loader_tasks_fd(loader, scope);
	size_t bytes = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, (char *)records + bytes, sizeof(records) - bytes)) > 0)
		bytes += (size_t)n;
	assert_int_equal(n, 0);
	close(fd);
	assert_int_equal(bytes % sizeof(records[0]), 0);
	return bytes / sizeof(records[0]);
}

struct proc {
	uint64_t start_ticks;
	uint64_t anon_kib, file_kib, shmem_kib, swap_kib, pte_kib;
	int ppid, threads, adj;
	unsigned uid; /* the real uid, as the kernel logs it */
	char comm[64];
};

static ssize_t read_file(int pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static uint64_t status_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : UINT64_MAX;
}

static bool read_proc(int pid, struct proc *ret)
{
	char text[4096], *uid;

	memset(ret, 0, sizeof(*ret));
	if (read_file(pid, "stat", text, sizeof(text)) <= 0 ||
	    pidref_parse_start(text, &ret->start_ticks))
		return false;
	if (read_file(pid, "status", text, sizeof(text)) <= 0)
		return false;
	ret->anon_kib = status_of(text, "\nRssAnon:");
	ret->file_kib = status_of(text, "\nRssFile:");
	ret->shmem_kib = status_of(text, "\nRssShmem:");
	ret->swap_kib = status_of(text, "\nVmSwap:");
	ret->pte_kib = status_of(text, "\nVmPTE:");
	ret->ppid = (int)status_of(text, "\nPPid:");
	ret->threads = (int)status_of(text, "\nThreads:");
	uid = strstr(text, "\nUid:");
	if (!uid || sscanf(uid, "\nUid: %u", &ret->uid) != 1)
		return false;
	if (read_file(pid, "oom_score_adj", text, sizeof(text)) <= 0)
		return false;
	ret->adj = atoi(text);
	if (read_file(pid, "comm", ret->comm, sizeof(ret->comm)) <= 0)
		return false;
	ret->comm[strlen(ret->comm) - 1] = '\0'; /* the newline at its end */
	return true;
}

static const struct fo_task *record_of(pid_t pid, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (records[i].tgid == (uint32_t)pid)
			return &records[i];
	return NULL;
}

/* The iterator's sums lag by up to a batch for each CPU; those of /proc are exact. */
static void assert_near(pid_t pid, const char *what, int64_t pages, uint64_t kib, int64_t off_kib)
{
	int64_t own = pages * (sysconf(_SC_PAGESIZE) / 1024), other = (int64_t)kib;

	if (own - other > off_kib || other - own > off_kib)
		fail_msg("process %d: %s %" PRId64 " KiB, in /proc %" PRId64
			 " KiB, allowed are %" PRId64,
			 (int)pid, what, own, other, off_kib);
}

static void test_same_as_proc(void **state)
{
	const int64_t cpus = sysconf(_SC_NPROCESSORS_CONF);
	/* percpu_counter_batch is max(32, 2 * CPUs) pages on each CPU */
	const int64_t batch = (cpus > 16 ? 2 * cpus : 32) * cpus * 4;
	const uint64_t tick_ns = SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	size_t n;

	(void)state;
	need_scene();
	n = read_bpf(cgroup.id);
	assert_int_equal(n, CHILDREN);
	for (int i = 0; i < CHILDREN; i++) {
		const struct fo_task *record = record_of(children[i], n);
		struct proc proc;

		if (!record)
			fail_msg("process %d is not listed", (int)children[i]);
		assert_true(read_proc(children[i], &proc));
		assert_int_equal(record->start_boot_ns / tick_ns, proc.start_ticks);
		assert_int_equal(record->memcg_id, cgroup.id);
		assert_string_equal(record->comm, proc.comm);
		assert_int_equal(record->uid, proc.uid);
		assert_int_equal(record->oom_score_adj, proc.adj);
		assert_int_equal(record->ppid, proc.ppid);
		assert_int_equal(record->group, getpgid(children[i]));
		assert_int_equal(record->session, getsid(children[i]));
		assert_int_equal(record->threads, proc.threads);
		assert_int_equal(record->pgtables_bytes / 1024, proc.pte_kib);
		assert_near(children[i], "anonymous", record->anon_pages, proc.anon_kib, batch);
		assert_near(children[i], "file", record->file_pages, proc.file_kib, batch);
		assert_near(children[i], "shared", record->shmem_pages, proc.shmem_kib, batch);
		assert_near(children[i], "swap", record->swap_pages, proc.swap_kib, batch);
	}
}

/* ---- the fallback --------------------------------------------------------------------------- */

static struct fo_task fallback[RECORDS];
static size_t fallback_count;

static void keep_fallback(void *context, const struct fo_task *task)
{
	(void)context;
	assert_true(fallback_count < RECORDS);
	fallback[fallback_count++] = *task;
}

static size_t read_procs(uint64_t scope)
{
	struct procs *procs;

	assert_int_equal(procs_new(&procs, &host), 0);
	fallback_count = 0;
	assert_int_equal(procs_read(procs, scope, keep_fallback, NULL), 0);
	procs_free(procs);
	return fallback_count;
}

static const struct fo_task *fallback_of(pid_t pid)
{
	for (size_t i = 0; i < fallback_count; i++)
		if (fallback[i].tgid == (uint32_t)pid)
			return &fallback[i];
	return NULL;
}

/* The fallback, from /proc, lists the same processes with the same values. */
static void test_fallback_is_the_same(void **state)
{
	const int64_t cpus = sysconf(_SC_NPROCESSORS_CONF);
	const int64_t batch = (cpus > 16 ? 2 * cpus : 32) * cpus * 4;
	const uint64_t tick_ns = SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	const int64_t page_kib = sysconf(_SC_PAGESIZE) / 1024;
	size_t n;

	(void)state;
	need_scene();
	n = read_bpf(cgroup.id);
	assert_int_equal(read_procs(cgroup.id), CHILDREN);
	for (int i = 0; i < CHILDREN; i++) {
		const struct fo_task *own = record_of(children[i], n);
		const struct fo_task *other = fallback_of(children[i]);
		struct pidref ref;

		if (!own || !other)
			fail_msg("process %d is not listed", (int)children[i]);
		assert_int_equal(other->start_boot_ns, own->start_boot_ns / tick_ns * tick_ns);
		/* exact enough to identify the process for a kill */
		assert_int_equal(pidref_open(children[i], other->start_boot_ns, &ref), 0);
		pidref_close(&ref);
		assert_int_equal(pidref_open(children[i], other->start_boot_ns + tick_ns, &ref),
				 -ESTALE);
		assert_int_equal(other->memcg_id, own->memcg_id);
		assert_memory_equal(other->comm, own->comm, sizeof(own->comm));
		assert_int_equal(other->uid, own->uid);
		assert_int_equal(other->oom_score_adj, own->oom_score_adj);
		assert_int_equal(other->ppid, own->ppid);
		assert_int_equal(other->group, own->group);
		assert_int_equal(other->session, own->session);
		assert_int_equal(other->threads, own->threads);
		assert_int_equal(other->is_init, own->is_init);
		assert_int_equal(other->pgtables_bytes, own->pgtables_bytes / 1024 * 1024);
		assert_near(children[i], "anonymous", own->anon_pages,
			    (uint64_t)(other->anon_pages * page_kib), batch);
		assert_near(children[i], "file", own->file_pages,
			    (uint64_t)(other->file_pages * page_kib), batch);
		assert_near(children[i], "shared", own->shmem_pages,
			    (uint64_t)(other->shmem_pages * page_kib), batch);
		assert_near(children[i], "swap", own->swap_pages,
			    (uint64_t)(other->swap_pages * page_kib), batch);
	}
}

/* The node: a process that lives on is in both lists or in none. */
static void test_fallback_lists_the_node(void **state)
{
	static struct fo_task before[RECORDS];
	size_t n, count, same = 0;

	(void)state;
	need_scene();
	n = read_bpf(FO_SCOPE_NODE);
	memcpy(before, records, n * sizeof(records[0]));
	read_procs(FO_SCOPE_NODE);
	for (size_t i = 0; i < n; i++) {
		const struct fo_task *other = fallback_of((pid_t)before[i].tgid);

		if (other)
			same++;
		else if (!kill((pid_t)before[i].tgid, 0))
			fail_msg("process %u is not listed", before[i].tgid);
		if (other)
			assert_int_equal(other->is_init, before[i].is_init);
	}
	assert_true(same >= CHILDREN + 1);
	count = n;
	n = read_bpf(FO_SCOPE_NODE);
	for (size_t i = 0; i < count; i++) {
		const struct fo_task *after = record_of((pid_t)before[i].tgid, n);
		const struct fo_task *other = fallback_of((pid_t)before[i].tgid);

		/* one that another program moves meanwhile may be anywhere */
		if (after && other && after->memcg_id == before[i].memcg_id &&
		    other->memcg_id != after->memcg_id)
			fail_msg("process %u (%s): cgroup %llu in /proc, %llu by the iterator",
				 before[i].tgid, before[i].comm,
				 (unsigned long long)other->memcg_id,
				 (unsigned long long)after->memcg_id);
	}
	for (size_t i = 0; i < fallback_count; i++)
		/* PID 1 is no victim, and some kernels' iterator skips it */
		if (fallback[i].tgid != 1 && !record_of((pid_t)fallback[i].tgid, n) &&
		    !kill((pid_t)fallback[i].tgid, 0))
			fail_msg("process %u is listed, but not by the iterator", fallback[i].tgid);
	assert_int_equal(read_procs(UINT64_C(0x7fffffffffff)), 0);
}

/* An exec changes exec_id: the names that were read before are not valid after it. */
static void test_fallback_sees_exec(void **state)
{
	uint64_t exec_id;
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	need_scene();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = into_cgroup();
	assert_true(pid >= 0);
	if (!pid) {
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		raise(SIGSTOP);
		execlp("sleep", "sleep", "100", NULL);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[1]);
	read_procs(cgroup.id);
	assert_non_null(fallback_of(pid));
	exec_id = fallback_of(pid)->exec_id;
	read_procs(cgroup.id);
	assert_int_equal(fallback_of(pid)->exec_id, exec_id);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
	/* the exec closes the other end of the pipe */
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	read_procs(cgroup.id);
	assert_int_not_equal(fallback_of(pid)->exec_id, exec_id);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The whole machine: every process is listed once. */
static void test_node(void **state)
{
	size_t n;

	(void)state;
	need_scene();
	n = read_bpf(FO_SCOPE_NODE);
	assert_true(n >= CHILDREN + 1);
	for (int i = 0; i < CHILDREN; i++)
		assert_non_null(record_of(children[i], n));
	assert_non_null(record_of(getpid(), n));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(records[i].tgid, records[k].tgid);
}

static void test_no_such_scope(void **state)
{
	(void)state;
	need_scene();
	assert_int_equal(read_bpf(UINT64_C(0x7fffffffffff)), 0);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/*
 * The leader has exited, and another thread holds the memory. The kernel's OOM killer finds such a
 * process by find_lock_task_mm(). If it were not listed, other processes would be killed for it.
 */
static void test_leader_is_gone(void **state)
{
	int ready[2];
	pid_t pid;
	bool listed;
	const struct fo_task *from_proc;
	char byte, text[1024];

	(void)state;
	need_scene();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = into_cgroup();
	assert_true(pid >= 0);
	if (!pid) {
		size_t bytes = 16 << 20;
		pthread_t thread;
		char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);

		if (map == MAP_FAILED || pthread_create(&thread, NULL, wait_for_ever, NULL))
			_exit(1);
		memset(map, 1, bytes);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		syscall(SYS_exit, 0); /* of this thread only */
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	for (int i = 0; i < 100; i++) {
		assert_true(read_file(pid, "stat", text, sizeof(text)) > 0);
		if (strstr(text, ") Z "))
			break;
		sleep_ms(10);
	}
	listed = record_of(pid, read_bpf(cgroup.id)) != NULL;
	read_procs(cgroup.id);
	from_proc = fallback_of(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_non_null(from_proc);
	assert_true(from_proc->anon_pages >= (16 << 20) / sysconf(_SC_PAGESIZE));
	if (!listed)
		fail_msg("a process of 16 MiB whose leader has exited is not listed");
}

static void test_cost(void **state)
{
	enum {
		ROUNDS = 20
	};
	uint64_t bpf_ns = UINT64_MAX, proc_ns = UINT64_MAX, took;
	size_t n = 0;

	(void)state;
	need_scene();
	/* the least of several: the machine has other work */
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin_ns = now_ns();
		struct proc proc;

		n = read_bpf(cgroup.id);
		took = now_ns() - begin_ns;
		if (took < bpf_ns)
			bpf_ns = took;
		begin_ns = now_ns();
		for (int i = 0; i < CHILDREN; i++)
			(void)read_proc(children[i], &proc);
		took = now_ns() - begin_ns;
		if (took < proc_ns)
			proc_ns = took;
	}
	assert_int_equal(n, CHILDREN);
	printf("cost: %zu processes: iterator %.1f us, /proc %.1f us; a process %.2f us and %.2f "
	       "us, "
	       "%.0f to 1\n",
	       n, (double)bpf_ns / 1e3, (double)proc_ns / 1e3, (double)bpf_ns / 1e3 / CHILDREN,
	       (double)proc_ns / 1e3 / CHILDREN, (double)proc_ns / (double)bpf_ns);
	assert_true(bpf_ns < proc_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_proc),
		cmocka_unit_test(test_fallback_is_the_same),
		cmocka_unit_test(test_fallback_lists_the_node),
		cmocka_unit_test(test_fallback_sees_exec),
		cmocka_unit_test(test_node),
		cmocka_unit_test(test_no_such_scope),
		cmocka_unit_test(test_leader_is_gone),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

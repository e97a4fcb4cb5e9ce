// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What the kernel side reports of scopes and processes that end: a cgroup that is removed leaves
 * no entry in any map, and a victim of the kernel's OOM killer is reported by its process.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "act/pidref.h"
#include "event.h"
#include "scene.h"
#include "sense/ingest.h"
#include "sense/loader.h"

#define EVENTS_MAX 64

static struct loader *loader;
static struct ingest *ingest;
static struct cgroup_host host;
static char why_not[512];

static struct fo_event_kill events[EVENTS_MAX]; /* the largest of them */
static size_t event_count;

static void keep_event(const struct fo_event *event, void *userdata)
{
	(void)userdata;
	if (event_count < EVENTS_MAX)
		memcpy(&events[event_count++], event, event->size);
}

static const struct fo_event_kill *wait_for_event(uint32_t type, uint64_t scope, unsigned wait_ms)
{
	for (unsigned ms = 0;; ms += 20) {
		ingest_drain(ingest);
		for (size_t i = 0; i < event_count; i++)
			if (events[i].head.type == type && events[i].head.scope_id == scope)
				return &events[i];
		if (ms >= wait_ms)
			return NULL;
		sleep_ms(20);
	}
}

static int set_up(void **state)
{
	(void)state;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid())
		snprintf(why_not, sizeof(why_not), "this needs root");
	else if (cgroup_host_open(&host, ""))
		snprintf(why_not, sizeof(why_not), "this host has no memory controller");
	else if (!loader_new(&loader, host.version, why_not, sizeof(why_not)))
		why_not[0] = '\0';
	if (why_not[0]) {
		print_message("all skipped: %s\n", why_not);
		return 0;
	}
	return ingest_new(&ingest, loader_map(loader, LOADER_MAP_EVENTS), keep_event, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	ingest_free(ingest);
	loader_free(loader);
	cgroup_host_close(&host);
	return 0;
}

static void need_loader(void)
{
	if (why_not[0])
		skip();
	event_count = 0;
}

/* ---- a removed cgroup ------------------------------------------------------ */

static const struct {
	const char *name;
	enum loader_map map;
} scope_maps[] = {
	{"fo_hot", LOADER_MAP_HOT},
	{"fo_reach", LOADER_MAP_REACH},
	{"fo_quiet", LOADER_MAP_QUIET},
	{"fo_limit_of", LOADER_MAP_LIMIT_OF},
	{"fo_memstalls", LOADER_MAP_MEMSTALLS},
	{"fo_scopes", LOADER_MAP_SCOPES},
	{"fo_waits", LOADER_MAP_WAITS},
};

#define SCOPE_MAPS (sizeof(scope_maps) / sizeof(scope_maps[0]))

static bool has_entry(size_t i, uint64_t scope)
{
	struct fo_wait_key key = {.scope = scope};
	char value[1024];

	for (; key.stripe < loader_stripes(loader); key.stripe++)
		if (!bpf_map_lookup_elem(loader_map(loader, scope_maps[i].map), &key, value))
			return true;
	return false;
}

/* @with: which maps have an entry for the cgroup when it is removed, a bit each. */
static void check_removed(unsigned with)
{
	const char value[1024] = {0};
	const struct fo_event_kill *event;
	char dir[SCENE_DIR_MAX];
	struct cgroup cgroup;
	uint64_t id;

	event_count = 0;
	assert_true(make_cgroup(&host, "fo-scopes", 0, &cgroup, dir));
	id = cgroup.id;
	cgroup_close(&cgroup);
	for (size_t i = 0; i < SCOPE_MAPS; i++) {
		struct fo_wait_key key = {.scope = id};
		uint32_t stripes =
			scope_maps[i].map == LOADER_MAP_WAITS ? loader_stripes(loader) : 1;

		for (; (with & 1U << i) && key.stripe < stripes; key.stripe++)
			assert_int_equal(bpf_map_update_elem(loader_map(loader, scope_maps[i].map),
							     &key, value, BPF_ANY),
					 0);
	}
	assert_true(remove_cgroup(dir));
	event = wait_for_event(FO_EVENT_SCOPE_REMOVED, id, with & 1 ? 1000 : 100);
	for (size_t i = 0; i < SCOPE_MAPS; i++)
		if (has_entry(i, id))
			fail_msg("%s still has an entry for a removed cgroup (with %#x)",
				 scope_maps[i].name, with);
	if ((with & 1) && !event)
		fail_msg("user space was not told that a hot cgroup was removed (with %#x)", with);
	if (!(with & 1) && event)
		fail_msg("user space was told of a cgroup that was not hot (with %#x)", with);
}

static void test_removed_cgroup(void **state)
{
	(void)state;
	need_loader();
	for (unsigned with = 0; with < 1U << SCOPE_MAPS; with++)
		check_removed(with);
}

/* ---- a victim of the kernel ------------------------------------------------- */

static void *fill_memory(void *argument)
{
	size_t bytes = 256 * MIB;
	char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	prctl(PR_SET_NAME, "fo-second");
	sleep_ms(100);
	if (map != MAP_FAILED)
		memset(map, 1, bytes);
	pause();
	return NULL;
}

static uint64_t start_ticks_of(pid_t pid)
{
	char path[64], text[1024];
	uint64_t ticks = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(pidref_parse_start(text, &ticks), 0);
	return ticks;
}

/* The kernel marks the thread that lives, which started later than its process. */
static void test_kernel_kill_of_a_second_thread(void **state)
{
	const uint64_t tick_ns = SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	const struct fo_event_kill *event;
	uint64_t start_ticks, id;
	char dir[SCENE_DIR_MAX];
	struct pidref ref;
	struct cgroup cgroup;
	pid_t pid;

	(void)state;
	need_loader();
	assert_true(make_cgroup(&host, "fo-scopes", 32 * MIB, &cgroup, dir));
	if (host.version == 2)
		(void)put(dir, "memory.swap.max", "0");
	id = cgroup.id;
	cgroup_close(&cgroup);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		pthread_t thread;

		enter_cgroup(dir);
		sleep_ms(100); /* its second thread starts ten ticks later */
		if (pthread_create(&thread, NULL, fill_memory, NULL))
			_exit(1);
		syscall(SYS_exit, 0); /* of this thread only */
	}
	start_ticks = start_ticks_of(pid);
	event = wait_for_event(FO_EVENT_KERNEL_KILL, id, 10000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(remove_cgroup(dir));
	if (!event) {
		print_message("skipped, because the kernel killed nothing\n");
		skip();
	}
	assert_int_equal(event->tgid, pid);
	assert_int_equal(event->start_boot_ns / tick_ns, start_ticks);
	ref = (struct pidref){.pid = pid, .fd = -1, .start_boot_ns = start_ticks * tick_ns};
	assert_true(pidref_is(&ref, (int)event->tgid, event->start_boot_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_removed_cgroup),
		cmocka_unit_test(test_kernel_kill_of_a_second_thread),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

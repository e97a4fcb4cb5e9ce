// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The processes that die with a victim, on real ones: signalled, followed until none is left, and
 * never taken for gone because they cannot be listed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/worker.h"
#include "daemon/hot_scope.h"
#include "daemon/incident_data.h"
#include "daemon/incident_group.h"
#include "daemon/trace_feed.h"
#include "event.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "sense/cgroup_cache.h"
#include "sense/podnames.h"
#include "sense/tasks.h"

#define MEMBERS 3

static struct {
	struct cgroup_host host;
	struct worker *helper;
	struct podnames *names;
	struct cgroup_cache *cache;
	struct tasks *tasks;
	struct trace_feed trace;
	struct incident_parts parts;
	struct policy policy;
	struct hot_scope scope;
	struct incident incident;
	pid_t members[MEMBERS];
} it;

static void sleep_ms(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* The group's leader is the victim; the processes are found in /proc, as without the iterator. */
static int set_up(void **state)
{
	struct candidate *victim = &it.incident.victims[0].candidate;

	(void)state;
	memset(&it, 0, sizeof(it));
	if (cgroup_host_open(&it.host, "") || worker_start(&it.helper, "fo-helper", 64, 1024) ||
	    podnames_new(&it.names, "", NULL) || cgroup_cache_new(&it.cache, &it.host, it.names) ||
	    tasks_new(&it.tasks, NULL, &it.host, it.cache, it.helper))
		return -1;
	for (int i = 0; i < MEMBERS; i++) {
		it.members[i] = fork();
		if (it.members[i] == 0) {
			setpgid(0, i ? it.members[0] : 0);
			for (;;)
				pause();
		}
		setpgid(it.members[i], it.members[0]);
	}
	it.policy =
		(struct policy){.name = (char *)"p", .kill = KILL_UNIT_GROUP, .max_victims = 16};
	it.scope.id = FO_SCOPE_NODE;
	it.scope.policy = &it.policy;
	case_begin(&it.scope.state, true, getpid(), clock_mono_ns());
	*victim =
		(struct candidate){.pid = it.members[0], .group = it.members[0], .comm = "leader"};
	it.incident.victims[0].victim.candidate = victim;
	it.incident.victims[0].victim.sharers = 1;
	it.incident.evidence.total_bytes = 1 << 30;
	it.parts.host = &it.host;
	it.parts.tasks = it.tasks;
	it.parts.trace = &it.trace;
	it.parts.ranking_size = tasks_max();
	it.parts.ranking = calloc(it.parts.ranking_size, sizeof(*it.parts.ranking));
	return it.parts.ranking ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		kill(it.members[i], SIGKILL);
		waitpid(it.members[i], NULL, 0);
	}
	worker_stop(it.helper, 3000000000ULL);
	tasks_free(it.tasks);
	cgroup_cache_free(it.cache);
	podnames_free(it.names);
	cgroup_host_close(&it.host);
	free(it.parts.ranking);
	return 0;
}

static int alive(void)
{
	int n = 0;

	for (int i = 0; i < MEMBERS; i++)
		n += waitpid(it.members[i], NULL, WNOHANG) == 0;
	return n;
}

static void choose(void)
{
	const struct candidate *candidates;
	size_t n;

	assert_int_equal(tasks_read(it.tasks, FO_SCOPE_NODE, clock_boot_ns(), &candidates, &n), 0);
	incident_choose_group(&it.parts, &it.incident, &it.scope, candidates, n, clock_mono_ns());
}

static void test_all_members_die(void **state)
{
	(void)state;
	choose();
	assert_int_equal(it.incident.group.unit, KILL_UNIT_GROUP);
	assert_int_equal(it.incident.members, MEMBERS);
	/* the leader has had its own signal; here it has not */
	incident_signal_group(&it.parts, &it.incident, &it.scope, false, clock_mono_ns());
	sleep_ms(200);
	assert_int_equal(alive(), 1);
	assert_int_equal(
		incident_look_at_group(&it.parts, &it.incident, &it.scope, clock_mono_ns()),
		GROUP_ALIVE);
	sleep_ms(200);
	assert_int_equal(alive(), 0);
	assert_int_equal(
		incident_look_at_group(&it.parts, &it.incident, &it.scope, clock_mono_ns()),
		GROUP_GONE);
}

/* Without a descriptor left /proc cannot be listed: members are alive, and the group is not gone.
 */
static void test_a_failed_listing_is_not_an_empty_group(void **state)
{
	struct rlimit before, none = {.rlim_cur = 0};
	enum group_state group;

	(void)state;
	choose();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	group = incident_look_at_group(&it.parts, &it.incident, &it.scope, clock_mono_ns());
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(alive(), MEMBERS);
	assert_int_equal(group, GROUP_NOT_LISTED);
}

static void test_more_members_than_allowed(void **state)
{
	(void)state;
	it.policy.max_victims = MEMBERS - 1;
	choose();
	assert_int_equal(it.incident.group.unit, KILL_UNIT_PROCESS);
	assert_int_equal(it.incident.members, 1);
	assert_non_null(it.incident.unit_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_members_die, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_failed_listing_is_not_an_empty_group, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_more_members_than_allowed, set_up, tear_down),
	};

	if (geteuid() != 0) {
		puts("needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

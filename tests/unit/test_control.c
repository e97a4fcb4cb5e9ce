// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "unit/unit.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tell/control.h"
#include "tell/snapshot.h"

static char dir[64], path[80];
static struct control *control;

static int open_one(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/fo-control-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	return control_open(&control, path, NULL);
}

static int shut_one(void **state)
{
	(void)state;
	control_close(control);
	/* the socket must be gone, or the folder is not empty */
	return rmdir(dir);
}

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* One message, up to its NUL; false: end of file, or no message within 5 s. */
static bool hear(int fd, char *ret, size_t size)
{
	size_t len = 0;

	while (len < size && read(fd, ret + len, 1) == 1)
		if (!ret[len++])
			return true;
	return false;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text) + 1;

	assert_int_equal(write(fd, text, len), len);
}

static void ask(int fd, const char *question, const char *answer_has)
{
	static char text[128 * 1024];

	say(fd, question);
	assert_true(hear(fd, text, sizeof(text)));
	if (!strstr(text, answer_has))
		fail_msg("%s\nanswers\n%s\nwithout\n%s", question, text, answer_has);
}

static void publish(uint64_t mono_ns, bool hot)
{
	struct snapshot *snapshot = control_snapshot(control);

	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->mono_ns = mono_ns;
	snapshot->hot = hot;
	snapshot->tracking = TRACKING_OFF;
	snapshot->scope_count = 1;
	snprintf(snapshot->scopes[0].path, SNAPSHOT_PATH_MAX, "/a\"b");
	control_publish(control);
}

static void wait_for(bool (*is)(const struct control_counters *))
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct control_counters counters;

	for (int i = 0; i < 20000; i++) {
		control_count(control, &counters);
		if (is(&counters))
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("readers %llu served %llu refused %llu dropped %llu",
		 (unsigned long long)counters.readers, (unsigned long long)counters.served,
		 (unsigned long long)counters.refused, (unsigned long long)counters.dropped);
}

static bool one_dropped(const struct control_counters *c)
{
	return c->dropped == 1 && c->readers == 0;
}

static bool nobody_there(const struct control_counters *c)
{
	return c->readers == 0;
}

static void test_methods(void **state)
{
	int fd = dial();
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	publish(42, false);
	ask(fd, "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{}}",
	    "\"interfaces\":[\"org.varlink.service\",\"io.fastoom\"]");
	ask(fd,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"io.fastoom\"}}",
	    "interface io.fastoom\\u000a");
	ask(fd,
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"io.else\"}}",
	    "org.varlink.service.InterfaceNotFound");
	ask(fd, "{\"method\":\"io.fastoom.GetStatus\"}", "\"mono_ns\":42");
	ask(fd, "{\"method\":\"io.fastoom.GetStatus\"}", "\"path\":\"/a\\\"b\"");
	ask(fd, "{\"method\":\"io.fastoom.Kill\",\"parameters\":{\"pid\":1}}",
	    "\"error\":\"org.varlink.service.MethodNotFound\"");
	ask(fd, "{\"method\":\"io.fastoom.Watch\"}", "org.varlink.service.ExpectedMore");
	ask(fd,
	    "{\"method\":\"io.fastoom.Watch\",\"more\":true,\"parameters\":{\"interval_ms\":1}}",
	    "org.varlink.service.InvalidParameter");
	/* the first request gets no reply, the second one does */
	say(fd, "{\"method\":\"io.fastoom.GetStatus\",\"oneway\":true}");
	ask(fd, "{\"method\":\"io.fastoom.Nothing\"}", "io.fastoom.Nothing");
	close(fd);
}

static void test_two_requests_in_pieces(void **state)
{
	static const char both[] = "{\"method\":\"io.fastoom.A\"}\0{\"method\":\"io.fastoom.B\"}";
	int fd = dial();
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(both); i++)
		assert_int_equal(write(fd, both + i, 1), 1);
	assert_true(hear(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "io.fastoom.A"));
	assert_true(hear(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "io.fastoom.B"));
	close(fd);
}

static void test_watch(void **state)
{
	static char text[128 * 1024];
	int fd = dial();

	(void)state;
	publish(1, false);
	ask(fd,
	    "{\"method\":\"io.fastoom.Watch\",\"more\":true,\"parameters\":{\"interval_ms\":100}}",
	    "\"mono_ns\":1,");
	assert_true(control_is_watched(control));
	publish(2, false);
	assert_true(hear(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "{\"parameters\":{\"snapshot\":{"));
	assert_non_null(strstr(text, "\"mono_ns\":2,"));
	assert_non_null(strstr(text, "},\"continues\":true}"));
	control_event(control, "{\"event\":\"x\"}\n", 14);
	assert_true(hear(fd, text, sizeof(text)));
	assert_string_equal(text,
			    "{\"parameters\":{\"event\":{\"event\":\"x\"}},\"continues\":true}");
	close(fd);
	wait_for(nobody_there);
	assert_false(control_is_watched(control));
}

/* While hot, at most one snapshot in an interval; the last snapshot always. */
static void test_interval(void **state)
{
	static char text[128 * 1024];
	int fd = dial();
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	(void)state;
	publish(1, true);
	ask(fd,
	    "{\"method\":\"io.fastoom.Watch\",\"more\":true,\"parameters\":{\"interval_ms\":3000}}",
	    "\"mono_ns\":1,");
	publish(2, true);
	assert_int_equal(poll(&readable, 1, 300), 0);
	publish(3, false);
	assert_true(hear(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "\"mono_ns\":3,"));
	close(fd);
}

static void test_no_request(void **state)
{
	char text[8];
	int fd = dial();

	(void)state;
	say(fd, "hello");
	assert_int_equal(read(fd, text, sizeof(text)), 0);
	wait_for(one_dropped);
	close(fd);
}

static void test_endless_request(void **state)
{
	char text[4096];
	int fd = dial();

	(void)state;
	memset(text, ' ', sizeof(text));
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	wait_for(one_dropped);
	close(fd);
}

/* A reader that never reads does not delay the daemon, and is disconnected. */
static void test_never_reads(void **state)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	static char line[8000];
	struct control_counters counters = {0};
	struct timespec a, b;
	double worst_ms = 0;
	int fd = dial();

	(void)state;
	memset(line, ' ', sizeof(line));
	line[0] = '{';
	line[sizeof(line) - 1] = '}';
	ask(fd, "{\"method\":\"io.fastoom.Watch\",\"more\":true}", "snapshot");
	for (int i = 0; i < 5000 && !counters.dropped; i++) {
		double ms;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		control_event(control, line, sizeof(line));
		publish((uint64_t)i, true);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		worst_ms = ms > worst_ms ? ms : worst_ms;
		nanosleep(&pause, NULL);
		control_count(control, &counters);
	}
	assert_int_equal(counters.dropped, 1);
	/* a copy takes microseconds; the bound allows for a busy machine */
	assert_true(worst_ms < 5);
	close(fd);
}

/* One user makes twenty connections. */
static bool some_refused(const struct control_counters *c)
{
	return c->refused == (geteuid() ? 16 : 4);
}

static void test_cgroup_cache(void **state)
{
	int fds[20];

	(void)state;
	for (size_t i = 0; i < 20; i++)
		fds[i] = dial();
	wait_for(some_refused);
	for (size_t i = 0; i < 20; i++)
		close(fds[i]);
	wait_for(nobody_there);
}

/* ---- the group that may connect ---- */

/*
 * A name service that takes the place of libc's, which a test cannot make slow: some groups, and
 * one whose lookup waits, as for the network.
 */
static sem_t lookup_begun, lookup_goes_on;
static atomic_bool looked_up_here; /* by the thread of the tests */

static const struct group *find_group(const char *name)
{
	static const struct group groups[] = {
		{.gr_name = "one", .gr_gid = 4711},
		{.gr_name = "two", .gr_gid = 4712},
		{.gr_name = "slow", .gr_gid = 4713},
	};

	if (gettid() == getpid())
		atomic_store(&looked_up_here, true);
	if (!strcmp(name, "slow") && gettid() != getpid()) {
		sem_post(&lookup_begun);
		sem_wait(&lookup_goes_on);
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (!strcmp(groups[i].gr_name, name))
			return &groups[i];
	return NULL;
}

struct group *getgrnam(const char *name)
{
	return (struct group *)find_group(name);
}

int getgrnam_r(const char *name, struct group *grp, char *buf, size_t size, struct group **ret)
{
	const struct group *group;

	(void)buf;
	*ret = NULL;
	/* as for a group with many members: the first buffer is too small */
	if (size < 65536)
		return ERANGE;
	group = find_group(name);
	if (!group)
		return 0;
	*grp = *group;
	*ret = grp;
	return 0;
}

/* Within 5 s @group is set, with this outcome. */
static void await_readers(const char *group, int err, bool root_only)
{
	struct pollfd settled = {.fd = control_fd(control), .events = POLLIN};
	struct control_readers *readers;

	for (;;) {
		assert_int_equal(poll(&settled, 1, 5000), 1);
		readers = control_take_readers(control);
		if (readers && !strcmp(readers->group, group))
			break;
		free(readers);
	}
	assert_int_equal(readers->err, err);
	assert_int_equal(readers->root_only, root_only);
	free(readers);
	assert_null(control_take_readers(control));
	assert_int_equal(poll(&settled, 1, 0), 0);
}

static void assert_socket(mode_t mode, gid_t gid)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, mode);
	assert_int_equal(st.st_gid, gid);
}

static int open_for(const char *readers)
{
	void *unused = NULL;
	int err = open_one(&unused);

	control_close(control);
	control = NULL;
	return err ? err : control_open(&control, path, readers);
}

static int open_for_slow(void **state)
{
	(void)state;
	return open_for("slow");
}

static int open_for_none(void **state)
{
	(void)state;
	return open_for("none");
}

/* Runs @does as another user in a child, which exits with its value. */
static pid_t as_user(uid_t uid, int (*does)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(99);
		/* a test that fails leaves no process behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(does());
	}
	return pid;
}

static bool need_root(void)
{
	/* the folder is closed to other users */
	return geteuid() == 0 && !chmod(dir, 0755);
}

static int four_idle(void)
{
	for (int i = 0; i < 4; i++)
		(void)dial();
	for (;;)
		pause();
	return 0;
}

static bool all_taken(const struct control_counters *c)
{
	return c->readers == 16;
}

/* Four users with four idle connections each do not keep root out. */
static void test_places_for_root(void **state)
{
	static char text[64 * 1024];
	pid_t pids[4];
	int fd, other;

	(void)state;
	if (!need_root())
		skip();
	publish(1, false);
	for (int i = 0; i < 4; i++)
		pids[i] = as_user((uid_t)(4001 + i), four_idle);
	wait_for(all_taken);
	fd = dial();
	ask(fd, "{\"method\":\"io.fastoom.GetStatus\"}", "\"mono_ns\":1");
	/* a second one displaces another user's connection, too, and not the first one */
	other = dial();
	ask(other, "{\"method\":\"io.fastoom.GetStatus\"}", "\"mono_ns\":1");
	ask(fd, "{\"method\":\"io.fastoom.GetStatus\"}", "\"mono_ns\":1");
	/* idle connections are closed; ours, too: they have no Watch */
	wait_for(nobody_there);
	assert_false(hear(fd, text, sizeof(text)));
	close(fd);
	close(other);
	for (int i = 0; i < 4; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

static const char victims[] =
	"{\"event\":\"kill\",\"victim\":{\"pid\":1,\"comm\":\"it\\\"s \",\"uid\":7,\"cmdline\":\"a b\","
	"\"exe\":\"/x\",\"cgroup\":\"/c\"},\"runners_up\":[{\"pid\":2,\"comm\":\"own\",\"uid\":4001}],"
	"\"spared\":[{\"pid\":3,\"comm\":\"spared\"}],\"scope\":{\"path\":\"/p\"}}\n";

static int watch_as_stranger(void)
{
	static char text[64 * 1024];
	static const char wanted[] =
		"{\"event\":\"kill\",\"victim\":{\"pid\":1,\"comm\":null,\"uid\":7,\"cmdline\":null,"
		"\"exe\":null,\"cgroup\":null},\"runners_up\":[{\"pid\":2,\"comm\":\"own\",\"uid\":4001}],"
		"\"spared\":[{\"pid\":3,\"comm\":null}],\"scope\":{\"path\":\"/p\"}}";
	int fd = dial();

	say(fd, "{\"method\":\"io.fastoom.Watch\",\"more\":true}");
	if (!hear(fd, text, sizeof(text)) ||
	    !strstr(text, "\"next_victim\":{\"pid\":9,\"uid\":7,\"comm\":null"))
		return 1;
	if (!hear(fd, text, sizeof(text)) || !strstr(text, wanted)) {
		print_message("%s\n", text);
		return 2;
	}
	return 0;
}

static bool one_there(const struct control_counters *c)
{
	return c->readers == 1;
}

/* Where every user may read, a user does not see the names of other users' processes. */
static void test_strangers(void **state)
{
	static char text[64 * 1024];
	/* until the other one has subscribed */
	const struct timespec pause = {.tv_nsec = 500000000};
	struct snapshot *snapshot = control_snapshot(control);
	int fd, status;
	pid_t pid;

	(void)state;
	if (!need_root())
		skip();
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->scope_count = 1;
	snapshot->scopes[0].next.pid = 9;
	snapshot->scopes[0].next.uid = 7;
	strcpy(snapshot->scopes[0].next.comm, "secret");
	control_publish(control);
	pid = as_user(4001, watch_as_stranger);
	wait_for(one_there);
	fd = dial();
	say(fd,
	    "{\"method\":\"io.fastoom.Watch\",\"more\":true,\"parameters\":{\"snapshots\":true}}");
	assert_true(hear(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "\"comm\":\"secret\""));
	nanosleep(&pause, NULL);
	control_event(control, victims, strlen(victims));
	assert_true(hear(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "\"cmdline\":\"a b\""));
	assert_non_null(strstr(text, "\"comm\":\"spared\""));
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	wait_for(nobody_there);
}

static void test_readers(void **state)
{
	static const struct {
		const char *readers;
		int err;
		mode_t mode;
		gid_t gid;
	} steps[] = {
		{"one", 0, 0660, 4711}, {NULL, 0, 0666, 0},
		{"two", 0, 0660, 4712}, {"one", 0, 0660, 4711},
		{NULL, 0, 0666, 0},	{"none", -ENOENT, 0666, 0},
		{"two", 0, 0660, 4712}, {"none", -ENOENT, 0660, 4712},
	};

	(void)state;
	if (geteuid())
		skip();
	assert_socket(0666, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		assert_int_equal(control_set_readers(control, steps[i].readers), 0);
		await_readers(steps[i].readers ? steps[i].readers : "", steps[i].err, false);
		assert_socket(steps[i].mode, steps[i].gid);
	}
	assert_false(atomic_load(&looked_up_here));
}

/* Without such a group only root may connect, until a reload names another one. */
static void test_readers_unknown(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	await_readers("none", -ENOENT, true);
	assert_socket(0600, 0);
	assert_int_equal(control_set_readers(control, "one"), 0);
	await_readers("one", 0, false);
	assert_socket(0660, 4711);
}

/* A lookup that waits delays neither the caller nor the end of the daemon. */
static void test_readers_slow(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	/* until the group is known: root only */
	sem_wait(&lookup_begun);
	assert_socket(0600, 0);
	assert_int_equal(control_set_readers(control, "none"), 0);
	/* of two names that wait the last one applies */
	assert_int_equal(control_set_readers(control, "one"), 0);
	assert_null(control_take_readers(control));
	sem_post(&lookup_goes_on);
	await_readers("one", 0, false);
	assert_socket(0660, 4711);
	assert_int_equal(control_set_readers(control, "slow"), 0);
	sem_wait(&lookup_begun);
	assert_false(atomic_load(&looked_up_here));
	/* the teardown shuts the socket while the lookup waits */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_methods, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_two_requests_in_pieces, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_watch, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_interval, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_no_request, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_endless_request, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_never_reads, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_cgroup_cache, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_places_for_root, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_strangers, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_readers, open_one, shut_one),
		cmocka_unit_test_setup_teardown(test_readers_unknown, open_for_none, shut_one),
		cmocka_unit_test_setup_teardown(test_readers_slow, open_for_slow, shut_one),
	};

	sem_init(&lookup_begun, 0, 0);
	sem_init(&lookup_goes_on, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/service.h"
#include "unit.h"

/* The service manager's end; @path[0] is '@' for an abstract socket. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	else
		unlink(path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	return fd;
}

static void assert_told(int fd, const char *wanted)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, wanted);
}

static void test_no_manager(void **state)
{
	struct service service;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "1000", 1);
	assert_int_equal(service_open(&service), 0);
	assert_int_equal(service.fd, -1);
	assert_int_equal(service.watchdog_ns, 0);
	service_tell(&service, "READY=1");
	service_close(&service);
}

static void check_told(const char *path)
{
	struct service service;
	char pid[32];
	int fd = listen_at(path);

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(service_open(&service), 0);
	assert_int_equal(service.watchdog_ns, 30000000000);
	/* a program that this one runs must not speak for it */
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	service_tell(&service, "READY=1\nSTATUS=x");
	service_tell(&service, "STOPPING=1");
	assert_told(fd, "READY=1\nSTATUS=x");
	assert_told(fd, "STOPPING=1");
	service_close(&service);
	close(fd);
}

static void test_told(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/fo-service-%d", (int)getpid());
	check_told(path);
	unlink(path);
	snprintf(path, sizeof(path), "@fo-service-%d", (int)getpid());
	check_told(path);
}

/* The manager does not read: nothing waits for it. */
static void test_full(void **state)
{
	struct service service;
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "@fo-service-%d", (int)getpid());
	fd = listen_at(path);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(service_open(&service), 0);
	alarm(10); /* a send that waits ends the test */
	for (int i = 0; i < 10000; i++)
		service_tell(&service, "WATCHDOG=1");
	alarm(0);
	assert_told(fd, "WATCHDOG=1");
	close(fd);
	/* the manager is gone: no SIGPIPE */
	service_tell(&service, "STOPPING=1");
	service_close(&service);
}

static void test_bad(void **state)
{
	struct service service;
	char path[300];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[0] = '/';
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(service_open(&service), -EINVAL);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(service_open(&service), -EINVAL);
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	assert_int_equal(service_open(&service), -ENOENT);
	assert_int_equal(service.fd, -1);
	service_tell(&service, "READY=1");
}

/* WATCHDOG_PID is another process: this one inherited the variables. */
static void test_other_pid(void **state)
{
	struct service service;
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "@fo-service-%d", (int)getpid());
	fd = listen_at(path);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(service_open(&service), 0);
	assert_int_equal(service.watchdog_ns, 0);
	service_close(&service);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_manager), cmocka_unit_test(test_told),
		cmocka_unit_test(test_full),	   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_other_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The notifier with real programs: shell scripts in a folder of the test. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "act/notifier.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "tell/record.h"
#include "unit/unit.h"

static char folder[64];
static struct notifier *notifier;

static const char *in_folder(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* @text may have one %s: the folder. */
static void write_program(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\ncd '%s' || exit 1\n%s\n", folder, text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(in_folder(name), 0755), 0);
}

/* The text of a file, once it is there; "" after @timeout_ns. Valid until the next call. */
static const char *await_file(const char *name, uint64_t timeout_ns)
{
	static char text[4096];
	const struct timespec moment = {.tv_nsec = 5000000};
	uint64_t end_ns = clock_mono_ns() + timeout_ns;

	text[0] = '\0';
	while (!text[0] && clock_mono_ns() < end_ns) {
		_cleanup_free_ char *bytes = NULL;
		size_t len;

		if (!file_read_all(in_folder(name), sizeof(text) - 1, &bytes, &len))
			memcpy(text, bytes, len + 1);
		else
			nanosleep(&moment, NULL);
	}
	return text;
}

static void send_json(const char *name, uint64_t timeout_ns, const char *json)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	int err;

	/* the helper runs one program at a time; its socket holds some more */
	for (int i = 0; i < 2000; i++) {
		err = notifier_send(notifier, in_folder(name), timeout_ns, json, strlen(json));
		if (err != -EAGAIN)
			break;
		nanosleep(&moment, NULL);
	}
	assert_int_equal(err, 0);
}

/* Zombies count as ended: an orphan may have a parent that does not wait for it. */
static bool is_running(int pid)
{
	char path[64], stat[512];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	n = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[n] = '\0';
	return !strstr(stat, ") Z ");
}

static bool ends_within(int pid, uint64_t timeout_ns)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	uint64_t end_ns = clock_mono_ns() + timeout_ns;

	while (is_running(pid) && clock_mono_ns() < end_ns)
		nanosleep(&moment, NULL);
	return !is_running(pid);
}

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/fo-notifier-XXXXXX");
	return mkdtemp(folder) ? notifier_start(&notifier) : -1;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	notifier_stop(notifier);
	snprintf(command, sizeof(command), "rm -rf -- '%s'", folder);
	return system(command);
}

/* The program reads the record from its standard input, in a session and environment of its own. */
static void test_runs(void **state)
{
	int pid, session;
	const char *text;

	(void)state;
	write_program("program", "cat >record; env >environment; cut -d' ' -f1,6 /proc/$$/stat "
				 ">ids.new; mv ids.new ids");
	send_json("program", 10 * SEC, "{\"event\":\"kill\"}\n");
	text = await_file("ids", 10 * SEC);
	assert_int_equal(sscanf(text, "%d %d", &pid, &session), 2);
	assert_int_equal(pid, session);
	assert_string_equal(await_file("record", 0 + SEC), "{\"event\":\"kill\"}\n");
	assert_null(strstr(await_file("environment", SEC), "HOME="));
}

/* At the timeout the program and its children are killed. */
static void test_timeout(void **state)
{
	int pid, child;

	(void)state;
	write_program("program", "sleep 60 & echo \"$$ $!\" >pids.new; mv pids.new pids; sleep 60");
	send_json("program", 500 * MS, "{}");
	assert_int_equal(sscanf(await_file("pids", 10 * SEC), "%d %d", &pid, &child), 2);
	assert_true(ends_within(pid, 10 * SEC));
	assert_true(ends_within(child, 10 * SEC));
}

/*
 * A timeout that ends before the program has a process group of its own, as on a host that is
 * short of memory, kills the program too: the next program runs.
 */
static void test_timeout_before_group(void **state)
{
	(void)state;
	write_program("slow", "exec sleep 60");
	write_program("program", "echo done >done.new; mv done.new done");
	for (int i = 0; i < 20; i++)
		send_json("slow", 0, "{}");
	send_json("program", 10 * SEC, "{}");
	assert_string_equal(await_file("done", 15 * SEC), "done\n");
}

/* A program that cannot be run is no reason to fail, nor to stop. */
static void test_no_program(void **state)
{
	(void)state;
	write_program("program", "echo done >done.new; mv done.new done");
	send_json("missing", SEC, "{}");
	send_json("program", 10 * SEC, "{}");
	assert_string_equal(await_file("done", 10 * SEC), "done\n");
}

/* The longest record of the daemon fits, and the program reads all of it. */
static void test_sizes(void **state)
{
	static char long_path[PATH_MAX + 8], json[NOTIFIER_JSON_MAX + 1];

	(void)state;
	assert_true(NOTIFIER_JSON_MAX >= RECORD_LINE_MAX);
	memset(long_path, 'x', sizeof(long_path) - 1);
	memset(json, ' ', sizeof(json));
	assert_int_equal(notifier_send(notifier, long_path, SEC, "{}", 2), -EMSGSIZE);
	assert_int_equal(notifier_send(notifier, "/bin/true", SEC, json, sizeof(json)), -EMSGSIZE);
	write_program("program", "cat | wc -c >size.new; mv size.new size");
	assert_int_equal(
		notifier_send(notifier, in_folder("program"), 10 * SEC, json, NOTIFIER_JSON_MAX),
		0);
	assert_int_equal(atoi(await_file("size", 10 * SEC)), NOTIFIER_JSON_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs, begin, end),
		cmocka_unit_test_setup_teardown(test_timeout, begin, end),
		cmocka_unit_test_setup_teardown(test_timeout_before_group, begin, end),
		cmocka_unit_test_setup_teardown(test_no_program, begin, end),
		cmocka_unit_test_setup_teardown(test_sizes, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

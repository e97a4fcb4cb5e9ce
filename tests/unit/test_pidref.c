/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/pidref.h"
#include "base/util.h"
#include "unit/unit.h"

#define UNTOUCHED 0xdeadbeefULL

/* Fields 3 to 52 of a process with start time 4242, as Linux 6.18 writes them. */
#define REST                                                                                       \
	"S 1 812 812 0 -1 4194560 1713 0 10 0 21 14 0 0 20 0 3 0 4242 23687168 1024 "              \
	"18446744073709551615 1 1 0 0 0 0 0 4096 16384 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static void test_parse(void **state)
{
	static const struct {
		const char *stat;
		int err;
		uint64_t ticks;
	} rows[] = {
		{"812 (sshd) " REST, 0, 4242},
		/* a name may contain anything */
		{"812 (foo) Z 1 2) " REST, 0, 4242},
		{"812 (foo) Z 1 812 812 0 -1 4194560 1 0 1 0 2 1 0 0 20 0 3 0 99) " REST, 0, 4242},
		{"812 () " REST, 0, 4242},
		{"812 ()) " REST, 0, 4242},
		{"812 (() " REST, 0, 4242},
		{"812 ()()()() " REST, 0, 4242},
		{"812 (a\nb) S 1) " REST, 0, 4242},
		{"812 (a\n) " REST, 0, 4242},
		{"812 (\x01\xff\t ) " REST, 0, 4242},
		{"812 (        ) " REST, 0, 4242},
		/* field 22 is the last one in the text, and complete */
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7\n", 0, 7},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 18446744073709551615 1\n", 0,
		 UINT64_MAX},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 1\n", 0, 0},
		/* the number may be cut off */
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 42", -EINVAL, 0},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ", -EINVAL, 0},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0", -EINVAL, 0},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1\n", -EINVAL, 0},
		{"1 (x) S 1\n", -EINVAL, 0},
		{"1 (x) ", -EINVAL, 0},
		{"1 (x)", -EINVAL, 0},
		{"1 (x", -EINVAL, 0},
		{"1 x S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 1\n", -EINVAL, 0},
		{"1 (x)S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 1\n", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{")", -EINVAL, 0},
		{") ", -EINVAL, 0},
		/* no number, or out of range */
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 x 1\n", -EINVAL, 0},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7x 1\n", -EINVAL, 0},
		{"1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 18446744073709551616 1\n", -EINVAL,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ticks = UNTOUCHED;
		int err = pidref_parse_start(rows[i].stat, &ticks);

		if (err != rows[i].err || ticks != (err ? UNTOUCHED : rows[i].ticks))
			fail_msg("row %zu: %d, %llu", i, err, (unsigned long long)ticks);
	}
}

/* The kernel writes neither a sign nor a second space before the number. */
static void test_parse_signs(void **state)
{
	static const char *const fields[] = {"-1", "+7", " 7", "-18446744073709551615"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t ticks = UNTOUCHED;
		char stat[256];

		snprintf(stat, sizeof(stat), "1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %s 1\n",
			 fields[i]);
		if (pidref_parse_start(stat, &ticks) != -EINVAL)
			fail_msg("\"%s\" is read as %llu", fields[i], (unsigned long long)ticks);
	}
}

/* Names of many bytes and lengths, longer than a kernel's too. */
static void test_parse_long(void **state)
{
	char stat[2048];

	(void)state;
	for (size_t len = 0; len <= 1000; len += 8) {
		for (int byte = 1; byte < 256; byte += 6) {
			uint64_t ticks = UNTOUCHED;
			size_t n = (size_t)sprintf(stat, "812 (");

			memset(stat + n, byte, len);
			sprintf(stat + n + len, ") " REST);
			assert_int_equal(pidref_parse_start(stat, &ticks), 0);
			assert_int_equal(ticks, 4242);
		}
	}
}

/* A text that is cut anywhere is an error or gives the right number. */
static void test_parse_cut(void **state)
{
	static const char whole[] = "812 (foo) Z 1 2) " REST;

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *stat = strndup(whole, len); /* on the heap, for sanitizers */
		uint64_t ticks = UNTOUCHED;

		assert_non_null(stat);
		if (!pidref_parse_start(stat, &ticks))
			assert_int_equal(ticks, 4242);
		free(stat);
	}
}

static uint64_t start_of(int pid)
{
	char path[64], stat[1024];
	uint64_t ticks = 0;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[n] = '\0';
	assert_int_equal(pidref_parse_start(stat, &ticks), 0);
	return ticks * (SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* A start time that was read from /proc is in ticks; the kernel side's is exact. */
static void test_is(void **state)
{
	const uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	const struct pidref of_proc = {.pid = 7, .fd = -1, .start_boot_ns = 1000 * tick_ns};
	const struct pidref exact = {.pid = 7, .fd = -1, .start_boot_ns = 1000 * tick_ns + 5};

	(void)state;
	assert_true(pidref_is(&of_proc, 7, 1000 * tick_ns + 5));
	assert_true(pidref_is(&of_proc, 7, 1001 * tick_ns - 1));
	assert_true(pidref_is(&exact, 7, 1000 * tick_ns + 5));
	assert_true(pidref_is(&exact, 7, 1000 * tick_ns));
	assert_false(pidref_is(&of_proc, 7, 1001 * tick_ns));
	assert_false(pidref_is(&of_proc, 7, 1000 * tick_ns - 1));
	assert_false(pidref_is(&exact, 8, 1000 * tick_ns + 5));
}

/* pidref_open() with the right start time, with another one, and of a process that is gone. */
static void test_open(void **state)
{
	uint64_t tick_ns = SEC / (uint64_t)sysconf(_SC_CLK_TCK), start;
	struct pidref ref = PIDREF_NONE;
	struct pollfd poll_fd;
	int pid, status;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	start = start_of(pid);
	/* the same tick is the same process, the next tick another one */
	assert_int_equal(pidref_open(pid, start + tick_ns - 1, &ref), 0);
	pidref_close(&ref);
	assert_int_equal(pidref_open(pid, start + tick_ns, &ref), -ESTALE);
	assert_int_equal(pidref_open(pid, start - 1, &ref), -ESTALE);
	assert_int_equal(pidref_open(pid, 0, &ref), -ESTALE);
	assert_int_equal(ref.fd, -1);
	assert_int_equal(pidref_open(pid, start, &ref), 0);
	assert_int_equal(ref.pid, pid);
	assert_int_equal(ref.start_boot_ns, start);

	/* the descriptor is readable when the process has ended */
	poll_fd = (struct pollfd){.fd = ref.fd, .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pidref_close(&ref);
	assert_int_equal(ref.fd, -1);
	pidref_close(&ref);
	assert_int_equal(pidref_open(pid, start, &ref), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	   cmocka_unit_test(test_parse_signs),
		cmocka_unit_test(test_parse_long), cmocka_unit_test(test_parse_cut),
		cmocka_unit_test(test_open),	   cmocka_unit_test(test_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

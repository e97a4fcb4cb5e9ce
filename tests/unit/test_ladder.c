/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the steps write to the files of a cgroup, and what undoing them writes. The files are
 * regular ones; tests/e2e/test_ladder.sh has the effects of such writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "act/ladder.h"
#include "unit/unit.h"

static char root[64];
static struct ladder *ladder;

static void put(const char *file, const char *text)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check(const char *file, const char *text)
{
	char path[PATH_MAX], got[64] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, got, sizeof(got) - 1);
	close(fd);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static int result(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	int err = -EINPROGRESS;

	for (int i = 0; i < 5000 && err == -EINPROGRESS; i++) {
		nanosleep(&moment, NULL);
		err = ladder_result(ladder, 0);
	}
	return err;
}

static int begin(int version)
{
	char path[PATH_MAX];

	snprintf(root, sizeof(root), "/tmp/fo-ladder-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/a", root);
	return mkdir(path, 0755) || ladder_new(&ladder, 2, version, root, "/nowhere") ? -1 : 0;
}

static int begin_v1(void **state)
{
	(void)state;
	return begin(1);
}

static int begin_v2(void **state)
{
	(void)state;
	return begin(2);
}

static int end(void **state)
{
	char command[128];

	(void)state;
	ladder_free(ladder);
	snprintf(command, sizeof(command), "rm -rf -- '%s'", root);
	return system(command);
}

static int give(enum ladder_step_kind kind, const char *path)
{
	const struct ladder_request order = {.kind = kind, .path = path, .bytes = 4096, .pid = 1};

	return ladder_give(ladder, 0, &order);
}

/* memory.high is set to memory.current, and undone to its former value. In a regular file the
 * newline behind a shorter text remains. */
static void test_throttle(void **state)
{
	(void)state;
	put("a/memory.high", "max\n");
	put("a/memory.current", "777\n");
	assert_int_equal(give(STEP_THROTTLE, "/a"), 0);
	assert_int_equal(result(), 0);
	check("a/memory.high", "777\n");
	/* no other step until this one is undone */
	assert_int_equal(give(STEP_RECLAIM, "/a"), -EBUSY);
	ladder_undo(ladder, 0);
	ladder_free(ladder);
	check("a/memory.high", "max\n");
	assert_int_equal(ladder_new(&ladder, 2, 2, root, "/nowhere"), 0);
}

static void test_freeze(void **state)
{
	(void)state;
	put("a/cgroup.freeze", "0");
	assert_int_equal(give(STEP_FREEZE, "/a"), 0);
	assert_int_equal(result(), 0);
	check("a/cgroup.freeze", "1");
	/* ladder_free() undoes what the caller did not */
	ladder_free(ladder);
	check("a/cgroup.freeze", "0");
	assert_int_equal(ladder_new(&ladder, 2, 2, root, "/nowhere"), 0);
}

static void test_reclaim(void **state)
{
	(void)state;
	put("a/memory.reclaim", "");
	assert_int_equal(give(STEP_RECLAIM, "/a"), 0);
	assert_int_equal(result(), 0);
	check("a/memory.reclaim", "4096");
	/* there is nothing to undo, so the next step may begin */
	assert_int_equal(give(STEP_RECLAIM, "/a"), 0);
	assert_int_equal(result(), 0);
}

static void test_unsupported(void **state)
{
	(void)state;
	/* a kernel before 5.19 has no memory.reclaim */
	assert_int_equal(give(STEP_RECLAIM, "/a"), 0);
	assert_int_equal(result(), -EOPNOTSUPP);
	/* the root is not frozen */
	put("cgroup.freeze", "0");
	assert_int_equal(give(STEP_FREEZE, "/"), 0);
	assert_int_equal(result(), -EOPNOTSUPP);
	ladder_undo(ladder, 0);
	check("cgroup.freeze", "0");
	assert_int_equal(give(STEP_FORCE_EMPTY, "/a"), -EOPNOTSUPP);
}

static void test_v1(void **state)
{
	(void)state;
	put("a/memory.force_empty", "");
	assert_int_equal(give(STEP_FORCE_EMPTY, "/a"), 0);
	assert_int_equal(result(), 0);
	check("a/memory.force_empty", "0");
	assert_int_equal(give(STEP_RECLAIM, "/a"), -EOPNOTSUPP);
	assert_int_equal(give(STEP_THROTTLE, "/a"), -EOPNOTSUPP);
	/* there is no freezer */
	assert_int_equal(give(STEP_FREEZE, "/a"), -EOPNOTSUPP);
	assert_int_equal(ladder_thaw(ladder, getpid()), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_throttle, begin_v2, end),
		cmocka_unit_test_setup_teardown(test_freeze, begin_v2, end),
		cmocka_unit_test_setup_teardown(test_reclaim, begin_v2, end),
		cmocka_unit_test_setup_teardown(test_unsupported, begin_v2, end),
		cmocka_unit_test_setup_teardown(test_v1, begin_v1, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

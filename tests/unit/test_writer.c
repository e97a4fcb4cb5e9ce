// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The events file: what a rotation moves away is complete, and the next record is in a new file; a
 * record is never joined to a line that was written in part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tell/writer.h"

static char folder[] = "/tmp/fo-writer-XXXXXX";
static char path[64], old[64];

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/events.jsonl", folder);
	snprintf(old, sizeof(old), "%s/events.jsonl.1", folder);
	return 0;
}

static int discard(void **state)
{
	(void)state;
	unlink(path);
	unlink(old);
	return rmdir(folder);
}

static void assert_file(const char *file, const char *wanted)
{
	char *bytes;
	size_t len;

	assert_int_equal(file_read_all(file, 4096, &bytes, &len), 0);
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(bytes, wanted, len);
	free(bytes);
}

/* Until @file has @size bytes: the thread has written them. */
static void wait_size(const char *file, long size)
{
	for (int i = 0; i < 500; i++) {
		FILE *stream = fopen(file, "r");
		long now = -1;

		if (stream) {
			fseek(stream, 0, SEEK_END);
			now = ftell(stream);
			fclose(stream);
		}
		if (now == size)
			return;
		usleep(10000);
	}
	fail_msg("%s does not get %ld bytes", file, size);
}

static void test_moved(void **state)
{
	struct writer *writer;

	(void)state;
	assert_int_equal(writer_open(&writer, path), 0);
	assert_int_equal(writer_event(writer, "one\n", 4), 0);
	wait_size(path, 4);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(writer_event(writer, "two\n", 4), 0);
	assert_int_equal(writer_event(writer, "three\n", 6), 0);
	assert_true(writer_close(writer));
	assert_file(old, "one\n");
	assert_file(path, "two\nthree\n");
}

static void test_removed(void **state)
{
	struct writer *writer;

	(void)state;
	assert_int_equal(writer_open(&writer, path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(writer_event(writer, "four\n", 5), 0);
	assert_true(writer_close(writer));
	assert_file(path, "four\n");
}

static void put(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void append_two(void)
{
	struct writer *writer;

	assert_int_equal(writer_open(&writer, path), 0);
	assert_int_equal(writer_event(writer, "{2}\n", 4), 0);
	assert_int_equal(writer_event(writer, "{3}\n", 4), 0);
	assert_true(writer_close(writer));
}

static void test_torn_file(void **state)
{
	(void)state;
	put("{0}\n{torn");
	append_two();
	assert_file(path, "{0}\n{torn\n{2}\n{3}\n");
	put("{0}\n");
	append_two();
	assert_file(path, "{0}\n{2}\n{3}\n");
	put("");
	append_two();
	assert_file(path, "{2}\n{3}\n");
}

/* The limit on the file's size stands for a full disk: a part of the record is written. */
static void test_torn_write(void **state)
{
	struct rlimit before, low;
	struct writer *writer;
	int error;

	(void)state;
	put("{0}\n");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = (struct rlimit){.rlim_cur = 6, .rlim_max = before.rlim_max};
	assert_int_equal(writer_open(&writer, path), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(writer_event(writer, "{2}\n", 4), 0);
	for (int i = 0; i < 1000 && !writer_failed(writer, &error); i++)
		usleep(10000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(writer_failed(writer, &error), 1);
	assert_int_equal(error, EFBIG);
	assert_int_equal(writer_event(writer, "{3}\n", 4), 0);
	assert_true(writer_close(writer));
	assert_file(path, "{0}\n{2\n{3}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_torn_file),
		cmocka_unit_test(test_torn_write),
	};

	return cmocka_run_group_tests(tests, make, discard);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The events file: what a rotation moves away is complete, and the next record is in a new file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_removed),
	};

	return cmocka_run_group_tests(tests, make, discard);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* log: where a line goes, by thread. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "unit/unit.h"

static char sunk[4096];
static pthread_t sink_thread;

static void take(const char *line, size_t len)
{
	assert_true(strlen(sunk) + len < sizeof(sunk));
	strncat(sunk, line, len);
	sink_thread = pthread_self();
}

static void *log_one(void *line)
{
	log_info("%s", (const char *)line);
	return NULL;
}

/* What is written to stderr while another thread and this one log a line. */
static void log_from_both(char *ret, size_t size)
{
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	pthread_t thread;
	ssize_t n;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_true(saved >= 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	assert_int_equal(pthread_create(&thread, NULL, log_one, "from another thread"), 0);
	pthread_join(thread, NULL);
	log_info("from this thread");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	n = read(pipe_fds[0], ret, size - 1);
	close(pipe_fds[0]);
	ret[n > 0 ? n : 0] = '\0';
}

/* The sink is a queue for one thread: a line of another one must not go there. */
static void test_other_threads_go_to_stderr(void **state)
{
	char text[4096];

	(void)state;
	sunk[0] = '\0';
	log_set_sink(take);
	log_from_both(text, sizeof(text));
	log_set_sink(NULL);
	assert_non_null(strstr(sunk, "from this thread\n"));
	assert_null(strstr(sunk, "from another thread"));
	assert_true(pthread_equal(sink_thread, pthread_self()));
	assert_non_null(strstr(text, "from another thread\n"));
	assert_null(strstr(text, "from this thread"));
}

static void test_without_sink_all_go_to_stderr(void **state)
{
	char text[4096];

	(void)state;
	sunk[0] = '\0';
	log_from_both(text, sizeof(text));
	assert_string_equal(sunk, "");
	assert_non_null(strstr(text, "from another thread\n"));
	assert_non_null(strstr(text, "from this thread\n"));
}

/* The line that is written to a stderr which JOURNAL_STREAM names, or does not name. */
static void log_as(const char *stream, bool named, char *ret, size_t size)
{
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	char value[64];
	struct stat st;
	ssize_t n;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(fstat(pipe_fds[1], &st), 0);
	snprintf(value, sizeof(value), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", named ? value : stream, 1);
	dup2(pipe_fds[1], STDERR_FILENO);
	log_info("a line");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	unsetenv("JOURNAL_STREAM");
	n = read(pipe_fds[0], ret, size - 1);
	close(pipe_fds[0]);
	ret[n > 0 ? n : 0] = '\0';
}

static void test_priority_for_the_journal_only(void **state)
{
	char text[4096];

	(void)state;
	log_as(NULL, true, text, sizeof(text));
	assert_string_equal(text, "<6>a line\n");
	log_as("1:1", false, text, sizeof(text));
	assert_string_equal(text, "fastoom-bpf: a line\n");
	log_as("", false, text, sizeof(text));
	assert_string_equal(text, "fastoom-bpf: a line\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_threads_go_to_stderr),
		cmocka_unit_test(test_without_sink_all_go_to_stderr),
		cmocka_unit_test(test_priority_for_the_journal_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

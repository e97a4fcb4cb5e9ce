// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Where traces go: a file is continued and never damaged; the last minutes are in memory; the
 * number of files, and their size.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "judge/candidate.h"
#include "judge/sample.h"
#include "tell/trace_store.h"
#include "tell/trace_read.h"
#include "tell/trace_write.h"
#include "tell/writer.h"

static char folder[] = "/tmp/fastoom-trace-XXXXXX";
static char path[64];
static const struct trace_head head = {.release = "test", .page_bytes = 4096};
static const struct trace_scope scope = {TRACE_SCOPE_CGROUP, 42, "/a"};

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/a.fo", folder);
	return 0;
}

static size_t each_file(void (*do_it)(const char *name))
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			n++;
			if (do_it)
				do_it(entry->d_name);
		}
	closedir(dir);
	return n;
}

static void remove_file(const char *name)
{
	char whole[400];

	snprintf(whole, sizeof(whole), "%s/%s", folder, name);
	unlink(whole);
}

static int empty_folder(void **state)
{
	(void)state;
	each_file(remove_file);
	return 0;
}

static int remove_folder(void **state)
{
	empty_folder(state);
	return rmdir(folder);
}

static void write_file(const char *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

/* Counts the samples of a valid file. Their times must go up in steps of 1: the first, the last. */
static size_t count_samples(const char *name, uint64_t *ret_first, uint64_t *ret_last)
{
	struct trace_reader *reader;
	struct trace_item item;
	size_t len, n = 0;
	char *bytes;

	assert_int_equal(file_read_all(name, 1 << 26, &bytes, &len), 0);
	assert_int_equal(trace_reader_new(&reader, bytes, len), 0);
	while (trace_next(reader, &item) > 0)
		if (item.kind == TRACE_SAMPLE) {
			if (!n++)
				*ret_first = item.at_ns;
			*ret_last = item.at_ns;
		}
	assert_string_equal(trace_reader_error(reader), "");
	assert_int_equal(trace_reader_lost(reader), 0);
	trace_reader_free(reader);
	free(bytes);
	return n;
}

/* Opens path, puts @n samples into it, shuts it. *ret_cut as trace_store_open(). */
static void record(size_t n, size_t *ret_cut)
{
	struct sample sample = {.has = SAMPLE_HAS_STALL};
	struct trace_store *trace_store;
	struct writer *writer;
	char why[256];
	int error;

	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(
		trace_store_open(&trace_store, writer, path, &head, why, sizeof(why), ret_cut), 0);
	for (size_t i = 0; i < n; i++) {
		sample.at_ns += 100 * MS;
		trace_put_sample(trace_store_trace(trace_store), &scope, &sample);
		trace_store_tick(trace_store, sample.at_ns, false);
	}
	trace_store_tick(trace_store, sample.at_ns, true);
	assert_true(writer_close(writer));
	assert_int_equal(trace_store_lost(trace_store, &error), 0);
	trace_store_close(trace_store);
}

static void test_a_file_is_continued(void **state)
{
	uint64_t first, last;
	size_t cut;

	(void)state;
	record(100, &cut);
	assert_int_equal(cut, 0);
	assert_int_equal(count_samples(path, &first, &last), 100);
	record(50, &cut);
	assert_int_equal(cut, 0);
	assert_int_equal(count_samples(path, &first, &last), 150);
}

/* An incomplete last frame is removed, and nothing else. */
static void test_a_cut_costs_one_record(void **state)
{
	uint64_t first, last;
	struct stat st;
	size_t cut;

	(void)state;
	record(100, &cut);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	record(50, &cut);
	assert_true(cut > 0 && cut < 100);
	assert_int_equal(count_samples(path, &first, &last), 149);
}

static void assert_refused(const char *bytes, size_t len, const char *said)
{
	struct trace_store *trace_store;
	struct writer *writer;
	size_t cut, after_len;
	char why[256], *after;

	write_file(bytes, len);
	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(
		trace_store_open(&trace_store, writer, path, &head, why, sizeof(why), &cut),
		-EINVAL);
	assert_string_equal(why, said);
	assert_true(writer_close(writer));
	assert_int_equal(file_read_all(path, 1 << 20, &after, &after_len), 0);
	assert_int_equal(after_len, len);
	assert_memory_equal(after, bytes, len);
	free(after);
}

/* A file that is not a trace, or a damaged one, is not changed. */
static void test_foreign_files_are_left_alone(void **state)
{
	size_t cut, len;
	char *bytes;

	(void)state;
	assert_refused("precious", 8, "offset 0: this is not a trace of fastoom-bpf");
	assert_refused("fast", 4, "offset 0: the file ends before the trace begins");
	unlink(path);

	struct trace_store *trace_store;
	struct writer *writer;
	char why[256];

	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(
		trace_store_open(&trace_store, writer, "/dev/null", &head, why, sizeof(why), &cut),
		-ENODEV);
	assert_string_equal(why, "not a regular file");
	assert_true(writer_close(writer));

	record(100, &cut);
	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &len), 0);
	bytes[100] ^= 1;
	assert_refused(bytes, len, "offset 8: a frame is damaged: its checksum is wrong");
	bytes[100] ^= 1;
	bytes[len / 2] ^= 1;
	write_file(bytes, len);
	free(bytes);

	/* a bit in the middle */
	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(
		trace_store_open(&trace_store, writer, path, &head, why, sizeof(why), &cut),
		-EINVAL);
	assert_true(writer_close(writer));
}

/*
 * The disk is full for a while, in the middle of a write: the file can be read afterwards, and the
 * lost items are counted in it.
 */
static void test_a_full_disk(void **state)
{
	struct sample sample = {.has = SAMPLE_HAS_STALL};
	struct rlimit limit, full;
	struct trace_reader *reader;
	struct trace_store *trace_store;
	struct trace_item item;
	struct writer *writer;
	uint64_t before = 0;
	size_t cut, len, n = 0;
	char why[256], *bytes;
	int error;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	full = limit;
	full.rlim_cur = 40000;
	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(
		trace_store_open(&trace_store, writer, path, &head, why, sizeof(why), &cut), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (size_t i = 0; i < 9000; i++) {
		sample.at_ns += 100 * MS;
		sample.stall_ns = sample.at_ns * 7 % 1000000007;
		trace_put_sample(trace_store_trace(trace_store), &scope, &sample);
		if (i % 100 == 0)
			usleep(2000);
		if (i == 6000) {
			usleep(100000);
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		}
		if (i % 100 == 0)
			trace_store_tick(trace_store, sample.at_ns, false);
	}
	/* on a busy machine the writer can be late */
	usleep(100000);
	trace_store_tick(trace_store, sample.at_ns, true);
	assert_true(writer_close(writer));
	assert_true(trace_store_lost(trace_store, &error) > 0);
	assert_int_equal(error, EFBIG);
	trace_store_close(trace_store);

	assert_int_equal(file_read_all(path, 1 << 26, &bytes, &len), 0);
	assert_int_equal(trace_reader_new(&reader, bytes, len), 0);
	while (trace_next(reader, &item) > 0) {
		if (item.kind != TRACE_SAMPLE)
			continue;
		assert_true(item.at_ns > before && item.at_ns % (100 * MS) == 0);
		assert_true(item.sample.stall_ns == item.at_ns * 7 % 1000000007);
		before = item.at_ns;
		n++;
	}
	assert_string_equal(trace_reader_error(reader), "");
	assert_true(trace_reader_lost(reader) > 0);
	assert_true(before > 6000 * 100 * MS && n > 500 && n < 9000);
	trace_reader_free(reader);
	free(bytes);
}

/* Puts @n samples of each of @scopes, 10 a second, and moves @now on. */
static void fill(struct trace_store *trace_store, uint64_t *now, size_t n, uint64_t scopes)
{
	static uint64_t random = 5;

	for (size_t i = 0; i < n; i++) {
		*now += 100 * MS;
		trace_store_tick(trace_store, *now, false);
		for (uint64_t s = 0; s < scopes; s++) {
			struct trace_scope one = {TRACE_SCOPE_CGROUP, 100 + s, "/b"};
			struct sample sample = {.at_ns = *now, .has = SAMPLE_HAS_STALL};

			sample.stall_ns = next_random(&random) >> 20;
			sample.reclaimed_pages = next_random(&random) >> 40;
			trace_put_sample(trace_store_trace(trace_store), &one, &sample);
		}
	}
}

/* A file gets its name when it is complete. */
static void wait_for(char *name, size_t size, uint64_t id)
{
	snprintf(name, size, "%s/kill-%llu.fo", folder, (unsigned long long)id);
	for (int i = 0; i < 1000 && access(name, F_OK); i++)
		usleep(5000);
	assert_int_equal(access(name, F_OK), 0);
}

/* A scope is hot for an hour: the file has the last two minutes. */
static void test_the_last_minutes_are_kept(void **state)
{
	struct trace_store *trace_store;
	struct writer *writer;
	uint64_t now = 1000 * SEC, first, last;
	char name[128];
	int error;

	(void)state;
	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(trace_store_keep(&trace_store, writer, folder, &head), 0);
	fill(trace_store, &now, 6000, 10);
	trace_store_hand_over(trace_store, 77);
	wait_for(name, sizeof(name), 77);
	assert_true(count_samples(name, &first, &last) >= 10 * 1200);
	assert_true(last == now);
	/* two minutes, and at most the rest of the oldest piece */
	assert_true(now - first >= 119 * SEC);
	assert_true(now - first < 200 * SEC);

	/* quiet for three minutes: older samples are dropped */
	now += 180 * SEC;
	fill(trace_store, &now, 100, 1);
	trace_store_hand_over(trace_store, 78);
	wait_for(name, sizeof(name), 78);
	assert_int_equal(each_file(NULL), 2);
	assert_true(writer_close(writer));
	assert_int_equal(count_samples(name, &first, &last), 100);
	assert_true(last == now);
	assert_int_equal(trace_store_lost(trace_store, &error), 0);
	trace_store_close(trace_store);
}

static void test_few_files_are_kept(void **state)
{
	struct trace_store *trace_store;
	struct writer *writer;
	uint64_t now = SEC;
	char name[128];
	FILE *other;
	int error;

	(void)state;
	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(trace_store_keep(&trace_store, writer, folder, &head), 0);
	/* not a file of the daemon, although the name is similar */
	snprintf(name, sizeof(name), "%s/kill-1.fo.keep", folder);
	other = fopen(name, "we");
	assert_non_null(other);
	fclose(other);
	for (uint64_t id = 95; id < 95 + TRACE_STORE_FILES_KEPT + 8; id++) {
		size_t most = id - 95 + 2 < TRACE_STORE_FILES_KEPT + 1 ? id - 95 + 2
								       : TRACE_STORE_FILES_KEPT + 1;

		fill(trace_store, &now, 2, 1);
		trace_store_hand_over(trace_store, id);
		wait_for(name, sizeof(name), id);
		assert_int_equal(each_file(NULL), most);
	}
	assert_true(writer_close(writer));
	assert_int_equal(trace_store_lost(trace_store, &error), 0);
	trace_store_close(trace_store);
	snprintf(name, sizeof(name), "%s/kill-102.fo", folder);
	assert_int_equal(access(name, F_OK), -1);
	snprintf(name, sizeof(name), "%s/kill-103.fo", folder);
	assert_int_equal(access(name, F_OK), 0);
	snprintf(name, sizeof(name), "%s/kill-1.fo.keep", folder);
	assert_int_equal(access(name, F_OK), 0);
}

/* The folder is removed: the loss is counted with its errno, and the next file works. */
static void test_a_file_that_cannot_be_made(void **state)
{
	struct trace_store *trace_store;
	struct writer *writer;
	uint64_t now = SEC;
	char gone[128];
	int error;

	(void)state;
	snprintf(gone, sizeof(gone), "%s/gone", folder);
	assert_int_equal(writer_open(&writer, NULL), 0);
	assert_int_equal(trace_store_keep(&trace_store, writer, gone, &head), 0);
	fill(trace_store, &now, 2, 1);
	trace_store_hand_over(trace_store, 1);
	assert_true(writer_close(writer));
	assert_int_equal(trace_store_lost(trace_store, &error), 1);
	assert_int_equal(error, ENOENT);
	trace_store_close(trace_store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_file_is_continued, empty_folder),
		cmocka_unit_test_teardown(test_a_cut_costs_one_record, empty_folder),
		cmocka_unit_test_teardown(test_foreign_files_are_left_alone, empty_folder),
		cmocka_unit_test_teardown(test_a_full_disk, empty_folder),
		cmocka_unit_test_teardown(test_the_last_minutes_are_kept, empty_folder),
		cmocka_unit_test_teardown(test_few_files_are_kept, empty_folder),
		cmocka_unit_test_teardown(test_a_file_that_cannot_be_made, empty_folder),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

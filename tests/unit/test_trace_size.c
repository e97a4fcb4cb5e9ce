// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The size of traces: ten minutes with ten hot scopes, 10 samples a second, and a list of twenty
 * processes each second stay under 5 MB. The samples are those of a recorded livelock, over and
 * over: the counters go on with their differences, in every scope from another moment on.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "judge/candidate.h"
#include "judge/fields.h"
#include "tell/trace_read.h"
#include "tell/trace_write.h"

#define RECORDING   "tests/golden/patience.fo"
#define SCOPES	    10
#define MINUTES	    10
#define PROCESSES   20
#define MOST_BYTES  5000000
#define SAMPLES_MAX 1000

static size_t written;

static int count_bytes(void *userdata, const char *frame, size_t len)
{
	(void)userdata;
	(void)frame;
	written += len;
	return 0;
}

/* The samples of the trace, from its first stall on. */
static size_t load(struct sample *samples)
{
	struct trace_reader *reader;
	struct trace_item item;
	size_t len, n = 0;
	bool bad = false;
	char *bytes;

	if (file_read_all(RECORDING, 1 << 20, &bytes, &len))
		fail_msg(RECORDING " is missing; tests run from the top of the tree");
	assert_int_equal(trace_reader_new(&reader, bytes, len), 0);
	while (trace_next(reader, &item) > 0 && n < SAMPLES_MAX) {
		if (item.kind == TRACE_DID && item.did.what == TRACE_VERDICT)
			bad |= !strcmp(item.did.text, "wait holding");
		if (item.kind == TRACE_SAMPLE && bad)
			samples[n++] = item.sample;
	}
	trace_reader_free(reader);
	free(bytes);
	return n;
}

/* Moves @sample on by a tick, as the trace does from its sample @i to the next. */
static void go_on(struct sample *sample, const struct sample *samples, size_t i)
{
	sample->has = samples[i + 1].has;
	for (size_t f = 0; f < SAMPLE_FIELDS_COUNT; f++) {
		const struct sample_field *field = &sample_fields[f];
		uint64_t from = sample_get(&samples[i], field);
		uint64_t to = sample_get(&samples[i + 1], field);

		if (field->kind == FIELD_COUNTER)
			to = sample_get(sample, field) + (to - from);
		sample_set(sample, field, to);
	}
}

static void test_ten_minutes_in_ten_scopes(void **state)
{
	static struct sample samples[SAMPLES_MAX], now[SCOPES];
	size_t n = load(samples), lists = 0, list_bytes = 0, sample_bytes;
	static struct candidate processes[SCOPES][PROCESSES];
	struct trace_scope scope = {TRACE_SCOPE_CGROUP, 0, "/kubepods.slice/pod-of-some-length"};
	struct trace_writer *writer;
	uint64_t random = 1;

	(void)state;
	/* long enough that no two scopes play the same part at a time */
	assert_true(n >= 100);
	assert_int_equal(trace_writer_new(&writer, count_bytes, NULL), 0);
	for (int i = 0; i < SCOPES * PROCESSES; i++)
		processes[i / PROCESSES][i % PROCESSES] =
			(struct candidate){.pid = 1000 + i,
					   .start_boot_ns = 1000 * SEC + (uint64_t)i,
					   .anon_bytes = 10 * MIB,
					   .file_bytes = 4 * MIB,
					   .threads = 4,
					   .comm = "some-service",
					   .cmdline = "/usr/bin/some-service --config "
						      "/etc/some/service.conf --workers 4",
					   .cmdline_len = 65};
	for (int i = 0; i < SCOPES; i++)
		now[i] = samples[0];
	for (size_t tick = 0; tick < MINUTES * 60 * 10; tick++) {
		for (size_t s = 0; s < SCOPES; s++) {
			size_t before = written;

			scope.id = 1000 + s;
			go_on(&now[s], samples, (tick + s * (n / SCOPES)) % (n - 1));
			trace_put_sample(writer, &scope, &now[s]);
			if (tick % 10)
				continue;
			/* a third of them move by some pages */
			before = written;
			for (int i = 0; i < PROCESSES; i++)
				if (next_random(&random) % 3 == 0)
					processes[s][i].anon_bytes +=
						4096 * (next_random(&random) % 1000);
			trace_put_list(writer, &scope, now[s].at_ns, processes[s], PROCESSES);
			list_bytes += written - before;
			lists++;
		}
	}
	sample_bytes = written - list_bytes;
	print_message("%d minutes of %d scopes: %zu bytes; a sample %.1f, a list of %d processes "
		      "%.1f\n",
		      MINUTES, SCOPES, written, (double)sample_bytes / (MINUTES * 600.0 * SCOPES),
		      PROCESSES, (double)list_bytes / (double)lists);
	assert_int_equal(trace_writer_lost(writer), 0);
	assert_true(written < MOST_BYTES);
	trace_writer_free(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_minutes_in_ten_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

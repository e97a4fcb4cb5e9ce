// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The format of traces: what is written is read again, bit for bit. A file that is damaged, cut off
 * or of another build is reported, and nothing is read past its end.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/util.h"
#include "judge/candidate.h"
#include "judge/fields.h"
#include "judge/victim.h"
#include "tell/trace_read.h"
#include "tell/trace_write.h"

/* ---- a trace in memory ---- */

struct sink {
	char *bytes;
	size_t len;
	size_t room;
	size_t frames;
	size_t chunk; /* not 0: a new buffer after so many bytes */
	size_t in_chunk;
	size_t refuse; /* so many frames are refused from now on */
};

static int take(void *userdata, const char *frame, size_t len)
{
	struct sink *sink = userdata;

	if (sink->refuse) {
		sink->refuse--;
		return -ENOSPC;
	}
	if (sink->chunk && sink->in_chunk + len > sink->chunk) {
		sink->in_chunk = 0;
		return -EAGAIN;
	}
	sink->in_chunk += len;
	if (sink->len + len > sink->room) {
		sink->room = 2 * (sink->len + len);
		sink->bytes = realloc(sink->bytes, sink->room);
		assert_non_null(sink->bytes);
	}
	memcpy(sink->bytes + sink->len, frame, len);
	sink->len += len;
	sink->frames++;
	return 0;
}

static const struct trace_head head = {
	.abi = 7,
	.wall_ns = 1795575294000000000ULL,
	.mono_ns = 1000 * SEC,
	.ram_bytes = 8 * GIB,
	.cpus = 4,
	.cgroup_version = 2,
	.page_bytes = 4096,
	.self_pid = 4711,
	.dry_run = true,
	.release = "6.18.0-test",
	.configs = &(const struct trace_config){"a.yaml", "policies: []\n", 13},
	.config_count = 1,
};

static struct trace_writer *begin(struct sink *sink)
{
	struct trace_writer *writer;
	char *preamble;
	size_t len;

	assert_int_equal(trace_preamble(&head, true, &preamble, &len), 0);
	assert_int_equal(take(sink, preamble, len), 0);
	free(preamble);
	assert_int_equal(trace_writer_new(&writer, take, sink), 0);
	return writer;
}

static struct trace_reader *read_of(const void *bytes, size_t len)
{
	struct trace_reader *reader;
	struct trace_item item;

	assert_int_equal(trace_reader_new(&reader, bytes, len), 0);
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_HEAD);
	return reader;
}

static const struct trace_scope node = {TRACE_SCOPE_NODE, 1, ""};
static const struct trace_scope batch = {TRACE_SCOPE_CGROUP, 4242, "/batch/a"};

/* All presence bits. */
static uint32_t every_bit(void)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++)
		bits |= sample_fields[i].need;
	return bits;
}

/* Random values that fit their fields, and random presence. */
static struct sample any_sample(uint64_t *random)
{
	struct sample sample = {.has = (uint32_t)next_random(random) & every_bit()};

	for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++) {
		const struct sample_field *field = &sample_fields[i];
		uint64_t value = next_random(random) >> (next_random(random) % 64);

		/* a size beyond 2^61 that is no whole number of pages has no code: none is so large
		 */
		if (field->kind == FIELD_BYTES)
			value >>= 4;
		sample_set(&sample, field, value);
	}
	return sample;
}

/* The sample as it is read: a missing field has no value. */
static struct sample without_missing(struct sample sample)
{
	for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++)
		if (sample_fields[i].need & ~sample.has)
			sample_set(&sample, &sample_fields[i], 0);
	return sample;
}

static void assert_samples_equal(const struct sample *a, const struct sample *b)
{
	assert_int_equal(a->has, b->has);
	for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++)
		if (sample_get(a, &sample_fields[i]) != sample_get(b, &sample_fields[i]))
			fail_msg("%s: %llx, not %llx", sample_fields[i].name,
				 (unsigned long long)sample_get(a, &sample_fields[i]),
				 (unsigned long long)sample_get(b, &sample_fields[i]));
}

static void test_head_comes_back(void **state)
{
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	struct trace_reader *reader;
	struct trace_item item;

	(void)state;
	assert_int_equal(trace_reader_new(&reader, sink.bytes, sink.len), 0);
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_HEAD);
	assert_int_equal(item.head->abi, head.abi);
	assert_true(item.head->wall_ns == head.wall_ns && item.head->mono_ns == head.mono_ns);
	assert_true(item.head->ram_bytes == head.ram_bytes);
	assert_int_equal(item.head->cpus, 4);
	assert_int_equal(item.head->cgroup_version, 2);
	assert_int_equal(item.head->page_bytes, 4096);
	assert_int_equal(item.head->self_pid, 4711);
	assert_true(item.head->dry_run);
	assert_string_equal(item.head->release, "6.18.0-test");
	assert_string_equal(item.head->configs[0].name, "a.yaml");
	assert_string_equal(item.head->configs[0].text, "policies: []\n");
	assert_int_equal(trace_reader_has(reader), every_bit());
	assert_int_equal(trace_next(reader, &item), 0);
	assert_int_equal(trace_next(reader, &item), 0);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

/* Numbers of every size, steps of every sign, two scopes in turn; in one buffer and in chunks. */
static void check_samples(size_t chunk)
{
	struct sink sink = {.chunk = chunk};
	struct trace_writer *writer = begin(&sink);
	uint64_t random = 42, again = 42;
	struct trace_reader *reader;
	struct trace_item item;

	for (int i = 0; i < 3000; i++) {
		struct sample sample = any_sample(&random);

		trace_put_sample(writer, i % 3 ? &batch : &node, &sample);
	}
	assert_int_equal(trace_writer_lost(writer), 0);
	reader = read_of(sink.bytes, sink.len);
	for (int i = 0; i < 3000; i++) {
		struct sample sample = without_missing(any_sample(&again));

		if (trace_next(reader, &item) != 1)
			fail_msg("%d: %s", i, trace_reader_error(reader));
		assert_int_equal(item.kind, TRACE_SAMPLE);
		assert_int_equal(item.scope.id, i % 3 ? 4242 : 1);
		assert_string_equal(item.scope.path, i % 3 ? "/batch/a" : "");
		assert_samples_equal(&item.sample, &sample);
	}
	assert_int_equal(trace_next(reader, &item), 0);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

static void test_samples_come_back(void **state)
{
	(void)state;
	check_samples(0);
	check_samples(4096);
}

/* Every chunk can be read without the others. */
static void test_a_chunk_stands_alone(void **state)
{
	struct sink whole = {.chunk = 4096}, tail = {0};
	struct trace_writer *writer = begin(&whole), *other = begin(&tail);
	size_t preamble = whole.len, found = 0, at;
	struct trace_reader *reader;
	struct trace_item item;
	struct sample sample = {.at_ns = SEC, .has = SAMPLE_HAS_STALL};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		sample.at_ns += 100 * MS;
		sample.stall_ns += 77 * MS + (uint64_t)i * 1234567;
		trace_put_sample(writer, &batch, &sample);
	}
	/* the last ANEW */
	for (at = preamble, found = 0; at < whole.len;) {
		size_t len = (unsigned char)whole.bytes[at + 1];

		assert_true(len < 128);
		if (whole.bytes[at] == TRACE_ANEW)
			found = at;
		at += 2 + len + 4;
	}
	assert_true(found > preamble);
	take(&tail, whole.bytes + found, whole.len - found);
	reader = read_of(tail.bytes, tail.len);
	while (trace_next(reader, &item) > 0)
		assert_int_equal(item.kind, TRACE_SAMPLE);
	assert_string_equal(trace_reader_error(reader), "");
	trace_reader_free(reader);

	/* and its last sample is the last one */
	struct sample last = {0};

	reader = read_of(tail.bytes, tail.len);
	while (trace_next(reader, &item) > 0)
		last = item.sample;
	assert_samples_equal(&last, &sample);
	trace_reader_free(reader);
	trace_writer_free(writer);
	trace_writer_free(other);
	free(whole.bytes);
	free(tail.bytes);
}

static void make_processes(struct candidate *list, size_t n, int round)
{
	static char names[600][32], lines[600][48];

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "proc-%zu", i);
		snprintf(lines[i], sizeof(lines[i]), "/bin/proc --n %zu", i);
		list[i] = (struct candidate){
			.pid = 1000 + (int)i,
			.start_boot_ns = 5 * SEC + i,
			.memcg_id = 4242,
			.anon_bytes = MIB * i + (i % 7 == 0 ? (size_t)round * 4096 : 0),
			.file_bytes = 4096,
			.growth_bytes = (uint64_t)round,
			.parent_pid = 1,
			.uid = 1000,
			.threads = 3,
			.oom_score_adj = i % 2 ? -900 : 300,
			.kernel_thread = i == 3,
			.comm = names[i],
			/* another thread reads it: not known at first */
			.cmdline = round ? lines[i] : NULL,
			.cmdline_len = round ? strlen(lines[i]) : 0,
			.exe = round && i % 3 ? "/usr/bin/proc" : NULL,
			.cgroup = i % 5 ? "/kubepods/pod7/c1" : NULL,
			.group = 500 + (int)i / 2,
			.session = 500 + (int)i / 4,
			.place = i % 5 ? PLACE_POD : PLACE_UNKNOWN,
			.qos = i % 5 ? QOS_BURSTABLE : QOS_NONE,
			.pod = i % 5 ? "web-1" : NULL,
			.pod_uid = i % 5 ? "7" : NULL,
			.namespace = i % 5 ? "shop" : NULL,
			.container = i % 10 ? "main" : NULL,
			.pod_bytes = i % 5 ? MIB * 77 : 0,
			.pod_requests = i % 5 ? 125 : 0,
			.init = i == 1,
			.oom_group = i == 2,
			.mm = 0x123456789abcdef0ULL * (i / 2 + 1),
			.shares_known = round || i % 2,
			.locked_file_bytes = i % 50 ? 0 : 165 * MIB,
			.shares = {{i % 9 ? 0 : 190 * MIB, i % 9 ? 0 : (uint32_t)i % 256,
				    i % 9 ? 0 : 1},
				   {i % 18 ? 0 : 5 * MIB, i % 18 ? 0 : 255, i % 18 ? 0 : 600}},
		};
	}
}

static void assert_text_equal(const char *a, const char *b)
{
	assert_int_equal(a != NULL, b != NULL);
	if (a)
		assert_string_equal(a, b);
}

static void assert_processes_equal(const struct candidate *a, const struct candidate *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(a[i].pid, b[i].pid);
		assert_true(a[i].start_boot_ns == b[i].start_boot_ns);
		assert_true(a[i].memcg_id == b[i].memcg_id && a[i].anon_bytes == b[i].anon_bytes &&
			    a[i].shmem_bytes == b[i].shmem_bytes &&
			    a[i].file_bytes == b[i].file_bytes &&
			    a[i].swap_bytes == b[i].swap_bytes &&
			    a[i].pgtables_bytes == b[i].pgtables_bytes &&
			    a[i].growth_bytes == b[i].growth_bytes);
		assert_int_equal(a[i].parent_pid, b[i].parent_pid);
		assert_int_equal(a[i].uid, b[i].uid);
		assert_int_equal(a[i].threads, b[i].threads);
		assert_int_equal(a[i].oom_score_adj, b[i].oom_score_adj);
		assert_int_equal(a[i].kernel_thread, b[i].kernel_thread);
		assert_string_equal(a[i].comm, b[i].comm);
		assert_text_equal(a[i].cmdline, b[i].cmdline);
		assert_text_equal(a[i].exe, b[i].exe);
		assert_text_equal(a[i].cgroup, b[i].cgroup);
		assert_text_equal(a[i].pod, b[i].pod);
		assert_text_equal(a[i].pod_uid, b[i].pod_uid);
		assert_text_equal(a[i].namespace, b[i].namespace);
		assert_text_equal(a[i].container, b[i].container);
		assert_int_equal(a[i].group, b[i].group);
		assert_int_equal(a[i].session, b[i].session);
		assert_int_equal(a[i].place, b[i].place);
		assert_int_equal(a[i].qos, b[i].qos);
		assert_true(a[i].pod_bytes == b[i].pod_bytes);
		assert_int_equal(a[i].pod_requests, b[i].pod_requests);
		assert_int_equal(a[i].init, b[i].init);
		assert_int_equal(a[i].oom_group, b[i].oom_group);
		assert_true(a[i].mm == b[i].mm);
		assert_int_equal(a[i].shares_known, b[i].shares_known);
		assert_true(a[i].locked_file_bytes == b[i].locked_file_bytes);
		for (int k = 0; k < CANDIDATE_SHARES; k++) {
			assert_true(a[i].shares[k].bytes == b[i].shares[k].bytes);
			assert_int_equal(a[i].shares[k].set, b[i].shares[k].set);
			assert_int_equal(a[i].shares[k].holders, b[i].shares[k].holders);
		}
	}
}

/* A list longer than two frames; also when the buffer changes in the middle of it. */
static void check_lists(size_t chunk)
{
	struct sink sink = {.chunk = chunk};
	struct trace_writer *writer = begin(&sink);
	struct candidate list[600];
	struct trace_reader *reader;
	struct trace_item item;

	for (int round = 0; round < 5; round++) {
		make_processes(list, 600 - (size_t)round, round);
		trace_put_list(writer, &batch, (uint64_t)round * SEC, list, 600 - (size_t)round);
	}
	trace_put_list(writer, &node, 9 * SEC, list, 0);
	assert_int_equal(trace_writer_lost(writer), 0);
	reader = read_of(sink.bytes, sink.len);
	for (int round = 0; round < 5; round++) {
		make_processes(list, 600 - (size_t)round, round);
		if (trace_next(reader, &item) != 1)
			fail_msg("%d: %s", round, trace_reader_error(reader));
		assert_int_equal(item.kind, TRACE_LIST);
		assert_true(item.at_ns == (uint64_t)round * SEC);
		assert_int_equal(item.count, 600 - round);
		assert_processes_equal(item.candidates, list, item.count);
	}
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.count, 0);
	assert_int_equal(trace_next(reader, &item), 0);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

static void test_lists_come_back(void **state)
{
	(void)state;
	check_lists(0);
	check_lists(16384);
}

/* A command line costs its bytes once. */
static void test_what_stays_costs_little(void **state)
{
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	struct candidate list[100];
	size_t before, first;

	(void)state;
	make_processes(list, 100, 1);
	before = sink.len;
	trace_put_list(writer, &batch, SEC, list, 100);
	first = sink.len - before;
	before = sink.len;
	trace_put_list(writer, &batch, 2 * SEC, list, 100);
	assert_true(first > 100 * 20);
	assert_true(sink.len - before < 100 * 4);
	trace_writer_free(writer);
	free(sink.bytes);
}

static void test_deeds_come_back(void **state)
{
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	const struct trace_did kill = {.what = TRACE_KILL,
				       .at_ns = 5 * SEC,
				       .incident = 99,
				       .pid = 77,
				       .start_boot_ns = 3 * SEC,
				       .bytes = 200 * MIB,
				       .dry_run = true,
				       .comm = "leaker"},
			       settled = {.what = TRACE_SETTLED,
					  .at_ns = 6 * SEC,
					  .incident = 99,
					  .waits = true,
					  .text = "killed"};
	struct trace_reader *reader;
	struct trace_item item;

	(void)state;
	trace_put_begin(writer, &batch, 4 * SEC);
	trace_put_did(writer, &batch, &kill);
	trace_put_did(writer, &batch, &settled);
	trace_put_end(writer, &batch, 7 * SEC);

	reader = read_of(sink.bytes, sink.len);
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_BEGIN);
	assert_true(item.at_ns == 4 * SEC);
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_DID);
	assert_int_equal(item.did.what, TRACE_KILL);
	assert_true(item.did.at_ns == 5 * SEC && item.did.incident == 99 && item.did.pid == 77);
	assert_true(item.did.start_boot_ns == 3 * SEC && item.did.bytes == 200 * MIB);
	assert_true(item.did.dry_run && !item.did.waits);
	assert_string_equal(item.did.comm, "leaker");
	assert_string_equal(item.did.text, "");
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.did.what, TRACE_SETTLED);
	assert_true(item.did.waits && !item.did.dry_run);
	assert_string_equal(item.did.text, "killed");
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_END);
	assert_true(item.at_ns == 7 * SEC);
	assert_int_equal(trace_next(reader, &item), 0);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

/* A verdict is stored where it changes, and again after the scope was not hot. */
static void test_verdicts_are_stored_once(void **state)
{
	static const char *const said[] = {"wait calm", "wait calm", "act spike", "act spike"};
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	struct trace_reader *reader;
	struct trace_item item;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++)
		trace_put_did(writer, &batch,
			      &(struct trace_did){
				      .what = TRACE_VERDICT, .at_ns = i + 1, .text = said[i]});
	trace_put_begin(writer, &batch, 10);
	trace_put_did(writer, &batch,
		      &(struct trace_did){.what = TRACE_VERDICT, .at_ns = 11, .text = "act spike"});
	reader = read_of(sink.bytes, sink.len);
	while (trace_next(reader, &item) > 0)
		n += item.kind == TRACE_DID;
	assert_int_equal(n, 3);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

/* Lost items are counted in the trace, and what follows can be read. */
static void test_losses_are_told(void **state)
{
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	struct sample sample = {.at_ns = SEC}, last = {0};
	struct trace_reader *reader;
	struct trace_item item;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		if (i == 50)
			sink.refuse = 7;
		sample.at_ns += 100 * MS;
		trace_put_sample(writer, &batch, &sample);
	}
	assert_int_equal(trace_writer_lost(writer), 7);
	reader = read_of(sink.bytes, sink.len);
	while (trace_next(reader, &item) > 0) {
		last = item.sample;
		n++;
	}
	assert_string_equal(trace_reader_error(reader), "");
	assert_int_equal(n, 93);
	assert_samples_equal(&last, &sample);
	assert_int_equal(trace_reader_lost(reader), 7);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

/* More processes and scopes than there are numbers. */
static void test_numbers_run_out(void **state)
{
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	struct trace_reader *reader;
	struct trace_item item;
	size_t lists = 0, begun = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct candidate one = {.pid = 1 + i, .start_boot_ns = 9, .comm = "x"};

		trace_put_list(writer, &batch, SEC, &one, 1);
	}
	for (uint64_t i = 0; i < 1000; i++)
		trace_put_begin(writer, &(struct trace_scope){TRACE_SCOPE_CGROUP, 100 + i, "/many"},
				SEC);
	reader = read_of(sink.bytes, sink.len);
	while (trace_next(reader, &item) > 0) {
		if (item.kind == TRACE_LIST) {
			assert_int_equal(item.candidates[0].pid, 1 + (int)lists);
			lists++;
		} else {
			assert_int_equal(item.scope.id, 100 + begun);
			begun++;
		}
	}
	assert_string_equal(trace_reader_error(reader), "");
	assert_int_equal(lists, 10000);
	assert_int_equal(begun, 1000);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

/* ---- damage ---- */

/* A trace with all kinds of frames; *ret_frames: their offsets, and the end. */
static struct sink make_everything(size_t *ret_frames, size_t *ret_count)
{
	struct sink sink = {0};
	struct trace_writer *writer = begin(&sink);
	struct candidate list[5];
	struct sample sample = {.at_ns = SEC, .has = every_bit()};
	size_t at = TRACE_MAGIC_LEN;

	make_processes(list, 5, 1);
	trace_put_begin(writer, &batch, SEC);
	for (int i = 0; i < 5; i++) {
		sample.at_ns += 100 * MS;
		sample.stall_ns += 50 * MS;
		sample.held_bytes = 100 * MIB + (uint64_t)i;
		trace_put_list(writer, &batch, sample.at_ns, list, 5);
		trace_put_did(writer, &batch,
			      &(struct trace_did){.what = TRACE_KILL,
						  .at_ns = sample.at_ns,
						  .pid = 5,
						  .comm = "x",
						  .text = "y"});
		trace_put_sample(writer, &batch, &sample);
	}
	trace_put_end(writer, &batch, 9 * SEC);
	trace_writer_free(writer);
	for (*ret_count = 0; at < sink.len;) {
		size_t len = 0, start = at++;

		for (int shift = 0;; shift += 7) {
			len |= (size_t)((unsigned char)sink.bytes[at] & 0x7f) << shift;
			if (!(sink.bytes[at++] & 0x80))
				break;
		}
		ret_frames[(*ret_count)++] = start;
		at += len + 4;
	}
	ret_frames[(*ret_count)++] = at;
	assert_int_equal(at, sink.len);
	return sink;
}

/* At the very end of readable memory: one byte further is a fault. */
static char *at_the_edge(const char *bytes, size_t len, char **ret_map, size_t *ret_map_len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len / page + 1) * page;
	char *map =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
	memcpy(map + room - len, bytes, len);
	*ret_map = map;
	*ret_map_len = room + page;
	return map + room - len;
}

static void test_every_cut_is_told(void **state)
{
	size_t frames[64], count, next = 0;
	struct sink sink = make_everything(frames, &count);

	(void)state;
	for (size_t len = 0; len < sink.len; len++) {
		char *map, *bytes, prefix[32];
		struct trace_reader *reader;
		struct trace_item item;
		size_t map_len;
		int found;

		bytes = at_the_edge(sink.bytes, len, &map, &map_len);
		assert_int_equal(trace_reader_new(&reader, bytes, len), 0);
		while ((found = trace_next(reader, &item)) > 0)
			;
		while (next + 1 < count && frames[next + 1] <= len)
			next++;
		if (len == frames[next] && next) {
			/* cut between two frames: nothing is missing */
			assert_int_equal(found, 0);
			assert_int_equal(trace_reader_offset(reader), len);
		} else {
			assert_int_equal(found, -EBADMSG);
			assert_int_equal(trace_next(reader, &item), -EBADMSG);
			if (len > TRACE_MAGIC_LEN) {
				snprintf(prefix, sizeof(prefix), "offset %zu: ", frames[next]);
				assert_true(trace_reader_cut(reader));
				assert_int_equal(trace_reader_offset(reader), frames[next]);
				assert_int_equal(
					strncmp(trace_reader_error(reader), prefix, strlen(prefix)),
					0);
			}
		}
		trace_reader_free(reader);
		munmap(map, map_len);
	}
	free(sink.bytes);
}

/* Flips each bit of each byte: every flip is found, and everything before it is read. */
static void test_every_flip_is_told(void **state)
{
	size_t frames[64], count, next = 0;
	struct sink sink = make_everything(frames, &count);

	(void)state;
	for (size_t at = 0; at < sink.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct trace_reader *reader;
			struct trace_item item;
			int found;

			sink.bytes[at] ^= (char)(1 << bit);
			assert_int_equal(trace_reader_new(&reader, sink.bytes, sink.len), 0);
			while ((found = trace_next(reader, &item)) > 0)
				;
			while (next + 1 < count && frames[next + 1] <= at)
				next++;
			assert_int_equal(found, -EBADMSG);
			assert_int_equal(trace_reader_offset(reader),
					 at < TRACE_MAGIC_LEN ? 0 : frames[next]);
			trace_reader_free(reader);
			sink.bytes[at] ^= (char)(1 << bit);
		}
	}
	free(sink.bytes);
}

/* Random frames with valid checksums: anything but a crash. */
static void test_nonsense_with_a_good_checksum(void **state)
{
	size_t frames[64], count;
	struct sink sink = make_everything(frames, &count);
	uint64_t random = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t which = next_random(&random) % (count - 1);
		size_t start = frames[which], end = frames[which + 1] - 4;
		struct trace_reader *reader;
		struct trace_item item;
		char *map, *bytes;
		size_t map_len;
		uint32_t crc;

		bytes = at_the_edge(sink.bytes, sink.len, &map, &map_len);
		for (uint64_t n = next_random(&random) % 3 + 1; n; n--)
			bytes[start + next_random(&random) % (end - start)] =
				(char)next_random(&random);
		crc = (uint32_t)crc32(0, (unsigned char *)bytes + start, (unsigned)(end - start));
		memcpy(bytes + end, &crc, sizeof(crc));
		assert_int_equal(trace_reader_new(&reader, bytes, sink.len), 0);
		while (trace_next(reader, &item) > 0)
			;
		trace_reader_free(reader);
		munmap(map, map_len);
	}
	free(sink.bytes);
}

static void test_foreign_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *error;
	} files[] = {
		{"", 0, "offset 0: the file is empty"},
		{"fast", 4, "offset 0: the file ends before the trace begins"},
		{"fastoom\n", 8, "offset 0: the file ends before the trace begins"},
		{"{\"schema\":1}", 12, "offset 0: this is not a trace of fastoom-bpf"},
		{"\x7f"
		 "ELF",
		 4, "offset 0: this is not a trace of fastoom-bpf"},
		{"fastoom\n\x06\x00", 10,
		 "offset 8: the file ends within a frame; everything before it is valid"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct trace_reader *reader;
		struct trace_item item;

		assert_int_equal(trace_reader_new(&reader, files[i].bytes, files[i].len), 0);
		assert_int_equal(trace_next(reader, &item), -EBADMSG);
		assert_string_equal(trace_reader_error(reader), files[i].error);
		trace_reader_free(reader);
	}
}

/* ---- other builds ---- */

struct hand {
	unsigned char bytes[8192];
	size_t len;
};

static void put(struct hand *hand, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		hand->bytes[hand->len++] = (unsigned char)(value | 0x80);
	hand->bytes[hand->len++] = (unsigned char)value;
}

static void put_text(struct hand *hand, const char *text)
{
	put(hand, strlen(text));
	memcpy(hand->bytes + hand->len, text, strlen(text));
	hand->len += strlen(text);
}

static void put_frame(struct hand *file, int kind, const struct hand *payload)
{
	size_t start = file->len;
	uint32_t crc;

	file->bytes[file->len++] = (unsigned char)kind;
	put(file, payload->len);
	memcpy(file->bytes + file->len, payload->bytes, payload->len);
	file->len += payload->len;
	crc = (uint32_t)crc32(0, file->bytes + start, (unsigned)(file->len - start));
	memcpy(file->bytes + file->len, &crc, sizeof(crc));
	file->len += sizeof(crc);
}

/* A head with these fields; kind counter for all. */
static struct hand make_foreign(uint64_t version, const char *const *names, const uint32_t *needs,
				size_t n)
{
	struct hand file = {.len = TRACE_MAGIC_LEN}, payload = {0};

	memcpy(file.bytes, TRACE_MAGIC, TRACE_MAGIC_LEN);
	put(&payload, version);
	for (int i = 0; i < 9; i++)
		put(&payload, 1);
	put_text(&payload, "9.9");
	put(&payload, n);
	for (size_t i = 0; i < n; i++) {
		put_text(&payload, names[i]);
		put(&payload, strcmp(names[i], "losses") ? 8 : 4);
		put(&payload, needs[i]);
		put(&payload, FIELD_LEVEL);
	}
	if (version == 1) {
		put_text(&payload, "");
		put_text(&payload, "");
	} else {
		put(&payload, 0);
	}
	put_frame(&file, TRACE_HEAD, &payload);
	return file;
}

/*
 * Another build: its bits have other numbers, it has a field that we do not know, it does not have
 * reclaims (then all of that bit is missing), and it has major_faults.
 */
static void check_another_builds_fields(uint64_t version)
{
	static const char *const names[] = {"losses", "future", "at_ns", "stall_ns",
					    "major_faults"};
	static const uint32_t needs[] = {0, 1 << 9, 0, 1 << 5, 1 << 6};
	struct hand file = make_foreign(version, names, needs, ARRAY_SIZE(names)), payload = {0};
	struct trace_reader *reader;
	struct trace_item item;
	const struct sample expected = {
		.at_ns = 5, .losses = 1, .has = SAMPLE_HAS_FAULTS, .major_faults = 21};

	put(&payload, 0); /* number, kind, id */
	put(&payload, TRACE_SCOPE_CGROUP);
	put(&payload, 7);
	put_text(&payload, "/x");
	put_frame(&file, TRACE_SCOPE, &payload);
	payload.len = 0;
	put(&payload, 0);
	put(&payload, 0x3f);
	put(&payload, 2 * (1 << 9 | 1 << 5 | 1 << 6)); /* presence */
	put(&payload, 2 * 1);
	put(&payload, 2 * 1000);
	put(&payload, 2 * 5);
	put(&payload, 2 * 77);
	put(&payload, 2 * 21);
	put_frame(&file, TRACE_SAMPLE, &payload);

	reader = read_of(file.bytes, file.len);
	if (trace_next(reader, &item) != 1)
		fail_msg("%s", trace_reader_error(reader));
	assert_samples_equal(&item.sample, &expected);
	assert_int_equal(trace_reader_has(reader), SAMPLE_HAS_FAULTS);
	trace_reader_free(reader);
}

static void assert_refused(const struct hand *file, const char *error)
{
	struct trace_reader *reader;
	struct trace_item item;

	assert_int_equal(trace_reader_new(&reader, file->bytes, file->len), 0);
	assert_int_equal(trace_next(reader, &item), -EBADMSG);
	assert_string_equal(trace_reader_error(reader), error);
	trace_reader_free(reader);
}

static void test_another_builds_fields(void **state)
{
	(void)state;
	check_another_builds_fields(1);
	check_another_builds_fields(2);
	check_another_builds_fields(TRACE_VERSION);
}

/* A process of a trace of version 2: its texts follow TRACE_FLAGS, and shares are not known. */
static void test_processes_of_version_2(void **state)
{
	static const char *const names[] = {"losses", "at_ns"};
	static const uint32_t needs[] = {0, 0};
	struct hand file = make_foreign(2, names, needs, ARRAY_SIZE(names)), payload = {0};
	struct trace_reader *reader;
	struct trace_item item;

	(void)state;
	put(&payload, 0); /* number, kind, id */
	put(&payload, TRACE_SCOPE_CGROUP);
	put(&payload, 7);
	put_text(&payload, "/x");
	put_frame(&file, TRACE_SCOPE, &payload);
	payload.len = 0;
	put(&payload, 0); /* scope, at, bits, count */
	put(&payload, 2 * 5);
	put(&payload, TRACE_LIST_FIRST | TRACE_LIST_LAST);
	put(&payload, 1);
	put(&payload, 0); /* number, pid, start, mask */
	put(&payload, 100);
	put(&payload, 9);
	put(&payload, 1 << TRACE_ANON | 1 << TRACE_FLAGS | 1 << TRACE_VALUES_2_);
	put(&payload, 2 * 4096);
	put(&payload, 2 * TRACE_FLAG_INIT);
	put_text(&payload, "old");
	for (int i = 0; i < TRACE_TEXTS_; i++)
		put(&payload, 0);
	put_frame(&file, TRACE_LIST, &payload);

	reader = read_of(file.bytes, file.len);
	if (trace_next(reader, &item) != 1)
		fail_msg("%s", trace_reader_error(reader));
	assert_int_equal(item.count, 1);
	assert_string_equal(item.candidates[0].comm, "old");
	assert_int_equal(item.candidates[0].anon_bytes, 4096);
	assert_true(item.candidates[0].init);
	assert_false(item.candidates[0].shares_known);
	assert_int_equal(candidate_freeable_bytes(&item.candidates[0]), 4096);
	trace_reader_free(reader);
}

/* A name longer than any real one is left out: half of it would be another name. */
static void test_names(void **state)
{
	const struct trace_names first = {"web-1", "shop", NULL}, then = {"web-1", "shop", "main"};
	const struct trace_names *const all[] = {&first, &first, &then};
	struct candidate process = {.pid = 5, .comm = "x"};
	const struct victim member = {.candidate = &process};
	struct sink sink = {.chunk = 1 << 20};
	struct trace_writer *writer = begin(&sink);
	struct trace_reader *reader;
	struct trace_item item;
	char name[2000];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	process.cgroup = name;
	process.exe = name + sizeof(name) - 513;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		trace_put_names(writer, &batch, all[i]);
	trace_put_members(writer, &batch, SEC, &member, 1);
	assert_int_equal(trace_writer_lost(writer), 0);

	reader = read_of(sink.bytes, sink.len);
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_NAMES);
	assert_string_equal(item.scope.path, "/batch/a");
	assert_string_equal(item.names.pod, "web-1");
	assert_string_equal(item.names.namespace, "shop");
	assert_null(item.names.container);
	/* once for each change */
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_NAMES);
	assert_string_equal(item.names.container, "main");
	assert_int_equal(trace_next(reader, &item), 1);
	assert_int_equal(item.kind, TRACE_LIST);
	assert_true(item.members);
	assert_int_equal(item.count, 1);
	assert_null(item.candidates[0].cgroup);
	assert_int_equal(strlen(item.candidates[0].exe), 512);
	assert_int_equal(trace_next(reader, &item), 0);
	trace_reader_free(reader);
	trace_writer_free(writer);
	free(sink.bytes);
}

static void test_another_version_is_told(void **state)
{
	static const char *const names[] = {"losses", "at_ns"};
	static const uint32_t needs[] = {0, 0};
	struct hand file = make_foreign(TRACE_VERSION + 1, names, needs, 2);

	(void)state;
	assert_refused(&file,
		       "offset 8: a trace of format version 5; this build reads versions 1 to 4");
	file = make_foreign(TRACE_VERSION, names, needs, 1);
	assert_refused(&file, "offset 8: the samples have no field at_ns");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_comes_back),
		cmocka_unit_test(test_samples_come_back),
		cmocka_unit_test(test_a_chunk_stands_alone),
		cmocka_unit_test(test_lists_come_back),
		cmocka_unit_test(test_what_stays_costs_little),
		cmocka_unit_test(test_deeds_come_back),
		cmocka_unit_test(test_verdicts_are_stored_once),
		cmocka_unit_test(test_losses_are_told),
		cmocka_unit_test(test_numbers_run_out),
		cmocka_unit_test(test_every_cut_is_told),
		cmocka_unit_test(test_every_flip_is_told),
		cmocka_unit_test(test_nonsense_with_a_good_checksum),
		cmocka_unit_test(test_foreign_files),
		cmocka_unit_test(test_another_builds_fields),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_processes_of_version_2),
		cmocka_unit_test(test_another_version_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

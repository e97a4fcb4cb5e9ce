/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/node.h"
#include "unit/unit.h"

#define FIXTURES "tests/fixtures/"
#define ALL                                                                                        \
	(NODE_HAS_AVAILABLE | NODE_HAS_SWAP | NODE_HAS_REFAULTS | NODE_HAS_FAULTS |                \
	 NODE_HAS_SCANS | NODE_HAS_MARKS | NODE_HAS_MAPPED)

static int read_of(const char *tree, struct node_memory *ret)
{
	struct node node;
	char root[256];
	int err;

	snprintf(root, sizeof(root), FIXTURES "%s", tree);
	err = node_open(&node, root);
	if (err)
		return err;
	err = node_read(&node, ret);
	if (!err) {
		struct node_memory again;

		/* the files stay open and are read from their beginning */
		assert_int_equal(node_read(&node, &again), 0);
		assert_memory_equal(&again, ret, sizeof(again));
	}
	node_close(&node);
	node_close(&node);
	return err;
}

/* Two nodes with swap, in the layout of 6.1. */
static void test_read(void **state)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct node_memory m = {0};

	(void)state;
	assert_int_equal(read_of("v2", &m), 0);
	assert_int_equal(m.has, ALL);
	assert_int_equal(m.total_bytes, 65536000 * KIB);
	assert_int_equal(m.free_bytes, 1048576 * KIB);
	assert_int_equal(m.available_bytes, 8192000 * KIB);
	assert_int_equal(m.anon_bytes, (54525952 + 1048576) * KIB);
	assert_int_equal(m.file_lru_bytes, (2097152 + 4194304) * KIB);
	/* all mapped memory may be shared memory */
	assert_int_equal(m.mapped_file_bytes, 0);
	assert_int_equal(m.swap_total_bytes, 4194304 * KIB);
	assert_int_equal(m.swap_free_bytes, 1048576 * KIB);
	assert_int_equal(m.refault_pages, 705000);
	assert_int_equal(m.major_faults, 123456);
	assert_int_equal(m.scanned_pages, 4600000);
	assert_int_equal(m.mark_low_bytes, (57 + 9800 + 60000 + 70143) * page);
}

/* The files of a real 6.18 host without swap. */
static void test_read_real(void **state)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct node_memory m = {0};

	(void)state;
	assert_int_equal(read_of("v1", &m), 0);
	assert_int_equal(m.has, ALL);
	assert_int_equal(m.total_bytes, 24684100 * KIB);
	assert_true(m.available_bytes < m.total_bytes);
	assert_true(m.free_bytes <= m.available_bytes);
	assert_int_equal(m.mapped_file_bytes, (16760 - 8724) * KIB);
	assert_int_equal(m.swap_total_bytes, 0);
	assert_int_equal(m.swap_free_bytes, 0);
	assert_int_equal(m.mark_low_bytes, (57 + 11665 + 9396 + 32 + 0) * page);
}

/* The host of the test. */
static void test_read_this_host(void **state)
{
	struct node_memory m = {0};
	struct node node;

	(void)state;
	assert_int_equal(node_open(&node, ""), 0);
	assert_int_equal(node_read(&node, &m), 0);
	assert_true(m.has & NODE_HAS_AVAILABLE);
	assert_true(m.total_bytes > 0 && m.available_bytes <= m.total_bytes);
	node_close(&node);
}

static void test_missing(void **state)
{
	static const struct {
		const char *tree;
		int err;
		uint32_t has;
	} rows[] = {
		/* no zoneinfo, no scans; one counter of refaults, as before 5.9, is not used */
		{"hybrid", 0,
		 NODE_HAS_AVAILABLE | NODE_HAS_SWAP | NODE_HAS_FAULTS | NODE_HAS_MAPPED},
		/* no MemAvailable, SwapFree is a word, vmstat is empty, no watermarks */
		{"broken-node", 0, NODE_HAS_MAPPED},
		/* zoneinfo is longer than the buffer: the sum would be too low, so it is missing */
		{"broken-longzone", 0, ALL & ~NODE_HAS_MARKS},
		{"broken-emptyinfo", -ENODATA, 0},
		{"broken-nocgroup", -ENOENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct node_memory m = {.has = 0xffff};
		int err = read_of(rows[i].tree, &m);

		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].tree, err);
		if (m.has != (err ? 0xffff : rows[i].has))
			fail_msg("%s: has %#x, not %#x", rows[i].tree, m.has, rows[i].has);
	}
}

#define UNTOUCHED 0xdeadbeefULL

static void test_marks(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t pages;
	} rows[] = {
		{"Node 0, zone DMA\n  pages free     3840\n        min      46\n"
		 "        low      57\n        high     68\n",
		 0, 57},
		{"x\n        low      0\n", 0, 0},
		{"x\n        low      1\n        low      2\n        low      3\n", 0, 6},
		{"x\n        low      12", 0, 12},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"x\n        min      46\n        high     68\n", -EINVAL, 0},
		/* other lines with "low" */
		{"x\n      nr_low 5\n        lowest   7\n    low 3\n        lowmem 4\n", -EINVAL,
		 0},
		{"x\n                 low:  378\n", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t pages = UNTOUCHED;
		int err = node_parse_marks(rows[i].text, &pages);

		if (err != rows[i].err || pages != (err ? UNTOUCHED : rows[i].pages))
			fail_msg("row %zu: %d, %llu", i, err, (unsigned long long)pages);
	}
}

/* A watermark that is not a number makes the sum missing: otherwise it would be too low. */
static void test_marks_malformed(void **state)
{
	static const char *const texts[] = {
		"x\n        low      many\n",
		"x\n        low      \n        high     68\n",
		"x\n        low      57\n        low      ?\n",
		"x\n        low      -5\n",
		"x\n        low      99999999999999999999999\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t pages = UNTOUCHED;
		int err = node_parse_marks(texts[i], &pages);

		if (err != -EINVAL || pages != UNTOUCHED)
			fail_msg("text %zu: %d, %llu", i, err, (unsigned long long)pages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	       cmocka_unit_test(test_read_real),
		cmocka_unit_test(test_read_this_host), cmocka_unit_test(test_missing),

		cmocka_unit_test(test_marks),	       cmocka_unit_test(test_marks_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

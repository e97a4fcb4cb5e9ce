/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/kvfile.h"
#include "unit/unit.h"

#define UNTOUCHED 0xdeadbeefULL

/* Opens a file with this text; the caller closes it. */
static int file_of(const char *text, size_t len)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	return fd;
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint32_t found;
		uint64_t a, b, c;
	} rows[] = {
		{"a 1\nb 2\nc_d 3\n", 7, 1, 2, 3},
		{"c_d 3\nb 2\na 1\n", 7, 1, 2, 3}, /* in any order */
		{"a 0\n", 1, 0, UNTOUCHED, UNTOUCHED},
		{"", 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
		{"\n\n\n", 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
		{"a:      12 kB\nb: 7\n", 3, 12 * 1024, 7, UNTOUCHED},
		{"a 18446744073709551615\n", 1, UINT64_MAX, UNTOUCHED, UNTOUCHED},
		/* a key is compared as a whole */
		{"aa 1\nab 2\nc 3\nc_ 4\nc_dd 5\ntotal_a 6\n", 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
		{"A 1\n a 2\n", 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
		/* not a number: missing, not zero */
		{"a\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a \nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a:\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a x\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a -1\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a +1\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a max\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a 18446744073709551616\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		{"a 99999999999999999999999\nb 2\n", 2, UNTOUCHED, 2, UNTOUCHED},
		/* the last value of a key is used; one that is not a number is ignored */
		{"a 1\na 2\n", 1, 2, UNTOUCHED, UNTOUCHED},
		{"a 1\na x\n", 1, 1, UNTOUCHED, UNTOUCHED},
		/* lines of zones in meminfo and zoneinfo */
		{"Node 0, zone DMA\na 5\n", 1, 5, UNTOUCHED, UNTOUCHED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t a = UNTOUCHED, b = UNTOUCHED, c = UNTOUCHED;
		const struct kv table[] = {{"a", &a}, {"b", &b}, {"c_d", &c}};
		uint32_t found = kv_parse(rows[i].text, table, ARRAY_SIZE(table));

		if (found != rows[i].found || a != rows[i].a || b != rows[i].b || c != rows[i].c)
			fail_msg("row %zu: found %#x, %llu %llu %llu", i, found,
				 (unsigned long long)a, (unsigned long long)b,
				 (unsigned long long)c);
	}
}

/* Digits followed by other text are no number: otherwise part of it would be read as the value. */
static void test_parse_tail(void **state)
{
	static const char *const texts[] = {
		"a 12x\n", "a 1.5\n", "a 12MB\n", "a 3 4\n", "a 340O21\n", "a 1,000\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t a = UNTOUCHED;
		const struct kv table[] = {{"a", &a}};

		if (kv_parse(texts[i], table, 1))
			fail_msg("%s gives %llu", texts[i], (unsigned long long)a);
	}
}

/* The kernel ends every line: without the newline the number may be cut off. */
static void test_parse_cut(void **state)
{
	uint64_t a = UNTOUCHED, b = UNTOUCHED;
	const struct kv table[] = {{"a", &a}, {"b", &b}};

	(void)state;
	assert_int_equal(kv_parse("a 12\nb 21", table, 2), 1);
	assert_int_equal(a, 12);
	assert_int_equal(b, UNTOUCHED);
}

/* A value in kB that overflows in bytes is missing. */
static void test_parse_kb_overflow(void **state)
{
	uint64_t a = UNTOUCHED;
	const struct kv table[] = {{"a", &a}};

	(void)state;
	assert_int_equal(kv_parse("a: 18014398509481983 kB\n", table, 1), 1);
	assert_int_equal(a, 18446744073709550592ULL);
	a = UNTOUCHED;
	assert_int_equal(kv_parse("a: 18014398509481984 kB\n", table, 1), 0);
	assert_int_equal(a, UNTOUCHED);
}

static void test_parse_full_table(void **state)
{
	static const char *const keys[32] = {
		"k0",  "k1",  "k2",  "k3",  "k4",  "k5",  "k6",	 "k7",	"k8",  "k9",  "k10",
		"k11", "k12", "k13", "k14", "k15", "k16", "k17", "k18", "k19", "k20", "k21",
		"k22", "k23", "k24", "k25", "k26", "k27", "k28", "k29", "k30", "k31",
	};
	uint64_t values[32] = {0};
	struct kv table[32];
	char text[512] = "";

	(void)state;
	for (int i = 31; i >= 0; i--) {
		table[i] = (struct kv){keys[i], &values[i]};
		sprintf(text + strlen(text), "%s %d\n", keys[i], 100 + i);
	}
	assert_int_equal(kv_parse(text, table, 32), UINT32_MAX);
	for (uint64_t i = 0; i < 32; i++)
		assert_int_equal(values[i], 100 + i);
}

/* Random text: nothing beyond the text is read, no value is written without its bit. */
static void test_parse_random(void **state)
{
	static const char alphabet[] = "ab 0189:\n\nkBx-\t.\xff";
	uint64_t random = 5;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		uint64_t a = UNTOUCHED, b = UNTOUCHED;
		const struct kv table[] = {{"a", &a}, {"b", &b}};
		size_t len = next_random(&random) % 40;
		char *text = malloc(len + 1); /* on the heap, for sanitizers */
		uint32_t found;

		assert_non_null(text);
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[next_random(&random) % (sizeof(alphabet) - 1)];
		text[len] = '\0';
		found = kv_parse(text, table, 2);
		assert_true(found & 1 || a == UNTOUCHED);
		assert_true(found & 2 || b == UNTOUCHED);
		free(text);
	}
}

static void test_number(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} rows[] = {
		{"0\n", 0, 0},
		{"12", 0, 12},
		{"268435456\n", 0, 268435456},
		{"max\n", 0, UINT64_MAX},
		{"max", 0, UINT64_MAX},
		/* "no limit" of v1, with pages of 4 and 64 KiB */
		{"9223372036854771712\n", 0, UINT64_MAX},
		{"9223372036854710272\n", 0, UINT64_MAX},
		{"9223372036854775807\n", 0, UINT64_MAX},
		{"18446744073709551615\n", 0, UINT64_MAX},
		/* 8 EiB less 1 MiB is a limit */
		{"9223372036853727232\n", 0, 9223372036853727232ULL},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"ma", -EINVAL, 0},
		{"maximum\n", -EINVAL, 0},
		{"max 5\n", -EINVAL, 0},
		{"MAX\n", -EINVAL, 0},
		{"lots\n", -EINVAL, 0},
		{"-1\n", -EINVAL, 0},
		{"+1\n", -EINVAL, 0},
		{" 12\n", -EINVAL, 0},
		{"12 kB\n", -EINVAL, 0},
		{"1.5\n", -EINVAL, 0},
		{"0x1000\n", -EINVAL, 0},
		{"12\r\n", -EINVAL, 0},
		{"18446744073709551616\n", -EINVAL, 0},
		{"99999999999999999999999\n", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = UNTOUCHED;
		int err = kv_parse_number(rows[i].text, &value);

		if (err != rows[i].err || value != (err ? UNTOUCHED : rows[i].value))
			fail_msg("row %zu: %d, %llu", i, err, (unsigned long long)value);
	}
}

static void test_read(void **state)
{
	uint64_t a = UNTOUCHED, b = UNTOUCHED;
	const struct kv table[] = {{"a", &a}, {"b", &b}};
	uint32_t found = 99;
	int fd = file_of("a 1\nx 3\nb 2\n", 12);

	(void)state;
	/* from the beginning, whatever the offset of the descriptor is */
	for (int again = 0; again < 3; again++) {
		a = b = UNTOUCHED;
		assert_int_equal(kvfile_read(fd, table, 2, &found), 0);
		assert_int_equal(found, 3);
		assert_int_equal(a, 1);
		assert_int_equal(b, 2);
	}
	close(fd);

	found = 99;
	fd = file_of("", 0);
	assert_int_equal(kvfile_read(fd, table, 2, &found), -ENODATA);
	assert_int_equal(kvfile_number(fd, &a), -ENODATA);
	close(fd);
	assert_int_equal(kvfile_read(-1, table, 2, &found), -EBADF);
	assert_int_equal(kvfile_number(-1, &a), -EBADF);
	assert_int_equal(found, 99);
	assert_int_equal(a, 1);

	fd = file_of("max\n", 4);
	assert_int_equal(kvfile_number(fd, &a), 0);
	assert_int_equal(a, UINT64_MAX);
	close(fd);
}

/* A file longer than the buffer: a value that is cut off is missing, not smaller. */
static void test_read_long(void **state)
{
	uint64_t a = UNTOUCHED, b = UNTOUCHED;
	const struct kv table[] = {{"a", &a}, {"b", &b}};
	uint32_t found = 0;

	(void)state;
	for (size_t shift = 0; shift < 16; shift++) {
		char text[20000];
		int fd;

		/* "b 123456789" crosses the end of the 16 KiB, further in each round */
		memset(text, '\n', sizeof(text));
		memcpy(text, "a 1\n", 4);
		memcpy(text + 16384 - 16 + shift, "b 123456789\n", 12);
		a = b = UNTOUCHED;
		fd = file_of(text, sizeof(text));
		assert_int_equal(kvfile_read(fd, table, 2, &found), 0);
		close(fd);
		assert_true(found & 1);
		if (found & 2 ? b != 123456789 : b != UNTOUCHED)
			fail_msg("shifted by %zu: %llu", shift, (unsigned long long)b);
	}
}

/* A number file with 64 characters or more is an error. */
static void test_number_long(void **state)
{
	char text[128];
	uint64_t value = UNTOUCHED;
	int fd;

	(void)state;
	memset(text, '0', sizeof(text));
	text[126] = '7';
	text[127] = '\n';
	fd = file_of(text, sizeof(text));
	/* 7 or an error, not the 0 of its first 63 characters */
	if (!kvfile_number(fd, &value))
		assert_int_equal(value, 7);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_tail),
		cmocka_unit_test(test_parse_cut),
		cmocka_unit_test(test_parse_kb_overflow),
		cmocka_unit_test(test_parse_full_table),
		cmocka_unit_test(test_parse_random),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_long),
		cmocka_unit_test(test_number_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

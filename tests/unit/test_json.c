/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "unit/strict_json.h"
#include "unit/unit.h"

/* The checker that the other tests use: it rejects what is not JSON. */
static void test_checker(void **state)
{
	static const char *const good[] = {
		"{}",
		"{\"a\":1}",
		"{\"a\":[],\"b\":{\"a\":null},\"c\":[1,-0.5e+3,true,false,\"x\"]}",
		"{\"a\":\"\\u0000\\ud83d\\ude00\\n\\/\xc3\xa9\xf0\x9f\x98\x80\"}",
	};
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"{}}",
		"{} ",
		"{\"a\":1,}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":+1}",
		"{\"a\":1e}",
		"{\"a\":nan}",
		"{\"a\":inf}",
		"{\"a\"}",
		"{a:1}",
		"{\"a\":1 }",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}",
		"{\"a\":\"\x80\"}",
		"{\"a\":\"\xc0\xaf\"}",
		"{\"a\":\"\xe0\x80\xaf\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\xc3\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"x}",
		"{\"a\":[1,]}",
		"{\"a\":[1}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1 \"b\":2}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!is_strict_json(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (is_strict_json(bad[i], strlen(bad[i])))
			fail_msg("accepted: %s", bad[i]);
}

static void assert_text(const char *value, size_t len, const char *written)
{
	char buf[4096], wanted[4096];
	struct json json;
	size_t n = 0;

	json_begin(&json, buf, sizeof(buf));
	json_text_n(&json, "k", value, len);
	assert_int_equal(json_end(&json, &n), 0);
	assert_int_equal(strlen(buf), n);
	if (!is_strict_json(buf, n))
		fail_msg("not JSON: %s", buf);
	if (!written)
		return;
	snprintf(wanted, sizeof(wanted), "{\"k\":%s}", written);
	assert_string_equal(buf, wanted);
}

#define BAD "\xef\xbf\xbd"

static void test_texts(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		const char *written;
	} rows[] = {
#define ROW(value, written) {value, sizeof(value) - 1, "\"" written "\""}
		ROW("", ""),
		ROW("plain", "plain"),
		ROW("say \"no\" \\ /", "say \\\"no\\\" \\\\ /"),
		ROW("\n\t\r\b\f", "\\u000a\\u0009\\u000d\\u0008\\u000c"),
		ROW("\x01\x1f\x20\x7e\x7f", "\\u0001\\u001f ~\\u007f"),
		ROW("a\0b", "a\\u0000b"),
		ROW("\x1b[31mred", "\\u001b[31mred"),
		ROW("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"),
		/* the first and the last of every length */
		ROW("\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf"),
		ROW("\xe0\xa0\x80\xef\xbf\xbf", "\xe0\xa0\x80\xef\xbf\xbf"),
		ROW("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"),
		ROW("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
		/* not UTF-8: each byte is replaced */
		ROW("\x80", BAD),
		ROW("\xff\xfe", BAD BAD),
		ROW("\xc3", BAD),
		ROW("\xc3(", BAD "("),
		ROW("\xc0\xaf", BAD BAD),	  /* overlong '/' */
		ROW("\xe0\x9f\xbf", BAD BAD BAD), /* overlong */
		ROW("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD),
		ROW("\xed\xa0\x80", BAD BAD BAD),	  /* a surrogate */
		ROW("\xf4\x90\x80\x80", BAD BAD BAD BAD), /* beyond the last one */
		ROW("\xf5\x80\x80\x80", BAD BAD BAD BAD),
		ROW("\xe2\x82", BAD BAD), /* cut off */
		ROW("\xe2\x82\"", BAD BAD "\\\""),
		ROW("\xf0\x9f\x98", BAD BAD BAD),
		ROW("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_text(rows[i].value, rows[i].len, rows[i].written);
	assert_text(NULL, 0, "null");
}

/* Every pair of bytes, and random bytes, alone and after the beginning of a character. */
static void test_all_bytes(void **state)
{
	uint64_t random = 3;
	char text[64];

	(void)state;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			text[0] = (char)a;
			text[1] = (char)b;
			assert_text(text, 2, NULL);
		}
	}
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(text); i++) {
			uint64_t r = next_random(&random);

			/* mostly bytes that look like UTF-8 */
			text[i] = (char)(r & 1 ? 0x80 | (r >> 8 & 0x7f) : r >> 8);
		}
		assert_text(text, sizeof(text), NULL);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		double value;
		const char *written;
	} reals[] = {
		{0, "0"},
		{-0.0, "-0"},
		{0.5, "0.5"},
		{1.0 / 3, "0.333333"},
		{-2.5, "-2.5"},
		{1234567, "1.23457e+06"},
		{1e-300, "1e-300"},
		{1e300, "1e+300"},
		{NAN, "null"},
		{INFINITY, "null"},
		{-INFINITY, "null"},
	};
	char buf[512], wanted[512];
	struct json json;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reals); i++) {
		json_begin(&json, buf, sizeof(buf));
		json_double(&json, "k", reals[i].value);
		assert_int_equal(json_end(&json, &n), 0);
		snprintf(wanted, sizeof(wanted), "{\"k\":%s}", reals[i].written);
		assert_string_equal(buf, wanted);
		assert_true(is_strict_json(buf, n));
	}
	json_begin(&json, buf, sizeof(buf));
	json_u64(&json, "a", UINT64_MAX);
	json_u64(&json, "b", 0);
	json_i64(&json, "c", INT64_MIN);
	json_i64(&json, "d", INT64_MAX);
	json_bool(&json, "e", true);
	json_bool(&json, "f", false);
	assert_int_equal(json_end(&json, &n), 0);
	assert_string_equal(buf, "{\"a\":18446744073709551615,\"b\":0,\"c\":-9223372036854775808,"
				 "\"d\":9223372036854775807,\"e\":true,\"f\":false}");
	assert_true(is_strict_json(buf, n));
}

static int write_nested(char *buf, size_t size, size_t *ret_len)
{
	struct json json;

	json_begin(&json, buf, size);
	json_open_list(&json, "list");
	json_u64(&json, NULL, 1);
	json_open_map(&json, NULL);
	json_close_map(&json);
	json_open_map(&json, NULL);
	json_text(&json, "k\"", "v");
	json_open_list(&json, "empty");
	json_close_list(&json);
	json_close_map(&json);
	json_text(&json, NULL, "x\xff\x01");
	json_close_list(&json);
	json_bool(&json, "last", true);
	return json_end(&json, ret_len);
}

#define NESTED "{\"list\":[1,{},{\"k\\\"\":\"v\",\"empty\":[]},\"x" BAD "\\u0001\"],\"last\":true}"

/* The text and its NUL just fit. Less room is -ENOSPC; no byte beyond is written. */
static void test_fit(void **state)
{
	size_t fit = sizeof(NESTED), len = 99;
	char buf[256];

	(void)state;
	for (size_t size = 0; size < sizeof(buf) - 1; size++) {
		memset(buf, '#', sizeof(buf));
		len = 99;
		if (size < fit) {
			assert_int_equal(write_nested(buf, size, &len), -ENOSPC);
			assert_int_equal(len, 99);
		} else {
			assert_int_equal(write_nested(buf, size, &len), 0);
			assert_int_equal(len, fit - 1);
			assert_string_equal(buf, NESTED);
			assert_true(is_strict_json(buf, len));
		}
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
}

/* After a member that does not fit, a shorter one does not make a text with a gap. */
static void test_full_stays_full(void **state)
{
	char buf[32];
	struct json json;
	size_t len;

	(void)state;
	json_begin(&json, buf, sizeof(buf));
	json_text(&json, "a", "this is much longer than the buffer");
	json_u64(&json, "b", 1);
	assert_int_equal(json_end(&json, &len), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checker),	  cmocka_unit_test(test_texts),
		cmocka_unit_test(test_all_bytes), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_fit),	  cmocka_unit_test(test_full_stays_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

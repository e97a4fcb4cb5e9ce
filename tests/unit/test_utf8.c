/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "unit/unit.h"

static void test_sanitize(void **state)
{
	static const struct {
		const char *text, *sanitized;
	} rows[] = {
		{"", ""},
		{"sshd [priv] \"x\" \\n", "sshd [priv] \"x\" \\n"},
		{"a\nb\tc\rd", "a?b?c?d"},
		{"\033[31mred\a", "?[31mred?"},
		{"\177", "?"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		/* C1, in UTF-8 and as a single byte */
		{"\xc2\x9b"
		 "31m",
		 "??31m"},
		{"\x9b"
		 "31m",
		 "?31m"},
		{"\xc2\xa0", "\xc2\xa0"},
		/* incomplete, overlong, a surrogate, above U+10FFFF, each also before text */
		{"\xe2\x82", "??"},
		{"\xe2\x82x", "??x"},
		{"\xc0\xafx", "??x"},
		{"\xed\xa0\x80", "???"},
		{"\xf5\x80\x80\x80", "????"},
		{"\xff\xfe", "??"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[64];
		size_t len = strlen(rows[i].text);

		memcpy(text, rows[i].text, len + 1);
		utf8_sanitize(text, len);
		assert_string_equal(text, rows[i].sanitized);
	}
}

/* Of any bytes: the length is unchanged, the result is printable UTF-8, a second run changes
 * nothing. */
static void test_any_bytes(void **state)
{
	uint64_t random = 3;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		char text[17] = "", again[17];

		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] =
				(char)(next_random(&random) % 3 ? 0x80 + next_random(&random) % 0x80
								: 1 + next_random(&random) % 0x7f);
		utf8_sanitize(text, sizeof(text) - 1);
		assert_int_equal(strlen(text), sizeof(text) - 1);
		for (size_t i = 0; i < sizeof(text) - 1;) {
			size_t n = utf8_length(text + i, sizeof(text) - 1 - i);

			assert_true(n > 0);
			assert_true(n > 1 || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
			i += n;
		}
		memcpy(again, text, sizeof(text));
		utf8_sanitize(again, sizeof(again) - 1);
		assert_string_equal(again, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

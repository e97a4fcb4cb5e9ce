/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/regex.h"
#include "base/util.h"

/*
 * Counts every allocation of the process, including PCRE2's. Not with a sanitizer, which has its
 * own malloc(), nor with a C library without the __libc_ names.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&       \
	!defined(SANITIZED)
#define COUNTS_ALLOCATIONS 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static volatile size_t allocations;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	allocations++;
	return __libc_realloc(p, size);
}
#else
#define COUNTS_ALLOCATIONS 0
static size_t allocations;
#endif

static struct regex *compile(const char *pattern)
{
	struct regex *regex = NULL;
	char msg[256] = "";
	size_t offset = 0;

	if (regex_compile(pattern, &regex, &offset, msg, sizeof(msg)) != 0)
		fail_msg("'%s': %s at %zu", pattern, msg, offset);
	return regex;
}

static void test_match(void **state)
{
	static const struct {
		const char *pattern;
		const char *subject;
		int r;
	} cases[] = {
		{"java", "java", 1},
		{"java", "/usr/bin/java -jar x", 1},
		{"^java$", "javac", 0},
		{"^java$", "java\n", 0}, /* $ is the end, not before a last newline */
		{"^a.*z$", "a\nz", 1},
		{"^b", "a\nb", 0}, /* one subject, not lines */
		{"(?i)JAVA", "java", 1},
		{"^$", "", 1},
		{"x", "", 0},
		{"", "anything", 1},
		{"^.$", "\xc3\xa9", 0}, /* bytes, not characters */
		{"\xff", "a\xff", 1},
		{"(a)\\1", "aa", 1},
		{"^(?:ab)*$", "ababababab", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct regex *regex = compile(cases[i].pattern);
		int r = regex_match(regex, cases[i].subject, strlen(cases[i].subject));

		if (r != cases[i].r)
			fail_msg("/%s/ on '%s': %d", cases[i].pattern, cases[i].subject, r);
		regex_free(regex);
	}
}

static void test_match_length(void **state)
{
	struct regex *regex = compile("^a\\x00b$");

	(void)state;
	assert_int_equal(regex_match(regex, "a\0b", 3), 1);
	assert_int_equal(regex_match(regex, "a\0bc", 3), 1);
	assert_int_equal(regex_match(regex, "a\0bc", 4), 0);
	assert_int_equal(regex_match(regex, NULL, 0), 0);
	regex_free(regex);
	regex_free(NULL);
}

static void test_compile_errors(void **state)
{
	static char longest[REGEX_PATTERN_MAX + 2], deep[1024];
	const struct {
		const char *pattern;
		size_t offset;
		const char *msg;
	} cases[] = {
		{"^(foo", 5, "missing closing parenthesis"},
		{"a)", 1, "unmatched closing parenthesis"},
		{"[a", 2, "missing terminating ] for character class"},
		{"*a", 0, "quantifier does not follow a repeatable item"},
		{"a\\", 2, "\\ at end of pattern"},
		{"\\Ca", 2, "using \\C is disabled by the application"},
		{"(*UTF)a", 6, "using UTF is disabled by the application"},
		{"(*UCP)a", 6, "using UCP is disabled by the application"},
		{"((a{1000}){1000}){1000}", SIZE_MAX, "regular expression is too large"},
		{longest, SIZE_MAX, "pattern string is longer than the limit set"},
		{deep, SIZE_MAX, "parentheses are too deeply nested"},
	};

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	memset(deep, '(', 300);
	memset(deep + 300, ')', 300);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct regex *regex = NULL;
		size_t offset = SIZE_MAX;
		char msg[256] = "";
		int r = regex_compile(cases[i].pattern, &regex, &offset, msg, sizeof(msg));

		if (r != -EINVAL || regex || !strstr(msg, cases[i].msg) ||
		    (cases[i].offset != SIZE_MAX && offset != cases[i].offset))
			fail_msg("/%.20s/: %d, '%s' at %zu", cases[i].pattern, r, msg, offset);
		assert_int_equal(regex_compile(cases[i].pattern, &regex, NULL, NULL, 0), -EINVAL);
	}
}

/* A message that does not fit is cut; success leaves the outputs unchanged. */
static void test_compile_outputs(void **state)
{
	struct regex *regex = NULL;
	char msg[9] = "untouch";
	size_t offset = 77;

	(void)state;
	assert_int_equal(regex_compile("a", &regex, &offset, msg, sizeof(msg)), 0);
	assert_int_equal(offset, 77);
	assert_string_equal(msg, "untouch");
	regex_free(regex);

	assert_int_equal(regex_compile("(", &regex, NULL, msg, sizeof(msg)), -EINVAL);
	assert_true(strlen(msg) < sizeof(msg));
}

/* Patterns that backtrack exponentially or nest deeply end at a limit. */
static const struct {
	const char *pattern;
	const char *unit; /* repeated to make the subject */
	size_t times;
	const char *tail;
	int r;
} heavy[] = {
	{"^(a+)+$", "a", 30, "!", -E2BIG},
	{"^(a|aa)+$", "a", 60, "!", -E2BIG},
	{"^(?:a|b)*c", "ab", 2000, "!c", -E2BIG},
	{"(.*)*(.*)*(.*)*!$", "a", 3000, "", 0}, /* no '!': PCRE2 sees it at once */
	{"(x+x+)+y", "x", 40, "y", 1},
	{"^((a)|(b)|(c)|(d)|(e)|(f)|(g)|(h)|(i)|(j)|(k)|(l)|(m)|(n)|(o)|(p)|(q)|(r))*$", "abcdefg",
	 500, "!", -E2BIG},			 /* wide frames: the heap limit */
	{"^(?:(a)|b)*$", "ab", 50, "", 1},	 /* deep, and inside the limits */
	{"^(a(?1)?b)$", "a", 3000, "b", -E2BIG}, /* recursive */
	{"^(?:.|\\n){200}x", "a", 4096, "", 0},
};

static size_t make_subject(size_t i, char *buf, size_t n)
{
	size_t len = 0;

	for (size_t t = 0; t < heavy[i].times; t++)
		len += (size_t)snprintf(buf + len, n - len, "%s", heavy[i].unit);
	len += (size_t)snprintf(buf + len, n - len, "%s", heavy[i].tail);
	assert_true(len < n);
	return len;
}

static char subject[8192];

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heavy); i++) {
		struct regex *regex = compile(heavy[i].pattern);
		size_t len = make_subject(i, subject, sizeof(subject));
		int r = regex_match(regex, subject, len);

		if (r != heavy[i].r)
			fail_msg("/%s/: %d", heavy[i].pattern, r);
		/* the next match is not affected */
		assert_int_equal(regex_match(regex, "", 0), regex_match(regex, NULL, 0));
		assert_int_equal(regex_match(regex, subject, len), heavy[i].r);
		regex_free(regex);
	}
}

static void test_match_allocates_nothing(void **state)
{
	struct regex *regexes[ARRAY_SIZE(heavy)];
	size_t before;

	(void)state;
	if (!COUNTS_ALLOCATIONS)
		skip();

	/* the counter works: compiling allocates */
	before = allocations;
	for (size_t i = 0; i < ARRAY_SIZE(heavy); i++)
		regexes[i] = compile(heavy[i].pattern);
	assert_true(allocations > before);

	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(heavy); i++) {
			size_t len = make_subject(i, subject, sizeof(subject));
			int r;

			before = allocations;
			r = regex_match(regexes[i], subject, len);
			if (allocations != before)
				fail_msg("/%s/ allocates", heavy[i].pattern);
			assert_int_equal(r, heavy[i].r);
		}
	}

	for (size_t i = 0; i < ARRAY_SIZE(heavy); i++)
		regex_free(regexes[i]);
}

static void *match_often(void *arg)
{
	const struct regex *regex = arg;
	uintptr_t wrong = 0;

	for (size_t i = 0; i < 2000; i++) {
		wrong += regex_match(regex, "ababababab", 10) != 1;
		wrong += regex_match(regex, "abababababc", 11) != 0;
	}
	return (void *)wrong;
}

/* Threads share the scratch memory without mixing results, also with the same regex. */
static void test_threads(void **state)
{
	struct regex *regex = compile("^(?:(a)|(b))*$");
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, match_often, regex), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	regex_free(regex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_length),
		cmocka_unit_test(test_compile_errors),
		cmocka_unit_test(test_compile_outputs),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_match_allocates_nothing),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/regex.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/util.h"

/* Chosen; tests/unit/test_regex.c has patterns that backtrack exponentially, and reach them. */
#define REGEX_MATCH_LIMIT 10000
#define REGEX_DEPTH_LIMIT 250
#define REGEX_HEAP_KIB	  64
#define REGEX_NEST_LIMIT  64

struct regex {
	pcre2_code *code;
	char *pattern;
};

/*
 * Memory for PCRE2 while it matches. It grows its frames by allocating a larger block and copying,
 * up to the heap limit, so two blocks suffice. They are static: the pages of a stack could fault
 * in during Near-OOM, and a pair for each pattern would lock 128 KiB each.
 */
static struct {
	pthread_mutex_t lock;
	bool ready;
	size_t fixed_used;
	bool block_used[2];
	pcre2_match_context *limits;
	pcre2_match_data *data;
	alignas(max_align_t) char fixed[4096];
	alignas(max_align_t) char block[2][REGEX_HEAP_KIB * 1024];
} scratch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *scratch_alloc(size_t size, void *userdata)
{
	void *p;

	(void)userdata;

	/* the contexts and the match data, allocated once */
	if (!scratch.ready) {
		size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
		if (size > sizeof(scratch.fixed) - scratch.fixed_used)
			return NULL;
		p = scratch.fixed + scratch.fixed_used;
		scratch.fixed_used += size;
		return p;
	}

	for (size_t i = 0; i < ARRAY_SIZE(scratch.block); i++) {
		if (!scratch.block_used[i] && size <= sizeof(scratch.block[i])) {
			scratch.block_used[i] = true;
			return scratch.block[i];
		}
	}
	return NULL;
}

static void scratch_free(void *p, void *userdata)
{
	(void)userdata;

	for (size_t i = 0; i < ARRAY_SIZE(scratch.block); i++)
		if (p == scratch.block[i])
			scratch.block_used[i] = false;
}

/* The caller holds the lock. */
static int scratch_prepare(void)
{
	pcre2_general_context *general;

	if (scratch.ready)
		return 0;

	scratch.fixed_used = 0;
	general = pcre2_general_context_create(scratch_alloc, scratch_free, NULL);
	if (!general)
		return -ENOMEM;

	/* one pair: only whether it matched is used */
	scratch.data = pcre2_match_data_create(1, general);
	scratch.limits = pcre2_match_context_create(general);
	if (!scratch.data || !scratch.limits)
		return -ENOMEM;

	pcre2_set_match_limit(scratch.limits, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(scratch.limits, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(scratch.limits, REGEX_HEAP_KIB);
	scratch.ready = true;
	return 0;
}

static void compile_context_free(pcre2_compile_context **context)
{
	pcre2_compile_context_free(*context);
}

static void regex_free_p(struct regex **regex)
{
	regex_free(*regex);
}

int regex_compile(const char *pattern, struct regex **ret, size_t *ret_offset, char *msg,
		  size_t msg_size)
{
	const uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
				 PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL;
	_cleanup_(compile_context_free) pcre2_compile_context *context = NULL;
	_cleanup_(regex_free_p) struct regex *regex = NULL;
	size_t offset = 0;
	int error, r;

	pthread_mutex_lock(&scratch.lock);
	r = scratch_prepare();
	pthread_mutex_unlock(&scratch.lock);
	if (r < 0)
		return r;

	regex = calloc(1, sizeof(*regex));
	context = pcre2_compile_context_create(NULL);
	if (!regex || !context)
		return -ENOMEM;
	regex->pattern = strdup(pattern);
	if (!regex->pattern)
		return -ENOMEM;
	pcre2_set_max_pattern_length(context, REGEX_PATTERN_MAX);
	pcre2_set_parens_nest_limit(context, REGEX_NEST_LIMIT);

	regex->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error,
				    &offset, context);
	if (!regex->code) {
		if (error == PCRE2_ERROR_HEAP_FAILED)
			return -ENOMEM;
		if (ret_offset)
			*ret_offset = offset;
		if (msg && msg_size > 0) {
			msg[0] = '\0';
			/* a message that is cut short is still useful */
			pcre2_get_error_message(error, (PCRE2_UCHAR *)msg, msg_size);
		}
		return -EINVAL;
	}

	*ret = TAKE_PTR(regex);
	return 0;
}

const char *regex_pattern(const struct regex *regex)
{
	return regex->pattern;
}

int regex_match(const struct regex *regex, const char *subject, size_t len)
{
	int r;

	pthread_mutex_lock(&scratch.lock);
	r = pcre2_match(regex->code, (PCRE2_SPTR)(len > 0 ? subject : ""), len, 0, 0, scratch.data,
			scratch.limits);
	pthread_mutex_unlock(&scratch.lock);

	if (r >= 0)
		return 1;
	if (r == PCRE2_ERROR_NOMATCH)
		return 0;

	/* a limit, no scratch memory, or a loop in a recursive pattern */
	return -E2BIG;
}

void regex_free(struct regex *regex)
{
	if (!regex)
		return;

	pcre2_code_free(regex->code);
	free(regex->pattern);
	free(regex);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "sense/ingest.h"
#include "unit/unit.h"

static const struct {
	uint32_t type;
	size_t size;
} types[] = {
	{FO_EVENT_HOT, sizeof(struct fo_event_hot)},
	{FO_EVENT_KERNEL_KILL, sizeof(struct fo_event_kill)},
	{FO_EVENT_SCOPE_REMOVED, sizeof(struct fo_event)},
};

/* Checks @len bytes at the end of a heap block, so that a sanitizer sees a read beyond them. */
static int check(uint32_t type, uint32_t size, size_t len)
{
	unsigned char *bytes = malloc(len ? len : 1);
	struct fo_event event = {.type = type, .size = size};
	int err;

	assert_non_null(bytes);
	memset(bytes, 0xff, len);
	memcpy(bytes, &event, len < sizeof(event) ? len : sizeof(event));
	err = ingest_check(bytes, len);
	free(bytes);
	return err;
}

/* A shorter event is refused; a longer one is accepted, as the ring buffer pads. */
static void test_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (size_t len = 0; len < types[i].size + 64; len++)
			if (check(types[i].type, (uint32_t)types[i].size, len) !=
			    (len < types[i].size ? -EBADMSG : 0))
				fail_msg("type %u, %zu bytes", types[i].type, len);
}

/* The size in the event must be that of its type, whatever @len is. */
static void test_sizes(void **state)
{
	static const uint32_t sizes[] = {0, 1, 24, 40, 128, 129, 4096, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			if (check(types[i].type, sizes[k], 4096) !=
			    (sizes[k] == types[i].size ? 0 : -EBADMSG))
				fail_msg("type %u, size %u", types[i].type, sizes[k]);
}

static void test_types(void **state)
{
	static const uint32_t unknown[] = {0, FO_EVENT_SCOPE_REMOVED + 1, 255, 1 << 16, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++)
			if (check(unknown[i], (uint32_t)types[k].size, 4096) != -EBADMSG)
				fail_msg("type %u", unknown[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

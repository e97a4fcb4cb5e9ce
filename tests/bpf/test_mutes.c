// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Changes of mutes that the kernel refuses are tried again. The maps are real; one is full, one is
 * frozen. Needs CAP_BPF.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "daemon/mutes.h"
#include "event.h"

static int new_map(uint32_t value_size, uint32_t entries)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "fo_test", sizeof(uint64_t), value_size, entries,
				NULL);

	if (fd < 0 && errno == EPERM) {
		print_message("skipped, because maps need CAP_BPF\n");
		skip();
	}
	assert_true(fd >= 0);
	return fd;
}

static uint64_t muted_until(const struct mutes *mutes, uint64_t scope)
{
	struct fo_hot hot;

	return bpf_map_lookup_elem(mutes->hot_fd, &scope, &hot) ? 0 : hot.muted_until_ns;
}

static struct mutes new_mutes(uint32_t entries)
{
	return (struct mutes){.hot_fd = new_map(sizeof(struct fo_hot), entries),
			      .reach_fd = new_map(sizeof(struct fo_reach), entries)};
}

static void close_maps(const struct mutes *mutes)
{
	close(mutes->hot_fd);
	close(mutes->reach_fd);
}

/* A scope that finds no entry is muted as soon as there is one. */
static void test_full_map(void **state)
{
	struct mutes mutes = new_mutes(1);

	(void)state;
	mutes_set(&mutes, 7, 100);
	assert_int_equal(muted_until(&mutes, 7), 100);
	mutes_set(&mutes, 8, 200);
	mutes_set(&mutes, 8, 300);
	assert_int_equal(mutes.failed, 2);
	assert_int_equal(mutes.error, -E2BIG);
	assert_int_equal(mutes.pending_count, 1);
	assert_int_equal(mutes_retry(&mutes), 1);
	assert_int_equal(mutes.failed, 2); /* once each, not for each try */
	mutes_clear(&mutes, 7);
	assert_int_equal(mutes_retry(&mutes), 0);
	assert_int_equal(muted_until(&mutes, 8), 300); /* the latest */

	/* it is watched meanwhile: an older mute must not silence it */
	mutes_set(&mutes, 9, 100);
	mutes_forget(&mutes, 9);
	mutes_clear(&mutes, 8);
	assert_int_equal(mutes_retry(&mutes), 0);
	assert_int_equal(muted_until(&mutes, 9), 0);
	close_maps(&mutes);
}

/* A scope that cannot be unmuted stays pending, and is unmuted later. */
static void test_frozen_map(void **state)
{
	struct mutes mutes = new_mutes(4);
	int frozen = new_map(sizeof(struct fo_hot), 4), good;
	const struct fo_hot hot = {.muted_until_ns = UINT64_MAX};
	uint64_t scope = 7;

	(void)state;
	assert_int_equal(bpf_map_update_elem(frozen, &scope, &hot, BPF_ANY), 0);
	mutes_set(&mutes, 7, UINT64_MAX);
	if (bpf_map_freeze(frozen)) {
		print_message("skipped, because this kernel cannot freeze a map (5.2)\n");
		skip();
	}
	good = mutes.hot_fd;
	mutes.hot_fd = frozen;
	mutes_clear(&mutes, 7);
	assert_int_equal(mutes.error, -EPERM);
	assert_int_equal(mutes_retry(&mutes), 1);
	assert_int_equal(muted_until(&mutes, 7), UINT64_MAX);
	mutes.hot_fd = good;
	assert_int_equal(mutes_retry(&mutes), 0);
	assert_int_equal(muted_until(&mutes, 7), 0);
	/* nothing to unmute is no failure */
	mutes_clear(&mutes, 7);
	assert_int_equal(mutes.failed, 1);
	close(frozen);
	close_maps(&mutes);
}

/* Failures beyond MUTES_PENDING_MAX are counted. A reach that fails is counted, not kept. */
static void test_bounds(void **state)
{
	const struct fo_reach reach = {.pages = 5};
	struct mutes mutes = new_mutes(1);

	(void)state;
	mutes_set(&mutes, 1, 100);
	for (uint64_t scope = 2; scope < 2 + MUTES_PENDING_MAX + 10; scope++)
		mutes_set(&mutes, scope, 100);
	assert_int_equal(mutes.pending_count, MUTES_PENDING_MAX);
	assert_int_equal(mutes.failed, MUTES_PENDING_MAX + 10);
	mutes.pending_count = 0;
	mutes_set_reach(&mutes, 1, &reach);
	assert_int_equal(mutes.failed, MUTES_PENDING_MAX + 10);
	mutes_set_reach(&mutes, 2, &reach);
	assert_int_equal(mutes.failed, MUTES_PENDING_MAX + 11);
	assert_int_equal(mutes.pending_count, 0);
	close_maps(&mutes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_map),
		cmocka_unit_test(test_frozen_map),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "sense/host.h"

static char root[64];

/* Writes a file below the root, and creates its directories. */
static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "we");
	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/fo-host-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf -- '%s'", root);
	return system(command);
}

static void test_number(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_int_equal(host_number(root, "/proc/sys/vm/panic_on_oom", &v), -ENOENT);
	put("/proc/sys/vm/panic_on_oom", "2\n");
	assert_int_equal(host_number(root, "/proc/sys/vm/panic_on_oom", &v), 0);
	assert_int_equal(v, 2);
	put("/proc/sys/vm/panic_on_oom", "two\n");
	assert_int_equal(host_number(root, "/proc/sys/vm/panic_on_oom", &v), -EINVAL);
}

static void test_capabilities(void **state)
{
	uint64_t bits;

	(void)state;
	put("/proc/self/status",
	    "Name:\tx\nCapPrm:\t0000000000000001\nCapEff:\t000001fffeffffff\n");
	assert_int_equal(host_capabilities(root, &bits), 0);
	assert_true(bits == 0x1fffeffffffULL);
	put("/proc/self/status", "Name:\tx\n");
	assert_int_equal(host_capabilities(root, &bits), -EINVAL);
}

static void test_psi(void **state)
{
	(void)state;
	assert_int_equal(host_psi(root), -ENOENT);
	put("/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	assert_int_equal(host_psi(root), 0);
}

static void test_lockdown(void **state)
{
	char mode[32];

	(void)state;
	assert_int_equal(host_lockdown(root, mode, sizeof(mode)), 0);
	assert_string_equal(mode, "none");
	put("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	assert_int_equal(host_lockdown(root, mode, sizeof(mode)), 0);
	assert_string_equal(mode, "confidentiality");
	put("/sys/kernel/security/lockdown", "what\n");
	assert_int_equal(host_lockdown(root, mode, sizeof(mode)), -EINVAL);
}

static void test_swap(void **state)
{
	struct host_swap swap;

	(void)state;
	assert_int_equal(host_swap(root, &swap), -ENOENT);
	put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	assert_int_equal(host_swap(root, &swap), 0);
	assert_int_equal(swap.disk_bytes + swap.zram_bytes, 0);
	put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
			   "/dev/zram0  partition\t1024\t10\t100\n"
			   "/swap\\040file  file\t2048\t20\t-2\n");
	assert_int_equal(host_swap(root, &swap), 0);
	assert_int_equal(swap.zram_bytes, 1024 * 1024);
	assert_int_equal(swap.disk_bytes, 2048 * 1024);
	assert_int_equal(swap.used_bytes, 30 * 1024);
}

static void test_rivals(void **state)
{
	struct host_rival found[HOST_RIVALS_MAX];
	char path[128];

	(void)state;
	put("/proc/10/comm", "earlyoom-not\n");
	put("/proc/11/comm", "bash\n");
	assert_int_equal(host_rivals(root, found, ARRAY_SIZE(found)), 0);
	put("/proc/12/comm", "earlyoom\n");
	assert_int_equal(host_rivals(root, found, ARRAY_SIZE(found)), 1);
	assert_int_equal(found[0].pid, 12);
	assert_string_equal(found[0].comm, "earlyoom");
	put("/proc/14/comm", "nohang\n");
	assert_int_equal(host_rivals(root, found, ARRAY_SIZE(found)), 2);
	/* a process chooses its name: that of a login user is none */
	snprintf(path, sizeof(path), "%s/proc/14", root);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1000, 1000), 0);
		assert_int_equal(host_rivals(root, found, ARRAY_SIZE(found)), 1);
		assert_int_equal(chown(path, 61184, 61184), 0);
		assert_int_equal(host_rivals(root, found, ARRAY_SIZE(found)), 2);
	}
	assert_true(host_is(root, 11, "bash"));
	assert_false(host_is(root, 11, "zsh"));
	assert_false(host_is(root, 13, "bash"));
}

static void test_oom_disabled(void **state)
{
	char mount[80], path[64];
	size_t count;

	(void)state;
	snprintf(mount, sizeof(mount), "%s/cg", root);
	assert_int_equal(host_oom_disabled(mount, &count, path, sizeof(path)), -ENOENT);
	put("/cg/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	put("/cg/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	assert_int_equal(host_oom_disabled(mount, &count, path, sizeof(path)), 0);
	assert_int_equal(count, 0);
	put("/cg/a/b/memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n");
	assert_int_equal(host_oom_disabled(mount, &count, path, sizeof(path)), 0);
	assert_int_equal(count, 1);
	assert_string_equal(path, "/a/b");
}

static void test_min_free(void **state)
{
	(void)state;
	assert_int_equal(host_min_free_default_kb(512), 128);
	/* from the comment in mm/page_alloc.c: 1024MB gives 4096k, 16384MB 16384k */
	assert_int_equal(host_min_free_default_kb(1024 * 1024), 4096);
	assert_int_equal(host_min_free_default_kb(16384 * 1024), 16384);
	assert_int_equal(host_min_free_default_kb(1ULL << 40), 262144);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_number, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_capabilities, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_psi, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_lockdown, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_swap, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_rivals, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_oom_disabled, make_root, remove_root),
		cmocka_unit_test(test_min_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

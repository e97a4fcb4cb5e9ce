/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Reads trees of files as hosts have them: tests/fixtures/v1 (numbers of a real kernel), v2 (order
 * and names of Documentation/admin-guide/cgroup-v2.rst), hybrid, and malformed ones.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/cgroup.h"
#include "unit/unit.h"

#define FIXTURES "tests/fixtures/"

#define V1_ALL                                                                                     \
	(CGROUP_HAS_LIMIT | CGROUP_HAS_FILE_LRU | CGROUP_HAS_REFAULTS | CGROUP_HAS_FAULTS |        \
	 CGROUP_HAS_ANON | CGROUP_HAS_SWAP | CGROUP_HAS_MAPPED)
#define V2_ALL V1_ALL

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_host(void **state)
{
	/* a mount may be listed twice, as in a container: the first one is used */
	static const struct {
		const char *tree;
		int err, version;
		const char *mount;
	} rows[] = {
		{"v1", 0, 1, "/sys/fs/cgroup/memory"},	      {"v2", 0, 2, "/sys/fs/cgroup"},
		{"hybrid", 0, 1, "/sys/fs/cgroup/memory"},    {"v2-nomemory", -ENOENT, 0, NULL},
		{"broken-v1", 0, 1, "/sys/fs/cgroup/memory"}, {"broken-v2", 0, 2, "/sys/fs/cgroup"},
		{"broken-nocgroup", -ENOENT, 0, NULL},	      {"broken-empty", -ENOENT, 0, NULL},
		{"broken-mounts", -ENOENT, 0, NULL},	      {"broken-nodir", -ENOENT, 0, NULL},
		{"there-is-no-such-tree", -ENOENT, 0, NULL},
	};
	int fds = open_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup_host host = {.version = 77};
		char root[256], mount[512];
		int err;

		snprintf(root, sizeof(root), FIXTURES "%s", rows[i].tree);
		err = cgroup_host_open(&host, root);
		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].tree, err);
		if (err) {
			assert_int_equal(host.version, 77); /* written on success only */
			continue;
		}
		assert_int_equal(host.version, rows[i].version);
		snprintf(mount, sizeof(mount), "%s%s", root, rows[i].mount);
		assert_string_equal(host.mount, mount);
		cgroup_host_close(&host);
		cgroup_host_close(&host); /* a second time is accepted */
	}
	assert_int_equal(open_fds(), fds);
}

/* Roots and mount points with lengths around that of the buffer: opened, or an error. */
static void test_host_lengths(void **state)
{
	struct cgroup_host host;
	char root[2048];

	(void)state;
	assert_true(cgroup_host_open(&host, FIXTURES "broken-longmount") < 0);
	for (size_t slashes = CGROUP_PATH_MAX - 80; slashes < CGROUP_PATH_MAX + 80; slashes++) {
		size_t len = (size_t)sprintf(root, "tests");
		int err;

		/* the same directory by a longer path */
		memset(root + len, '/', slashes);
		strcpy(root + len + slashes, "fixtures/v2");
		err = cgroup_host_open(&host, root);
		if (err)
			continue;
		assert_true(strlen(host.mount) < CGROUP_PATH_MAX);
		assert_true(strlen(host.mount) == strlen(root) + strlen("/sys/fs/cgroup"));
		cgroup_host_close(&host);
	}
	memset(root, 'x', sizeof(root) - 1);
	root[sizeof(root) - 1] = '\0';
	assert_true(cgroup_host_open(&host, root) < 0);
}

/* Opens, reads, closes; returns the first error. */
static int read_at(const char *tree, const char *path, struct cgroup_memory *ret)
{
	struct cgroup_host host;
	struct cgroup cgroup;
	char root[256];
	int err;

	snprintf(root, sizeof(root), FIXTURES "%s", tree);
	assert_int_equal(cgroup_host_open(&host, root), 0);
	err = cgroup_open_path(&host, path, &cgroup);
	if (!err) {
		err = cgroup_read(&host, &cgroup, ret);
		cgroup_close(&cgroup);
	}
	cgroup_host_close(&host);
	return err;
}

#define POD                                                                                        \
	"/kubepods.slice/kubepods-burstable.slice/"                                                \
	"kubepods-burstable-pod1d2c3b4a_0000_4000_8000_00000000beef.slice/"                        \
	"cri-containerd-abababababababababababababababababababababababababababababababab.scope"

static void test_read(void **state)
{
	static const struct {
		const char *tree, *path;
		struct cgroup_memory memory;
	} rows[] = {
		/* the root of v1 has no limit; values include the descendants */
		{"v1",
		 "/",
		 {V1_ALL & ~CGROUP_HAS_LIMIT, 860884992, UINT64_MAX, 363384832 + 8933376,
		  201392128 + 287391744, 0, 133695666, 0, 9734252, 0, UINT64_MAX,
		  41410560 - 8933376, false}},
		/* the totals are read, not its own small numbers; memory + swap has a limit */
		{"v1",
		 "/batch",
		 {V1_ALL | CGROUP_HAS_UNDER_OOM, 268435456, 268435456, 104857600 + 4194304,
		  79691776 + 67108864, 0, 17 + 2211034, 0, 310422, 1048576, 536870912 - 269484032,
		  130023424 - 4194304, true}},
		{"v1",
		 "batch/job1", /* the slash is optional */
		 {V1_ALL & ~CGROUP_HAS_LIMIT, 251658240, UINT64_MAX, 104857600 + 4194304,
		  79691776 + 67108864, 0, 17 + 2211034, 0, 310422, 1048576, UINT64_MAX,
		  130023424 - 4194304, false}},
		{"v1",
		 "/plain", /* no swap accounting; the kernel kills for those that wait */
		 {(V1_ALL & ~CGROUP_HAS_SWAP) | CGROUP_HAS_UNDER_OOM, 52428800, 104857600, 41943040,
		  9437184, 0, 0, 0, 9, 0, 0, 0, false}},
		{"hybrid",
		 "/user.slice", /* before 5.9 there is one counter of refaults, which is not used */
		 {V1_ALL & ~(CGROUP_HAS_SWAP | CGROUP_HAS_REFAULTS), 209715200, 419430400,
		  104857600 + 4194304, 79691776 + 67108864, 0, 0, 0, 310422, 0, 0,
		  130023424 - 4194304, false}},
		{"v2",
		 "/system.slice/db.service",
		 {V2_ALL, 134217728, 134217728, 41943040 + 8388608, 50331648 + 25165824, 3145728,
		  1200 + 340021, 700 + 90211, 21077, 9437184, 67108864 - 9437184,
		  52428800 - 8388608, false}},
		{"v2",
		 "/system.slice/high.service", /* high below max */
		 {V2_ALL, 104857600, 117440512, 41943040 + 8388608, 50331648 + 25165824, 3145728,
		  1205, 700 + 90211, 21077, 0, UINT64_MAX, 52428800 - 8388608, false}},
		{"v2",
		 "/system.slice/onlyhigh.service", /* its swap limit is 0 */
		 {V2_ALL, 104857600, 117440512, 41943040 + 8388608, 50331648 + 25165824, 3145728,
		  341221, 90911, 21077, 0, 0, 52428800 - 8388608, false}},
		{"v2",
		 "/system.slice/noswap.service", /* the kernel has no swap */
		 {V2_ALL & ~CGROUP_HAS_SWAP, 104857600, 134217728, 41943040 + 8388608,
		  50331648 + 25165824, 3145728, 341221, 90911, 21077, 0, 0, 52428800 - 8388608,
		  false}},
		{"v2",
		 "/system.slice/overswap.service", /* the swap limit was lowered below the usage */
		 {V2_ALL, 104857600, 134217728, 41943040 + 8388608, 50331648 + 25165824, 3145728,
		  341221, 90911, 21077, 4194304, 0, 52428800 - 8388608, false}},
		{"v2",
		 "/system.slice",
		 {V2_ALL & ~CGROUP_HAS_LIMIT, 734003200, UINT64_MAX, 412090368 + 8388608,
		  50331648 + 25165824, 3145728, 341221, 90911, 21077, 0, UINT64_MAX,
		  52428800 - 8388608, false}},
		{"v2",
		 POD,
		 {V2_ALL, 67108864, 268435456, 33554432, 16777216 + 8388608, 0, 77, 0, 3, 0, 0, 0,
		  false}},
	};
	int fds = open_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cgroup_memory *w = &rows[i].memory;
		struct cgroup_memory m = {0};
		int err = read_at(rows[i].tree, rows[i].path, &m);

		if (err)
			fail_msg("%s%s: %d", rows[i].tree, rows[i].path, err);
		if (m.has != w->has)
			fail_msg("%s%s: has %#x", rows[i].tree, rows[i].path, m.has);
		assert_int_equal(m.usage_bytes, w->usage_bytes);
		assert_int_equal(m.limit_bytes, w->limit_bytes);
		assert_int_equal(m.anon_bytes, w->anon_bytes);
		assert_int_equal(m.file_lru_bytes, w->file_lru_bytes);
		assert_int_equal(m.slab_reclaimable_bytes, w->slab_reclaimable_bytes);
		assert_int_equal(m.mapped_file_bytes, w->mapped_file_bytes);
		assert_int_equal(m.refault_pages, w->refault_pages);
		assert_int_equal(m.activated_pages, w->activated_pages);
		assert_int_equal(m.major_faults, w->major_faults);
		if (!(m.has & CGROUP_HAS_SWAP))
			continue;
		assert_int_equal(m.swap_bytes, w->swap_bytes);
		assert_int_equal(m.swap_free_bytes, w->swap_free_bytes);
	}
	assert_int_equal(open_fds(), fds);
}

/* A malformed file is an error or a missing bit, not a zero; the other values are read. */
static void test_broken(void **state)
{
	static const struct {
		const char *tree, *path;
		int err;
		uint32_t has;
	} rows[] = {
		{"broken-v2", "good", 0, V2_ALL},
		/* no scope, or removed */
		{"broken-v2", "", -ENODEV, 0},
		{"broken-v2", "no-current", -ENODEV, 0},
		{"broken-v2", "no-max", -ENODEV, 0},
		{"broken-v2", "no-stat", -ENODEV, 0},
		{"broken-v2", "there-is-none", -ENODEV, 0},
		{"broken-v2", "no-high", 0, V2_ALL},
		{"broken-v2", "empty-stat", -ENODATA, 0},
		{"broken-v2", "empty-current", -ENODATA, 0},
		{"broken-v2", "empty-max", -ENODATA, 0},
		{"broken-v2", "word-current", -EINVAL, 0},
		{"broken-v2", "no-workingset", 0, V2_ALL & ~CGROUP_HAS_REFAULTS},
		{"broken-v2", "no-lru", 0, V2_ALL & ~CGROUP_HAS_FILE_LRU},
		{"broken-v2", "no-anon", 0, V2_ALL & ~CGROUP_HAS_ANON},
		{"broken-v2", "no-majfault", 0, V2_ALL & ~CGROUP_HAS_FAULTS},
		{"broken-v2", "cut-key-stat", 0, V2_ALL & ~CGROUP_HAS_FAULTS},
		{"broken-v2", "cut-stat", 0, V2_ALL & ~CGROUP_HAS_FAULTS},
		{"broken-v2", "huge-stat", 0, V2_ALL & ~(CGROUP_HAS_FAULTS | CGROUP_HAS_FILE_LRU)},
		{"broken-v2", "garbage-stat", 0,
		 CGROUP_HAS_LIMIT | CGROUP_HAS_SWAP | CGROUP_HAS_MAPPED},
		{"broken-v2", "word-swap", 0, V2_ALL & ~CGROUP_HAS_SWAP},
		{"broken-v2", "no-swap-max", 0, V2_ALL & ~CGROUP_HAS_SWAP},
		{"broken-v1", "good", 0, V1_ALL},
		/* without the totals, a cgroup's own numbers are not used */
		{"broken-v1", "own-only", 0, CGROUP_HAS_LIMIT},
		{"broken-v1", "no-refaults", 0, V1_ALL & ~(CGROUP_HAS_REFAULTS | CGROUP_HAS_SWAP)},
		{"broken-v1", "no-lru", 0, V1_ALL & ~(CGROUP_HAS_FILE_LRU | CGROUP_HAS_SWAP)},
		{"broken-v1", "nearly-no-limit", 0, V1_ALL & ~(CGROUP_HAS_LIMIT | CGROUP_HAS_SWAP)},
		{"broken-v1", "word-memsw", 0, V1_ALL & ~CGROUP_HAS_SWAP},
		{"broken-v1", "over-memsw", 0, V1_ALL},
	};
	int fds = open_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup_memory m = {.has = 0xffff};
		int err = read_at(rows[i].tree, rows[i].path, &m);

		if (err != rows[i].err)
			fail_msg("%s/%s: %d", rows[i].tree, rows[i].path, err);
		if (m.has != (err ? 0xffff : rows[i].has))
			fail_msg("%s/%s: has %#x, not %#x", rows[i].tree, rows[i].path, m.has,
				 rows[i].has);
	}
	assert_int_equal(open_fds(), fds);
}

/* A memory.high that is malformed is ignored. */
static void test_malformed_high(void **state)
{
	struct cgroup_memory m = {0};

	(void)state;
	assert_int_equal(read_at("broken-v2", "word-high", &m), 0);
	assert_int_equal(m.limit_bytes, 134217728);
	assert_int_equal(m.has, V2_ALL);
}

/* memory + swap above its limit leaves 0 bytes of swap: the difference does not wrap around. */
static void test_over_memsw(void **state)
{
	struct cgroup_memory m = {0};

	(void)state;
	assert_int_equal(read_at("broken-v1", "over-memsw", &m), 0);
	assert_int_equal(m.swap_free_bytes, 0);
}

/*
 * What reclaim cannot give back, at 512 MiB free swap of the node: anonymous memory that fits into
 * swap can be given back, but no more than the cgroup's own limit of swap allows.
 */
static void test_held(void **state)
{
	static const struct {
		const char *path;
		uint64_t swap_free_mib, held_mib;
	} rows[] = {
		/* 128 MiB used, 72 file LRU, 3 slab, 48 anonymous; 55 MiB of swap may be used */
		{"/system.slice/db.service", 55, 5},
		/* 100 MiB used; swap without a limit */
		{"/system.slice/high.service", 512, 0},
		/* its swap is used up, is not allowed, is not accounted */
		{"/system.slice/overswap.service", 0, 25},
		{"/system.slice/onlyhigh.service", 0, 25},
		{"/system.slice/noswap.service", 0, 25},
	};
	struct cgroup_host host;

	(void)state;
	assert_int_equal(cgroup_host_open(&host, FIXTURES "v2"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup_memory memory;
		struct cgroup cgroup;
		uint64_t swap_free;

		assert_int_equal(cgroup_open_path(&host, rows[i].path, &cgroup), 0);
		assert_int_equal(cgroup_read(&host, &cgroup, &memory), 0);
		assert_int_equal(memory.has & CGROUP_HAS_LEVEL, CGROUP_HAS_LEVEL);
		swap_free = cgroup_swap_free_bytes(&memory, 512 * MIB);
		if (swap_free != rows[i].swap_free_mib * MIB)
			fail_msg("%s: %llu of swap", rows[i].path, (unsigned long long)swap_free);
		if (cgroup_held_bytes(&memory, swap_free) != rows[i].held_mib * MIB)
			fail_msg("%s: %llu held", rows[i].path,
				 (unsigned long long)cgroup_held_bytes(&memory, swap_free));
		cgroup_close(&cgroup);
	}
	cgroup_host_close(&host);
}

static void test_path_lengths(void **state)
{
	struct cgroup_host host;
	struct cgroup cgroup;
	char path[1024];
	int fds;

	(void)state;
	assert_int_equal(cgroup_host_open(&host, FIXTURES "v2"), 0);
	fds = open_fds();
	for (size_t len = 1; len < sizeof(path) - 1; len++) {
		int err;

		memset(path, 'x', len);
		path[len] = '\0';
		err = cgroup_open_path(&host, path, &cgroup);
		/* a name has at most 255 bytes; a path needs space for its slash and NUL */
		if (len > CGROUP_PATH_MAX - 2 || len > 255)
			assert_int_equal(err, -ENAMETOOLONG);
		else
			assert_int_equal(err, -ENODEV);
	}
	/* the longest path that fits: "././" and so on, to a cgroup */
	for (size_t len = CGROUP_PATH_MAX - 6; len < CGROUP_PATH_MAX + 6; len++) {
		const char *last = "system.slice";
		size_t dots = (len - strlen(last)) / 2, n = 0;
		int err;

		while (n < 2 * dots) {
			path[n++] = '.';
			path[n++] = '/';
		}
		if ((len - strlen(last)) % 2)
			path[n++] = '/';
		strcpy(path + n, last);
		assert_int_equal(strlen(path), len);
		err = cgroup_open_path(&host, path, &cgroup);
		assert_int_equal(err, len <= CGROUP_PATH_MAX - 2 ? 0 : -ENAMETOOLONG);
		if (err)
			continue;
		assert_int_equal(strlen(cgroup.path), len + 1);
		assert_int_equal(cgroup.path[0], '/');
		cgroup_close(&cgroup);
	}
	assert_int_equal(open_fds(), fds);
	cgroup_host_close(&host);
}

/* A path stays below the controller's root: no "..", no file as a directory. */
static void test_path_traversal(void **state)
{
	static const char *const paths[] = {
		"/../outside",
		"../outside",
		"/system.slice/../../outside",
		"/system.slice/db.service/../../../outside",
	};
	struct cgroup_host host;
	struct cgroup cgroup;

	(void)state;
	assert_int_equal(cgroup_host_open(&host, FIXTURES "v2"), 0);
	assert_int_equal(cgroup_open_path(&host, "/cgroup.controllers", &cgroup), -ENOTDIR);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!cgroup_open_path(&host, paths[i], &cgroup)) {
			cgroup_close(&cgroup);
			fail_msg("%s is opened", paths[i]);
		}
	cgroup_host_close(&host);
}

/* The id is the directory's inode number; the path has one leading slash. */
static void test_identity(void **state)
{
	struct cgroup_host host;
	struct cgroup cgroup = {0};
	struct stat st;

	(void)state;
	assert_int_equal(cgroup_host_open(&host, FIXTURES "v2"), 0);
	assert_int_equal(cgroup_open_path(&host, "///system.slice/db.service", &cgroup), 0);
	assert_int_equal(stat(FIXTURES "v2/sys/fs/cgroup/system.slice/db.service", &st), 0);
	assert_int_equal(cgroup.id, st.st_ino);
	assert_string_equal(cgroup.path, "/system.slice/db.service");
	cgroup_close(&cgroup);
	cgroup_close(&cgroup); /* a second time is accepted, and a zeroed struct */
	cgroup = (struct cgroup){0};
	cgroup_close(&cgroup);
	cgroup_host_close(&host);
}

/* Files stay open, and a later reading has the later values. */
static void test_kept_open(void **state)
{
	char root[] = "/tmp/test_cgroup-XXXXXX", command[512];
	struct cgroup_host host;
	struct cgroup cgroup;
	struct cgroup_memory m;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command), "cp -r " FIXTURES "v2/. %s", root);
	assert_int_equal(system(command), 0);
	assert_int_equal(cgroup_host_open(&host, root), 0);
	assert_int_equal(cgroup_open_path(&host, "/system.slice/db.service", &cgroup), 0);
	for (uint64_t usage = 1000; usage < 1003; usage++) {
		snprintf(command, sizeof(command),
			 "%s/sys/fs/cgroup/system.slice/db.service/memory.current", root);
		file = fopen(command, "w");
		assert_non_null(file);
		fprintf(file, "%d\n", (int)usage);
		fclose(file);
		assert_int_equal(cgroup_read(&host, &cgroup, &m), 0);
		assert_int_equal(m.usage_bytes, usage);
	}
	cgroup_close(&cgroup);
	cgroup_host_close(&host);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),	       cmocka_unit_test(test_host_lengths),
		cmocka_unit_test(test_read),	       cmocka_unit_test(test_broken),
		cmocka_unit_test(test_malformed_high), cmocka_unit_test(test_over_memsw),
		cmocka_unit_test(test_held),	       cmocka_unit_test(test_path_lengths),
		cmocka_unit_test(test_path_traversal), cmocka_unit_test(test_identity),
		cmocka_unit_test(test_kept_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

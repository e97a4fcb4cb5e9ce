// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The memory of all BPF maps: what the kernel reports on this host, and what it would be on hosts
 * with more CPUs. The formula is the kernel's own (kernel/bpf/hashtab.c, arraymap.c) and must give
 * what the kernel reports for every map here.
 *
 * The table is printed as lines "maps:<TAB>CPUs<TAB>bytes<TAB>bytes without task storage"; the
 * second figure is for kernels before 5.13. docs/measurements.md has it.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "sense/loader.h"

#define MIB	   UINT64_C(1048576)
#define MOST_BYTES (8 * MIB)
#define MAPS_MAX   32
/* of a kernel without task storage, see FO_TASKS_MAX */
#define TASKS_BY_PID_MAX 6000

struct map {
	struct bpf_map_info info;
	uint64_t reported;
};

static struct loader *loader;
static struct map maps[MAPS_MAX];
static size_t map_count;
static uint64_t htab_bytes, bucket_bytes, elem_bytes, array_bytes;
static bool kernel_counts; /* since 6.4; before, it reports keys and values alone */
static char why_not[512];

static uint64_t reported_bytes(int fd)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	if (file)
		fclose(file);
	return bytes;
}

/* Every map of this process: the loader's. */
static void list_maps(void)
{
	for (int fd = 3; fd < 1024 && map_count < MAPS_MAX; fd++) {
		struct map *map = &maps[map_count];
		char path[64], target[64];
		uint32_t len = sizeof(map->info);
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, "anon_inode:bpf-map") != 0)
			continue;
		memset(map, 0, sizeof(*map));
		if (bpf_obj_get_info_by_fd(fd, &map->info, &len))
			continue;
		/* libbpf may keep a second descriptor */
		for (size_t i = 0; i < map_count; i++)
			if (maps[i].info.id == map->info.id)
				n = 0;
		if (!n)
			continue;
		map->reported = reported_bytes(fd);
		map_count++;
	}
}

static uint64_t size_of(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? 0 : btf__type_by_id(btf, (uint32_t)id)->size;
}

static int tear_down(void **state)
{
	(void)state;
	loader_free(loader);
	return 0;
}

static void need_loader(void)
{
	if (why_not[0])
		skip();
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static uint64_t hash_bytes(const struct bpf_map_info *info, uint64_t entries, uint64_t cpus)
{
	uint64_t value = round_up(info->value_size, 8), buckets = 1, elem, bytes;
	const bool per_cpu = info->type == BPF_MAP_TYPE_PERCPU_HASH ||
			     info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	const bool lru = info->type == BPF_MAP_TYPE_LRU_HASH;

	while (buckets < entries)
		buckets *= 2;
	elem = elem_bytes + round_up(info->key_size, 8) + (per_cpu ? 8 : value);
	bytes = htab_bytes + buckets * bucket_bytes;
	if (!per_cpu && !lru) {
		entries += cpus; /* one to spare for each CPU */
		bytes += 8 * cpus;
	}
	bytes += elem * entries;
	if (per_cpu)
		bytes += value * cpus * entries;
	return bytes;
}

/* On @cpus CPUs; what does not depend on them is as reported. */
static uint64_t map_bytes(const struct map *map, uint64_t entries, uint64_t cpus)
{
	switch (map->info.type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return hash_bytes(&map->info, entries, cpus);
	case BPF_MAP_TYPE_ARRAY:
		if (map->info.map_flags & BPF_F_MMAPABLE)
			return map->reported;
		return array_bytes + round_up(map->info.value_size, 8) * entries;
	default:
		return map->reported;
	}
}

static int set_up(void **state)
{
	struct btf *btf;

	(void)state;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid()) {
		snprintf(why_not, sizeof(why_not), "this needs root");
	} else if (!loader_new(&loader, 1, why_not, sizeof(why_not))) {
		why_not[0] = '\0';
		list_maps();
	}
	if (why_not[0]) {
		print_message("all skipped: %s\n", why_not);
		return 0;
	}
	btf = btf__parse("/sys/kernel/btf/vmlinux", NULL);
	if (!btf)
		return -1;
	bucket_bytes = size_of(btf, "bucket");
	elem_bytes = size_of(btf, "htab_elem");
	array_bytes = size_of(btf, "bpf_array");
	kernel_counts = btf__find_by_name_kind(btf, "htab_map_mem_usage", BTF_KIND_FUNC) >= 0;
	btf__free(btf);
	/* BTF's size of struct bpf_htab may lack padding: it is what one map has beyond the rest */
	for (size_t i = 0; i < map_count; i++)
		if (!strcmp(maps[i].info.name, "fo_hot"))
			htab_bytes =
				maps[i].reported - map_bytes(&maps[i], maps[i].info.max_entries,
							     (uint64_t)libbpf_num_possible_cpus());
	return 0;
}

static uint64_t all_bytes(uint64_t cpus, bool task_storage)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < map_count; i++) {
		uint64_t entries = maps[i].info.max_entries;

		if (!strcmp(maps[i].info.name, "fo_waits"))
			entries = entries / loader_stripes(loader) *
				  loader_stripes_on((uint32_t)cpus, NULL);
		if (!strcmp(maps[i].info.name, "fo_tasks_by_pid") && !task_storage)
			entries = TASKS_BY_PID_MAX;
		bytes += map_bytes(&maps[i], entries, cpus);
	}
	return bytes;
}

static void test_formula_is_the_kernels(void **state)
{
	const uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();
	uint64_t reported = 0;

	(void)state;
	need_loader();
	assert_true(map_count >= 10);
	for (size_t i = 0; i < map_count; i++) {
		const struct map *map = &maps[i];
		uint64_t bytes = map_bytes(map, map->info.max_entries, cpus);

		printf("map:\t%s\t%" PRIu64 "\n", map->info.name, map->reported);
		reported += map->reported;
		if (kernel_counts && bytes != map->reported)
			fail_msg("%s: %" PRIu64 " bytes by the formula, %" PRIu64 " by the kernel",
				 map->info.name, bytes, map->reported);
	}
	assert_int_equal(loader_maps_bytes(loader), reported);
	if (!kernel_counts) {
		print_message("skipped, because this kernel reports keys and values alone\n");
		skip();
	}
	assert_int_equal(all_bytes(cpus, loader_features(loader)->task_storage), reported);
}

static void test_bytes_by_cpus(void **state)
{
	static const uint64_t cpus[] = {2, 16, 64, 256};

	(void)state;
	need_loader();
	if (!kernel_counts || !loader_features(loader)->task_storage) {
		print_message("skipped, because this kernel is too old for the formula\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
		printf("maps:\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", cpus[i],
		       all_bytes(cpus[i], true), all_bytes(cpus[i], false));
	assert_true(all_bytes(256, true) < MOST_BYTES);
	assert_true(all_bytes(256, false) < MOST_BYTES);
}

/* A map that has a value for each CPU, or that allocates when a program adds to it, is not there.
 */
static void test_no_map_grows(void **state)
{
	(void)state;
	need_loader();
	for (size_t i = 0; i < map_count; i++) {
		const struct bpf_map_info *info = &maps[i].info;

		if (info->type == BPF_MAP_TYPE_TASK_STORAGE)
			continue;
		if (info->map_flags & BPF_F_NO_PREALLOC)
			fail_msg("%s allocates memory while memory is short", info->name);
		if (info->type == BPF_MAP_TYPE_PERCPU_HASH ||
		    info->type == BPF_MAP_TYPE_PERCPU_ARRAY ||
		    info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH)
			fail_msg("%s has a value for each CPU", info->name);
	}
}

static void test_stripes(void **state)
{
	static const struct {
		uint32_t cpus, stripes, shift;
	} cases[] = {{1, 1, 0},	  {2, 2, 0},   {16, 16, 0},  {17, 9, 1},
		     {64, 16, 2}, {96, 12, 3}, {256, 16, 4}, {8192, 16, 9}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t shift;

		assert_int_equal(loader_stripes_on(cases[i].cpus, &shift), cases[i].stripes);
		assert_int_equal(shift, cases[i].shift);
		/* every CPU has a stripe */
		assert_true((cases[i].cpus - 1) >> shift < cases[i].stripes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formula_is_the_kernels),
		cmocka_unit_test(test_bytes_by_cpus),
		cmocka_unit_test(test_no_map_grows),
		cmocka_unit_test(test_stripes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

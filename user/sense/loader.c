// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "fastoom.skel.h"
#include "sense/refusal.h"

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"

#define TRACEPOINT(program, target, need, tracking)                                                \
	{                                                                                          \
		program, target, LOADER_TRACEPOINT, need, tracking, 0                              \
	}
#define FUNCTION(program, target, tracking)                                                        \
	{                                                                                          \
		program, target, LOADER_FUNCTION, LOADER_NEED_NONE, tracking, 0                    \
	}
#define ALL	 LOADER_NEED_ALL
#define TRACKING LOADER_NEED_TRACKING
#define NONE	 LOADER_NEED_NONE

static const struct loader_hook hook_table[] = {
	TRACEPOINT("fo_direct_begin", "mm_vmscan_direct_reclaim_begin", ALL, false),
	TRACEPOINT("fo_direct_end", "mm_vmscan_direct_reclaim_end", ALL, false),
	/* not needed: a kernel without memory controller has none of the next four */
	TRACEPOINT("fo_limit_begin", "mm_vmscan_memcg_reclaim_begin", NONE, false),
	TRACEPOINT("fo_limit_end", "mm_vmscan_memcg_reclaim_end", NONE, false),
	TRACEPOINT("fo_soft_begin", "mm_vmscan_memcg_softlimit_reclaim_begin", NONE, false),
	TRACEPOINT("fo_soft_end", "mm_vmscan_memcg_softlimit_reclaim_end", NONE, false),
	TRACEPOINT("fo_throttled", "mm_vmscan_throttled", NONE, false),
	TRACEPOINT("fo_compact_begin", "mm_compaction_begin", NONE, false),
	TRACEPOINT("fo_compact_end", "mm_compaction_end", NONE, false),
	TRACEPOINT("fo_kswapd_wake", "mm_vmscan_kswapd_wake", ALL, false),
	TRACEPOINT("fo_kswapd_sleep", "mm_vmscan_kswapd_sleep", ALL, false),
	FUNCTION("fo_memstall_enter", "psi_memstall_enter", false),
	FUNCTION("fo_memstall_leave", "psi_memstall_leave", false),
	TRACEPOINT("fo_exit", "sched_process_exit", ALL, false),
	TRACEPOINT("fo_kernel_kill", "mark_victim", ALL, false),
	TRACEPOINT("fo_cgroup_made", "cgroup_mkdir", NONE, false),
	TRACEPOINT("fo_cgroup_removed", "cgroup_rmdir", NONE, false),
	TRACEPOINT("fo_page_added", "mm_filemap_add_to_page_cache", TRACKING, true),
	TRACEPOINT("fo_page_evicted", "mm_filemap_delete_from_page_cache", TRACKING, true),
	TRACEPOINT("fo_switch", "sched_switch", TRACKING, true),
	FUNCTION("fo_refault", "workingset_refault", true),
	TRACEPOINT("fo_fault_begin", "page_fault_user", NONE, true),
	{"fo_major_fault", "major faults", LOADER_FAULTS, NONE, true, 0},
	{"fo_task_list", "the task iterator", LOADER_TASKS, NONE, false, 0},
	{"fo_open_check", "the iterator of open stalls", LOADER_OPEN, NONE, false, 0},
};

#undef ALL
#undef TRACKING
#undef NONE

#define HOOKS ARRAY_SIZE(hook_table)

/* Tracked tasks that get no task storage at one time; dozens were measured. */
#define FO_TASKS_SPARE 2048

struct loader {
	struct fastoom *skel;
	struct loader_features features;
	struct loader_hook hooks[HOOKS];
	struct bpf_program *programs[HOOKS];
	struct bpf_link *links[HOOKS];
	struct bpf_link **fault_links; /* one for each CPU */
	int cpus;
	uint32_t generation;
	atomic_uint attached; /* page tracking's hooks, a bit each: read by other threads */
};

_Static_assert(HOOKS <= 32, "a bit for each hook");

/* The last refusal of the verifier in this thread: libbpf's callback has no argument for it. */
static _Thread_local char refusal[256];

/* libbpf calls this from any thread that uses it. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *save;

	if (level == LIBBPF_DEBUG)
		return 0;
	/* the verifier's log comes as one text; its last lines matter */
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return 0;
	}
	(void)refusal_read(text, refusal, sizeof(refusal));
	/* one level down: what is an error to libbpf is often a probe of the daemon */
	if (log_level() < LOG_LEVEL_DEBUG)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_debug("%s", line);
	return 0;
}

/* The prototype of a tracepoint; NULL: not in this kernel. Its first argument is the context. */
static const struct btf_type *tracepoint_proto(const struct btf *btf, const char *tracepoint)
{
	char name[128];
	const struct btf_type *type;
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	if (!type || !btf_is_ptr(type))
		return NULL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? type : NULL;
}

/* Whether argument @i (from 0, context not counted) of a tracepoint is a `struct name *`. */
static bool argument_is(const struct btf *btf, const char *tracepoint, unsigned i, const char *name)
{
	const struct btf_type *type = tracepoint_proto(btf, tracepoint);
	const char *found;

	if (!type || btf_vlen(type) <= i + 1)
		return false;
	type = btf__type_by_id(btf, btf_params(type)[i + 1].type);
	if (!type || !btf_is_ptr(type))
		return false;
	type = btf__type_by_id(btf, type->type);
	while (type && btf_is_mod(type))
		type = btf__type_by_id(btf, type->type);
	if (!type || !btf_is_struct(type))
		return false;
	found = btf__name_by_offset(btf, type->name_off);
	return found && !strcmp(found, name);
}

/*
 * 0 when a program may be attached to a function, and read its first argument. Some kernels refuse
 * every such program although their BTF has the function.
 */
static int try_function(const struct btf *btf, const char *function, bool reads_argument)
{
	struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int skipped = reads_argument ? 0 : 1, id, fd, link, err;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);

	id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (id < 0)
		return -ENOENT;
	opts.attach_btf_id = (uint32_t)id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "fo_try", "Dual BSD/GPL", insns + skipped,
			   ARRAY_SIZE(insns) - (size_t)skipped, &opts);
	if (fd < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, fd);
	err = link < 0 ? -errno : 0;
	if (link >= 0)
		close(link);
	close(fd);
	return err;
}

/*
 * Leaving a fault passes for work of the task (bpf/progress.bpf.h). Above this cost it exceeds a
 * service's own work in a livelock, so work is not considered. Measured: 1.1 us on the host of
 * docs/measurements.md, 13.9 us on emulated processors.
 */
#define FAULT_MOST_NS 5000
#define FAULTS	      64
#define ROUNDS	      5

/* The least cost of a minor fault of fresh memory. */
static uint32_t fault_cost(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t best_ns = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		struct rusage before, after;
		uint64_t took_ns;
		char *pages;

		pages = mmap(NULL, FAULTS * page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pages == MAP_FAILED)
			return 0;
		madvise(pages, FAULTS * page, MADV_NOHUGEPAGE);
		getrusage(RUSAGE_THREAD, &before);
		took_ns = clock_mono_ns();
		for (size_t i = 0; i < FAULTS; i++)
			((volatile char *)pages)[i * page] = 1;
		took_ns = clock_mono_ns() - took_ns;
		getrusage(RUSAGE_THREAD, &after);
		munmap(pages, FAULTS * page);
		/* locked memory faults nowhere */
		if (after.ru_minflt - before.ru_minflt >= FAULTS && took_ns / FAULTS < best_ns)
			best_ns = took_ns / FAULTS;
	}
	return best_ns < UINT32_MAX ? (uint32_t)best_ns : 0;
}

static void probe_features(struct loader_features *features, const struct btf *btf)
{
	features->functions = try_function(btf, "psi_memstall_enter", false);
	features->int_args = !features->functions && !try_function(btf, "psi_memstall_enter", true);
	features->task_storage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1;
	features->probe_read = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT,
						       BPF_FUNC_probe_read_kernel, NULL) == 1;
	features->begin_has_memcg =
		argument_is(btf, "mm_vmscan_memcg_reclaim_begin", 2, "mem_cgroup");
	features->cache_has_folio = argument_is(btf, "mm_filemap_add_to_page_cache", 0, "folio");
	features->fault_ns = fault_cost();
	features->cheap_faults = features->fault_ns && features->fault_ns < FAULT_MOST_NS;
}

static struct loader *allocate(void)
{
	struct loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return NULL;
	loader->cpus = libbpf_num_possible_cpus();
	loader->fault_links =
		loader->cpus > 0 ? calloc((size_t)loader->cpus, sizeof(struct bpf_link *)) : NULL;
	if (!loader->fault_links) {
		free(loader);
		return NULL;
	}
	return loader;
}

static void set_why(char *why, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void set_why(char *why, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, size, format, args);
	va_end(args);
}

/* 0, or why this kernel lacks it. */
static int lacks(const struct loader *loader, const struct loader_hook *hook, const struct btf *btf)
{
	switch (hook->kind) {
	case LOADER_TRACEPOINT:
		return tracepoint_proto(btf, hook->target) ? 0 : -ENOENT;
	case LOADER_FUNCTION:
		if (btf__find_by_name_kind(btf, hook->target, BTF_KIND_FUNC) < 0)
			return -ENOENT;
		return loader->features.functions;
	default:
		return 0;
	}
}

/* Finds each hook's program, and does not load those whose target this kernel lacks. */
static int choose_hooks(struct loader *loader, const struct btf *btf, char *why, size_t why_size)
{
	int err = 0;

	for (size_t i = 0; i < HOOKS; i++) {
		struct loader_hook *hook = &loader->hooks[i];

		*hook = hook_table[i];
		loader->programs[i] =
			bpf_object__find_program_by_name(loader->skel->obj, hook->program);
		if (!loader->programs[i]) {
			set_why(why, why_size, "program %s is not in the object", hook->program);
			return -EINVAL;
		}
		hook->state = lacks(loader, hook, btf);
		if (!hook->state)
			continue;
		bpf_program__set_autoload(loader->programs[i], false);
		if (hook->need == LOADER_NEED_ALL && !err) {
			err = -ENOPROTOOPT;
			set_why(why, why_size,
				"this kernel has no tracepoint %s; fastoom-bpf needs Linux 5.10 or "
				"newer "
				"with CONFIG_DEBUG_INFO_BTF",
				hook->target);
		}
	}
	return err;
}

static void detach_faults(struct loader *loader)
{
	for (int cpu = 0; cpu < loader->cpus; cpu++) {
		bpf_link__destroy(loader->fault_links[cpu]);
		loader->fault_links[cpu] = NULL;
	}
}

static int attach_faults(struct loader *loader, struct bpf_program *program)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS_MAJ,
		.sample_period = 1,
	};

	for (int cpu = 0; cpu < loader->cpus; cpu++) {
		int err = 0, fd;

		if (loader->fault_links[cpu])
			continue;
		fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		if (fd < 0 && errno == ENODEV)
			continue; /* not online */
		if (fd < 0)
			err = -errno;
		else if (!(loader->fault_links[cpu] = bpf_program__attach_perf_event(program, fd)))
			err = -errno;
		if (!err)
			continue;
		if (fd >= 0)
			close(fd);
		detach_faults(loader);
		return err;
	}
	return 0;
}

static struct bpf_link *attach_iterator(struct loader *loader, size_t i)
{
	union bpf_iter_link_info info = {0};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	if (loader->hooks[i].kind == LOADER_TASKS)
		return bpf_program__attach(loader->programs[i]);
	info.map.map_fd = (uint32_t)bpf_map__fd(loader->skel->maps.fo_open);
	return bpf_program__attach_iter(loader->programs[i], &opts);
}

static int attach(struct loader *loader, size_t i)
{
	const bool iterator =
		loader->hooks[i].kind == LOADER_TASKS || loader->hooks[i].kind == LOADER_OPEN;
	struct bpf_link *link;

	if (loader->hooks[i].kind == LOADER_FAULTS) {
		loader->hooks[i].state = attach_faults(loader, loader->programs[i]);
		return loader->hooks[i].state;
	}
	if (loader->links[i])
		return 0;
	link = iterator ? attach_iterator(loader, i) : bpf_program__attach(loader->programs[i]);
	if (!link) {
		loader->hooks[i].state = -errno;
		return -errno;
	}
	loader->links[i] = link;
	loader->hooks[i].state = 0;
	if (iterator) {
		/* each reading creates one, which may be refused by itself */
		int fd = bpf_iter_create(bpf_link__fd(link));

		if (fd < 0) {
			loader->hooks[i].state = -errno;
			bpf_link__destroy(link);
			loader->links[i] = NULL;
			return loader->hooks[i].state;
		}
		close(fd);
	}
	return 0;
}

static int attach_base(struct loader *loader, char *why, size_t why_size)
{
	for (size_t i = 0; i < HOOKS; i++) {
		struct loader_hook *hook = &loader->hooks[i];
		int err;

		if (hook->state || hook->tracking)
			continue;
		err = attach(loader, i);
		if (err && hook->need == LOADER_NEED_ALL) {
			set_why(why, why_size, "%s cannot be attached to %s: %s", hook->program,
				hook->target, strerror(-err));
			return err;
		}
	}
	return 0;
}

static int open_object(struct loader *loader, int cgroup_version)
{
	/* without a path libbpf reads all modules' BTF for types that this kernel lacks, which
	 * needs CAP_SYS_ADMIN */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = VMLINUX_BTF);

	fastoom__destroy(loader->skel);
	loader->skel = fastoom__open_opts(&opts);
	if (!loader->skel)
		return -errno;
	loader->skel->rodata->fo_have_task_storage = loader->features.task_storage;
	loader->skel->rodata->fo_begin_has_memcg = loader->features.begin_has_memcg;
	loader->skel->rodata->fo_cache_has_folio = loader->features.cache_has_folio;
	loader->skel->rodata->fo_have_probe_read = loader->features.probe_read;
	loader->skel->rodata->fo_have_int_args = loader->features.int_args;
	loader->skel->rodata->fo_cgroup_v1 = cgroup_version == 1;
	loader->skel->rodata->fo_fault_ns =
		loader->features.cheap_faults ? loader->features.fault_ns : 0;

	/* larger hosts remember fewer of their evicted pages */
	uint64_t ram_gib =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 30;
	uint32_t shift = 4;

	while (ram_gib > 32 && shift < 10) {
		ram_gib /= 2;
		shift++;
	}
	loader->skel->rodata->fo_sample_shift = shift;

	struct bpf_map *waits = loader->skel->maps.fo_waits;
	uint32_t stripes = loader_stripes_on((uint32_t)loader->cpus, &shift);

	loader->skel->rodata->fo_cpu_shift = shift;
	bpf_map__set_max_entries(waits, bpf_map__max_entries(waits) / FO_STRIPES_MAX * stripes);

	if (loader->features.task_storage)
		bpf_map__set_max_entries(loader->skel->maps.fo_tasks_by_pid, FO_TASKS_SPARE);
	else
		bpf_map__set_autocreate(loader->skel->maps.fo_tasks, false);
	return 0;
}

static int prepare(struct loader *loader, const struct btf *btf, int cgroup_version, char *why,
		   size_t why_size)
{
	int err = open_object(loader, cgroup_version);

	if (err) {
		set_why(why, why_size, "the BPF object cannot be opened: %s", strerror(-err));
		return err;
	}
	return choose_hooks(loader, btf, why, why_size);
}

static int read_btf(struct btf **ret, char *why, size_t why_size)
{
	int err;

	libbpf_set_print(print_libbpf);
	if (access(VMLINUX_BTF, R_OK) < 0) {
		err = -errno;
		set_why(why, why_size,
			VMLINUX_BTF ": %s; this needs a kernel built with CONFIG_DEBUG_INFO_BTF",
			strerror(-err));
		return err;
	}
	*ret = btf__parse(VMLINUX_BTF, NULL);
	if (!*ret) {
		char text[64];

		libbpf_strerror(-errno, text, sizeof(text));
		set_why(why, why_size,
			VMLINUX_BTF
			": it cannot be read: %s; boot a kernel built with CONFIG_DEBUG_INFO_BTF",
			text);
		return -ENOENT;
	}
	return 0;
}

/* Loads what prepare() opened; opens it again without task storage where that is refused. */
static int load(struct loader *loader, const struct btf *btf, int cgroup_version, char *why,
		size_t why_size)
{
	int err;

	refusal[0] = '\0';
	err = fastoom__load(loader->skel);
	if (err == -EINVAL && loader->features.task_storage) {
		/* 5.11 and 5.12 have the map, but not for tracing programs */
		loader->features.task_storage = false;
		err = prepare(loader, btf, cgroup_version, why, why_size);
		if (err)
			return err;
		refusal[0] = '\0';
		err = fastoom__load(loader->skel);
	}
	if (err && *refusal)
		set_why(why, why_size,
			"the verifier of this kernel refuses the program %s; report it with the "
			"output of --verbose, or boot another kernel",
			refusal);
	else if (err == -EPERM || err == -EACCES)
		set_why(why, why_size,
			"the kernel refuses to load BPF programs: run as root, or with "
			"CAP_BPF, CAP_PERFMON and CAP_DAC_READ_SEARCH");
	else if (err)
		set_why(why, why_size,
			"the kernel refused the BPF object: %s; run with --verbose for its "
			"reason",
			strerror(-err));
	return err;
}

int loader_new(struct loader **ret, int cgroup_version, char *why, size_t why_size)
{
	struct loader *loader;
	struct btf *btf;
	int err = read_btf(&btf, why, why_size);

	if (err)
		return err;
	loader = allocate();
	if (!loader) {
		btf__free(btf);
		return -ENOMEM;
	}

	probe_features(&loader->features, btf);
	err = prepare(loader, btf, cgroup_version, why, why_size);
	if (!err)
		err = load(loader, btf, cgroup_version, why, why_size);
	btf__free(btf);
	if (!err)
		err = attach_base(loader, why, why_size);
	if (err) {
		loader_free(loader);
		return err;
	}
	*ret = loader;
	return 0;
}

/* The whole object was refused: loads each program in an object of its own. */
static void try_one_by_one(struct loader *loader, const struct btf *btf, int cgroup_version,
			   int *ret_states, bool *ret_tried)
{
	char why[256];

	for (size_t i = 0; i < HOOKS; i++) {
		int err = prepare(loader, btf, cgroup_version, why, sizeof(why));

		if (err && err != -ENOPROTOOPT)
			return;
		ret_states[i] = loader->hooks[i].state;
		if (ret_states[i])
			continue;
		for (size_t j = 0; j < HOOKS; j++)
			bpf_program__set_autoload(loader->programs[j], i == j);
		err = fastoom__load(loader->skel);
		ret_states[i] = err ? err : attach(loader, i);
		ret_tried[i] = true;
		bpf_link__destroy(loader->links[i]);
		loader->links[i] = NULL;
	}
}

static void try_hooks(struct loader *loader, const struct btf *btf, int cgroup_version, int err,
		      struct loader_trial *ret)
{
	int states[HOOKS] = {0};

	for (size_t i = 0; i < HOOKS; i++) {
		enum bpf_attach_type type = bpf_program__expected_attach_type(loader->programs[i]);

		ret->tiers[i] = type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT;
		if (!err && !loader->hooks[i].state) {
			states[i] = attach(loader, i);
			ret->tried[i] = true;
		} else {
			states[i] = loader->hooks[i].state;
		}
		/* without permission to load, it is not known whether functions are refused */
		if ((err == -EPERM || err == -EACCES) && states[i] == err &&
		    loader->hooks[i].kind == LOADER_FUNCTION)
			states[i] = 0;
	}
	if (err && err != -EPERM && err != -EACCES)
		try_one_by_one(loader, btf, cgroup_version, states, ret->tried);
	for (size_t i = 0; i < HOOKS; i++) {
		ret->hooks[i] = loader->hooks[i];
		ret->hooks[i].state = states[i];
	}
	ret->count = HOOKS;
}

_Static_assert(HOOKS <= LOADER_HOOKS_MAX, "loader_trial has no room for all hooks");

int loader_try(struct loader_trial *ret, int cgroup_version, char *why, size_t why_size)
{
	struct loader *loader;
	struct btf *btf;
	int err, lacking;

	*ret = (struct loader_trial){0};
	err = read_btf(&btf, why, why_size);
	if (err)
		return err;
	loader = allocate();
	if (!loader) {
		btf__free(btf);
		return -ENOMEM;
	}
	probe_features(&loader->features, btf);
	err = prepare(loader, btf, cgroup_version, why, why_size);
	/* what this kernel has is tried nevertheless */
	lacking = err == -ENOPROTOOPT ? err : 0;
	if (!err || lacking) {
		char sentence[512];

		err = load(loader, btf, cgroup_version, sentence, sizeof(sentence));
		if (err && !lacking)
			set_why(why, why_size, "%s", sentence);
		try_hooks(loader, btf, cgroup_version, err, ret);
		ret->features = loader->features;
	}
	btf__free(btf);
	loader_free(loader);
	return err ? err : lacking;
}

const char *loader_library_version(void)
{
	return libbpf_version_string() + 1; /* without the v */
}

void loader_free(struct loader *loader)
{
	if (!loader)
		return;
	for (size_t i = 0; i < HOOKS; i++)
		bpf_link__destroy(loader->links[i]);
	detach_faults(loader);
	fastoom__destroy(loader->skel);
	free(loader->fault_links);
	free(loader);
}

int loader_map(const struct loader *loader, enum loader_map map)
{
	const struct bpf_map *const maps[LOADER_MAPS_] = {
		[LOADER_MAP_EVENTS] = loader->skel->maps.fo_events,
		[LOADER_MAP_SCOPES] = loader->skel->maps.fo_scopes,
		[LOADER_MAP_WAITS] = loader->skel->maps.fo_waits,
		[LOADER_MAP_PROCESSES] = loader->skel->maps.fo_processes,
		[LOADER_MAP_HOT] = loader->skel->maps.fo_hot,
		[LOADER_MAP_REACH] = loader->skel->maps.fo_reach,
		[LOADER_MAP_LIMIT_OF] = loader->skel->maps.fo_limit_of,
		[LOADER_MAP_MEMSTALLS] = loader->skel->maps.fo_memstalls,
		[LOADER_MAP_OPEN] = loader->skel->maps.fo_open,
	};

	return bpf_map__fd(maps[map]);
}

uint32_t loader_stripes_on(uint32_t cpus, uint32_t *ret_shift)
{
	uint32_t shift = 0;

	while ((cpus - 1) >> shift >= FO_STRIPES_MAX)
		shift++;
	if (ret_shift)
		*ret_shift = shift;
	return ((cpus - 1) >> shift) + 1;
}

uint32_t loader_stripes(const struct loader *loader)
{
	return loader_stripes_on((uint32_t)loader->cpus, NULL);
}

static uint64_t map_bytes(int fd)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[128];
	uint64_t bytes = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	return bytes;
}

uint64_t loader_maps_bytes(const struct loader *loader)
{
	const struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, loader->skel->obj) if (bpf_map__fd(map) >= 0) bytes +=
		map_bytes(bpf_map__fd(map));
	return bytes;
}

const struct loader_hook *loader_hooks(const struct loader *loader, size_t *ret_count)
{
	*ret_count = HOOKS;
	return loader->hooks;
}

const struct loader_features *loader_features(const struct loader *loader)
{
	return &loader->features;
}

void loader_counters(const struct loader *loader, struct fo_counters *ret)
{
	memcpy(ret, &loader->skel->bss->fo_counters, sizeof(*ret));
}

uint64_t loader_recursion_misses(const struct loader *loader)
{
	uint64_t misses = 0;

	for (size_t i = 0; i < HOOKS; i++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);
		int fd = bpf_program__fd(loader->programs[i]);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			misses += info.recursion_misses;
	}
	return misses;
}

static void empty(const struct bpf_map *map)
{
	union {
		struct fo_wait_key wait;
		uint32_t pid;
	} key;

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, &key))
		if (bpf_map_delete_elem(bpf_map__fd(map), &key) < 0)
			break;
}

/* What was open when page tracking was switched off would stay open. */
static void forget_waits(struct loader *loader)
{
	empty(loader->skel->maps.fo_waits);
	empty(loader->skel->maps.fo_tasks_by_pid);
}

/* A hook that the kernel lacks is not tried again; memory for the others may become free. */
static int attach_tracking(struct loader *loader, size_t i)
{
	int err = loader->hooks[i].state == -ENOENT ? -ENOENT : attach(loader, i);

	if (!err)
		atomic_fetch_or(&loader->attached, 1U << i);
	return err;
}

int loader_tracking_on(struct loader *loader)
{
	forget_waits(loader);
	loader->skel->bss->fo_tracking_generation = ++loader->generation;
	for (size_t i = 0; i < HOOKS; i++) {
		int err;

		if (!loader->hooks[i].tracking || loader->hooks[i].need != LOADER_NEED_TRACKING)
			continue;
		err = attach_tracking(loader, i);
		if (err) {
			loader_tracking_off(loader);
			return err;
		}
	}
	return 0;
}

void loader_tracking_extend(struct loader *loader)
{
	for (size_t i = 0; i < HOOKS; i++)
		if (loader->hooks[i].tracking && loader->hooks[i].need != LOADER_NEED_TRACKING)
			(void)attach_tracking(loader, i);
	loader->skel->bss->fo_tracking_faults = loader_has(loader, "fo_major_fault");
}

void loader_tracking_off(struct loader *loader)
{
	loader->skel->bss->fo_tracking_faults = false;
	for (size_t i = 0; i < HOOKS; i++) {
		if (!loader->hooks[i].tracking)
			continue;
		atomic_fetch_and(&loader->attached, ~(1U << i));
		bpf_link__destroy(loader->links[i]);
		loader->links[i] = NULL;
	}
	detach_faults(loader);
}

bool loader_has(const struct loader *loader, const char *program)
{
	for (size_t i = 0; i < HOOKS; i++)
		if (!strcmp(loader->hooks[i].program, program))
			return loader->hooks[i].tracking ? atomic_load(&loader->attached) & 1U << i
							 : loader->hooks[i].state == 0;
	return false;
}

size_t loader_processes_max(const struct loader *loader)
{
	return bpf_map__max_entries(loader->skel->maps.fo_processes);
}

uint64_t loader_pages_per_sample(const struct loader *loader)
{
	return 1ULL << loader->skel->rodata->fo_sample_shift;
}

void loader_tracking_node(struct loader *loader, bool on)
{
	loader->skel->bss->fo_tracking_node = on;
}

static int iterator_fd(const struct loader *loader, enum loader_hook_kind kind)
{
	int fd;

	for (size_t i = 0; i < HOOKS; i++) {
		if (hook_table[i].kind != kind || !loader->links[i])
			continue;
		fd = bpf_iter_create(bpf_link__fd(loader->links[i]));
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

int loader_tasks_fd(const struct loader *loader, uint64_t scope)
{
	loader->skel->bss->fo_list_scope = scope;
	return iterator_fd(loader, LOADER_TASKS);
}

int loader_check_open(const struct loader *loader)
{
	_cleanup_close_ int fd = iterator_fd(loader, LOADER_OPEN);
	char nothing;

	if (fd < 0)
		return fd;
	/* the program writes nothing: one read runs it for every entry */
	return read(fd, &nothing, sizeof(nothing)) < 0 ? -errno : 0;
}

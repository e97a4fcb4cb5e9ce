// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The sums of the BPF programs against reference values from the same run: how many reclaims, how
 * many pages, how long. References are perf counters on the same tracepoints, the size of a file
 * and mincore(), memory.stat, and the clock.
 *
 * Every figure is printed as "sum:<TAB>what<TAB>measured<TAB>reference<TAB>allowed". The script
 * scripts/show-sums makes a table of these lines.
 *
 * Other processes may reclaim on this machine at the same time. Sums of the whole machine are read
 * before and after the reference, which must lie between the two. Sums of one scope or one process
 * are compared exactly.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "judge/process.h"
#include "judge/sample.h"
#include "scene.h"
#include "sense/cgroup.h"
#include "sense/loader.h"
#include "sense/node.h"
#include "sense/processes.h"
#include "sense/sampler.h"

#define LIMIT_BYTES (64 * MIB)
#define FILE_BYTES  (384 * MIB)
#define CPUS_MAX    512
#define TRIES	    50
/* A sum that is read while it is written may lack the stall that ends at that moment. */
#define LAG_NS	 (SECOND / 50)
#define STORM_NS (10 * SECOND)

static struct loader *loader;
static struct sampler *sampler;
static struct cgroup_host host;
static struct node node = {-1, -1, -1};
static struct cgroup cgroup;
static char cgroup_dir[SCENE_DIR_MAX], scratch[256], tracefs[300], file_path[300];
static char why_not[512]; /* why all tests are skipped; empty: they run */

static void show(const char *what, uint64_t measured, uint64_t reference, const char *allowed)
{
	printf("sum:\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\n", what, measured, reference, allowed);
}

/* ---- the scene ---------------------------------------------------------- */

/* A value of the cgroup's memory.stat; false: it has no such key. */
static bool memory_stat(const char *key, uint64_t *ret)
{
	char path[3 * CGROUP_PATH_MAX + 64], name[64];
	uint64_t value;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.stat", cgroup_dir);
	file = fopen(path, "re");
	while (file && !found && fscanf(file, "%63s %" SCNu64, name, &value) == 2)
		found = !strcmp(name, key);
	if (file)
		fclose(file);
	if (found)
		*ret = value;
	return found;
}

/* Written outside of the cgroup. drop_file() takes it out of the page cache. */
static bool make_file(void)
{
	static char buf[1 << 20];
	int fd;

	snprintf(file_path, sizeof(file_path), "%s/data", scratch);
	fd = open(file_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	for (uint64_t i = 0; i < FILE_BYTES / sizeof(buf); i++) {
		memset(buf, (int)i + 1, sizeof(buf));
		if (write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf)) {
			close(fd);
			return false;
		}
	}
	fsync(fd);
	close(fd);
	return true;
}

static void drop_file(void)
{
	int fd = open(file_path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	for (int i = 0; i < 2; i++) /* pages in a CPU's batch survive the first time */
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

static uint64_t resident_pages(void)
{
	uint64_t pages = FILE_BYTES / (uint64_t)sysconf(_SC_PAGESIZE), n = 0;
	int fd = open(file_path, O_RDONLY | O_CLOEXEC);
	unsigned char *vec = malloc(pages);
	void *map;

	assert_true(fd >= 0);
	assert_non_null(vec);
	map = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(mincore(map, FILE_BYTES, vec), 0);
	for (uint64_t i = 0; i < pages; i++)
		n += vec[i] & 1;
	munmap(map, FILE_BYTES);
	close(fd);
	free(vec);
	return n;
}

static int skip_all(const char *reason, int err)
{
	snprintf(why_not, sizeof(why_not), "%s%s%s", reason, err ? ": " : "",
		 err ? strerror(err) : "");
	print_message("all skipped: %s\n", why_not);
	return 0;
}

static int set_up(void **state)
{
	const char *tmp = getenv("SCENE_TMP");
	char why[512];

	(void)state;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid())
		return skip_all("this needs root", 0);
	if (cgroup_host_open(&host, ""))
		return skip_all("this host has no memory controller", 0);
	if (node_open(&node, ""))
		return skip_all("/proc cannot be read", 0);
	snprintf(scratch, sizeof(scratch), "%s/fo-sums-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
	if (!mkdtemp(scratch))
		return skip_all("no scratch directory", errno);
	/* a tracefs in a mount namespace of its own, which ends with this process */
	snprintf(tracefs, sizeof(tracefs), "%s/tracefs", scratch);
	if (mkdir(tracefs, 0700) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tracefs", tracefs, "tracefs", 0, NULL) < 0)
		return skip_all("tracefs cannot be mounted", errno);
	if (!make_file())
		return skip_all("the file cannot be written", errno);
	if (!make_cgroup(&host, "fo-sums", LIMIT_BYTES, &cgroup, cgroup_dir))
		return skip_all("no cgroup can be made", errno);
	if (loader_new(&loader, host.version, why, sizeof(why)))
		return skip_all(why, 0);
	if (sampler_new(&sampler, loader, &host, &node))
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sampler_free(sampler);
	loader_free(loader);
	cgroup_close(&cgroup);
	if (file_path[0])
		unlink(file_path);
	if (cgroup_dir[0])
		(void)remove_cgroup(cgroup_dir);
	if (tracefs[0]) {
		umount2(tracefs, MNT_DETACH);
		rmdir(tracefs);
	}
	if (scratch[0])
		rmdir(scratch);
	node_close(&node);
	cgroup_host_close(&host);
	return 0;
}

static void need_scene(void)
{
	if (why_not[0])
		skip();
}

/* ---- workloads ---------------------------------------------------------- */

struct reader {
	pid_t pid;
	int go;	     /* a byte written here starts it */
	int entered; /* its own read_bytes, written when it ends */
};

static uint64_t own_read_bytes(void)
{
	uint64_t value = 0;
	char line[128];
	FILE *file = fopen("/proc/self/io", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "read_bytes: %" SCNu64, &value) == 1)
			break;
	if (file)
		fclose(file);
	return value;
}

static void __attribute__((noreturn)) read_through(int go, int entered, int passes)
{
	static char buf[1 << 18];
	uint64_t before, bytes;
	char byte;

	enter_cgroup(cgroup_dir);
	if (read(go, &byte, 1) != 1)
		_exit(1);
	before = own_read_bytes();
	for (int pass = 0; pass < passes; pass++) {
		int fd = open(file_path, O_RDONLY | O_CLOEXEC);
		ssize_t n;

		if (fd < 0)
			_exit(1);
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			;
		close(fd);
		if (n < 0)
			_exit(1);
	}
	bytes = own_read_bytes() - before;
	_exit(write(entered, &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
}

/* Single pages at random: many short reclaims. */
static void __attribute__((noreturn)) read_at_random(int go, int entered)
{
	uint64_t bytes = 0, rnd = (uint64_t)getpid();
	char byte, buf[4096];
	int fd;

	enter_cgroup(cgroup_dir);
	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) || read(go, &byte, 1) != 1)
		_exit(1);
	for (uint64_t end = now_ns() + STORM_NS; now_ns() < end; bytes += sizeof(buf)) {
		rnd = rnd * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (pread(fd, buf, sizeof(buf),
			  (off_t)((rnd >> 33) % (FILE_BYTES / sizeof(buf)) * sizeof(buf))) < 0)
			_exit(1);
	}
	_exit(write(entered, &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
}

/* @passes 0: at random, for STORM_NS. */
static struct reader start_reader(int passes)
{
	int go[2], entered[2];
	pid_t pid;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(entered, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid && !passes)
		read_at_random(go[0], entered[1]);
	if (!pid)
		read_through(go[0], entered[1], passes);
	close(go[0]);
	close(entered[1]);
	return (struct reader){pid, go[1], entered[0]};
}

static void go(const struct reader *reader)
{
	assert_int_equal(write(reader->go, "x", 1), 1);
}

/* Waits for its end; the bytes that it read from the disk. */
static uint64_t finish(const struct reader *reader)
{
	uint64_t bytes = 0;
	int status;

	assert_int_equal(read(reader->entered, &bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(waitpid(reader->pid, &status, 0), reader->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(reader->go);
	close(reader->entered);
	return bytes;
}

/* ---- perf --------------------------------------------------------------- */

static int tracepoint_id(const char *name)
{
	char path[400];
	int id = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/events/%s/id", tracefs, name);
	file = fopen(path, "re");
	if (file && fscanf(file, "%d", &id) != 1)
		id = -1;
	if (file)
		fclose(file);
	return id;
}

struct count {
	int fds[CPUS_MAX];
	int n;
};

/* Counts a tracepoint: on every CPU (@pid -1), or of one process and its children. */
static int count_open(struct count *count, const char *name, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.inherit = pid > 0,
	};
	int id = tracepoint_id(name), cpus = libbpf_num_possible_cpus();

	count->n = 0;
	if (id < 0)
		return -ENOENT;
	attr.config = (uint64_t)id;
	for (int cpu = pid > 0 ? -1 : 0; cpu < (pid > 0 ? 0 : cpus) && count->n < CPUS_MAX; cpu++) {
		int fd = (int)syscall(SYS_perf_event_open, &attr, pid, cpu, -1,
				      PERF_FLAG_FD_CLOEXEC);

		if (fd < 0 && errno == ENODEV)
			continue; /* an offline CPU */
		if (fd < 0)
			return -errno;
		count->fds[count->n++] = fd;
	}
	return 0;
}

static uint64_t count_read(const struct count *count)
{
	uint64_t sum = 0, value;

	for (int i = 0; i < count->n; i++) {
		assert_int_equal(read(count->fds[i], &value, sizeof(value)), sizeof(value));
		sum += value;
	}
	return sum;
}

static void count_close(struct count *count)
{
	for (int i = 0; i < count->n; i++)
		close(count->fds[i]);
	count->n = 0;
}

/* ---- (a) how many reclaims ----------------------------------------------- */

struct counter_pair {
	const char *tracepoint;
	const char *label;
	size_t field; /* in struct fo_counters */
	struct count count;
	uint64_t measured_low, measured_high, reference; /* at the beginning */
};

static struct counter_pair pairs[] = {
	{"vmscan/mm_vmscan_memcg_reclaim_begin",
	 "limit reclaims begun (all CPUs)",
	 offsetof(struct fo_counters, limit_begins),
	 {{0}, 0},
	 0,
	 0,
	 0},
	{"vmscan/mm_vmscan_memcg_reclaim_end",
	 "limit reclaims ended (all CPUs)",
	 offsetof(struct fo_counters, limit_ends),
	 {{0}, 0},
	 0,
	 0,
	 0},
	{"vmscan/mm_vmscan_direct_reclaim_begin",
	 "direct reclaims begun (all CPUs)",
	 offsetof(struct fo_counters, direct_begins),
	 {{0}, 0},
	 0,
	 0,
	 0},
	{"vmscan/mm_vmscan_direct_reclaim_end",
	 "direct reclaims ended (all CPUs)",
	 offsetof(struct fo_counters, direct_ends),
	 {{0}, 0},
	 0,
	 0,
	 0},
};

#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))

static uint64_t measured_of(const struct counter_pair *pair)
{
	struct fo_counters counters;
	uint64_t value;

	loader_counters(loader, &counters);
	memcpy(&value, (char *)&counters + pair->field, sizeof(value));
	return value;
}

static void test_counts(void **state)
{
	uint64_t misses, measured, reference, low, high;
	struct count begins, ends, kills;
	struct fo_scope_stat before = {0}, after;
	struct reader reader;
	int err;

	(void)state;
	need_scene();
	misses = loader_recursion_misses(loader);
	drop_file();
	for (size_t i = 0; i < PAIRS; i++) {
		err = count_open(&pairs[i].count, pairs[i].tracepoint, -1);
		if (err) {
			print_message("skipped, because perf cannot count %s: %s\n",
				      pairs[i].tracepoint, strerror(-err));
			skip();
		}
		pairs[i].measured_low = measured_of(&pairs[i]);
		pairs[i].reference = count_read(&pairs[i].count);
		pairs[i].measured_high = measured_of(&pairs[i]);
	}
	reader = start_reader(2);
	assert_int_equal(count_open(&begins, pairs[0].tracepoint, reader.pid), 0);
	assert_int_equal(count_open(&ends, pairs[1].tracepoint, reader.pid), 0);
	assert_int_equal(count_open(&kills, "oom/mark_victim", reader.pid), 0);
	(void)sampler_stall(sampler, cgroup.id, &before);
	go(&reader);
	(void)finish(&reader);

	assert_int_equal(sampler_stall(sampler, cgroup.id, &after), 0);
	misses = loader_recursion_misses(loader) - misses;
	show("programs skipped by the kernel", misses, 0, "");

	/* one process, one scope: exact */
	measured = after.stall.begun + after.fragment.begun - before.stall.begun -
		   before.fragment.begun;
	reference = count_read(&begins);
	show("limit reclaims begun (this scope)", measured, reference, "equal");
	assert_true(reference > 100);
	assert_in_range(measured, reference - misses, reference);
	measured = after.stall.ended + after.fragment.ended - before.stall.ended -
		   before.fragment.ended;
	reference = count_read(&ends);
	show("limit reclaims ended (this scope)", measured, reference, "equal");
	assert_in_range(measured, reference - misses, reference);
	assert_int_equal(count_read(&kills), 0);

	/* the machine: the reference lies between the sums read before and after it */
	for (size_t i = 0; i < PAIRS; i++) {
		measured = measured_of(&pairs[i]);
		reference = count_read(&pairs[i].count) - pairs[i].reference;
		low = measured - pairs[i].measured_high;
		high = measured_of(&pairs[i]) - pairs[i].measured_low;
		show(pairs[i].label, low, reference, high == low ? "equal" : "within the reading");
		assert_in_range(reference, low, high + misses);
		count_close(&pairs[i].count);
	}
	count_close(&begins);
	count_close(&ends);
	count_close(&kills);
}

/* ---- (b) begun = ended + open -------------------------------------------- */

struct balance {
	uint64_t begun, ended;
	int64_t open;
	unsigned scopes;
};

/* Sums over all scopes; false: one of them does not balance, or changed while it was read. */
static bool read_balance(struct balance *balance, char *why, size_t size)
{
	int fd = loader_map(loader, LOADER_MAP_SCOPES);
	uint64_t key, next, *at = NULL;
	bool good = true;

	memset(balance, 0, sizeof(*balance));
	while (!bpf_map_get_next_key(fd, at, &next)) {
		const struct fo_stall *stall;
		struct fo_scope_stat stat;

		key = next;
		at = &key;
		if (sampler_stall(sampler, key, &stat))
			continue; /* the cgroup was removed */
		stall = &stat.stall;
		for (int i = 0; i < 3; i++) {
			stall = i == 0 ? &stat.stall : i == 1 ? &stat.fragment : &stat.soft;
			if (stall->begun == stall->ended + (uint64_t)stall->nr && stall->nr >= 0)
				continue;
			good = false;
			snprintf(why, size,
				 "scope %" PRIu64 ": begun %" PRIu64 ", ended %" PRIu64
				 ", open %" PRId64,
				 key, (uint64_t)stall->begun, (uint64_t)stall->ended,
				 (int64_t)stall->nr);
		}
		balance->scopes++;
		balance->begun += stat.stall.begun + stat.fragment.begun;
		balance->ended += stat.stall.ended + stat.fragment.ended;
		balance->open += stat.stall.nr + stat.fragment.nr;
	}
	return good;
}

static uint64_t begins_in(const struct fo_counters *c)
{
	return c->limit_begins + c->direct_begins - c->begins_proactive - c->scopes_full -
	       c->tasks_full;
}

/* Sums and counters of one moment, at which no process reclaims. */
static bool read_still(struct balance *balance, struct fo_counters *counters, char *why,
		       size_t size)
{
	struct fo_counters again;

	for (int i = 0; i < TRIES; i++) {
		loader_counters(loader, counters);
		if (read_balance(balance, why, size)) {
			loader_counters(loader, &again);
			if (begins_in(&again) == begins_in(counters) &&
			    again.limit_ends == counters->limit_ends &&
			    again.direct_ends == counters->direct_ends &&
			    again.scopes_removed == counters->scopes_removed)
				return true;
			snprintf(why, size, "other processes reclaim all the time");
		}
		sleep_ms(100);
	}
	return false;
}

static void test_balance(void **state)
{
	struct balance from, to;
	struct fo_counters counters, later;
	char why[256] = "";

	(void)state;
	need_scene();
	for (int i = 0;; i++) {
		struct reader reader;

		if (!read_still(&from, &counters, why, sizeof(why)))
			fail_msg("the sums never balance: %s", why);
		reader = start_reader(1);
		go(&reader);
		(void)finish(&reader);
		if (!read_still(&to, &later, why, sizeof(why)))
			fail_msg("the sums never balance: %s", why);
		/* a removed scope's sums are gone */
		if (later.scopes_removed == counters.scopes_removed)
			break;
		if (i == 5) {
			print_message("skipped, because other cgroups are removed all the time\n");
			skip();
		}
	}
	show("begun, over all scopes", to.begun, to.ended + (uint64_t)to.open, "ended + open");
	show("begun in the test, by scope and by counter", to.begun - from.begun,
	     begins_in(&later) - begins_in(&counters), "equal");
	show("proactive reclaims begun (no limit hit)", later.begins_proactive,
	     later.begins_proactive, "");
	show("ends unpaired, missed, at exit",
	     later.ends_unpaired + later.ends_missed + later.exits_open, 0, "");
	show("not counted: full maps",
	     later.scopes_full + later.tasks_full + later.hot_full + later.waits_full, 0, "");
	assert_int_equal(to.begun - from.begun, begins_in(&later) - begins_in(&counters));
	assert_true(to.begun > from.begun);
}

/* ---- (c) pages ---------------------------------------------------------- */

static void test_pages(void **state)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t taken, entered, left, before_left, reference, stat_before = 0, stat_after;
	struct fo_scope_stat before = {0}, after;
	struct reader reader;
	bool has_stat;

	(void)state;
	need_scene();
	for (int passes = 1; passes <= 3; passes += 2) {
		char label[64];

		drop_file();
		before_left = resident_pages();
		memset(&before, 0, sizeof(before));
		(void)sampler_stall(sampler, cgroup.id, &before);
		/* v1's pgpgout counts folios, not pages */
		has_stat = host.version == 2 && memory_stat("pgsteal", &stat_before);
		reader = start_reader(passes);
		go(&reader);
		entered = finish(&reader) / page;
		left = resident_pages();
		assert_int_equal(sampler_stall(sampler, cgroup.id, &after), 0);
		taken = after.stall.reclaimed_pages + after.fragment.reclaimed_pages -
			before.stall.reclaimed_pages - before.fragment.reclaimed_pages;

		if (passes == 1) {
			/* no page was resident, so all of them were read */
			snprintf(label, sizeof(label), "pages read in by 1 pass (disk, file)");
			show(label, entered, FILE_BYTES / page - before_left, "2 %");
			assert_in_range(entered, (FILE_BYTES / page - before_left) * 98 / 100,
					FILE_BYTES / page * 102 / 100);
		}
		reference = entered + before_left - left;
		snprintf(label, sizeof(label), "pages reclaimed, %d pass%s (entered - left)",
			 passes, passes > 1 ? "es" : "");
		show(label, taken, reference, "2 %");
		assert_in_range(taken, reference * 98 / 100, reference * 102 / 100);
		if (has_stat && memory_stat("pgsteal", &stat_after)) {
			reference = stat_after - stat_before;
			snprintf(label, sizeof(label), "pages reclaimed, %d pass%s (memory.stat)",
				 passes, passes > 1 ? "es" : "");
			show(label, taken, reference, "2 %");
			assert_in_range(taken, reference * 98 / 100, reference * 102 / 100);
		}
	}
}

/* Page tracking counts the pages that are read in, from the first hit of the limit on. */
static void test_added_pages(void **state)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct fo_wait_stat waits = {0};
	struct reader reader;
	uint64_t entered;
	int err;

	(void)state;
	need_scene();
	err = loader_tracking_on(loader);
	if (err) {
		print_message("skipped, because page tracking is not available: %s\n",
			      strerror(-err));
		skip();
	}
	drop_file();
	reader = start_reader(1);
	go(&reader);
	entered = finish(&reader) / page;
	assert_int_equal(sampler_waits(sampler, cgroup.id, &waits), 0);
	loader_tracking_off(loader);
	/* the limit was hit in the tests before this one: from the first page on */
	show("pages read in (page tracking)", waits.added_pages, entered, "2 %");
	assert_in_range(waits.added_pages, entered * 98 / 100, entered * 102 / 100);
	show("waits for IO begun", waits.io.begun, waits.io.ended + (uint64_t)waits.io.nr,
	     "ended + open");
	assert_int_equal(waits.io.begun, waits.io.ended + (uint64_t)waits.io.nr);
	assert_true(waits.io.nr >= 0);
	/* the file was read once: there are no refaults */
	show("refaults of a file read once", waits.refaults, 0, "0");
	assert_int_equal(waits.refaults, 0);
}

/*
 * A task reads a file repeatedly that exceeds its limit. Its stall is lost work from the second
 * pass on where the refaults are within reach, and never where they are not.
 */
static void test_stall_of_refaults(void **state)
{
	enum {
		PASSES = 4,
		ESTABLISHED_MS = 3500 /* FO_ESTABLISHED_NS, and the time to enter its cgroup */
	};
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t reach_pages[] = {0, 2 * FILE_BYTES / page};
	uint64_t lost[2], stalled[2];
	struct fo_wait_stat waits;

	(void)state;
	need_scene();
	for (int i = 0; i < 2; i++) {
		struct fo_scope_stat before, after;
		struct reader reader;
		int err = loader_tracking_on(loader);

		if (err) {
			print_message("skipped, because page tracking is not available: %s\n",
				      strerror(-err));
			skip();
		}
		struct fo_reach reach = {.pages = reach_pages[i]};

		assert_int_equal(bpf_map_update_elem(loader_map(loader, LOADER_MAP_REACH),
						     &cgroup.id, &reach, BPF_ANY),
				 0);
		drop_file();
		reader = start_reader(PASSES);
		sleep_ms(ESTABLISHED_MS);
		assert_int_equal(sampler_stall(sampler, cgroup.id, &before), 0);
		go(&reader);
		(void)finish(&reader);
		assert_int_equal(sampler_stall(sampler, cgroup.id, &after), 0);
		assert_int_equal(sampler_waits(sampler, cgroup.id, &waits), 0);
		loader_tracking_off(loader);
		stalled[i] = (uint64_t)(after.stall.done_ns - before.stall.done_ns);
		lost[i] = waits.refault_stall_ns;
	}
	/* of all passes but the first */
	show("sampled pages known to be refaults", waits.refaults,
	     waits.samples * (PASSES - 1) / PASSES, "90 %");
	assert_in_range(waits.refaults, waits.samples * (PASSES - 1) / PASSES * 90 / 100,
			waits.samples);
	show("stall of refaults out of reach, in us", lost[0] / 1000, 0, "0");
	show("stall of refaults within reach, in us", lost[1] / 1000,
	     stalled[1] * (PASSES - 1) / PASSES / 1000, "half of it to all its stall");
	assert_true(stalled[0] > 0);
	assert_int_equal(lost[0], 0);
	assert_in_range(lost[1], stalled[1] * (PASSES - 1) / PASSES / 2, stalled[1]);
}

/*
 * What a process loses is told of it, and the distance of its refaults; and what was evicted before
 * a kill is no refault of the time after it.
 */
static void test_process_of_one_reader(void **state)
{
	enum {
		PASSES = 4,
		ESTABLISHED_MS = 3500, /* as above */
		/* half of the clock ahead of every eviction of this test */
		LATER = 1 << 30
	};
	uint64_t refaults[2] = {0}, workingset[2] = {0};

	(void)state;
	need_scene();
	for (int i = 0; i < 2; i++) {
		struct fo_reach reach = {
			.pages = UINT32_MAX, .evicted_from = LATER, .has_kill = i == 1};
		const struct process_span *spans, *span = NULL;
		struct processes *processes;
		struct fo_wait_stat waits;
		struct reader reader;
		uint64_t begin_ns;
		size_t n;

		if (loader_tracking_on(loader))
			skip();
		assert_int_equal(processes_new(&processes, loader), 0);
		assert_int_equal(bpf_map_update_elem(loader_map(loader, LOADER_MAP_REACH),
						     &cgroup.id, &reach, BPF_ANY),
				 0);
		drop_file();
		reader = start_reader(PASSES);
		sleep_ms(ESTABLISHED_MS);
		begin_ns = now_ns();
		go(&reader);
		(void)finish(&reader);
		assert_int_equal(processes_read(processes, now_ns()), 0);
		n = processes_of(processes, cgroup.id, &spans);
		for (size_t j = 0; j < n; j++)
			if (spans[j].pid == reader.pid)
				span = &spans[j];
		assert_non_null(span);
		assert_int_equal(sampler_waits(sampler, cgroup.id, &waits), 0);
		loader_tracking_off(loader);
		for (int slot = 0; slot < PROCESS_DISTANCES; slot++) {
			refaults[i] += span->refaults[slot];
			workingset[i] += span->workingset[slot];
		}
		show("pages that the process read in", span->added_pages, waits.added_pages, "all");
		assert_int_equal(span->added_pages, waits.added_pages);
		assert_int_equal(span->samples, waits.samples);
		show("time that it lost, in us", span->lost_ns / 1000, (now_ns() - begin_ns) / 1000,
		     "part of its life");
		assert_true(span->lost_ns > 0);
		assert_true(span->lost_ns + span->run_ns <= now_ns() - begin_ns + SECOND / 10);
		assert_true(span->blocked_ns <= now_ns() - begin_ns);
		show("its sampled refaults", refaults[i], i ? 0 : waits.refaults, i ? "0" : "all");
		assert_int_equal(refaults[i], i ? 0 : waits.refaults);
		assert_true(workingset[i] <= refaults[i]);
		/* a kill does not change what is a refault to the scope's own sum */
		assert_true(waits.refaults > 0);
		processes_free(processes);
	}
}

/* ---- (d) how long ------------------------------------------------------- */

/* The stall so far, open ones included, by the sampler. */
static uint64_t stall_of(uint64_t *ret_open, uint64_t *ret_done)
{
	struct fo_scope_stat stat;
	struct sample sample;

	assert_int_equal(sampler_cgroup(sampler, &cgroup, now_ns(), false, &sample), 0);
	if (!(sample.has & SAMPLE_HAS_STALL))
		return 0;
	*ret_open = sample.stall_open;
	assert_int_equal(sampler_stall(sampler, cgroup.id, &stat), 0);
	*ret_done = (uint64_t)stat.stall.done_ns;
	return sample.stall_ns;
}

static void test_stall_of_one_reader(void **state)
{
	uint64_t first, last, stall, begin_ns, open = 0, done = 0, samples = 0, with_open = 0;
	uint64_t back = 0, above = 0;
	struct reader reader;

	(void)state;
	need_scene();
	drop_file();
	first = last = stall_of(&open, &done);
	assert_int_equal(open, 0);
	reader = start_reader(3);
	begin_ns = now_ns();
	go(&reader);
	for (;;) {
		siginfo_t info = {0};

		stall = stall_of(&open, &done);
		samples++;
		with_open += open > 0;
		if (stall + LAG_NS < last)
			back++;
		if (stall > last)
			last = stall;
		/* one task cannot be stalled for more than the wall time */
		if (stall - first > now_ns() - begin_ns)
			above++;
		assert_int_equal(
			waitid(P_PID, (id_t)reader.pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
		if (info.si_pid)
			break;
	}
	stall = now_ns() - begin_ns;
	(void)finish(&reader);
	last = stall_of(&open, &done);
	show("stall of one reader in us (wall time)", (last - first) / 1000, stall / 1000,
	     "0 < stall <= wall");
	show("samples, with a stall still open", with_open, samples, "> 0");
	show("samples below an earlier one", back, samples, "0");
	show("samples above the wall time", above, samples, "0");
	assert_int_equal(open, 0);
	assert_int_equal(last, done);
	assert_in_range(last - first, 1, stall);
	assert_true(with_open > 0);
	assert_int_equal(above, 0);
	assert_int_equal(back, 0);
}

/* Sums are read while programs change them, so two words of one sum are of different moments. */
static void test_stall_in_a_storm(void **state)
{
	enum {
		READERS = 4
	};
	struct cgroup no_files = {.id = cgroup.id};
	uint64_t first, begin_ns, open, done, samples = 0, above = 0, back = 0, worst = 0, last,
					      fall = 0;
	struct fo_scope_stat before = {0}, after;
	struct reader readers[READERS];
	struct sample sample;

	(void)state;
	need_scene();
	/* without the cgroup's files, which would take most of the time */
	for (int i = 0; i < CGROUP_FILES_; i++)
		no_files.fds[i] = -1;
	(void)sampler_stall(sampler, cgroup.id, &before);
	first = last = stall_of(&open, &done);
	for (int i = 0; i < READERS; i++)
		readers[i] = start_reader(0);
	begin_ns = now_ns();
	for (int i = 0; i < READERS; i++)
		go(&readers[i]);
	while (now_ns() < begin_ns + STORM_NS) {
		(void)sampler_cgroup(sampler, &no_files, now_ns(), false, &sample);
		samples++;
		if (sample.stall_ns < last) {
			back++;
			if (last - sample.stall_ns > fall)
				fall = last - sample.stall_ns;
		} else if (sample.stall_ns - first <= READERS * (now_ns() - begin_ns))
			last = sample.stall_ns;
		else if (++above && sample.stall_ns - first > worst)
			worst = sample.stall_ns - first;
	}
	for (int i = 0; i < READERS; i++)
		(void)finish(&readers[i]);
	assert_int_equal(sampler_stall(sampler, cgroup.id, &after), 0);
	show("reclaims in the storm", after.stall.begun - before.stall.begun,
	     after.stall.ended - before.stall.ended, "equal");
	show("samples above the wall time of the tasks, storm", above, samples, "0");
	show("samples below an earlier one, storm", back, samples, "");
	show("by at most, in us", fall / 1000, 0, "");
	assert_int_equal(after.stall.nr, 0);
	assert_true(fall < LAG_NS);
	if (above)
		fail_msg("%" PRIu64 " of %" PRIu64
			 " samples have more stall than %d tasks can have "
			 "had; the most %" PRIu64 " s",
			 above, samples, READERS, worst / SECOND);
}

/* ---- (e) ends that are not seen ------------------------------------------- */

#define LINKS_MAX 64

/* The program that a descriptor has attached, the caller's to close; -1: it is no link. */
static int program_of_link(int fd, char name[BPF_OBJ_NAME_LEN])
{
	char path[64], line[128];
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info), id = 0;
	bool is_link = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		is_link |= !strncmp(line, "link_type:", 10);
		(void)sscanf(line, "prog_id: %u", &id);
	}
	if (file)
		fclose(file);
	fd = is_link && id ? bpf_prog_get_fd_by_id(id) : -1;
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	return fd;
}

/* Detaches a program without its loader's knowledge; returns the program's descriptor. */
static int detach(const int *links, size_t count, const char *program)
{
	char name[BPF_OBJ_NAME_LEN] = "";
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(nothing >= 0);
	for (size_t i = 0; i < count; i++) {
		int fd = program_of_link(links[i], name);

		if (fd >= 0 && !strcmp(name, program)) {
			/* libbpf closes this number later */
			assert_int_equal(dup3(nothing, links[i], O_CLOEXEC), links[i]);
			close(nothing);
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	fail_msg("%s is not attached", program);
	return -1;
}

/* The descriptors of links that are open now. */
static size_t list_links(int *ret)
{
	char name[BPF_OBJ_NAME_LEN];
	size_t n = 0;

	for (int fd = 3; fd < 1024 && n < LINKS_MAX; fd++) {
		int program = program_of_link(fd, name);

		if (program < 0)
			continue;
		close(program);
		ret[n++] = fd;
	}
	return n;
}

/* A second set of programs, some of which are detached without their loader's knowledge. */
struct second {
	struct loader *loader;
	struct sampler *sampler;
	int links[LINKS_MAX];
	size_t count;
};

static void second_begin(struct second *second)
{
	int before[LINKS_MAX], all[LINKS_MAX];
	size_t n = list_links(before), total;
	char why[512];

	assert_int_equal(loader_new(&second->loader, host.version, why, sizeof(why)), 0);
	assert_int_equal(sampler_new(&second->sampler, second->loader, &host, &node), 0);
	total = list_links(all);
	second->count = 0;
	for (size_t i = 0; i < total; i++) {
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known |= before[k] == all[i];
		if (!known)
			second->links[second->count++] = all[i];
	}
}

static void second_end(struct second *second)
{
	sampler_free(second->sampler);
	loader_free(second->loader);
}

static struct sample sample_of(struct second *second)
{
	struct cgroup no_files = {.id = cgroup.id};
	struct sample sample;

	for (int i = 0; i < CGROUP_FILES_; i++)
		no_files.fds[i] = -1;
	(void)sampler_cgroup(second->sampler, &no_files, now_ns(), false, &sample);
	return sample;
}

/* A process that reclaims; then it sleeps, or exits. */
static pid_t start_stalled(bool exits)
{
	int ready[2], go_on[2];
	pid_t pid;
	char byte;

	drop_file();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go_on, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		static char buf[1 << 18];
		int fd;

		close(go_on[1]);
		enter_cgroup(cgroup_dir);
		fd = open(file_path, O_RDONLY | O_CLOEXEC);
		while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
			;
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		(void)!read(go_on[0], &byte, 1); /* sleeps until the parent closes its end */
		_exit(0);
	}
	close(ready[1]);
	close(go_on[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	if (exits) {
		close(go_on[1]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	return pid;
}

static void check_missed_end(bool exits)
{
	struct fo_counters counters;
	struct second second;
	struct sample first, last;
	uint64_t begin_ns;
	pid_t pid;

	second_begin(&second);
	close(detach(second.links, second.count, "fo_limit_end"));
	/* before the fork: a child's copies of the links would keep them */
	if (exits)
		close(detach(second.links, second.count, "fo_exit"));
	pid = start_stalled(exits);
	begin_ns = now_ns();
	first = sample_of(&second);
	while (now_ns() < begin_ns + 3 * SECOND) {
		sleep_ms(100);
		last = sample_of(&second);
	}
	if (!exits) {
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	loader_counters(second.loader, &counters);
	second_end(&second);
	show(exits ? "stalls open of a task that exited" : "stalls open of a task that sleeps",
	     last.stall_open, 0, "0");
	show("stall of the task in 3 s, in us", (last.stall_ns - first.stall_ns) / 1000, 0, "0");
	show("stalls that fo_open_check ended", counters.stalls_forgotten, 1, ">= 1");
	assert_true(first.has & SAMPLE_HAS_STALL);
	assert_true(first.reclaims > 0);
	assert_int_equal(last.stall_open, 0);
	assert_int_equal(last.stall_ns, first.stall_ns);
	assert_true(counters.stalls_forgotten >= 1);
}

/* The end of a task's last reclaim is not seen, and then the task sleeps. */
static void test_end_missed_by_a_sleeping_task(void **state)
{
	(void)state;
	need_scene();
	check_missed_end(false);
}

/* Neither the end nor the exit of the task is seen: no task is left to end the stall. */
static void test_end_and_exit_missed(void **state)
{
	(void)state;
	need_scene();
	check_missed_end(true);
}

/* Reclaims proactively, far from any limit; then reads until it has reclaimed at its limit once. */
static void __attribute__((noreturn)) reclaim_twice(struct second *second, int ready, int go_on)
{
	struct fo_scope_stat before = {0}, after;
	char byte, buf[4096];
	bool asked;
	int fd;

	enter_cgroup(cgroup_dir);
	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM))
		_exit(1);
	for (int i = 0; i < 1024; i++)
		if (pread(fd, buf, sizeof(buf), (off_t)i * (off_t)sizeof(buf)) < 0)
			_exit(1);
	asked = put(cgroup_dir, host.version == 2 ? "memory.reclaim" : "memory.force_empty",
		    host.version == 2 ? "1M" : "0");
	byte = asked ? 'y' : 'n';
	if (write(ready, &byte, 1) != 1 || read(go_on, &byte, 1) != 1)
		_exit(1);
	(void)sampler_stall(second->sampler, cgroup.id, &before);
	after = before;
	for (uint64_t i = 0; after.stall.begun == before.stall.begun; i++) {
		if (i == FILE_BYTES / sizeof(buf) ||
		    pread(fd, buf, sizeof(buf), (off_t)(i * sizeof(buf))) < 0)
			_exit(1);
		(void)sampler_stall(second->sampler, cgroup.id, &after);
	}
	if (write(ready, &byte, 1) != 1)
		_exit(1);
	(void)!read(go_on, &byte, 1);
	_exit(0);
}

/* The end of a proactive reclaim is not seen. The end of the task's next stall counts. */
static void test_end_of_proactive_reclaim_missed(void **state)
{
	int ready[2], go_on[2], program, link;
	struct fo_counters before, counters;
	struct fo_scope_stat stat;
	struct second second;
	char byte;
	pid_t pid;

	(void)state;
	need_scene();
	second_begin(&second);
	program = detach(second.links, second.count, "fo_limit_end");
	loader_counters(second.loader, &before);
	drop_file();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go_on, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(go_on[1]);
		reclaim_twice(&second, ready[1], go_on[0]);
	}
	close(ready[1]);
	close(go_on[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	loader_counters(second.loader, &counters);
	link = bpf_raw_tracepoint_open(NULL, program);
	assert_true(link >= 0);
	if (byte == 'y') {
		assert_int_equal(write(go_on[1], "x", 1), 1);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		assert_int_equal(sampler_stall(second.sampler, cgroup.id, &stat), 0);
	}
	close(go_on[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(link);
	close(program);
	second_end(&second);
	if (byte == 'n') {
		print_message("skipped, because this kernel has no memory.reclaim\n");
		skip();
	}
	show("proactive reclaims whose end was not seen",
	     counters.begins_proactive - before.begins_proactive, 1, ">= 1");
	show("reclaims at the limit then", stat.stall.begun, 1, ">= 1");
	show("of them still open", (uint64_t)stat.stall.nr, 0, "0");
	assert_true(counters.begins_proactive > before.begins_proactive);
	assert_int_equal(stat.stall.nr, 0);
	assert_int_equal(stat.stall.begun, stat.stall.ended);
}

/* The check of open stalls ends none that goes on. */
static void test_check_ends_no_open_stall(void **state)
{
	enum {
		READERS = 4
	};
	struct fo_counters before, after;
	struct reader readers[READERS];
	uint64_t begin_ns, checks = 0;

	(void)state;
	need_scene();
	if (!loader_has(loader, "fo_open_check")) {
		print_message("skipped, because open stalls cannot be listed here\n");
		skip();
	}
	loader_counters(loader, &before);
	for (int i = 0; i < READERS; i++)
		readers[i] = start_reader(0);
	for (int i = 0; i < READERS; i++)
		go(&readers[i]);
	for (begin_ns = now_ns(); now_ns() < begin_ns + STORM_NS; checks++)
		assert_int_equal(loader_check_open(loader), 0);
	begin_ns = (now_ns() - begin_ns) / checks;
	for (int i = 0; i < READERS; i++)
		(void)finish(&readers[i]);
	loader_counters(loader, &after);
	show("checks of open stalls, and us for each", checks, begin_ns / 1000, "");
	show("reclaims in that time", after.limit_begins - before.limit_begins, 0, "> 1000");
	show("stalls that the checks ended", after.stalls_forgotten - before.stalls_forgotten,
	     after.ends_missed - before.ends_missed, "of skipped programs only");
	assert_true(after.limit_begins - before.limit_begins > 1000);
	/* the end of a stall that was ended too early has no begin */
	assert_int_equal(after.ends_unpaired, before.ends_unpaired);
}

/* The table of open stalls is full: further stalls are not counted, and none stays open. */
static void test_full_table(void **state)
{
	struct fo_counters before, after;
	struct reader reader;
	struct second second;
	struct fo_scope_stat stat = {0};
	struct fo_open_key_of_ours {
		uint32_t pid, section;
	} key = {.pid = UINT32_C(1) << 23};
	char value[64] = {0};
	uint64_t filled = 0;
	int fd;

	(void)state;
	need_scene();
	second_begin(&second);
	fd = loader_map(second.loader, LOADER_MAP_OPEN);
	for (; filled < 1 << 20; filled++, key.pid++)
		if (bpf_map_update_elem(fd, &key, value, BPF_NOEXIST))
			break;
	loader_counters(second.loader, &before);
	drop_file();
	reader = start_reader(1);
	go(&reader);
	(void)finish(&reader);
	loader_counters(second.loader, &after);
	(void)sampler_stall(second.sampler, cgroup.id, &stat);
	second_end(&second);
	show("entries of the table", filled, 16384, "");
	show("stalls without room", after.tasks_full - before.tasks_full, 0, "> 10");
	show("stalls open afterwards", (uint64_t)stat.stall.nr, 0, "0");
	assert_true(filled < 1 << 20); /* an LRU table accepts any number, and evicts */
	assert_true(after.tasks_full - before.tasks_full > 10);
	assert_int_equal(stat.stall.nr, 0);
	assert_int_equal(stat.stall.begun, stat.stall.ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_added_pages),
		cmocka_unit_test(test_stall_of_refaults),
		cmocka_unit_test(test_process_of_one_reader),
		cmocka_unit_test(test_stall_of_one_reader),
		cmocka_unit_test(test_stall_in_a_storm),
		cmocka_unit_test(test_end_missed_by_a_sleeping_task),
		cmocka_unit_test(test_end_and_exit_missed),
		cmocka_unit_test(test_end_of_proactive_reclaim_missed),
		cmocka_unit_test(test_check_ends_no_open_stall),
		cmocka_unit_test(test_full_table),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

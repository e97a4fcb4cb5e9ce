// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/shares.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#ifndef STATX_TYPE
#include <linux/stat.h> /* musl has statx() since 1.2.5 only */
#endif

#include "base/clock.h"
#include "base/harden.h"
#include "base/util.h"
#include "base/worker.h"
#include "judge/candidate.h"

/* Chosen: at most 1 % of a CPU. A pass takes 80 us a process, and waits for mmap locks. */
#define EVERY_NS    500000000ULL
#define EVERY_TIMES 100
/* An older result is not used: the pass since then is stuck. */
#define VALID_NS	30000000000ULL
#define STOP_TIMEOUT_NS 3000000000ULL

/* Chosen: a browser with 200 processes has 600 objects of this size. A pass that needs more fails.
 */
#define OBJECTS_MAX   4096
#define HOLDS_MAX     16384
#define PROCESSES_MAX 4096
#define LOCKED_MAX    64
#define DEVICES_MAX   32

#define TMPFS_MAGIC 0x01021994 /* include/uapi/linux/magic.h */

static const char deleted[] = " (deleted)";

struct object {
	uint64_t device;
	uint64_t inode;
	uint64_t bytes;
	uint64_t holders_hash; /* of the pids, in any order */
	uint32_t holders;
	int last_pid;
	uint32_t set;
};

struct hold {
	int pid;
	uint32_t object;
};

struct set {
	uint64_t hash;
	uint64_t bytes;
	uint32_t holders;
};

/* What a pass tells of one process. */
struct holder {
	int pid;
	struct candidate_share shares[CANDIDATE_SHARES];
	uint64_t locked_file_bytes;
};

struct result {
	uint64_t begun_ns; /* 0: none */
	uint64_t took_ns;  /* CPU time: a wait for a lock costs nobody anything */
	struct holder holders[PROCESSES_MAX]; /* by rising pid */
	size_t count;
};

enum pass_state { /* the worker changes PASS_RUNS to PASS_DONE */
	PASS_NONE,
	PASS_RUNS,
	PASS_DONE,
};

struct shares {
	struct worker *worker;
	atomic_int state;
	uint64_t now_ns; /* of the last listing */
	uint64_t due_ns;
	struct result *result;	/* of the last pass */
	struct result *next;	/* the worker's while a pass runs */
	int wanted[LOCKED_MAX]; /* pids of processes that lock memory, for the next pass */
	size_t wanted_count;

	/* all below: the worker's */
	int locked[LOCKED_MAX];
	size_t locked_count;
	int proc_fd;
	bool realtime; /* of the caller, and so of the passes */
	bool failed;   /* not all was seen */
	struct object objects[OBJECTS_MAX];
	uint16_t homes[2 * OBJECTS_MAX]; /* hash table of objects: number + 1 */
	size_t object_count;
	struct hold holds[HOLDS_MAX];
	size_t hold_count;
	struct set sets[CANDIDATE_SETS_MAX];
	size_t set_count;
	struct {
		uint64_t device;
		bool tmpfs;
	} devices[DEVICES_MAX];
	size_t device_count;
	char list[32768];
	char text[32768];
};

static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 31)) * 0x9e3779b97f4a7c15ULL;
	value = (value ^ (value >> 29)) * 0xbf58476d1ce4e5b9ULL;
	return value ^ (value >> 32);
}

static uint64_t kib_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

/* @path, below /proc, in s->text. False: the process has ended, or this is not permitted. */
static bool read_text(struct shares *s, const char *path)
{
	_cleanup_close_ int fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, s->text, sizeof(s->text) - 1);

	s->text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/*
 * What @pid holds cannot be seen. An LSM may hide PID 1, for example; one that maps no shared
 * memory is taken to have none open either.
 */
static void not_seen(struct shares *s, int pid, int err)
{
	char path[32];

	if (err == ENOENT || err == ESRCH)
		return; /* the process has ended */
	snprintf(path, sizeof(path), "%d/status", pid);
	if ((err != EACCES && err != EPERM) ||
	    (pid != 1 && read_text(s, path) && kib_of(s->text, "\nRssShmem:")))
		s->failed = true;
}

/* ---- objects ---- */

/* NULL: there is no room. *ret_fresh: it is new. */
static struct object *object_find(struct shares *s, uint64_t device, uint64_t inode,
				  bool *ret_fresh)
{
	const size_t n = ARRAY_SIZE(s->homes);
	size_t at = mix(mix(device) ^ inode) % n;

	for (; s->homes[at]; at = (at + 1) % n) {
		struct object *object = &s->objects[s->homes[at] - 1];

		if (object->device == device && object->inode == inode) {
			*ret_fresh = false;
			return object;
		}
	}
	*ret_fresh = true;
	if (s->object_count == OBJECTS_MAX)
		return NULL;
	s->objects[s->object_count] = (struct object){.device = device, .inode = inode};
	s->homes[at] = (uint16_t)++s->object_count;
	return &s->objects[s->object_count - 1];
}

/* Whether the file at @path, of a process, is on a tmpfs or in shared memory. */
static bool is_tmpfs(struct shares *s, const char *path, uint64_t device)
{
	_cleanup_close_ int fd = -1;
	struct statfs fs = {0};
	bool tmpfs;

	for (size_t i = 0; i < s->device_count; i++)
		if (s->devices[i].device == device)
			return s->devices[i].tmpfs;
	fd = openat(s->proc_fd, path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return false;
	tmpfs = fs.f_type == TMPFS_MAGIC;
	if (s->device_count < DEVICES_MAX) {
		s->devices[s->device_count].device = device;
		s->devices[s->device_count++].tmpfs = tmpfs;
	}
	return tmpfs;
}

static void add_hold(struct shares *s, struct object *object, int pid)
{
	if (object->bytes < SHARES_LEAST_BYTES || object->last_pid == pid)
		return;
	if (s->hold_count == HOLDS_MAX) {
		s->failed = true;
		return;
	}
	object->last_pid = pid;
	object->holders++;
	object->holders_hash += mix((uint64_t)pid);
	s->holds[s->hold_count++] = (struct hold){pid, (uint32_t)(object - s->objects)};
}

/* @path, below /proc, leads to a file without a name that @pid holds. */
static void take_file(struct shares *s, const char *path, int pid)
{
	struct object *object;
	struct statx st;
	uint64_t device;
	bool fresh;

	/* without a sync: a server that hangs is not asked */
	if (syscall(SYS_statx, s->proc_fd, path, AT_STATX_DONT_SYNC,
		    STATX_TYPE | STATX_NLINK | STATX_INO | STATX_BLOCKS, &st) < 0) {
		not_seen(s, pid, errno);
		return;
	}
	device = makedev(st.stx_dev_major, st.stx_dev_minor);
	if (!S_ISREG(st.stx_mode) || st.stx_nlink || !is_tmpfs(s, path, device))
		return;
	object = object_find(s, device, st.stx_ino, &fresh);
	if (!object) {
		s->failed = true;
		return;
	}
	/* with what is swapped out */
	if (!object->bytes)
		object->bytes = st.stx_blocks * 512;
	add_hold(s, object, pid);
}

/* ---- one process ---- */

static bool ends_with(const char *text, size_t len, const char *end, size_t end_len)
{
	return len >= end_len && !memcmp(text + len - end_len, end, end_len);
}

static int for_each_number(struct shares *s, int dir_fd, char *list, size_t size,
			   void (*visit)(struct shares *s, int pid, int number), int pid)
{
	long n;

	while ((n = syscall(SYS_getdents64, dir_fd, list, size)) > 0)
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(list + at);

			at += entry->d_reclen;
			if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
				visit(s, pid, atoi(entry->d_name));
		}
	return n < 0 ? -errno : 0;
}

static void visit_fd(struct shares *s, int pid, int number)
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/fd/%d", pid, number);
	n = readlinkat(s->proc_fd, path, target, sizeof(target));
	/* the path may be cut off: then look at the file */
	if (n == (ssize_t)sizeof(target) ||
	    (n > 0 && ends_with(target, (size_t)n, deleted, sizeof(deleted) - 1)))
		take_file(s, path, pid);
}

static void read_fds(struct shares *s, int pid)
{
	_cleanup_close_ int fd = -1;
	char path[32], list[8192];
	int err;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(s->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : for_each_number(s, fd, list, sizeof(list), visit_fd, pid);
	if (err)
		not_seen(s, pid, -err);
}

/* "START-END perms offset major:minor inode   path (deleted)" */
static void take_mapping(struct shares *s, int pid, const char *line, size_t len)
{
	unsigned long start, end, inode;
	unsigned major_number, minor_number;
	struct object *object;
	char path[64];
	bool fresh;

	if (!ends_with(line, len, deleted, sizeof(deleted) - 1))
		return;
	if (sscanf(line, "%lx-%lx %*s %*s %x:%x %lu", &start, &end, &major_number, &minor_number,
		   &inode) != 5)
		return;
	/* a System V segment lives on without a process */
	if (memmem(line, len, " /SYSV", 6))
		return;
	/* the first mapping of each file costs a system call; 0 bytes: it is no shared memory */
	object = object_find(s, makedev(major_number, minor_number), inode, &fresh);
	if (!object) {
		s->failed = true;
		return;
	}
	if (!fresh) {
		add_hold(s, object, pid);
		return;
	}
	snprintf(path, sizeof(path), "%d/map_files/%lx-%lx", pid, start, end);
	take_file(s, path, pid);
}

static void read_maps(struct shares *s, int pid)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	size_t len = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/maps", pid);
	fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		not_seen(s, pid, errno);
		return;
	}
	while ((n = read(fd, s->text + len, sizeof(s->text) - 1 - len)) > 0) {
		char *line = s->text, *end;

		len += (size_t)n;
		s->text[len] = '\0';
		while ((end = memchr(line, '\n', (size_t)(s->text + len - line)))) {
			*end = '\0';
			take_mapping(s, pid, line, (size_t)(end - line));
			line = end + 1;
		}
		len = (size_t)(s->text + len - line);
		memmove(s->text, line, len);
		if (len == sizeof(s->text) - 1)
			len = 0; /* no path is as long as that */
	}
	if (n < 0)
		not_seen(s, pid, errno);
}

/*
 * At least: "Locked" has anonymous and shared memory, too, and both may also be there unlocked.
 * Each of several processes that lock a page has its part of it.
 */
static uint64_t read_locked(struct shares *s, int pid)
{
	uint64_t locked, other, file;
	char path[32];

	snprintf(path, sizeof(path), "%d/smaps_rollup", pid);
	if (!read_text(s, path))
		return 0;
	locked = kib_of(s->text, "\nLocked:");
	file = kib_of(s->text, "\nPss_File:");
	other = kib_of(s->text, "\nPss_Anon:") + kib_of(s->text, "\nPss_Shmem:");
	locked = locked > other ? locked - other : 0;
	return locked < file ? locked : file;
}

static void visit_process(struct shares *s, int unused, int pid)
{
	(void)unused;
	read_fds(s, pid);
	read_maps(s, pid);
}

/* ---- the result ---- */

static uint32_t set_of(struct shares *s, const struct object *object)
{
	uint32_t i = 0;

	while (i < s->set_count &&
	       (s->sets[i].hash != object->holders_hash || s->sets[i].holders != object->holders))
		i++;
	if (i == s->set_count) {
		if (i == CANDIDATE_SETS_MAX)
			return i; /* the memory of more sets is freed by nobody's death */
		s->sets[s->set_count++] =
			(struct set){.hash = object->holders_hash, .holders = object->holders};
	}
	s->sets[i].bytes += object->bytes;
	return i;
}

/* Keeps the largest, each once. */
static void add_share(struct holder *holder, const struct set *set, uint32_t number)
{
	struct candidate_share share = {set->bytes, number, set->holders};

	for (int i = 0; i < CANDIDATE_SHARES; i++)
		if (holder->shares[i].holders && holder->shares[i].set == number)
			return;
	for (int i = 0; i < CANDIDATE_SHARES; i++) {
		struct candidate_share smaller = holder->shares[i];

		if (smaller.bytes >= share.bytes)
			continue;
		holder->shares[i] = share;
		share = smaller;
	}
}

/* The holder with this pid, or the place where it belongs. */
static size_t holder_at(const struct result *result, int pid)
{
	size_t low = 0, high = result->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (result->holders[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct holder *holder_make(struct shares *s, int pid)
{
	struct result *result = s->next;
	size_t at = holder_at(result, pid);
	struct holder *holder = &result->holders[at];

	if (at < result->count && holder->pid == pid)
		return holder;
	if (result->count == PROCESSES_MAX) {
		s->failed = true;
		return NULL;
	}
	memmove(holder + 1, holder, (result->count - at) * sizeof(*holder));
	result->count++;
	*holder = (struct holder){.pid = pid};
	return holder;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void pass(void *argument, size_t len)
{
	const struct sched_param param = {.sched_priority = HARDEN_PRIORITY};
	struct shares *s = *(struct shares **)argument;
	uint64_t begun_ns = clock_boot_ns(), begun_cpu_ns = cpu_ns();

	(void)len;
	/* in a livelock a pass would compete with all stalled tasks, and come too late */
	if (s->realtime)
		(void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param);
	s->failed = false;
	s->object_count = s->hold_count = s->set_count = s->next->count = 0;
	memset(s->homes, 0, sizeof(s->homes));
	if (lseek(s->proc_fd, 0, SEEK_SET) < 0 ||
	    for_each_number(s, s->proc_fd, s->list, sizeof(s->list), visit_process, 0))
		s->failed = true;
	for (size_t i = 0; i < s->object_count; i++)
		s->objects[i].set =
			s->objects[i].holders ? set_of(s, &s->objects[i]) : CANDIDATE_SETS_MAX;
	for (size_t i = 0; i < s->hold_count && !s->failed; i++) {
		uint32_t set = s->objects[s->holds[i].object].set;
		struct holder *holder =
			set < CANDIDATE_SETS_MAX ? holder_make(s, s->holds[i].pid) : NULL;

		if (holder)
			add_share(holder, &s->sets[set], set);
	}
	for (size_t i = 0; i < s->locked_count && !s->failed; i++) {
		uint64_t bytes = read_locked(s, s->locked[i]);
		struct holder *holder = bytes ? holder_make(s, s->locked[i]) : NULL;

		if (holder)
			holder->locked_file_bytes = bytes;
	}
	s->next->begun_ns = s->failed ? 0 : begun_ns;
	s->next->took_ns = cpu_ns() - begun_cpu_ns;
	atomic_store(&s->state, PASS_DONE);
}

/* ---- the caller's thread ---- */

int shares_new(struct shares **ret)
{
	struct shares *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		return err;
	s->proc_fd = -1;
	s->result = calloc(1, sizeof(*s->result));
	s->next = calloc(1, sizeof(*s->next));
	if (s->result && s->next) {
		s->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = s->proc_fd < 0 ? -errno : worker_start(&s->worker, "fo-shares", sizeof(s), 2);
	}
	if (err) {
		shares_free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void shares_free(struct shares *s)
{
	/* a pass that is stuck still uses it */
	if (!s || !worker_stop(s->worker, STOP_TIMEOUT_NS))
		return;
	if (s->proc_fd >= 0)
		close(s->proc_fd);
	free(s->result);
	free(s->next);
	free(s);
}

void shares_take(struct shares *s, uint64_t boot_ns)
{
	struct result *result = s->next;

	s->now_ns = boot_ns;
	if (atomic_load(&s->state) != PASS_DONE)
		return;
	s->next = s->result;
	s->result = result;
	atomic_store(&s->state, PASS_NONE);
}

void shares_begin(struct shares *s)
{
	if (s->now_ns < s->due_ns || atomic_load(&s->state) != PASS_NONE)
		return;
	s->due_ns = s->now_ns + EVERY_NS;
	if (EVERY_TIMES * s->result->took_ns > EVERY_NS)
		s->due_ns = s->now_ns + EVERY_TIMES * s->result->took_ns;
	memcpy(s->locked, s->wanted, sizeof(s->locked));
	s->locked_count = s->wanted_count;
	s->wanted_count = 0;
	s->realtime = (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_RR;
	atomic_store(&s->state, PASS_RUNS);
	if (worker_give(s->worker, pass, &s, sizeof(s)))
		atomic_store(&s->state, PASS_NONE);
}

static void want_locked(struct shares *s, int pid)
{
	for (size_t i = 0; i < s->wanted_count; i++)
		if (s->wanted[i] == pid)
			return;
	if (s->wanted_count < LOCKED_MAX)
		s->wanted[s->wanted_count++] = pid;
}

void shares_fill(struct shares *s, struct candidate *candidate, uint64_t locked_bytes)
{
	const struct result *result = s->result;
	const struct holder *holder;
	size_t at;

	if (locked_bytes >= SHARES_LEAST_BYTES)
		want_locked(s, candidate->pid);
	/* a process that began since then may have the pid of another one */
	if (!result->begun_ns || candidate->start_boot_ns >= result->begun_ns ||
	    s->now_ns > result->begun_ns + VALID_NS)
		return;
	candidate->shares_known = true;
	at = holder_at(result, candidate->pid);
	holder = &result->holders[at];
	if (at == result->count || holder->pid != candidate->pid)
		return;
	memcpy(candidate->shares, holder->shares, sizeof(candidate->shares));
	candidate->locked_file_bytes = holder->locked_file_bytes;
}

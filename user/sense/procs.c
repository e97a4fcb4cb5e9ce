// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/cgroup.h"

/* For getdents64(2): readdir() would allocate. The size is that of the C library's buffer. */
#define LIST_BYTES 32768
/* Five times the largest: a status with 64 supplementary groups and 1024 CPUs has 3 KiB. */
#define TEXT_BYTES 16384

/* Fields of /proc/PID/stat: proc(5). */
enum {
	STAT_STATE = 3,
	STAT_PPID = 4,
	STAT_PGRP = 5,
	STAT_SESSION = 6,
	STAT_FLAGS = 9,
	STAT_THREADS = 20,
	STAT_START = 22,
	STAT_START_CODE = 26,
	STAT_START_STACK = 28,
	STAT_ARG_START = 48,
};

struct procs {
	const struct cgroup_host *host;
	int proc_fd;
	uint64_t tick_ns;
	uint64_t page_kib;
	/* the cgroup of the last process, which the next one often shares */
	char last_path[CGROUP_PATH_MAX];
	uint64_t last_id;
	char list[LIST_BYTES];
	char threads[LIST_BYTES];
	char text[TEXT_BYTES];
	uint64_t unreadable; /* files of this listing, for lack of memory or descriptors */
	int error;	     /* of the last of them */
};

int procs_new(struct procs **ret, const struct cgroup_host *host)
{
	struct procs *procs = calloc(1, sizeof(*procs));

	if (!procs)
		return -ENOMEM;
	procs->host = host;
	procs->tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	procs->page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	procs->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (procs->proc_fd < 0) {
		int err = -errno;

		free(procs);
		return err;
	}
	*ret = procs;
	return 0;
}

void procs_free(struct procs *procs)
{
	if (!procs)
		return;
	close(procs->proc_fd);
	free(procs);
}

/* Reads a file into procs->text, with a NUL. @tid: of a thread, 0: of the process. */
static bool read_file(struct procs *procs, const char *name, int pid, int tid)
{
	_cleanup_close_ int fd = -1;
	size_t len = 0;
	char path[64];
	ssize_t n;

	if (tid)
		snprintf(path, sizeof(path), "%d/task/%d/%s", pid, tid, name);
	else
		snprintf(path, sizeof(path), "%d/%s", pid, name);
	fd = openat(procs->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		/* this process lacks descriptors or memory; otherwise the process has ended */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			procs->unreadable++;
			procs->error = -errno;
		}
		return false;
	}
	while ((n = read(fd, procs->text + len, TEXT_BYTES - 1 - len)) > 0)
		len += (size_t)n;
	procs->text[len] = '\0';
	return n == 0 && len > 0;
}

/* Calls @visit for each name in @dir_fd that is a number, until it returns false. */
static int for_each_number(int dir_fd, char *list, bool (*visit)(void *context, int number),
			   void *context)
{
	long n;

	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, dir_fd, list, LIST_BYTES)) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(list + at);

			at += entry->d_reclen;
			if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
				continue;
			if (!visit(context, atoi(entry->d_name)))
				return 0;
		}
	}
	return n < 0 ? -errno : 0;
}

/* ---- one process ---------------------------------------------------------------------------- */

static bool take_stat(const struct procs *procs, struct fo_task *task, char *ret_state)
{
	/* comm may contain ")" and spaces; its end is the last ")" */
	const char *open = strchr(procs->text, '('), *close = strrchr(procs->text, ')');
	uint64_t ticks = 0, program = 0;
	const char *p;
	size_t len;

	if (!open || !close || close < open || close[1] != ' ')
		return false;
	len = (size_t)(close - open) - 1;
	if (len >= sizeof(task->comm))
		len = sizeof(task->comm) - 1;
	memcpy(task->comm, open + 1, len);
	p = close + 2;
	*ret_state = *p;
	for (int field = STAT_STATE; p && *p; field++) {
		unsigned long long number = strtoull(p, NULL, 10);

		switch (field) {
		case STAT_PPID:
			task->ppid = (uint32_t)number;
			break;
		case STAT_PGRP:
			task->group = (int32_t)number;
			break;
		case STAT_SESSION:
			task->session = (int32_t)number;
			break;
		case STAT_FLAGS:
			task->flags = (uint32_t)number;
			break;
		case STAT_THREADS:
			task->threads = (uint32_t)number;
			break;
		case STAT_START:
			ticks = number;
			break;
		case STAT_START_CODE:
		case STAT_START_STACK:
		case STAT_ARG_START:
			/* an odd multiplier keeps all bits of the hash */
			program = (program ^ number) * 0x9e3779b97f4a7c15ULL;
			break;
		default:
			break;
		}
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	task->start_boot_ns = ticks * procs->tick_ns;
	task->exec_id = program;
	return ticks > 0;
}

static bool find_number(const char *text, const char *key, uint64_t *ret)
{
	const char *at = strstr(text, key);

	if (!at)
		return false;
	*ret = strtoull(at + strlen(key), NULL, 10);
	return true;
}

/* False: it has no memory, as a kernel thread or a process that has ended. */
static bool take_memory(const struct procs *procs, struct fo_task *task)
{
	uint64_t anon_kib, file_kib, shmem_kib, swap_kib = 0, tables_kib, locked_kib = 0;

	/* "Name:" comes first, and the kernel escapes newlines in it */
	if (!find_number(procs->text, "\nRssAnon:", &anon_kib) ||
	    !find_number(procs->text, "\nRssFile:", &file_kib) ||
	    !find_number(procs->text, "\nRssShmem:", &shmem_kib) ||
	    !find_number(procs->text, "\nVmPTE:", &tables_kib))
		return false;
	/* a kernel without swap does not write this line */
	(void)find_number(procs->text, "\nVmSwap:", &swap_kib);
	(void)find_number(procs->text, "\nVmLck:", &locked_kib);
	task->anon_pages = (int64_t)(anon_kib / procs->page_kib);
	task->file_pages = (int64_t)(file_kib / procs->page_kib);
	task->shmem_pages = (int64_t)(shmem_kib / procs->page_kib);
	task->swap_pages = (int64_t)(swap_kib / procs->page_kib);
	task->pgtables_bytes = tables_kib * 1024;
	task->locked_pages = locked_kib / procs->page_kib;
	return true;
}

static void take_ids(const struct procs *procs, struct fo_task *task)
{
	const char *pids = strstr(procs->text, "\nNSpid:"), *end, *last;
	uint64_t uid;

	/* the first number is the real uid */
	if (find_number(procs->text, "\nUid:", &uid))
		task->uid = (uint32_t)uid;
	task->is_init = task->tgid == 1;
	if (!pids)
		return;
	pids++;
	end = strchr(pids, '\n');
	for (last = end; last && last > pids && last[-1] != '\t';)
		last--;
	if (last && atoi(last) == 1)
		task->is_init = 1;
}

/* The path of the memory cgroup in the text of /proc/PID/cgroup; NULL: none. */
static const char *find_path(struct procs *procs)
{
	char *line = procs->text, *next;

	for (; line; line = next) {
		char *controllers, *path;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		controllers = strchr(line, ':');
		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		if (procs->host->version == 2 ? !controllers[1]
					      : !strcmp(controllers + 1, "memory"))
			return path;
	}
	return NULL;
}

static bool is_within(const char *path, const char *scope_path)
{
	size_t len = scope_path ? strlen(scope_path) : 0;

	return len <= 1 || (!strncmp(path, scope_path, len) && (!path[len] || path[len] == '/'));
}

static bool take_cgroup(struct procs *procs, const char *path, struct fo_task *task)
{
	struct stat st;

	if (strlen(path) >= sizeof(procs->last_path))
		return false;
	if (strcmp(path, procs->last_path) != 0) {
		if (fstatat(procs->host->mount_fd, path[1] ? path + 1 : ".", &st, 0) < 0)
			return false;
		strcpy(procs->last_path, path);
		procs->last_id = st.st_ino;
	}
	task->memcg_id = procs->last_id;
	return true;
}

struct listing {
	struct procs *procs;
	const char *scope_path; /* NULL: the node */
	void (*take)(void *context, const struct fo_task *task);
	void *context;
	struct fo_task task;
	bool taken;
	bool any; /* process was taken */
};

/* Reads memory, ids and cgroup from thread @tid; 0: from the process. */
static bool take_details(struct listing *listing, int tid)
{
	struct procs *procs = listing->procs;
	struct fo_task *task = &listing->task;
	const char *path;

	if (!read_file(procs, "status", (int)task->tgid, tid) || !take_memory(procs, task))
		return false;
	take_ids(procs, task);
	if (!read_file(procs, "cgroup", (int)task->tgid, tid))
		return false;
	path = find_path(procs);
	return path && is_within(path, listing->scope_path) && take_cgroup(procs, path, task);
}

static bool visit_thread(void *context, int tid)
{
	struct listing *listing = context;

	listing->taken = take_details(listing, tid);
	return !listing->taken;
}

/* The leader has ended, but its threads use the memory; the kernel's OOM killer finds them too. */
static bool take_from_threads(struct listing *listing)
{
	_cleanup_close_ int fd = -1;
	char path[32];

	listing->taken = false;
	snprintf(path, sizeof(path), "%u/task", listing->task.tgid);
	fd = openat(listing->procs->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && !for_each_number(fd, listing->procs->threads, visit_thread, listing) &&
	       listing->taken;
}

static bool visit_process(void *context, int pid)
{
	struct listing *listing = context;
	struct procs *procs = listing->procs;
	const char *path;
	char state;

	listing->task = (struct fo_task){.tgid = (uint32_t)pid};
	/* the cgroup first: most processes are in another one */
	if (!read_file(procs, "cgroup", pid, 0))
		return true;
	path = find_path(procs);
	/* v1 writes "/" for a leader that has ended, wherever its threads are */
	if (!path ||
	    (!is_within(path, listing->scope_path) && !(procs->host->version == 1 && !path[1])))
		return true;
	if (!read_file(procs, "stat", pid, 0) || !take_stat(procs, &listing->task, &state))
		return true;
	if (!(state == 'Z' && listing->task.threads > 1 ? take_from_threads(listing)
							: take_details(listing, 0)))
		return true;
	if (!read_file(procs, "oom_score_adj", pid, 0))
		return true;
	listing->task.oom_score_adj = atoi(procs->text);
	listing->take(listing->context, &listing->task);
	listing->any = true;
	return true;
}

int procs_read(struct procs *procs, uint64_t scope,
	       void (*take)(void *context, const struct fo_task *task), void *context)
{
	struct listing listing = {.procs = procs, .take = take, .context = context};
	char path[CGROUP_PATH_MAX];
	int err;

	procs->last_path[0] = '\0';
	procs->unreadable = 0;
	if (scope != FO_SCOPE_NODE) {
		err = cgroup_path_of(procs->host, scope, path);
		if (err == -ENODEV || err == -ESTALE || err == -ENOENT)
			return 0; /* the cgroup was removed, so it has no processes */
		if (err)
			return err;
		listing.scope_path = path;
	}
	err = for_each_number(procs->proc_fd, procs->list, visit_process, &listing);
	return err || !procs->unreadable || listing.any ? err : procs->error;
}

uint64_t procs_unreadable(const struct procs *procs)
{
	return procs->unreadable;
}

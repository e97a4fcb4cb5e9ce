// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "act/ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "base/worker.h"

/* Bytes; that of cgroup paths (CGROUP_PATH_MAX). */
#define PATH_SIZE 512
/* Tasks that the worker holds; twice the watched scopes (64), for a step and its undo, fit. */
#define WORKER_DEPTH 256
/* How long ladder_free() waits for the worker; chosen. */
#define STOP_TIMEOUT_NS 3000000000ULL

/* One step, until it is undone. Only the worker writes it while `queued` is not 0. */
struct slot {
	atomic_int queued; /* tasks that the worker has not finished */
	atomic_int result;
	enum ladder_step_kind kind;
	char path[PATH_SIZE];
	int pid;
	uint64_t bytes;
	bool must_undo;
	char undo_text[64]; /* written to undo the step */
	char undo_path[PATH_SIZE];
};

struct ladder {
	struct worker *worker;
	struct slot *slots;
	int version;
	int mount_fd;	/* -1: none */
	int freezer_fd; /* v1; -1: none */
	size_t slot_count;
};

struct job {
	struct ladder *ladder;
	struct slot *slot;
};

static int find_freezer(void)
{
	char text[4096];
	struct mntent entry;
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	int fd = -1;

	while (mounts && fd < 0 && getmntent_r(mounts, &entry, text, sizeof(text)))
		if (!strcmp(entry.mnt_type, "cgroup") && hasmntopt(&entry, "freezer"))
			fd = open(entry.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mounts)
		endmntent(mounts);
	return fd;
}

int ladder_new(struct ladder **ret, size_t slots, int cgroup_version, const char *mount,
	       const char *freezer)
{
	struct ladder *ladder = calloc(1, sizeof(*ladder));
	int err;

	if (!ladder)
		return -ENOMEM;
	ladder->version = cgroup_version;
	ladder->slot_count = slots;
	ladder->mount_fd = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	ladder->freezer_fd =
		freezer ? open(freezer, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : find_freezer();
	ladder->slots = calloc(slots, sizeof(*ladder->slots));
	err = ladder->slots
		      ? worker_start(&ladder->worker, "fo-ladder", sizeof(struct job), WORKER_DEPTH)
		      : -ENOMEM;
	if (err) {
		ladder_free(ladder);
		return err;
	}
	*ret = ladder;
	return 0;
}

void ladder_free(struct ladder *ladder)
{
	if (!ladder)
		return;
	for (size_t i = 0; ladder->worker && i < ladder->slot_count; i++)
		ladder_undo(ladder, i);
	if (!worker_stop(ladder->worker, STOP_TIMEOUT_NS))
		return; /* the worker still uses the rest; the process is about to exit */
	if (ladder->mount_fd >= 0)
		close(ladder->mount_fd);
	if (ladder->freezer_fd >= 0)
		close(ladder->freezer_fd);
	free(ladder->slots);
	free(ladder);
}

/* ---- files ---- */

static int write_file(int root_fd, const char *path, const char *file, const char *text)
{
	_cleanup_close_ int fd = -1;
	char full[PATH_SIZE + 64];

	while (*path == '/')
		path++;
	/* the root has no such files, and must not be frozen */
	if (!*path)
		return -EOPNOTSUPP;
	snprintf(full, sizeof(full), "%s/%s", path, file);
	/* with O_NONBLOCK, newer kernels let the cgroup's own tasks reclaim down to memory.high */
	fd = openat(root_fd, full, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Reads the first line. */
static int read_line(int root_fd, const char *path, const char *file, char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	char full[PATH_SIZE + 64];
	ssize_t n;

	while (*path == '/')
		path++;
	snprintf(full, sizeof(full), "%s%s%s", path, *path ? "/" : "", file);
	fd = openat(root_fd, full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* The cgroup of @pid in the v1 hierarchy of @controller. */
static int cgroup_of(int pid, const char *controller, char *path, size_t size)
{
	char name[64], line[PATH_SIZE + 128];
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		char *list = strchr(line, ':'), *at = list ? strchr(list + 1, ':') : NULL;

		if (!at)
			continue;
		*at++ = '\0';
		at[strcspn(at, "\n")] = '\0';
		for (char *save, *word = strtok_r(list + 1, ",", &save); word;
		     word = strtok_r(NULL, ",", &save)) {
			if (strcmp(word, controller) != 0)
				continue;
			if (strlen(at) >= size)
				return -ENAMETOOLONG;
			strcpy(path, at);
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

int ladder_thaw(const struct ladder *ladder, int pid)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_SIZE], state[64], text[16];
	int err;

	if (ladder->freezer_fd < 0)
		return 0; /* a process that is frozen by v2 can be killed */
	err = cgroup_of(pid, "freezer", path, sizeof(path));
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;
	if (read_line(ladder->freezer_fd, path, "freezer.state", state, sizeof(state)) ||
	    !strcmp(state, "THAWED"))
		return 0;
	fd = openat(ladder->freezer_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	snprintf(text, sizeof(text), "%d", pid);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 1;
}

/* ---- steps ---- */

static void keep_undo(struct slot *slot, const char *path, const char *text)
{
	snprintf(slot->undo_text, sizeof(slot->undo_text), "%s", text);
	snprintf(slot->undo_path, sizeof(slot->undo_path), "%s", path);
	slot->must_undo = true;
}

static int reclaim(const struct ladder *ladder, struct slot *slot)
{
	char text[32];
	int err;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)slot->bytes);
	err = write_file(ladder->mount_fd, slot->path, "memory.reclaim", text);
	return err == -EAGAIN ? 0 : err; /* it reclaimed less than requested */
}

static int throttle(const struct ladder *ladder, struct slot *slot)
{
	char high[64], now[64];
	int err;

	err = read_line(ladder->mount_fd, slot->path, "memory.high", high, sizeof(high));
	if (!err)
		err = read_line(ladder->mount_fd, slot->path, "memory.current", now, sizeof(now));
	if (err)
		return err;
	/* before the write: it may block, and ladder_free() must undo it even then */
	keep_undo(slot, slot->path, high);
	return write_file(ladder->mount_fd, slot->path, "memory.high", now);
}

static int freeze(const struct ladder *ladder, struct slot *slot)
{
	char path[PATH_SIZE], memory[PATH_SIZE];
	int err;

	if (ladder->version == 2) {
		keep_undo(slot, slot->path, "0");
		return write_file(ladder->mount_fd, slot->path, "cgroup.freeze", "1");
	}
	err = cgroup_of(slot->pid, "freezer", path, sizeof(path));
	if (!err)
		err = cgroup_of(slot->pid, "memory", memory, sizeof(memory));
	if (err)
		return err;
	/* a freezer cgroup of another path may contain processes outside the scope */
	if (strcmp(path, memory) != 0 || !path[1])
		return -EOPNOTSUPP;
	keep_undo(slot, path, "THAWED");
	return write_file(ladder->freezer_fd, path, "freezer.state", "FROZEN");
}

static void do_step(void *argument, size_t len)
{
	struct job *job = argument;
	struct slot *slot = job->slot;
	int err = -EOPNOTSUPP;

	(void)len;
	slot->must_undo = false;
	switch (slot->kind) {
	case STEP_RECLAIM:
		err = reclaim(job->ladder, slot);
		break;
	case STEP_FORCE_EMPTY:
		err = write_file(job->ladder->mount_fd, slot->path, "memory.force_empty", "0");
		break;
	case STEP_THROTTLE:
		err = throttle(job->ladder, slot);
		break;
	case STEP_FREEZE:
		err = freeze(job->ladder, slot);
		break;
	default:
		break;
	}
	atomic_store(&slot->result, err);
	atomic_fetch_sub(&slot->queued, 1);
}

static void undo_step(void *argument, size_t len)
{
	struct job *job = argument;
	struct slot *slot = job->slot;
	const struct ladder *ladder = job->ladder;

	(void)len;
	if (slot->must_undo && slot->kind == STEP_THROTTLE)
		(void)write_file(ladder->mount_fd, slot->undo_path, "memory.high", slot->undo_text);
	else if (slot->must_undo && slot->kind == STEP_FREEZE && ladder->version == 2)
		(void)write_file(ladder->mount_fd, slot->undo_path, "cgroup.freeze",
				 slot->undo_text);
	else if (slot->must_undo && slot->kind == STEP_FREEZE)
		(void)write_file(ladder->freezer_fd, slot->undo_path, "freezer.state",
				 slot->undo_text);
	slot->must_undo = false;
	atomic_fetch_sub(&slot->queued, 1);
}

static int give(struct ladder *ladder, struct slot *slot, worker_task *task)
{
	struct job job = {ladder, slot};
	int err;

	atomic_fetch_add(&slot->queued, 1);
	err = worker_give(ladder->worker, task, &job, sizeof(job));
	if (err)
		atomic_fetch_sub(&slot->queued, 1);
	return err;
}

bool ladder_is_busy(const struct ladder *ladder, size_t at)
{
	const struct slot *slot = &ladder->slots[at];

	return atomic_load(&slot->queued) || slot->must_undo;
}

int ladder_give(struct ladder *ladder, size_t at, const struct ladder_request *request)
{
	struct slot *slot = &ladder->slots[at];

	if (request->kind == STEP_FORCE_EMPTY ? ladder->version != 1
	    : request->kind == STEP_FREEZE    ? ladder->version != 2 && ladder->freezer_fd < 0
					      : ladder->version != 2)
		return -EOPNOTSUPP;
	/* -EOPNOTSUPP comes first: waiting does not help then */
	if (ladder_is_busy(ladder, at))
		return -EBUSY;
	if (strlen(request->path) >= sizeof(slot->path))
		return -ENAMETOOLONG;
	strcpy(slot->path, request->path);
	slot->kind = request->kind;
	slot->pid = request->pid;
	slot->bytes = request->bytes;
	atomic_store(&slot->result, -EINPROGRESS);
	return give(ladder, slot, do_step);
}

void ladder_undo(struct ladder *ladder, size_t at)
{
	struct slot *slot = &ladder->slots[at];

	/* a step that still runs is undone after it */
	if (atomic_load(&slot->queued) || slot->must_undo)
		(void)give(ladder, slot, undo_step);
}

int ladder_result(const struct ladder *ladder, size_t at)
{
	return atomic_load(&ladder->slots[at].result);
}

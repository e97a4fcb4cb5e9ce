// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/cgroup_ops.h"
#include "sense/kvfile.h"

/* include/linux/exportfs.h: the file handle of a kernfs node is its 64-bit id */
#define FILEID_KERNFS 0xfe

/* Whether the root of a v2 mount offers the memory controller. */
static bool has_memory_controller(const char *mount)
{
	char path[CGROUP_PATH_MAX + 32], text[256];
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", mount);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		return false;
	for (char *save, *word = strtok_r(text, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		if (!strcmp(word, "memory"))
			return true;
	return false;
}

int cgroup_host_open(struct cgroup_host *ret, const char *root)
{
	struct cgroup_host host = {.mount_fd = -1};
	char path[CGROUP_PATH_MAX], text[4096];
	struct mntent entry;
	FILE *mounts;

	snprintf(path, sizeof(path), "%s/proc/self/mounts", root);
	mounts = setmntent(path, "re");
	if (!mounts)
		return -errno;
	while (getmntent_r(mounts, &entry, text, sizeof(text))) {
		const struct cgroup_ops *ops = NULL;

		snprintf(path, sizeof(path), "%s%s", root, entry.mnt_dir);
		/* on a hybrid host the controller is on v1 */
		if (!strcmp(entry.mnt_type, "cgroup") && hasmntopt(&entry, "memory"))
			ops = &cgroup_v1_ops;
		else if (!strcmp(entry.mnt_type, "cgroup2") && !host.ops &&
			 has_memory_controller(path))
			ops = &cgroup_v2_ops;
		if (!ops)
			continue;
		host.ops = ops;
		host.version = ops->version;
		memcpy(host.mount, path, sizeof(host.mount));
		if (host.version == 1)
			break;
	}
	endmntent(mounts);
	if (!host.ops)
		return -ENOENT;

	host.mount_fd = open(host.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (host.mount_fd < 0)
		return -errno;
	*ret = host;
	return 0;
}

void cgroup_host_close(struct cgroup_host *host)
{
	if (host->ops && host->mount_fd >= 0)
		close(host->mount_fd);
	host->ops = NULL;
	host->mount_fd = -1;
}

/* Takes @dir_fd, also on failure. */
static int open_files(const struct cgroup_host *host, int dir_fd, struct cgroup *cgroup)
{
	int err = 0;

	cgroup->dir_fd = dir_fd;
	for (int i = 0; i < CGROUP_FILES_; i++) {
		const char *name = host->ops->files[i];
		bool needed =
			i == CGROUP_FILE_USAGE || i == CGROUP_FILE_LIMIT || i == CGROUP_FILE_STAT;

		cgroup->fds[i] = name ? openat(dir_fd, name, O_RDONLY | O_CLOEXEC) : -1;
		/* the root of v2 has neither usage nor limit, so it is no scope */
		if (cgroup->fds[i] < 0 && needed && !err)
			err = errno == ENOENT ? -ENODEV : -errno;
	}
	if (err)
		cgroup_close(cgroup);
	return err;
}

/* Opens the directory of a cgroup as *ret_fd; @path has CGROUP_PATH_MAX bytes. */
static int find_id(const struct cgroup_host *host, uint64_t id, char *path, int *ret_fd)
{
	struct {
		struct file_handle head;
		unsigned char bytes[sizeof(uint64_t)];
	} handle = {.head = {.handle_bytes = sizeof(uint64_t), .handle_type = FILEID_KERNFS}};
	char link[64], target[CGROUP_PATH_MAX];
	size_t mount_len = strlen(host->mount);
	int dir_fd;
	ssize_t n;

	memcpy(handle.head.f_handle, &id, sizeof(id));
	dir_fd =
		open_by_handle_at(host->mount_fd, &handle.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return errno == ESTALE ? -ENODEV : -errno;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0 || n == sizeof(target) - 1) {
		int err = n < 0 ? -errno : -ENAMETOOLONG;

		close(dir_fd);
		return err;
	}
	target[n] = '\0';
	if (!strncmp(target, host->mount, mount_len) && target[mount_len] == '/')
		memcpy(path, target + mount_len, (size_t)n - mount_len + 1);
	else
		memcpy(path, "/", 2);
	*ret_fd = dir_fd;
	return 0;
}

int cgroup_path_of(const struct cgroup_host *host, uint64_t id, char *path)
{
	int fd, err = host->ops ? find_id(host, id, path, &fd) : -ENOENT;

	if (!err)
		close(fd);
	return err;
}

bool cgroup_oom_group(const struct cgroup_host *host, const char *path)
{
	char name[CGROUP_PATH_MAX + 32], text[4];
	_cleanup_close_ int fd = -1;

	if (host->version != 2)
		return false;
	snprintf(name, sizeof(name), "%s/memory.oom.group", path[1] ? path + 1 : ".");
	fd = openat(host->mount_fd, name, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof(text)) > 0 && text[0] == '1';
}

int cgroup_open_id(const struct cgroup_host *host, uint64_t id, struct cgroup *ret)
{
	struct cgroup cgroup = {.id = id};
	int dir_fd, err = find_id(host, id, cgroup.path, &dir_fd);

	if (!err)
		err = open_files(host, dir_fd, &cgroup);
	if (!err)
		*ret = cgroup;
	return err;
}

int cgroup_open_path(const struct cgroup_host *host, const char *path, struct cgroup *ret)
{
	struct cgroup cgroup = {0};
	struct stat st;
	int dir_fd, err;

	while (*path == '/')
		path++;
	for (const char *up = strstr(path, ".."); up; up = strstr(up + 2, ".."))
		if ((up == path || up[-1] == '/') && (up[2] == '/' || up[2] == '\0'))
			return -EINVAL;
	if (strlen(path) > sizeof(cgroup.path) - 2)
		return -ENAMETOOLONG;
	cgroup.path[0] = '/';
	strcpy(cgroup.path + 1, path);
	dir_fd = openat(host->mount_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	if (fstat(dir_fd, &st) < 0) {
		err = -errno;
		close(dir_fd);
		return err;
	}
	cgroup.id = st.st_ino;
	err = open_files(host, dir_fd, &cgroup);
	if (!err)
		*ret = cgroup;
	return err;
}

bool cgroup_may_open_ids(const struct cgroup_host *host)
{
	struct cgroup cgroup = {0};
	struct stat st;
	int err;

	/* the id of the root is known without a walk */
	if (!host->ops || fstat(host->mount_fd, &st) < 0)
		return true;
	err = cgroup_open_id(host, st.st_ino, &cgroup);
	if (!err)
		cgroup_close(&cgroup);
	return err != -EPERM;
}

void cgroup_close(struct cgroup *cgroup)
{
	if (cgroup->dir_fd <= 0)
		return;
	for (int i = 0; i < CGROUP_FILES_; i++)
		if (cgroup->fds[i] >= 0)
			close(cgroup->fds[i]);
	close(cgroup->dir_fd);
	cgroup->dir_fd = 0;
}

int cgroup_read(const struct cgroup_host *host, const struct cgroup *cgroup,
		struct cgroup_memory *ret)
{
	struct cgroup_memory memory = {0};
	int err;

	err = kvfile_number(cgroup->fds[CGROUP_FILE_USAGE], &memory.usage_bytes);
	if (!err)
		err = kvfile_number(cgroup->fds[CGROUP_FILE_LIMIT], &memory.limit_bytes);
	if (!err) {
		if (memory.limit_bytes != UINT64_MAX)
			memory.has |= CGROUP_HAS_LIMIT;
		err = host->ops->read(cgroup, &memory);
	}
	if (err)
		return err;
	*ret = memory;
	return 0;
}

uint64_t cgroup_swap_free_bytes(const struct cgroup_memory *memory, uint64_t node_free_bytes)
{
	if (!(memory->has & CGROUP_HAS_SWAP))
		return 0;
	return memory->swap_free_bytes < node_free_bytes ? memory->swap_free_bytes
							 : node_free_bytes;
}

uint64_t cgroup_held_bytes(const struct cgroup_memory *memory, uint64_t swap_free_bytes)
{
	uint64_t given = memory->file_lru_bytes + memory->slab_reclaimable_bytes;

	given += memory->anon_bytes < swap_free_bytes ? memory->anon_bytes : swap_free_bytes;
	return memory->usage_bytes > given ? memory->usage_bytes - given : 0;
}

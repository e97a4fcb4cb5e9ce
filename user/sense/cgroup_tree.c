// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/cgroup.h"
#include "sense/cgroup_ops.h"
#include "sense/kvfile.h"

#define BUCKETS	    16384 /* a power of two, twice the entries */
#define LIMIT_TURNS 8	  /* a limit is read in every eighth refresh; chosen */

struct cgroup_tree {
	const struct cgroup_host *host;
	uint64_t serial;
	size_t count;
	size_t omitted;
	struct cgroup_entry *ordered[CGROUP_TREE_MAX];
	struct cgroup_entry *buckets[BUCKETS];
};

int cgroup_tree_new(struct cgroup_tree **ret, const struct cgroup_host *host)
{
	struct cgroup_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	tree->host = host;
	*ret = tree;
	return 0;
}

static void entry_free(struct cgroup_entry *entry)
{
	if (entry->usage_fd >= 0)
		close(entry->usage_fd);
	free(entry->path);
	free(entry);
}

void cgroup_tree_free(struct cgroup_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		if (tree->buckets[i])
			entry_free(tree->buckets[i]);
	free(tree);
}

size_t cgroup_tree_omitted(const struct cgroup_tree *tree)
{
	return tree->omitted;
}

static size_t hash_of(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3ULL;
	return hash % BUCKETS;
}

static struct cgroup_entry **find(struct cgroup_tree *tree, const char *path)
{
	size_t at = hash_of(path);

	while (tree->buckets[at] && strcmp(tree->buckets[at]->path, path) != 0)
		at = (at + 1) % BUCKETS;
	return &tree->buckets[at];
}

static int open_file(const struct cgroup_tree *tree, const char *path, int file)
{
	char name[CGROUP_PATH_MAX + 64];

	snprintf(name, sizeof(name), "%s/%s", path + 1, tree->host->ops->files[file]);
	return openat(tree->host->mount_fd, path[1] ? name : name + 1, O_RDONLY | O_CLOEXEC);
}

static uint64_t read_limit(const struct cgroup_tree *tree, const char *path)
{
	static const int files[] = {CGROUP_FILE_LIMIT, CGROUP_FILE_HIGH};
	uint64_t lowest = UINT64_MAX, value;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = tree->host->ops->files[files[i]] ? open_file(tree, path, files[i]) : -1;

		if (fd < 0)
			continue;
		if (!kvfile_number(fd, &value) && value < lowest)
			lowest = value;
		close(fd);
	}
	return lowest;
}

static struct cgroup_entry *entry_new(struct cgroup_tree *tree, const char *path)
{
	struct cgroup_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->usage_fd = -1;
	entry->path = strdup(path);
	if (!entry->path) {
		entry_free(entry);
		return NULL;
	}
	entry->usage_fd = open_file(tree, path, CGROUP_FILE_USAGE);
	entry->limit_bytes = read_limit(tree, path);
	return entry;
}

/* -ENODEV: the cgroup of the open file was removed. */
static int read_usage(const struct cgroup_tree *tree, struct cgroup_entry *entry)
{
	int fd = entry->usage_fd >= 0 ? entry->usage_fd
				      : open_file(tree, entry->path, CGROUP_FILE_USAGE);
	int err = fd < 0 ? -errno : kvfile_number(fd, &entry->usage_bytes);

	if (fd >= 0 && fd != entry->usage_fd)
		close(fd);
	return err;
}

static void add_cgroup(struct cgroup_tree *tree, const char *path)
{
	struct cgroup_entry **place, *entry;

	if (tree->count == CGROUP_TREE_MAX) {
		tree->omitted++;
		return;
	}
	place = find(tree, path);
	/* a cgroup that was removed and created again has new files */
	if (*place && read_usage(tree, *place)) {
		close((*place)->usage_fd);
		(*place)->usage_fd = open_file(tree, path, CGROUP_FILE_USAGE);
	}
	if (!*place)
		*place = entry_new(tree, path);
	entry = *place;
	/* the root of v2, and cgroups without the controller, have no usage */
	if (!entry || read_usage(tree, entry))
		return;
	if ((tree->serial + tree->count) % LIMIT_TURNS == 0)
		entry->limit_bytes = read_limit(tree, path);
	entry->serial = tree->serial;
	tree->ordered[tree->count++] = entry;
}

/* @path: a buffer of CGROUP_PATH_MAX bytes with @len characters, without a trailing slash. */
static void walk(struct cgroup_tree *tree, int dir_fd, char *path, size_t len)
{
	const struct dirent *found;
	DIR *dir = fdopendir(dir_fd);

	if (!dir) {
		close(dir_fd);
		return;
	}
	while ((found = readdir(dir))) {
		size_t name_len = strlen(found->d_name);
		struct stat st;
		int fd;

		if (found->d_type != DT_DIR || found->d_name[0] == '.' ||
		    len + name_len + 2 > CGROUP_PATH_MAX)
			continue;
		path[len] = '/';
		memcpy(path + len + 1, found->d_name, name_len + 1);
		add_cgroup(tree, path);
		/* kernfs: 2 plus the number of subdirectories; elsewhere it may always be 1 */
		if (fstatat(dirfd(dir), found->d_name, &st, 0) < 0 || st.st_nlink == 2)
			continue;
		fd = openat(dirfd(dir), found->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			walk(tree, fd, path, len + 1 + name_len);
	}
	path[len] = '\0';
	closedir(dir);
}

/* Removes cgroups that this refresh did not find, and rehashes the others. */
static void forget_gone(struct cgroup_tree *tree)
{
	bool any = false;

	for (size_t i = 0; i < BUCKETS && !any; i++)
		any = tree->buckets[i] && tree->buckets[i]->serial != tree->serial;
	if (!any)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		if (tree->buckets[i] && tree->buckets[i]->serial != tree->serial)
			entry_free(tree->buckets[i]);
	memset(tree->buckets, 0, sizeof(tree->buckets));
	for (size_t i = 0; i < tree->count; i++)
		*find(tree, tree->ordered[i]->path) = tree->ordered[i];
}

int cgroup_tree_refresh(struct cgroup_tree *tree, struct cgroup_entry *const **ret_entries,
			size_t *ret_count)
{
	char path[CGROUP_PATH_MAX] = "";
	int fd = openat(tree->host->mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	tree->serial++;
	tree->count = 0;
	tree->omitted = 0;
	walk(tree, fd, path, 0);
	forget_gone(tree);
	*ret_entries = tree->ordered;
	*ret_count = tree->count;
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/kvfile.h"

#define PATH_SIZE 4096

/* Names of their threads; the kernel keeps 15 characters. */
static const char *const rivals[] = {
	"earlyoom", "systemd-oomd", "nohang", "nohang-desktop", "oomd", "bustd", "thrash-protect",
};

static int read_text(const char *root, const char *path, char *ret, size_t size)
{
	char full[PATH_SIZE];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(full, sizeof(full), "%s%s", root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

int host_number(const char *root, const char *path, uint64_t *ret_value)
{
	char text[64];
	int err = read_text(root, path, text, sizeof(text));

	return err ? err : kv_parse_number(text, ret_value);
}

int host_capabilities(const char *root, uint64_t *ret_bits)
{
	static const char label[] = "\nCapEff:\t";
	char text[4096], *at;
	int err = read_text(root, "/proc/self/status", text, sizeof(text));

	if (err)
		return err;
	at = strstr(text, label);
	if (!at)
		return -EINVAL;
	*ret_bits = strtoull(at + sizeof(label) - 1, NULL, 16);
	return 0;
}

int host_psi(const char *root)
{
	char text[256];
	/* with psi=0 some kernels have the file, but refuse reads */
	int err = read_text(root, "/proc/pressure/memory", text, sizeof(text));

	if (err)
		return err;
	return strncmp(text, "some ", 5) ? -EINVAL : 0;
}

int host_lockdown(const char *root, char *ret, size_t size)
{
	char text[256], *from, *to;
	int err = read_text(root, "/sys/kernel/security/lockdown", text, sizeof(text));

	if (err == -ENOENT) {
		snprintf(ret, size, "none");
		return 0;
	}
	if (err)
		return err;
	from = strchr(text, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to)
		return -EINVAL;
	snprintf(ret, size, "%.*s", (int)(to - from - 1), from + 1);
	return 0;
}

int host_swap(const char *root, struct host_swap *ret)
{
	char full[PATH_SIZE], line[PATH_SIZE], name[PATH_SIZE];
	unsigned long long size_kb, used_kb;
	_cleanup_fclose_ FILE *file = NULL;

	*ret = (struct host_swap){0};
	snprintf(full, sizeof(full), "%s/proc/swaps", root);
	file = fopen(full, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		/* the first line has the column names; a space in a name is \040 */
		if (sscanf(line, "%4095s %*s %llu %llu", name, &size_kb, &used_kb) != 3)
			continue;
		if (strstr(name, "zram"))
			ret->zram_bytes += size_kb * 1024;
		else
			ret->disk_bytes += size_kb * 1024;
		ret->used_bytes += used_kb * 1024;
	}
	return 0;
}

static int comm_of(const char *root, const char *pid, char *ret, size_t size)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	err = read_text(root, path, ret, size);
	if (!err)
		ret[strcspn(ret, "\n")] = '\0';
	return err;
}

/*
 * Not a person's account: UIDs below 1000, and those of DynamicUser=, by systemd's "Users, Groups,
 * UIDs and GIDs".
 */
static bool is_of_system_user(const char *root, const char *pid)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/proc/%.20s", root, pid);
	return !stat(path, &st) && (st.st_uid < 1000 || (st.st_uid >= 61184 && st.st_uid <= 65519));
}

size_t host_rivals(const char *root, struct host_rival *ret, size_t max)
{
	char path[PATH_SIZE], comm[32];
	const struct dirent *entry;
	size_t n = 0;
	DIR *proc;

	snprintf(path, sizeof(path), "%s/proc", root);
	proc = opendir(path);
	if (!proc)
		return 0;
	while (n < max && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    comm_of(root, entry->d_name, comm, sizeof(comm)))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(rivals); i++) {
			if (strcmp(comm, rivals[i]) != 0 || !is_of_system_user(root, entry->d_name))
				continue;
			ret[n].pid = atoi(entry->d_name);
			snprintf(ret[n].comm, sizeof(ret[n].comm), "%.15s", comm);
			n++;
			break;
		}
	}
	closedir(proc);
	return n;
}

bool host_is(const char *root, int pid, const char *comm)
{
	char number[16], found[32];

	snprintf(number, sizeof(number), "%d", pid);
	return !comm_of(root, number, found, sizeof(found)) && !strcmp(found, comm);
}

static bool oom_is_disabled(const char *dir)
{
	char text[512];

	return !read_text(dir, "/memory.oom_control", text, sizeof(text)) &&
	       strstr(text, "oom_kill_disable 1\n");
}

struct oom_search {
	size_t mount_len;
	size_t count;
	char *first;
	size_t size;
};

/* @dir: a buffer of PATH_SIZE bytes with @len characters; unchanged on return. */
static int search_oom(struct oom_search *search, char *dir, size_t len)
{
	const struct dirent *entry;
	DIR *open = opendir(dir);

	if (!open)
		/* a cgroup may be removed meanwhile, but not the mount */
		return len > search->mount_len ? 0 : -errno;
	if (oom_is_disabled(dir) && !search->count++)
		snprintf(search->first, search->size, "%s", dir + search->mount_len);
	while ((entry = readdir(open))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    len + 2 + strlen(entry->d_name) > PATH_SIZE)
			continue;
		sprintf(dir + len, "/%s", entry->d_name);
		(void)search_oom(search, dir, len + 1 + strlen(entry->d_name));
		dir[len] = '\0';
	}
	closedir(open);
	return 0;
}

int host_oom_disabled(const char *mount, size_t *ret_count, char *ret_path, size_t size)
{
	char dir[PATH_SIZE];
	size_t len = strlen(mount);
	struct oom_search search = {.mount_len = len, .first = ret_path, .size = size};
	int err;

	if (len >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, mount, len + 1);
	err = search_oom(&search, dir, len);
	*ret_count = search.count;
	return err;
}

uint64_t host_min_free_default_kb(uint64_t total_kb)
{
	/* bounded to 128 KiB .. 256 MiB */
	uint64_t kb = (uint64_t)sqrt((double)total_kb * 16);

	return kb < 128 ? 128 : kb > 262144 ? 262144 : kb;
}

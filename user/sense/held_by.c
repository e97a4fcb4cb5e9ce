// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/held_by.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/cgroup.h"
#include "sense/kvfile.h"
#include "sense/node.h"

/* Fills the kinds whose keys are in the file; NULL: the file has no such key. */
static void read_kinds(int fd, const char *const keys[HELD_BY_KINDS_], struct held_by *held)
{
	struct kv table[HELD_BY_KINDS_];
	enum held_by_kind kinds[HELD_BY_KINDS_];
	uint64_t values[HELD_BY_KINDS_] = {0};
	uint32_t found, n = 0;

	for (int kind = 0; kind < HELD_BY_KINDS_; kind++) {
		if (!keys[kind])
			continue;
		kinds[n] = (enum held_by_kind)kind;
		table[n] = (struct kv){keys[kind], &values[n]};
		n++;
	}
	if (kvfile_read(fd, table, n, &found))
		return;
	for (uint32_t i = 0; i < n; i++)
		if (found & 1U << i)
			held_by_set(held, kinds[i], values[i]);
}

void held_by_cgroup(const struct cgroup_host *host, const struct cgroup *cgroup,
		    struct held_by *ret)
{
	/* since 5.18: kernel, a8c49af3be5f */
	static const char *const v2[HELD_BY_KINDS_] = {
		[HELD_BY_ANON] = "anon",
		[HELD_BY_SHMEM] = "shmem",
		[HELD_BY_UNEVICTABLE] = "unevictable",
		[HELD_BY_SOCK] = "sock",
		[HELD_BY_KERNEL] = "kernel",
		[HELD_BY_SLAB] = "slab_unreclaimable",
	};
	/* v1 does not charge socket buffers to memory */
	static const char *const v1[HELD_BY_KINDS_] = {
		[HELD_BY_ANON] = "total_rss",
		[HELD_BY_SHMEM] = "total_shmem",
		[HELD_BY_UNEVICTABLE] = "total_unevictable",
	};
	_cleanup_close_ int fd = -1;
	uint64_t bytes;

	*ret = (struct held_by){0};
	read_kinds(cgroup->fds[CGROUP_FILE_STAT], host->version == 2 ? v2 : v1, ret);
	if (host->version == 2)
		return;
	fd = openat(cgroup->dir_fd, "memory.kmem.usage_in_bytes", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !kvfile_number(fd, &bytes))
		held_by_set(ret, HELD_BY_KERNEL, bytes);
}

/* "TCP: inuse 5 orphan 0 tw 0 alloc 7 mem 3" and others; mem: pages, in this network namespace. */
static void read_sockets(struct held_by *held)
{
	_cleanup_close_ int fd = open("/proc/net/sockstat", O_RDONLY | O_CLOEXEC);
	uint64_t pages = 0;
	char text[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (const char *at = text; (at = strstr(at, " mem "));)
		pages += strtoull(at += 5, NULL, 10);
	held_by_set(held, HELD_BY_SOCK, pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

void held_by_node(const struct node *node, struct held_by *ret)
{
	static const char *const meminfo[HELD_BY_KINDS_] = {
		[HELD_BY_ANON] = "AnonPages",
		[HELD_BY_SHMEM] = "Shmem",
		[HELD_BY_UNEVICTABLE] = "Unevictable",
		[HELD_BY_SLAB] = "SUnreclaim",
	};
	uint64_t stack = 0, tables = 0, percpu = 0, slab = 0;
	const struct kv kernel[] = {{"KernelStack", &stack},
				    {"PageTables", &tables},
				    {"Percpu", &percpu},
				    {"SUnreclaim", &slab}};
	uint32_t found;

	*ret = (struct held_by){0};
	read_kinds(node->meminfo_fd, meminfo, ret);
	if (!kvfile_read(node->meminfo_fd, kernel, ARRAY_SIZE(kernel), &found) && found == 0xf)
		held_by_set(ret, HELD_BY_KERNEL, stack + tables + percpu + slab);
	read_sockets(ret);
}

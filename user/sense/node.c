// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/kvfile.h"

static int open_below(const char *root, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return open(full, O_RDONLY | O_CLOEXEC);
}

int node_open(struct node *ret, const char *root)
{
	struct node node = {
		.meminfo_fd = open_below(root, "/proc/meminfo"),
		.vmstat_fd = open_below(root, "/proc/vmstat"),
		.zoneinfo_fd = open_below(root, "/proc/zoneinfo"),
	};

	if (node.meminfo_fd < 0) {
		int err = -errno;

		node_close(&node);
		return err;
	}
	*ret = node;
	return 0;
}

void node_close(struct node *node)
{
	int *const fds[] = {&node->meminfo_fd, &node->vmstat_fd, &node->zoneinfo_fd};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

int node_parse_marks(const char *zoneinfo, uint64_t *ret_low_pages)
{
	static const char label[] = "\n        low ";
	uint64_t sum = 0;
	bool any = false;

	for (const char *p = zoneinfo; (p = strstr(p, label)); any = true) {
		unsigned long long pages;
		char *end;

		p += sizeof(label) - 1;
		p += strspn(p, " ");
		errno = 0;
		pages = strtoull(p, &end, 10);
		if (*p < '0' || *p > '9' || errno || (*end != '\n' && *end != '\0'))
			return -EINVAL;
		sum += pages;
	}
	if (!any)
		return -EINVAL;
	*ret_low_pages = sum;
	return 0;
}

static void read_marks(int fd, struct node_memory *memory)
{
	char text[32768]; /* zoneinfo has 12 kB with one NUMA node and two CPUs */
	size_t len = 0;
	uint64_t pages;
	ssize_t n;

	while (len < sizeof(text) - 1) {
		n = pread(fd, text + len, sizeof(text) - 1 - len, (off_t)len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	/* the sum of a text that is cut off would be too low */
	if (len == sizeof(text) - 1 || node_parse_marks(text, &pages))
		return;
	memory->mark_low_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	memory->has |= NODE_HAS_MARKS;
}

int node_read(const struct node *node, struct node_memory *ret)
{
	enum {
		TOTAL,
		FREE,
		AVAILABLE,
		ACTIVE,
		INACTIVE,
		MAPPED,
		SWAP_TOTAL,
		SWAP_FREE,
		ANON,
		SHMEM
	};
	enum {
		R_ANON,
		R_FILE,
		SCAN_KSWAPD,
		SCAN_DIRECT,
		FAULTS
	};
	uint64_t v[SHMEM + 1] = {0}, w[FAULTS + 1] = {0};
	const struct kv meminfo[] = {
		[TOTAL] = {"MemTotal", &v[TOTAL]},
		[FREE] = {"MemFree", &v[FREE]},
		[AVAILABLE] = {"MemAvailable", &v[AVAILABLE]},
		[ACTIVE] = {"Active(file)", &v[ACTIVE]},
		[INACTIVE] = {"Inactive(file)", &v[INACTIVE]},
		[MAPPED] = {"Mapped", &v[MAPPED]},
		[SWAP_TOTAL] = {"SwapTotal", &v[SWAP_TOTAL]},
		[SWAP_FREE] = {"SwapFree", &v[SWAP_FREE]},
		[ANON] = {"AnonPages", &v[ANON]},
		[SHMEM] = {"Shmem", &v[SHMEM]},
	};
	const struct kv vmstat[] = {
		[R_ANON] = {"workingset_refault_anon", &w[R_ANON]},
		[R_FILE] = {"workingset_refault_file", &w[R_FILE]},
		[SCAN_KSWAPD] = {"pgscan_kswapd", &w[SCAN_KSWAPD]},
		[SCAN_DIRECT] = {"pgscan_direct", &w[SCAN_DIRECT]},
		[FAULTS] = {"pgmajfault", &w[FAULTS]},
	};
	struct node_memory memory = {0};
	uint32_t found;
	int err;

	err = kvfile_read(node->meminfo_fd, meminfo, ARRAY_SIZE(meminfo), &found);
	if (err)
		return err;
#define ALL(bits) ((found & (bits)) == (bits))
	if (ALL(1U << TOTAL | 1U << FREE | 1U << AVAILABLE | 1U << ACTIVE | 1U << INACTIVE |
		1U << ANON | 1U << SHMEM)) {
		memory.total_bytes = v[TOTAL];
		memory.available_bytes = v[AVAILABLE];
		memory.free_bytes = v[FREE];
		memory.anon_bytes = v[ANON] + v[SHMEM];
		memory.file_lru_bytes = v[ACTIVE] + v[INACTIVE];
		memory.has |= NODE_HAS_AVAILABLE;
	}
	if (ALL(1U << MAPPED | 1U << SHMEM)) {
		memory.mapped_file_bytes = v[MAPPED] > v[SHMEM] ? v[MAPPED] - v[SHMEM] : 0;
		memory.has |= NODE_HAS_MAPPED;
	}
	if (ALL(1U << SWAP_TOTAL | 1U << SWAP_FREE)) {
		memory.swap_total_bytes = v[SWAP_TOTAL];
		memory.swap_free_bytes = v[SWAP_FREE];
		memory.has |= NODE_HAS_SWAP;
	}
	if (!kvfile_read(node->vmstat_fd, vmstat, ARRAY_SIZE(vmstat), &found)) {
		if (found & (1U << R_FILE)) {
			memory.refault_pages = w[R_ANON] + w[R_FILE];
			memory.has |= NODE_HAS_REFAULTS;
		}
		if (ALL(1U << FAULTS)) {
			memory.major_faults = w[FAULTS];
			memory.has |= NODE_HAS_FAULTS;
		}
		if (ALL(1U << SCAN_KSWAPD | 1U << SCAN_DIRECT)) {
			memory.scanned_pages = w[SCAN_KSWAPD] + w[SCAN_DIRECT];
			memory.has |= NODE_HAS_SCANS;
		}
	}
#undef ALL
	read_marks(node->zoneinfo_fd, &memory);
	*ret = memory;
	return 0;
}

uint64_t node_held_bytes(const struct node_memory *memory)
{
	return memory->total_bytes > memory->available_bytes
		       ? memory->total_bytes - memory->available_bytes
		       : 0;
}

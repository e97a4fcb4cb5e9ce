// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "act/pidref.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/util.h"

int pidref_parse_start(const char *stat, uint64_t *ret_ticks)
{
	/* comm may contain ")" and spaces; its end is the last ")" */
	const char *p = strrchr(stat, ')');
	unsigned long long ticks;
	char *end;

	if (!p || p[1] != ' ')
		return -EINVAL;
	p += 2; /* field 3 */
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -EINVAL;
		p++;
	}
	errno = 0;
	ticks = strtoull(p, &end, 10);
	if (*p < '0' || *p > '9' || errno || (*end != ' ' && *end != '\n'))
		return -EINVAL;
	*ret_ticks = ticks;
	return 0;
}

static int read_start(int pid, uint64_t *ret_ticks)
{
	_cleanup_close_ int fd = -1;
	char path[32], stat[1024];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, stat, sizeof(stat) - 1);
	if (n < 0)
		return -errno;
	stat[n] = '\0';
	return pidref_parse_start(stat, ret_ticks);
}

static uint64_t to_ticks(uint64_t ns)
{
	return ns / (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

bool pidref_is(const struct pidref *ref, int pid, uint64_t start_boot_ns)
{
	return ref->pid == pid && to_ticks(ref->start_boot_ns) == to_ticks(start_boot_ns);
}

static int open_once(int pid, uint64_t start_boot_ns, struct pidref *ret)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	uint64_t ticks;
	int err;

	if (fd < 0)
		/* the number belongs to a thread: ENOENT, before 6.9 EINVAL */
		return errno == ENOENT || errno == EINVAL ? -ESTALE : -errno;
	err = read_start(pid, &ticks);
	if (!err && ticks != to_ticks(start_boot_ns))
		err = -ESTALE;
	if (err) {
		close(fd);
		return err;
	}
	*ret = (struct pidref){.pid = pid, .fd = fd, .start_boot_ns = start_boot_ns};
	return 0;
}

int pidref_open(int pid, uint64_t start_boot_ns, struct pidref *ret)
{
	int err = open_once(pid, start_boot_ns, ret);

	if (descriptors_are_short(err) && descriptors_release())
		err = open_once(pid, start_boot_ns, ret);
	return err;
}

void pidref_close(struct pidref *ref)
{
	if (ref->fd >= 0)
		close(ref->fd);
	ref->fd = -1;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

static int reserve[DESCRIPTORS_RESERVE]; /* the first `held` are open */
static size_t held;

int descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

void descriptors_hold(void)
{
	while (held < DESCRIPTORS_RESERVE) {
		int fd = open("/", O_PATH | O_CLOEXEC);

		if (fd < 0)
			return;
		reserve[held++] = fd;
	}
}

bool descriptors_release(void)
{
	if (!held)
		return false;
	while (held)
		close(reserve[--held]);
	return true;
}

bool descriptors_are_short(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

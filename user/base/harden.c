// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/util.h"

int harden_unkillable(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "-1000", 5) < 0 ? -errno : 0;
}

void harden(void)
{
	const struct sched_param param = {.sched_priority = HARDEN_PRIORITY};
	int err;

#ifdef __GLIBC__
	/* free what loading left behind: it would be locked; musl has no such call */
	malloc_trim(0);
#endif
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warn("memory is not locked: %s; the daemon may wait for its own pages in a "
			 "Near-OOM; give it CAP_IPC_LOCK or LimitMEMLOCK=infinity",
			 strerror(errno));
	/* threads and processes that this one starts are not real-time */
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
		log_warn("no real-time priority: %s; a kill may come late by a time slice; give it "
			 "CAP_SYS_NICE",
			 strerror(errno));
	err = descriptors_raise();
	if (err)
		log_warn("the limit on open files stays: %s; a kill may come late when many scopes "
			 "are hot; give it LimitNOFILE=65536",
			 strerror(-err));
	descriptors_hold();
	err = harden_unkillable();
	if (err)
		log_warn("oom_score_adj stays: %s; the kernel may kill the daemon itself; give it "
			 "CAP_SYS_RESOURCE or OOMScoreAdjust=-1000",
			 strerror(-err));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* scene: what the live tests share: time, and a memory cgroup of their own. */
#ifndef FASTOOM_TESTS_SCENE_H
#define FASTOOM_TESTS_SCENE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <signal.h>

#include "sense/cgroup.h"

#define SECOND	      UINT64_C(1000000000)
#define MIB	      UINT64_C(1048576)
#define SCENE_DIR_MAX (3 * CGROUP_PATH_MAX)

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static inline void sleep_ms(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static inline bool put(const char *dir, const char *file, const char *text)
{
	char path[SCENE_DIR_MAX + 64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* This process's own cgroup, below the memory controller's root. */
static inline void own_cgroup(const struct cgroup_host *host, char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[CGROUP_PATH_MAX + 64];

	snprintf(ret, size, "/");
	while (file && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':'), *path;

		line[strcspn(line, "\n")] = '\0';
		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		if (host->version == 2 ? controllers[1] == '\0'
				       : !strcmp(controllers + 1, "memory"))
			snprintf(ret, size, "%s", path);
	}
	if (file)
		fclose(file);
}

/* Below the own cgroup; @limit_bytes 0: none. @dir is where it is mounted. */
static inline bool make_cgroup(const struct cgroup_host *host, const char *name,
			       uint64_t limit_bytes, struct cgroup *ret, char dir[SCENE_DIR_MAX])
{
	char own[CGROUP_PATH_MAX], path[CGROUP_PATH_MAX + 64], limit[32];

	own_cgroup(host, own, sizeof(own));
	snprintf(path, sizeof(path), "%s/%s-%d", own[1] ? own : "", name, (int)getpid());
	snprintf(dir, SCENE_DIR_MAX, "%s%s", host->mount, path);
	if (mkdir(dir, 0755) < 0)
		return false;
	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)limit_bytes);
	if (limit_bytes &&
	    !put(dir, host->version == 2 ? "memory.max" : "memory.limit_in_bytes", limit))
		return false;
	return !cgroup_open_path(host, path, ret);
}

/* Waits for its last process. */
static inline bool remove_cgroup(const char *dir)
{
	for (int i = 0; i < 100; i++) {
		(void)put(dir, "memory.force_empty", "0"); /* v1 */
		if (!rmdir(dir) || errno == ENOENT)
			return true;
		sleep_ms(50);
	}
	return false;
}

/* Into the cgroup; the calling process dies with its parent. */
static inline void enter_cgroup(const char *dir)
{
	char text[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	if (!put(dir, "cgroup.procs", text))
		_exit(99);
}

#endif /* FASTOOM_TESTS_SCENE_H */

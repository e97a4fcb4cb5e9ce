// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-pairs [TASKS [SECONDS]]: what one begin/end pair of reclaim costs while TASKS tasks (default:
 * 8) reclaim at the limit of one cgroup, and with page tracking what one task switch and one page
 * read cost. The kernel measures (BPF_STATS_RUN_TIME), which adds some 20 ns to each run.
 *
 * Prints "pairs N, begin X ns, end Y ns, switch Z ns, page read W ns". Needs root and cgroup v1 or
 * v2. Compare two builds by running them in turn, several times.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "sense/cgroup.h"
#include "sense/loader.h"

#define MIB	    1048576UL
#define LIMIT_BYTES (64 * MIB)
#define FILE_BYTES  (384 * MIB)

struct cost {
	uint64_t runs, ns;
};

static char cgroup_dir[4096], file_path[256];

static bool put(const char *file, const char *text)
{
	char path[4200];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup_dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

static bool make_file(void)
{
	static char buf[MIB];
	const char *tmp = getenv("SCENE_TMP");
	int fd;

	snprintf(file_path, sizeof(file_path), "%s/fo-pairs-%d", tmp && *tmp ? tmp : "/var/tmp",
		 (int)getpid());
	fd = open(file_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	for (unsigned long i = 0; fd >= 0 && i < FILE_BYTES / MIB; i++)
		if (write(fd, buf, MIB) != (ssize_t)MIB)
			return false;
	if (fd >= 0) {
		fsync(fd);
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	return fd >= 0;
}

/* Of this process's own program of that name: other loaders may run. */
static struct cost cost_of(const char *program)
{
	struct cost cost = {0};

	for (int fd = 3; fd < 1024; fd++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);
		char path[64], target[64];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0 || strncmp(target, "anon_inode:bpf-prog", (size_t)n) != 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, program))
			cost = (struct cost){info.run_cnt, info.run_time_ns};
	}
	return cost;
}

static double ns_each(struct cost before, struct cost after)
{
	uint64_t runs = after.runs - before.runs;

	return runs ? (double)(after.ns - before.ns) / (double)runs : 0;
}

static void __attribute__((noreturn)) reclaim(unsigned seed)
{
	uint64_t rnd = seed;
	char text[32], buf[4096];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	if (!put("cgroup.procs", text))
		_exit(1);
	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (;;) {
		rnd = rnd * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (pread(fd, buf, sizeof(buf),
			  (off_t)((rnd >> 33) % (FILE_BYTES / sizeof(buf)) * sizeof(buf))) < 0)
			_exit(1);
	}
}

int main(int argc, char **argv)
{
	static const char *const programs[] = {"fo_limit_begin", "fo_limit_end", "fo_switch",
					       "fo_page_added"};
	unsigned tasks = argc > 1 ? (unsigned)atoi(argv[1]) : 8;
	unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 10;
	struct cost before[4], after[4];
	struct cgroup_host host;
	struct loader *loader;
	pid_t pids[256];
	char why[512], limit[32];
	int stats, code = 1;

	if (!tasks || tasks > 256 || geteuid() || cgroup_host_open(&host, "")) {
		fprintf(stderr, "fo-pairs: 1 to 256 tasks, as root, with a memory controller\n");
		return 2;
	}
	snprintf(cgroup_dir, sizeof(cgroup_dir), "%s/fo-pairs-%d", host.mount, (int)getpid());
	snprintf(limit, sizeof(limit), "%lu", LIMIT_BYTES);
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (loader_new(&loader, host.version, why, sizeof(why))) {
		fprintf(stderr, "fo-pairs: %s\n", why);
		return 1;
	}
	if (stats < 0 || !make_file() || mkdir(cgroup_dir, 0755) < 0 ||
	    !put(host.version == 2 ? "memory.max" : "memory.limit_in_bytes", limit)) {
		fprintf(stderr, "fo-pairs: %s: %s\n", cgroup_dir, strerror(errno));
		goto out;
	}
	if (loader_tracking_on(loader)) {
		fprintf(stderr, "fo-pairs: page tracking cannot be switched on\n");
		goto out;
	}
	for (unsigned i = 0; i < tasks; i++) {
		pids[i] = fork();
		if (!pids[i])
			reclaim(i + 1);
	}
	sleep(4); /* by then they are established */
	for (int i = 0; i < 4; i++)
		before[i] = cost_of(programs[i]);
	sleep(seconds);
	for (int i = 0; i < 4; i++)
		after[i] = cost_of(programs[i]);
	for (unsigned i = 0; i < tasks; i++)
		kill(pids[i], SIGKILL);
	for (unsigned i = 0; i < tasks; i++)
		waitpid(pids[i], NULL, 0);
	printf("pairs %" PRIu64 ", begin %.0f ns, end %.0f ns, switch %.0f ns, page read %.0f ns\n",
	       after[0].runs - before[0].runs, ns_each(before[0], after[0]),
	       ns_each(before[1], after[1]), ns_each(before[2], after[2]),
	       ns_each(before[3], after[3]));
	code = 0;
out:
	loader_free(loader);
	unlink(file_path);
	(void)put("memory.force_empty", "0");
	for (int i = 0; i < 100 && rmdir(cgroup_dir) < 0 && errno == EBUSY; i++)
		usleep(50000);
	if (stats >= 0)
		close(stats);
	return code;
}

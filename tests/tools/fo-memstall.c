// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-memstall SECONDS CGROUP_DIR: the daemon's sum of memory stalls beside the totals of PSI, of
 *the node and of one v2 cgroup, over the same time. Prints a line each:
 *
 *	SCOPE sum_ms SUM some_ms PSI full_ms PSI
 *
 * SUM is over tasks; `some` of PSI counts overlapping stalls once and weighs CPUs. With one stalled
 * task at a time both are equal. The line of the node includes kernel threads, as PSI does. Start
 *it before the load (it prints "ready"), and end the load three seconds before it ends. Exit status
 *77: this host has no PSI, or not these hooks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sense/cgroup.h"
#include "sense/loader.h"
#include "sense/node.h"
#include "sense/sampler.h"

struct reading {
	double sum_ms;
	double some_ms;
	double full_ms;
};

static struct sampler *sampler;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static double sum_ms(uint64_t scope)
{
	uint64_t ns;

	if (sampler_memstall(sampler, scope, now_ns(), &ns)) {
		puts("no psi_memstall_enter to attach to");
		exit(77);
	}
	return (double)ns / 1e6;
}

static void psi_read(const char *path, struct reading *ret)
{
	FILE *file = fopen(path, "re");
	char line[128], kind[8];
	unsigned long long total_us;

	if (!file) {
		printf("no PSI: %s\n", path);
		exit(77);
	}
	while (fgets(line, sizeof(line), file)) {
		const char *total = strstr(line, "total=");

		if (!total || sscanf(line, "%7s", kind) != 1)
			continue;
		total_us = strtoull(total + strlen("total="), NULL, 10);
		if (!strcmp(kind, "some"))
			ret->some_ms = (double)total_us / 1e3;
		else
			ret->full_ms = (double)total_us / 1e3;
	}
	fclose(file);
}

static void read_both(uint64_t id, const char *pressure, struct reading *node,
		      struct reading *cgroup)
{
	node->sum_ms = sum_ms(FO_SCOPE_NODE) + sum_ms(FO_SCOPE_KERNEL);
	psi_read("/proc/pressure/memory", node);
	cgroup->sum_ms = sum_ms(id);
	psi_read(pressure, cgroup);
}

static void print(const char *name, const struct reading *from, const struct reading *to)
{
	printf("%s sum_ms %.1f some_ms %.1f full_ms %.1f\n", name, to->sum_ms - from->sum_ms,
	       to->some_ms - from->some_ms, to->full_ms - from->full_ms);
}

int main(int argc, char **argv)
{
	struct reading node[2] = {0}, cgroup[2] = {0};
	struct cgroup_host host;
	struct loader *loader;
	struct node files;
	struct stat st;
	char why[512], pressure[4096];

	if (argc != 3 || atoi(argv[1]) <= 0 || stat(argv[2], &st) < 0) {
		fputs("usage: fo-memstall SECONDS CGROUP_DIR\n", stderr);
		return 2;
	}
	snprintf(pressure, sizeof(pressure), "%s/memory.pressure", argv[2]);
	if (cgroup_host_open(&host, "") || node_open(&files, "") ||
	    loader_new(&loader, host.version, why, sizeof(why)) ||
	    sampler_new(&sampler, loader, &host, &files)) {
		fprintf(stderr, "fo-memstall: %s\n", why);
		return 1;
	}
	/* the kernel updates its totals every two seconds: nothing may stall at either end */
	read_both(st.st_ino, pressure, &node[0], &cgroup[0]);
	puts("ready");
	fflush(stdout);
	sleep((unsigned)atoi(argv[1]));
	read_both(st.st_ino, pressure, &node[1], &cgroup[1]);
	print("node", &node[0], &node[1]);
	print("cgroup", &cgroup[0], &cgroup[1]);
	sampler_free(sampler);
	loader_free(loader);
	node_close(&files);
	cgroup_host_close(&host);
	return 0;
}

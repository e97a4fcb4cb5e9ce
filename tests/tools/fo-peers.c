// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-peers [CGROUP]: prints four times a second the values that the rules of other tools use, of
 * the node or of the memory cgroup with the directory CGROUP (v1 or v2), as a line of tab-separated
 * words ms total available swap_total swap_free psi_full_avg10 refaults file_lru in bytes,
 * CLOCK_MONOTONIC, pages for refaults, and "-" where this host has no such value. Runs until it is
 * killed. Its memory is locked and its files are opened once: it must not stall itself.
 *
 * A cgroup has no "available": it is the limit less the usage, plus the file LRU, like
 * MemAvailable.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 250000000L

#define MISSING UINT64_MAX

struct source {
	int fd;
	char text[16384];
};

static struct source meminfo, vmstat, stat, pressure, limit, usage;

static void source_open(struct source *source, const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	source->fd = open(path, O_RDONLY | O_CLOEXEC);
}

static void source_read(struct source *source)
{
	size_t len = 0;
	ssize_t n;

	/* seq files give a page at a time */
	while (source->fd >= 0 && len < sizeof(source->text) - 1 &&
	       (n = pread(source->fd, source->text + len, sizeof(source->text) - 1 - len,
			  (off_t)len)) > 0)
		len += (size_t)n;
	source->text[len] = '\0';
}

/* The number after a line's first word; MISSING where there is no such line. */
static uint64_t value_of(const struct source *source, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = source->text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && (line[len] == ' ' || line[len] == ':'))
			return strtoull(line + len + 1, NULL, 10);
	}
	return MISSING;
}

static uint64_t kib(const char *key)
{
	uint64_t value = value_of(&meminfo, key);

	return value == MISSING ? MISSING : value * 1024;
}

static uint64_t either(const struct source *source, const char *one, const char *other)
{
	uint64_t value = value_of(source, one);

	return value == MISSING ? value_of(source, other) : value;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a == MISSING || b == MISSING ? MISSING : a + b;
}

static void put(uint64_t value)
{
	if (value == MISSING)
		fputs("\t-", stdout);
	else
		printf("\t%" PRIu64, value);
}

static void put_line(const char *cgroup)
{
	uint64_t total, available, file_lru, refaults;
	struct timespec now;
	const char *full, *avg10;

	source_read(&meminfo);
	source_read(&pressure);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (cgroup) {
		source_read(&stat);
		source_read(&limit);
		source_read(&usage);
		total = strtoull(limit.text, NULL, 10);
		file_lru = sum(either(&stat, "total_active_file", "active_file"),
			       either(&stat, "total_inactive_file", "inactive_file"));
		available = sum(total - strtoull(usage.text, NULL, 10), file_lru);
		refaults = either(&stat, "workingset_refault_file", "workingset_refault");
	} else {
		source_read(&vmstat);
		total = kib("MemTotal");
		available = kib("MemAvailable");
		file_lru = sum(kib("Active(file)"), kib("Inactive(file)"));
		refaults = either(&vmstat, "workingset_refault_file", "workingset_refault");
	}
	printf("%lld", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	put(total);
	put(available);
	put(kib("SwapTotal"));
	put(kib("SwapFree"));
	full = strstr(pressure.text, "full ");
	avg10 = full ? strstr(full, "avg10=") : NULL;
	if (avg10)
		printf("\t%.2f", strtod(avg10 + strlen("avg10="), NULL));
	else
		fputs("\t-", stdout);
	put(refaults);
	put(file_lru);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *cgroup = argc > 1 ? argv[1] : NULL;
	struct timespec next;

	if (argc > 2 || (cgroup && *cgroup != '/')) {
		fputs("usage: fo-peers [/DIRECTORY/OF/A/CGROUP]\n", stderr);
		return 2;
	}
	source_open(&meminfo, "/proc", "meminfo");
	source_open(&vmstat, "/proc", "vmstat");
	if (cgroup) {
		source_open(&stat, cgroup, "memory.stat");
		source_open(&limit, cgroup, "memory.max");
		source_open(&usage, cgroup, "memory.current");
		if (limit.fd < 0) {
			source_open(&limit, cgroup, "memory.limit_in_bytes");
			source_open(&usage, cgroup, "memory.usage_in_bytes");
		}
		if (stat.fd < 0 || limit.fd < 0 || usage.fd < 0) {
			fprintf(stderr, "fo-peers: %s: no memory cgroup with a limit: %s\n", cgroup,
				strerror(errno));
			return 1;
		}
		source_open(&pressure, cgroup, "memory.pressure");
	} else {
		source_open(&pressure, "/proc/pressure", "memory");
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		fprintf(stderr, "fo-peers: memory cannot be locked: %s\n", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		put_line(cgroup);
		next.tv_nsec += INTERVAL_NS;
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

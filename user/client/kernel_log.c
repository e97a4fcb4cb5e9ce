// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define LOG_MOST (8 * 1024 * 1024)

static const char *const constraints[] = {
	[OOM_NODE] = "CONSTRAINT_NONE",
	[OOM_CPUSET] = "CONSTRAINT_CPUSET",
	[OOM_POLICY] = "CONSTRAINT_MEMORY_POLICY",
	[OOM_MEMCG] = "CONSTRAINT_MEMCG",
};

/* The number after @label in a line; @none if there is no such label. */
static long long number_after(const char *line, const char *label, long long none)
{
	const char *at = strstr(line, label);

	return at ? strtoll(at + strlen(label), NULL, 0) : none;
}

/* The text after @label up to one of @ends. */
static void text_after(const char *line, const char *label, const char *ends, char *ret,
		       size_t size)
{
	const char *at = strstr(line, label);

	if (!at)
		return;
	at += strlen(label);
	snprintf(ret, size, "%.*s", (int)strcspn(at, ends), at);
}

/* The text of a line, after the prefix of dmesg, syslog or /dev/kmsg. */
static const char *text_of(const char *line, const char *before)
{
	static const char *const stamps[] = {"] ", "kernel: ", ",-;"};
	const char *from = line;

	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++)
		for (const char *at = strstr(from, stamps[i]); at && at < before;
		     at = strstr(from, stamps[i]))
			from = at + strlen(stamps[i]);
	return from;
}

static void parse_invoker(const char *line, const char *at, struct oom_report *report)
{
	const char *from = text_of(line, at);

	*report = (struct oom_report){0};
	snprintf(report->invoker, sizeof(report->invoker), "%.*s", (int)(at - from), from);
	text_after(line, "gfp_mask=", ",\n", report->gfp, sizeof(report->gfp));
	/* 0xcc0(GFP_KERNEL) */
	if (strchr(report->gfp, '(')) {
		char *open = strchr(report->gfp, '(');

		memmove(report->gfp, open + 1, strlen(open));
		report->gfp[strcspn(report->gfp, ")")] = '\0';
	}
	report->order = (int)number_after(line, "order=", 0);
	report->invoker_adj = (int)number_after(line, "oom_score_adj=", 0);
}

static void parse_constraint(const char *line, struct oom_report *report)
{
	char name[64] = "";

	text_after(line, "constraint=", ",\n", name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(constraints); i++)
		if (constraints[i] && !strcmp(name, constraints[i]))
			report->constraint = (enum oom_constraint)i;
	text_after(line, "mems_allowed=", ",\n", report->mems, sizeof(report->mems));
	text_after(line, "oom_memcg=", ",\n", report->limit_path, sizeof(report->limit_path));
}

static void parse_killed(const char *line, struct oom_report *report)
{
	report->pid = (int)number_after(line, "Killed process ", 0);
	text_after(line, " (", ")", report->comm, sizeof(report->comm));
	if (strstr(line, "(oom_kill_allocating_task)")) {
		const char *second = strstr(line, "Killed process ");

		report->allocating_task = true;
		text_after(second, " (", ")", report->comm, sizeof(report->comm));
	}
	report->total_vm_kb = (uint64_t)number_after(line, "total-vm:", 0);
	report->anon_kb = (uint64_t)number_after(line, "anon-rss:", 0);
	report->file_kb = (uint64_t)number_after(line, "file-rss:", 0);
	report->shmem_kb = (uint64_t)number_after(line, "shmem-rss:", 0);
	report->uid = (uint64_t)number_after(line, "UID:", 0);
	report->pgtables_kb = (uint64_t)number_after(line, "pgtables:", 0);
	report->oom_score_adj = (int)number_after(line, "oom_score_adj:", 0);
}

static void parse_line(const char *line, struct oom_report *now)
{
	const char *at;

	if ((at = strstr(line, " invoked oom-killer: "))) {
		parse_invoker(line, at, now);
	} else if (strstr(line, "oom-kill:constraint=")) {
		parse_constraint(line, now);
	} else if (strstr(line, "memory: usage ") && !strstr(line, "kmem")) {
		now->usage_kb = (uint64_t)number_after(line, "usage ", 0);
		now->limit_kb = (uint64_t)number_after(line, "limit ", 0);
	} else if (strstr(line, "Node ") && strstr(line, " free:") && strstr(line, " min:")) {
		now->free_kb += (uint64_t)number_after(line, " free:", 0);
		now->min_kb += (uint64_t)number_after(line, " min:", 0);
	} else if (strstr(line, "Free swap  = ")) {
		now->swap_free_kb = (uint64_t)number_after(line, "Free swap  = ", 0);
		now->swap_known = true;
	} else if (strstr(line, "Total swap = ")) {
		now->swap_total_kb = (uint64_t)number_after(line, "Total swap = ", 0);
	} else if (strstr(line, "are going to be killed due to memory.oom.group set")) {
		now->group = true;
	}
}

int kernel_log_find(const char *text, int pid, struct oom_report *ret)
{
	struct oom_report now = {0};
	bool found = false;
	char line[2048];

	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "\n");
		int reaped;

		snprintf(line, sizeof(line), "%.*s", (int)len, at);
		at += len + (at[len] == '\n');
		parse_line(line, &now);
		if (strstr(line, "Killed process ")) {
			parse_killed(line, &now);
			if (!pid || now.pid == pid) {
				*ret = now;
				found = true;
			}
		}
		reaped = (int)number_after(line, "oom_reaper: reaped process ", 0);
		if (reaped && found && reaped == ret->pid) {
			ret->reaped = true;
			ret->left_kb = (uint64_t)number_after(line, "anon-rss:", 0) +
				       (uint64_t)number_after(line, "shmem-rss:", 0);
		}
	}
	return found ? 0 : -ENODATA;
}

/* Each read gives "6,427,5563574173,-;text\n KEY=value\n": keep the text. */
static int read_kmsg(int fd, char *text, size_t size)
{
	char record[8192];
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		char *from;

		if (n < 0 && (errno == EINTR || errno == EPIPE))
			continue; /* EPIPE: the next record was overwritten */
		if (n <= 0)
			break;
		record[n] = '\0';
		from = strchr(record, ';');
		if (!from)
			continue;
		from++;
		from[strcspn(from, "\n")] = '\0';
		if (len + strlen(from) + 2 > size)
			break;
		len += (size_t)sprintf(text + len, "%s\n", from);
	}
	text[len] = '\0';
	return 0;
}

int kernel_log_read(const char *path, char **ret)
{
	_cleanup_free_ char *text = malloc(LOG_MOST);
	_cleanup_close_ int fd = open(path ? path : "/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	if (!path) {
		read_kmsg(fd, text, LOG_MOST);
	} else {
		while (len < LOG_MOST - 1 && (n = read(fd, text + len, LOG_MOST - 1 - len)) > 0)
			len += (size_t)n;
		text[len] = '\0';
	}
	*ret = TAKE_PTR(text);
	return 0;
}

/* Growth of the level within the minute before, from which on it is called a leak. */
#define LEAK_GROWTH 0.10

enum oom_cause kernel_log_cause(const struct oom_report *report, double growth)
{
	if (report->constraint == OOM_CPUSET || report->constraint == OOM_POLICY)
		return OOM_NUMA;
	/* more was free than the min watermark: the allocation failed for fragmentation */
	if (report->order > 0 && report->constraint != OOM_MEMCG && report->min_kb &&
	    report->free_kb > report->min_kb)
		return OOM_CONTIGUOUS;
	if (growth >= LEAK_GROWTH)
		return OOM_LEAK;
	return report->constraint == OOM_MEMCG ? OOM_LIMIT_LOW : OOM_EXHAUSTED;
}

char *kernel_log_gfp_words(char *buf, size_t size, const char *gfp)
{
	static const struct {
		const char *flag;
		const char *words;
	} table[] = {
		{"GFP_HIGHUSER_MOVABLE", "a page of a process, or of a file that it maps"},
		{"GFP_HIGHUSER", "a page of a process"},
		{"GFP_USER", "kernel memory that a process can access"},
		{"GFP_KERNEL_ACCOUNT", "may sleep and reclaim, charged to the cgroup"},
		{"GFP_KERNEL", "may sleep and reclaim"},
		{"GFP_NOFS", "may not call into a file system"},
		{"GFP_NOIO", "may not start block IO"},
		{"GFP_NOWAIT", "may not sleep"},
		{"GFP_ATOMIC", "may not sleep, may use the reserves"},
		{"GFP_DMA32", "below 4 GiB"},
		{"GFP_DMA", "below 16 MiB"},
		{"GFP_TRANSHUGE", "a huge page"},
		{"__GFP_ZERO", "zeroed"},
		{"__GFP_COMP", "as one compound page"},
		{"__GFP_ACCOUNT", "charged to the cgroup"},
		{"__GFP_NOWARN", "no warning if it fails"},
		{"__GFP_NORETRY", "no retries"},
		{"__GFP_RETRY_MAYFAIL", "retries, but may fail"},
		{"__GFP_NOFAIL", "may not fail"},
		{"__GFP_THISNODE", "from this NUMA node only"},
		{"__GFP_HARDWALL", "from the cpuset's nodes only"},
		{"__GFP_WRITE", "to be written to"},
		{"__GFP_RECLAIMABLE", "can be reclaimed later"},
		{"__GFP_CMA", "may be from CMA"},
	};
	char flags[256], *save;
	size_t len = 0;

	snprintf(flags, sizeof(flags), "%s", gfp);
	buf[0] = '\0';
	for (char *flag = strtok_r(flags, "|", &save); flag; flag = strtok_r(NULL, "|", &save)) {
		const char *words = flag;

		for (size_t i = 0; i < ARRAY_SIZE(table); i++)
			if (!strcmp(table[i].flag, flag))
				words = table[i].words;
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "; " : "", words);
		if (len >= size)
			break;
	}
	return buf;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/worker.h"
#include "judge/candidate.h"
#include "sense/loader.h"

/*
 * Processes known at a time. Those of under 1 MiB are passed over when three quarters are
 * taken: on a host of so many, none of them matters.
 */
#define TASKS_MAX   4096
#define TASKS_CROWD (TASKS_MAX / 4 * 3)
#define SMALL_BYTES (1 << 20)
/* Long enough for what tells programs apart; java's class names come late, so not shorter. */
#define CMDLINE_MAX 512
/* Growth is measured against the size at the beginning of the last or the one before. */
#define GROWTH_EPOCH_NS 15000000000ULL
/*
 * A process seen for the first time at less than this age began while we looked (once a
 * second). An older one was there before the trouble: how it came to its size is not known, and
 * is not held against it.
 */
#define BORN_NS 2000000000ULL

enum line_state { /* of a command line; the worker moves it from ASKED to one of the last two */
	LINE_NONE,
	LINE_ASKED,
	LINE_KNOWN,
	LINE_GONE,
};

struct entry {
	uint64_t start_boot_ns; /* 0: free */
	int pid;
	uint32_t reading; /* of the last one that saw it */
	uint64_t base_bytes;
	uint64_t next_base_bytes;
	uint64_t epoch_boot_ns;
	char comm[FO_COMM_LEN];
	atomic_int line_state;
	uint16_t line_len;
	char line[CMDLINE_MAX];
};

struct tasks {
	const struct loader *loader;
	struct worker *worker;
	struct entry *entries; /* hashed by identity, linear probing */
	struct candidate *candidates;
	size_t count;
	size_t used;
	uint32_t reading;
	uint64_t overflow;
	uint64_t page_bytes;
};

int tasks_new(struct tasks **ret, const struct loader *loader, struct worker *worker)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return -ENOMEM;
	tasks->loader = loader;
	tasks->worker = worker;
	tasks->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	tasks->entries = calloc(TASKS_MAX, sizeof(*tasks->entries));
	tasks->candidates = calloc(TASKS_MAX, sizeof(*tasks->candidates));
	if (!tasks->entries || !tasks->candidates) {
		tasks_free(tasks);
		return -ENOMEM;
	}
	*ret = tasks;
	return 0;
}

void tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return;
	free(tasks->entries);
	free(tasks->candidates);
	free(tasks);
}

static size_t home_of(uint64_t start_boot_ns, int pid)
{
	uint64_t h = (start_boot_ns ^ (uint64_t)pid) * 0x9e3779b97f4a7c15ULL;

	return h >> 52; /* TASKS_MAX is 2^12 */
}

/* The entry of this identity, or the free one where it belongs; NULL: the table is full. */
static struct entry *entry_find(struct tasks *tasks, uint64_t start_boot_ns, int pid)
{
	size_t at = home_of(start_boot_ns, pid);

	for (size_t i = 0; i < TASKS_MAX; i++, at = (at + 1) % TASKS_MAX) {
		struct entry *entry = &tasks->entries[at];

		if (!entry->start_boot_ns ||
		    (entry->start_boot_ns == start_boot_ns && entry->pid == pid))
			return entry;
	}
	return NULL;
}

struct line_request {
	struct entry *entry;
	uint64_t start_boot_ns;
	int pid;
};

static void read_line(void *argument, size_t len)
{
	const struct line_request *request = argument;
	struct entry *entry = request->entry;
	char path[64];
	ssize_t n = -1;
	int fd;

	(void)len;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", request->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, entry->line, sizeof(entry->line) - 1);
		close(fd);
	}
	if (n < 0) {
		atomic_store(&entry->line_state, LINE_GONE);
		return;
	}
	while (n > 0 && entry->line[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (entry->line[i] == '\0')
			entry->line[i] = ' ';
	entry->line[n] = '\0';
	entry->line_len = (uint16_t)n;
	atomic_store(&entry->line_state, LINE_KNOWN);
}

static void ask_line(struct tasks *tasks, struct entry *entry)
{
	struct line_request request = {entry, entry->start_boot_ns, entry->pid};

	if (atomic_load(&entry->line_state) != LINE_NONE)
		return;
	atomic_store(&entry->line_state, LINE_ASKED);
	if (worker_give(tasks->worker, read_line, &request, sizeof(request)))
		atomic_store(&entry->line_state, LINE_NONE); /* next reading */
}

/* How much it grew; one that we see so young has grown by all it is. */
static uint64_t entry_growth(struct entry *entry, uint64_t bytes, uint64_t boot_ns, bool fresh)
{
	if (fresh) {
		bool born = boot_ns - entry->start_boot_ns < BORN_NS;

		entry->base_bytes = entry->next_base_bytes = born ? 0 : bytes;
		entry->epoch_boot_ns = boot_ns;
	} else if (boot_ns - entry->epoch_boot_ns >= GROWTH_EPOCH_NS) {
		entry->base_bytes = entry->next_base_bytes;
		entry->next_base_bytes = bytes;
		entry->epoch_boot_ns = boot_ns;
	}
	return bytes > entry->base_bytes ? bytes - entry->base_bytes : 0;
}

static void take(struct tasks *tasks, const struct fo_task *task, uint64_t boot_ns)
{
	uint64_t page = tasks->page_bytes;
	uint64_t own = ((uint64_t)task->anon_pages + (uint64_t)task->swap_pages) * page;
	struct candidate *candidate;
	struct entry *entry;
	bool fresh;

	if (tasks->count == TASKS_MAX || (tasks->used >= TASKS_CROWD && own < SMALL_BYTES)) {
		tasks->overflow++;
		return;
	}
	entry = entry_find(tasks, task->start_boot_ns, (int)task->tgid);
	if (!entry || (!entry->start_boot_ns && tasks->used >= TASKS_MAX - 1)) {
		tasks->overflow++;
		return;
	}
	fresh = !entry->start_boot_ns;
	if (fresh) {
		entry->start_boot_ns = task->start_boot_ns;
		entry->pid = (int)task->tgid;
		atomic_store(&entry->line_state, LINE_NONE);
		tasks->used++;
	} else if (entry->reading == tasks->reading) {
		return; /* another thread of a process whose leader is gone */
	} else if (memcmp(entry->comm, task->comm, sizeof(entry->comm)) &&
		   atomic_load(&entry->line_state) != LINE_ASKED) {
		/* it became another program: exec keeps pid and start time */
		atomic_store(&entry->line_state, LINE_NONE);
	}
	memcpy(entry->comm, task->comm, sizeof(entry->comm));
	entry->reading = tasks->reading;
	ask_line(tasks, entry);

	candidate = &tasks->candidates[tasks->count++];
	*candidate = (struct candidate){
		.start_boot_ns = task->start_boot_ns,
		.memcg_id = task->memcg_id,
		.anon_bytes = (uint64_t)task->anon_pages * page,
		.shmem_bytes = (uint64_t)task->shmem_pages * page,
		.file_bytes = (uint64_t)task->file_pages * page,
		.swap_bytes = (uint64_t)task->swap_pages * page,
		.pgtables_bytes = task->pgtables_bytes,
		.growth_bytes = entry_growth(entry, own, boot_ns, fresh),
		.pid = (int)task->tgid,
		.parent_pid = (int)task->ppid,
		.uid = task->uid,
		.threads = task->threads,
		.oom_score_adj = task->oom_score_adj,
		.kernel_thread = task->flags & 0x00200000, /* PF_KTHREAD */
		.comm = entry->comm,
	};
	if (atomic_load(&entry->line_state) == LINE_KNOWN) {
		candidate->cmdline = entry->line;
		candidate->cmdline_len = entry->line_len;
	}
}

/*
 * Makes room: entries that no reading has seen for a while are of processes that are gone.
 * Linear probing has no holes, so the table is laid anew in place; entries that the worker
 * still writes to must not move, and stay where they are.
 */
static void forget_gone(struct tasks *tasks)
{
	for (size_t i = 0; i < TASKS_MAX; i++) {
		struct entry *entry = &tasks->entries[i];

		if (atomic_load(&entry->line_state) == LINE_ASKED)
			return; /* another time */
	}
	for (size_t i = 0; i < TASKS_MAX; i++) {
		struct entry *entry = &tasks->entries[i];

		if (entry->start_boot_ns && tasks->reading - entry->reading > 64) {
			entry->start_boot_ns = 0;
			tasks->used--;
		}
	}
	/* each one that is not at home moves as near to it as there is room: twice round settles */
	for (size_t n = 0; n < 2 * TASKS_MAX; n++) {
		struct entry *entry = &tasks->entries[n % TASKS_MAX], *better;

		if (!entry->start_boot_ns)
			continue;
		better = entry_find(tasks, entry->start_boot_ns, entry->pid);
		if (better && better != entry) {
			memcpy(better, entry, sizeof(*entry));
			entry->start_boot_ns = 0;
		}
	}
}

int tasks_read(struct tasks *tasks, uint64_t scope, uint64_t boot_ns,
	       const struct candidate **ret_candidates, size_t *ret_count)
{
	struct fo_task records[128];
	int fd = loader_tasks_fd(tasks->loader, scope), err = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (tasks->used >= TASKS_CROWD)
		forget_gone(tasks);
	tasks->reading++;
	tasks->count = 0;
	tasks->overflow = 0;
	while ((n = read(fd, records, sizeof(records))) != 0) {
		if (n < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err = -errno;
			break;
		}
		if (n % (ssize_t)sizeof(records[0])) {
			err = -EIO;
			break;
		}
		for (size_t i = 0; i < (size_t)n / sizeof(records[0]); i++)
			take(tasks, &records[i], boot_ns);
	}
	close(fd);
	if (err)
		return err;
	*ret_candidates = tasks->candidates;
	*ret_count = tasks->count;
	return 0;
}

uint64_t tasks_overflow(const struct tasks *tasks)
{
	return tasks->overflow;
}

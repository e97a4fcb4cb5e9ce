// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/worker.h"
#include "judge/candidate.h"
#include "sense/loader.h"
#include "sense/cgroup_cache.h"
#include "sense/procs.h"
#include "sense/shares.h"

/*
 * Processes in the table; chosen. From three quarters on, processes below 1 MiB are left out: on a
 * host with that many processes they do not matter.
 */
#define TASKS_BITS     14
#define TASKS_MAX      (1 << TASKS_BITS)
#define TASKS_RESERVED (TASKS_MAX / 4 * 3)
#define SMALL_BYTES    (1 << 20)
/* Command lines in the table; chosen. The last quarter is for processes that are not small. */
#define TEXTS_MAX      4096
#define TEXTS_RESERVED (TEXTS_MAX / 4 * 3)
/* Chosen: this much of the worker's queue is kept for wanted texts and for a kill. */
#define ROOM_KEPT 64
/* Chosen: the class name of a Java program is far behind in its command line. */
#define CMDLINE_MAX 512
#define EXE_MAX	    256
/* A larger process named "pause" is not the pause process of a pod; chosen. */
#define SANDBOX_BYTES (4 << 20)
/* Growth is since the begin of the last epoch or the one before: over 15 to 30 s; chosen. */
#define GROWTH_EPOCH_NS 15000000000ULL
/*
 * A process younger than this at its first listing (one a second) has grown by its whole size. How
 * an older one grew is not known. docs/judgement.md, "Blame".
 */
#define NEWBORN_NS 2000000000ULL
/* Entries that this many listings lack are removed; chosen: the scopes are listed in turn. */
#define GONE_LISTINGS 64

enum text_state { /* the worker changes TEXT_REQUESTED to one of the last two */
	TEXT_NONE,
	TEXT_REQUESTED,
	TEXT_KNOWN,
	TEXT_GONE,
};

/* What the worker reads. */
struct text {
	atomic_int state;
	/* the process that it belongs to; owner_bytes: its size at its last listing */
	uint64_t owner_start_boot_ns;
	uint64_t owner_bytes;
	int owner_pid;
	bool has_exe;
	uint16_t line_len;
	uint16_t next_free;
	char exe[EXE_MAX];
	char line[CMDLINE_MAX];
};

#define NO_TEXT UINT16_MAX

struct entry {
	uint64_t start_boot_ns; /* 0: free */
	int pid;
	uint32_t listing;	  /* the last one that has it */
	uint64_t base_bytes;	  /* its size at the begin of the epoch before */
	uint64_t next_base_bytes; /* and of the last epoch */
	uint64_t epoch_boot_ns;
	uint64_t exec_id; /* of the program that its text belongs to */
	bool newborn;	  /* at its first listing */
	bool shares_known;
	bool wanted;   /* tasks_want() */
	uint16_t text; /* NO_TEXT: none */
	char comm[FO_COMM_LEN];
};

/* A process of this listing that has no text; wanted ones and then large ones come first. */
struct needy {
	struct entry *entry;
	uint64_t bytes;
};

struct tasks {
	const struct loader *loader;
	struct procs *procs; /* NULL: the iterator is used */
	struct worker *worker;
	struct cgroup_cache *cgroup_cache;
	struct shares *shares;
	uint64_t mm_key;       /* addresses of the kernel leave this file as a hash only */
	struct entry *entries; /* hashed by identity, linear probing */
	struct candidate *candidates;
	struct text *texts;
	size_t texts_used;
	uint16_t text_free;		      /* head of the list of free texts */
	struct needy needy[TASKS_WANTED_MAX]; /* the neediest first */
	size_t needy_count;
	size_t count;
	size_t used;
	uint32_t listing;
	uint64_t overflow;
	uint64_t page_bytes;
};

int tasks_new(struct tasks **ret, const struct loader *loader, const struct cgroup_host *host,
	      struct cgroup_cache *cgroup_cache, struct worker *worker)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));
	int err = 0;

	if (!tasks)
		return -ENOMEM;
	if (!loader || !loader_has(loader, "fo_task_list")) {
		err = procs_new(&tasks->procs, host);
		if (err) {
			free(tasks);
			return err;
		}
	}
	tasks->loader = loader;
	tasks->worker = worker;
	tasks->cgroup_cache = cgroup_cache;
	tasks->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (getrandom(&tasks->mm_key, sizeof(tasks->mm_key), GRND_NONBLOCK) < 0)
		tasks->mm_key = clock_mono_ns();
	err = shares_new(&tasks->shares);
	tasks->entries = calloc(TASKS_MAX, sizeof(*tasks->entries));
	tasks->candidates = calloc(TASKS_MAX, sizeof(*tasks->candidates));
	tasks->texts = calloc(TEXTS_MAX, sizeof(*tasks->texts));
	if (err || !tasks->entries || !tasks->candidates || !tasks->texts) {
		tasks_free(tasks);
		return err ? err : -ENOMEM;
	}
	for (uint16_t i = 0; i < TEXTS_MAX; i++)
		tasks->texts[i].next_free = i + 1 < TEXTS_MAX ? i + 1 : NO_TEXT;
	*ret = tasks;
	return 0;
}

size_t tasks_max(void)
{
	return TASKS_MAX;
}

void tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return;
	free(tasks->entries);
	free(tasks->candidates);
	free(tasks->texts);
	procs_free(tasks->procs);
	shares_free(tasks->shares);
	free(tasks);
}

static size_t home_of(uint64_t start_boot_ns, int pid)
{
	uint64_t h = (start_boot_ns ^ (uint64_t)pid) * 0x9e3779b97f4a7c15ULL;

	return h >> (64 - TASKS_BITS);
}

/* The entry of this identity, or the free one for it; NULL: the table is full. */
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

struct text_request {
	struct text *text;
	int pid;
};

static void read_text(void *argument, size_t len)
{
	const struct text_request *request = argument;
	struct text *text = request->text;
	char path[64];
	ssize_t n = -1;
	int fd;

	(void)len;
	snprintf(path, sizeof(path), "/proc/%d/exe", request->pid);
	n = readlink(path, text->exe, sizeof(text->exe) - 1);
	/* a path that is cut off could match another program's */
	text->has_exe = n > 0 && n < (ssize_t)sizeof(text->exe) - 1;
	if (text->has_exe)
		text->exe[n] = '\0';
	n = -1;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", request->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text->line, sizeof(text->line) - 1);
		close(fd);
	}
	if (n < 0) {
		atomic_store(&text->state, TEXT_GONE);
		return;
	}
	while (n > 0 && text->line[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text->line[i] == '\0')
			text->line[i] = ' ';
	text->line[n] = '\0';
	text->line_len = (uint16_t)n;
	atomic_store(&text->state, TEXT_KNOWN);
}

static bool is_needier(const struct needy *a, const struct needy *b)
{
	if (a->entry->wanted != b->entry->wanted)
		return a->entry->wanted;
	return a->bytes > b->bytes;
}

static void add_needy(struct tasks *tasks, struct entry *entry, uint64_t bytes)
{
	const struct needy needy = {entry, bytes};
	size_t at = tasks->needy_count;

	if (at == TASKS_WANTED_MAX && !is_needier(&needy, &tasks->needy[at - 1]))
		return;
	if (at < TASKS_WANTED_MAX)
		tasks->needy_count++;
	else
		at--;
	for (; at > 0 && is_needier(&needy, &tasks->needy[at - 1]); at--)
		tasks->needy[at] = tasks->needy[at - 1];
	tasks->needy[at] = needy;
}

/* Takes the first free text for an entry; there is one. */
static void take_text(struct tasks *tasks, struct entry *entry)
{
	struct text *text = &tasks->texts[tasks->text_free];

	entry->text = tasks->text_free;
	tasks->text_free = text->next_free;
	tasks->texts_used++;
	text->owner_start_boot_ns = entry->start_boot_ns;
	text->owner_pid = entry->pid;
	atomic_store(&text->state, TEXT_NONE);
}

/* Has the worker read the text of an entry, if it has not. @bytes: of its process. */
static void request_text(struct tasks *tasks, struct entry *entry, uint64_t bytes)
{
	struct text_request request = {.pid = entry->pid};
	struct text *text = &tasks->texts[entry->text];

	text->owner_bytes = bytes;
	if (atomic_load(&text->state) != TEXT_NONE ||
	    (!entry->wanted && worker_room(tasks->worker) <= ROOM_KEPT))
		return;
	request.text = text;
	atomic_store(&text->state, TEXT_REQUESTED);
	if (worker_give(tasks->worker, read_text, &request, sizeof(request)))
		atomic_store(&text->state, TEXT_NONE); /* the next listing tries again */
}

/* Finds a text for an entry of this listing; the entry is needy if there is none. */
static void see_text(struct tasks *tasks, struct entry *entry, uint64_t bytes)
{
	bool full = tasks->text_free == NO_TEXT ||
		    (bytes < SMALL_BYTES && tasks->texts_used >= TEXTS_RESERVED);

	if (entry->text == NO_TEXT && full) {
		add_needy(tasks, entry, bytes);
		return;
	}
	if (entry->text == NO_TEXT)
		take_text(tasks, entry);
	request_text(tasks, entry, bytes);
}

/* False: the worker is still writing to it. */
static bool forget_text(struct tasks *tasks, struct entry *entry)
{
	struct text *text;

	if (entry->text == NO_TEXT)
		return true;
	text = &tasks->texts[entry->text];
	if (atomic_load(&text->state) == TEXT_REQUESTED)
		return false;
	text->next_free = tasks->text_free;
	tasks->text_free = entry->text;
	tasks->texts_used--;
	entry->text = NO_TEXT;
	return true;
}

/* The owner of a text; NULL: it has none, it is wanted, or the worker is still writing to it. */
static struct entry *owner_to_displace(struct tasks *tasks, const struct text *text)
{
	struct entry *owner = entry_find(tasks, text->owner_start_boot_ns, text->owner_pid);

	if (!owner || !owner->start_boot_ns || owner->text != text - tasks->texts ||
	    owner->wanted || atomic_load(&text->state) == TEXT_REQUESTED)
		return NULL;
	return owner;
}

/* The text of the smallest process that may lose it. NULL: there is none. */
static struct text *smallest_text(struct tasks *tasks)
{
	struct text *smallest = NULL;

	for (size_t i = 0; i < TEXTS_MAX; i++) {
		struct text *text = &tasks->texts[i];

		if ((!smallest || text->owner_bytes < smallest->owner_bytes) &&
		    owner_to_displace(tasks, text))
			smallest = text;
	}
	return smallest;
}

/* Removes this text from the candidate that has it. */
static void hide_text(struct tasks *tasks, const struct text *text)
{
	for (size_t i = 0; i < tasks->count; i++) {
		struct candidate *candidate = &tasks->candidates[i];

		if (candidate->cmdline != text->line)
			continue;
		candidate->cmdline = candidate->exe = NULL;
		candidate->cmdline_len = 0;
	}
}

/*
 * At the end of a listing, before its candidates are handed out. A process that is not wanted must
 * have twice the size of the one that loses its text. Otherwise equals would swap it for ever.
 */
static void displace_texts(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->needy_count; i++) {
		const struct needy *needy = &tasks->needy[i];
		bool wanted = needy->entry->wanted;

		if (!wanted || tasks->text_free == NO_TEXT) {
			struct text *text = smallest_text(tasks);

			if (!text || (!wanted && text->owner_bytes >= needy->bytes / 2))
				return;
			hide_text(tasks, text);
			(void)forget_text(tasks, owner_to_displace(tasks, text));
		}
		take_text(tasks, needy->entry);
		request_text(tasks, needy->entry, needy->bytes);
	}
}

void tasks_want(struct tasks *tasks, const struct candidate *candidate)
{
	struct entry *entry = entry_find(tasks, candidate->start_boot_ns, candidate->pid);

	if (entry && entry->start_boot_ns)
		entry->wanted = true;
}

/* Bytes by which it grew; @sole_bytes of @bytes are shared memory that it alone holds. @fresh: this
 * is its first listing. */
static uint64_t entry_growth(struct entry *entry, const struct candidate *c, uint64_t boot_ns,
			     bool fresh)
{
	uint64_t sole_bytes = candidate_sole_bytes(c);
	uint64_t bytes = c->anon_bytes + c->swap_bytes + sole_bytes;

	if (fresh) {
		entry->newborn = boot_ns - entry->start_boot_ns < NEWBORN_NS;
		entry->base_bytes = entry->next_base_bytes = entry->newborn ? 0 : bytes;
		entry->epoch_boot_ns = boot_ns;
	}
	/* what was not known before is no growth */
	if (c->shares_known && !entry->shares_known && !fresh && !entry->newborn) {
		entry->base_bytes += sole_bytes;
		entry->next_base_bytes += sole_bytes;
	}
	entry->shares_known |= c->shares_known;
	if (!fresh && boot_ns - entry->epoch_boot_ns >= GROWTH_EPOCH_NS) {
		entry->base_bytes = entry->next_base_bytes;
		entry->next_base_bytes = bytes;
		entry->epoch_boot_ns = boot_ns;
	}
	return bytes > entry->base_bytes ? bytes - entry->base_bytes : 0;
}

/*
 * The pause process of a pod, by the kubelet's oom_score_adj (only a privileged process lowers its
 * own), or by name and size.
 */
static bool is_sandbox(const struct candidate *c)
{
	uint64_t bytes = candidate_freeable_bytes(c);

	if (c->place != PLACE_POD)
		return false;
	if (c->oom_score_adj == -998)
		return true;
	return bytes < SANDBOX_BYTES &&
	       (!strcmp(c->comm, "pause") || (c->exe && !strcmp(c->exe, "/pause")));
}

static void fill_place(struct tasks *tasks, const struct fo_task *task, struct candidate *candidate)
{
	const struct place_info *info = cgroup_cache_find(tasks->cgroup_cache, task->memcg_id);

	candidate->place = info->place;
	candidate->qos = info->qos;
	candidate->cgroup = info->path;
	candidate->pod = info->pod;
	candidate->pod_uid = info->pod_uid;
	candidate->namespace = info->namespace;
	candidate->container = info->container;
	candidate->oom_group = info->oom_group;
	if (is_sandbox(candidate))
		candidate->place = PLACE_SANDBOX;
	cgroup_cache_add(tasks->cgroup_cache, task->memcg_id, candidate_freeable_bytes(candidate),
			 task->oom_score_adj);
}

static void fill_pods(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		struct candidate *candidate = &tasks->candidates[i];
		const struct pod_sum *pod;

		if (!candidate->pod_uid)
			continue;
		pod = cgroup_cache_pod(tasks->cgroup_cache, candidate->memcg_id);
		if (!pod)
			continue;
		candidate->pod_bytes = pod->bytes;
		candidate->pod_requests = pod->unclear ? 0 : pod->requests;
	}
}

/* Equal for equal addresses of the kernel, but none of them; 0: not known. */
static uint64_t mm_of(const struct tasks *tasks, const struct fo_task *task)
{
	uint64_t h = task->mm ^ tasks->mm_key;

	if (!task->mm)
		return 0;
	h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ (h >> 29) ^ tasks->mm_key) * 0xbf58476d1ce4e5b9ULL;
	return h ^ (h >> 32);
}

static void take(struct tasks *tasks, const struct fo_task *task, uint64_t boot_ns)
{
	uint64_t page = tasks->page_bytes;
	uint64_t own = ((uint64_t)task->anon_pages + (uint64_t)task->swap_pages) * page;
	struct candidate *candidate;
	const struct text *text;
	struct entry *entry;
	bool fresh;

	if (tasks->count == TASKS_MAX || (tasks->used >= TASKS_RESERVED && own < SMALL_BYTES)) {
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
		entry->text = NO_TEXT;
		entry->wanted = false;
		entry->exec_id = task->exec_id;
		tasks->used++;
	} else if (entry->listing == tasks->listing) {
		return; /* another thread of a process whose leader has ended */
	} else if (entry->exec_id != task->exec_id && forget_text(tasks, entry)) {
		/* an exec; its text stays unknown while the worker reads that of the old program */
		entry->exec_id = task->exec_id;
	}
	memcpy(entry->comm, task->comm, sizeof(entry->comm));
	entry->listing = tasks->listing;
	if (entry->exec_id == task->exec_id)
		see_text(tasks, entry, own);

	candidate = &tasks->candidates[tasks->count++];
	*candidate = (struct candidate){
		.start_boot_ns = task->start_boot_ns,
		.memcg_id = task->memcg_id,
		.anon_bytes = (uint64_t)task->anon_pages * page,
		.shmem_bytes = (uint64_t)task->shmem_pages * page,
		.file_bytes = (uint64_t)task->file_pages * page,
		.swap_bytes = (uint64_t)task->swap_pages * page,
		.mm = mm_of(tasks, task),
		.pgtables_bytes = task->pgtables_bytes,
		.pid = (int)task->tgid,
		.parent_pid = (int)task->ppid,
		.group = task->group,
		.session = task->session,
		.uid = task->uid,
		.threads = task->threads,
		.oom_score_adj = task->oom_score_adj,
		.init = task->is_init,
		.kernel_thread = task->flags & 0x00200000, /* PF_KTHREAD */
		.comm = entry->comm,
	};
	shares_fill(tasks->shares, candidate, task->locked_pages * page);
	candidate->growth_bytes = entry_growth(entry, candidate, boot_ns, fresh);
	text = entry->text == NO_TEXT ? NULL : &tasks->texts[entry->text];
	if (text && atomic_load(&text->state) >= TEXT_KNOWN)
		entry->wanted = false;
	if (text && entry->exec_id == task->exec_id && atomic_load(&text->state) == TEXT_KNOWN) {
		candidate->cmdline = text->line;
		candidate->cmdline_len = text->line_len;
		candidate->exe = text->has_exe ? text->exe : NULL;
	}
	fill_place(tasks, task, candidate);
}

/* Removes the entries of processes that have ended: the last listings do not have them. Linear
 * probing allows no holes, so the others are rehashed in place. */
static void forget_gone(struct tasks *tasks)
{
	for (size_t i = 0; i < TASKS_MAX; i++) {
		struct entry *entry = &tasks->entries[i];

		if (entry->start_boot_ns && tasks->listing - entry->listing > GONE_LISTINGS &&
		    forget_text(tasks, entry)) {
			entry->start_boot_ns = 0;
			tasks->used--;
		}
	}
	/* each entry moves to the first free slot from its hash on; two rounds suffice */
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

struct listing {
	struct tasks *tasks;
	uint64_t boot_ns;
};

static void take_proc(void *context, const struct fo_task *task)
{
	const struct listing *listing = context;

	take(listing->tasks, task, listing->boot_ns);
}

static int read_iterator(struct tasks *tasks, uint64_t scope, uint64_t boot_ns)
{
	struct fo_task records[128];
	int fd = loader_tasks_fd(tasks->loader, scope), err = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	while (!err && (n = read(fd, records, sizeof(records))) != 0) {
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			err = -errno;
		else if (n > 0 && n % (ssize_t)sizeof(records[0]))
			err = -EIO;
		for (ssize_t i = 0; !err && i < n / (ssize_t)sizeof(records[0]); i++)
			take(tasks, &records[i], boot_ns);
	}
	close(fd);
	return err;
}

int tasks_read(struct tasks *tasks, uint64_t scope, uint64_t boot_ns,
	       const struct candidate **ret_candidates, size_t *ret_count)
{
	struct listing listing = {tasks, boot_ns};
	int err;

	if (tasks->used >= TASKS_RESERVED || tasks->texts_used >= TEXTS_RESERVED)
		forget_gone(tasks);
	cgroup_cache_begin(tasks->cgroup_cache);
	tasks->listing++;
	tasks->count = 0;
	tasks->needy_count = 0;
	tasks->overflow = 0;
	shares_take(tasks->shares, boot_ns);
	err = tasks->procs ? procs_read(tasks->procs, scope, take_proc, &listing)
			   : read_iterator(tasks, scope, boot_ns);
	if (err)
		return err;
	if (tasks->procs)
		tasks->overflow += procs_unreadable(tasks->procs);
	displace_texts(tasks);
	shares_begin(tasks->shares);
	fill_pods(tasks);
	*ret_candidates = tasks->candidates;
	*ret_count = tasks->count;
	return 0;
}

uint64_t tasks_overflow(const struct tasks *tasks)
{
	return tasks->overflow;
}

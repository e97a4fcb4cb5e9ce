// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/trace_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/util.h"
#include "judge/candidate.h"
#include "judge/fields.h"
#include "judge/process.h"
#include "judge/victim.h"

_Static_assert(SAMPLE_FIELDS_COUNT <= TRACE_FIELDS_MAX, "the mask of a sample has 64 bits");

/* At most 64 scopes are hot at a time; a scope that is hot again keeps its number. */
#define SCOPES_MAX 128
/* A power of two; with more processes, an ANEW starts the numbering again. */
#define PROCESSES_MAX 4096
#define TEXT_MAX      1024
/* A longer name is left out: half of a name is another name. No path or pod name is longer. */
#define NAME_MAX_BYTES 512
/* A process with the longest texts, and its numbers. */
#define PROCESS_MOST (TEXT_MAX + (TRACE_TEXTS_ - 1) * NAME_MAX_BYTES + 512)
/* A list is split into frames of about this length. */
#define LIST_PART (TRACE_FRAME_MAX - 64 - PROCESS_MOST)

struct bytes {
	unsigned char *data;
	size_t size;
	size_t len;
	bool full;
};

struct scope {
	uint64_t id;
	enum trace_scope_kind kind;
	bool sampled;
	uint64_t values[1 + SAMPLE_FIELDS_COUNT]; /* presence, then the fields */
	uint64_t steps[1 + SAMPLE_FIELDS_COUNT];  /* of counters, from the last but one */
	char verdict[32];
	uint32_t names_crc; /* 0: none were written */
};

struct process {
	uint64_t start_boot_ns;
	int pid;
	bool has_text; /* comm and texts were written */
	uint32_t text_crc;
	uint64_t values[TRACE_VALUES_];
};

struct trace_writer {
	trace_out *out;
	void *userdata;
	bool anew;
	uint64_t lost;
	uint64_t at_ns;
	struct scope scopes[SCOPES_MAX];
	size_t scope_count;
	struct process processes[PROCESSES_MAX];
	size_t process_count;
	uint16_t homes[2 * PROCESSES_MAX]; /* hash table of processes, by identity: number + 1 */
	unsigned char payload[TRACE_FRAME_MAX];
	unsigned char frame[TRACE_FRAME_MAX + 16];
};

static void put_byte(struct bytes *b, unsigned value)
{
	if (b->len == b->size)
		b->full = true;
	else
		b->data[b->len++] = (unsigned char)value;
}

static void put_u64(struct bytes *b, uint64_t value)
{
	while (value >= 0x80) {
		put_byte(b, (unsigned)(value & 0x7f) | 0x80);
		value >>= 7;
	}
	put_byte(b, (unsigned)value);
}

static uint64_t zigzag(uint64_t difference)
{
	return (difference << 1) ^ (uint64_t) - (int64_t)(difference >> 63);
}

/* The difference of two unsigned numbers, whichever is larger. */
static void put_difference(struct bytes *b, uint64_t from, uint64_t to)
{
	put_u64(b, zigzag(to - from));
}

/* False: too large to be doubled, which no size in bytes is. */
static bool put_bytes_difference(struct bytes *b, uint64_t from, uint64_t to)
{
	int64_t by = (int64_t)(to - from);
	uint64_t number;

	if (by % TRACE_PAGE_BYTES == 0)
		number = zigzag((uint64_t)(by / TRACE_PAGE_BYTES)) << 1 | 1;
	else if (zigzag((uint64_t)by) >> 63)
		return false;
	else
		number = zigzag((uint64_t)by) << 1;
	put_u64(b, number);
	return true;
}

static void put_text(struct bytes *b, const char *text, size_t len)
{
	put_u64(b, len);
	if (len > b->size - b->len) {
		b->full = true;
		return;
	}
	if (len)
		memcpy(b->data + b->len, text, len);
	b->len += len;
}

static void put_word(struct bytes *b, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	put_text(b, text, len < TEXT_MAX ? len : TEXT_MAX);
}

/* @to has room for 16 bytes more than the payload. */
static size_t make_frame(unsigned char *to, enum trace_kind kind, const struct bytes *payload)
{
	struct bytes head = {.data = to, .size = 11};
	uint32_t crc;
	size_t len;

	put_byte(&head, kind);
	put_u64(&head, payload->len);
	memcpy(to + head.len, payload->data, payload->len);
	len = head.len + payload->len;
	crc = (uint32_t)crc32(0, to, (unsigned)len);
	for (int i = 0; i < 4; i++)
		to[len++] = (unsigned char)(crc >> 8 * i);
	return len;
}

int trace_writer_new(struct trace_writer **ret, trace_out *out, void *userdata)
{
	struct trace_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->out = out;
	w->userdata = userdata;
	w->anew = true;
	*ret = w;
	return 0;
}

void trace_writer_free(struct trace_writer *w)
{
	free(w);
}

void trace_writer_anew(struct trace_writer *w)
{
	w->anew = true;
	w->at_ns = 0;
	w->scope_count = 0;
	w->process_count = 0;
	memset(w->homes, 0, sizeof(w->homes));
}

void trace_writer_lose(struct trace_writer *w, uint64_t n)
{
	w->lost += n;
}

uint64_t trace_writer_lost(const struct trace_writer *w)
{
	return w->lost;
}

int trace_preamble(const struct trace_head *head, bool magic, char **ret_bytes, size_t *ret_len)
{
	size_t most = 4096 + SAMPLE_FIELDS_COUNT * 64;
	struct bytes b;
	unsigned char *bytes;
	size_t at = magic ? TRACE_MAGIC_LEN : 0;

	if (head->config_count > TRACE_CONFIGS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < head->config_count; i++)
		most += TEXT_MAX + 32 + head->configs[i].len;
	b = (struct bytes){.data = malloc(most), .size = most};
	bytes = malloc(TRACE_MAGIC_LEN + most + 16);
	if (!b.data || !bytes) {
		free(b.data);
		free(bytes);
		return -ENOMEM;
	}
	put_u64(&b, TRACE_VERSION);
	put_u64(&b, head->abi);
	put_u64(&b, head->wall_ns);
	put_u64(&b, head->mono_ns);
	put_u64(&b, head->ram_bytes);
	put_u64(&b, head->cpus);
	put_u64(&b, head->cgroup_version);
	put_u64(&b, head->page_bytes);
	put_u64(&b, head->self_pid);
	put_u64(&b, head->dry_run);
	put_word(&b, head->release);
	put_u64(&b, SAMPLE_FIELDS_COUNT);
	for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++) {
		put_word(&b, sample_fields[i].name);
		put_u64(&b, sample_fields[i].width);
		put_u64(&b, sample_fields[i].need);
		put_u64(&b, sample_fields[i].kind);
	}
	put_u64(&b, head->config_count);
	for (size_t i = 0; i < head->config_count; i++) {
		put_word(&b, head->configs[i].name);
		put_text(&b, head->configs[i].text, head->configs[i].len);
	}

	memcpy(bytes, TRACE_MAGIC, at);
	*ret_len = at + make_frame(bytes + at, TRACE_HEAD, &b);
	*ret_bytes = (char *)bytes;
	free(b.data);
	return 0;
}

static struct bytes payload_of(struct trace_writer *w)
{
	return (struct bytes){.data = w->payload, .size = sizeof(w->payload)};
}

static int send(struct trace_writer *w, enum trace_kind kind, const struct bytes *payload)
{
	size_t len;

	if (payload->full)
		return -EMSGSIZE;
	len = make_frame(w->frame, kind, payload);
	return w->out(w->userdata, (const char *)w->frame, len);
}

static int send_anew(struct trace_writer *w)
{
	struct bytes b = payload_of(w);
	int err;

	if (!w->anew)
		return 0;
	put_u64(&b, w->lost);
	err = send(w, TRACE_ANEW, &b);
	if (!err)
		w->anew = false;
	return err;
}

/* The number of the scope; writes its SCOPE frame first, if it has none. */
static int scope_number(struct trace_writer *w, const struct trace_scope *scope, size_t *ret)
{
	struct bytes b;
	int err;

	if (w->scope_count == SCOPES_MAX)
		trace_writer_anew(w);
	err = send_anew(w);
	if (err)
		return err;
	for (*ret = 0; *ret < w->scope_count; (*ret)++)
		if (w->scopes[*ret].id == scope->id && w->scopes[*ret].kind == scope->kind)
			return 0;
	b = payload_of(w);
	put_u64(&b, w->scope_count);
	put_u64(&b, scope->kind);
	put_u64(&b, scope->id);
	put_word(&b, scope->path);
	err = send(w, TRACE_SCOPE, &b);
	if (err)
		return err;
	w->scopes[w->scope_count++] = (struct scope){.id = scope->id, .kind = scope->kind};
	return 0;
}

static void put_at(struct trace_writer *w, struct bytes *b, uint64_t at_ns)
{
	put_difference(b, w->at_ns, at_ns);
	w->at_ns = at_ns;
}

/* An item, or a part of a list. */
struct item {
	int (*send)(struct trace_writer *w, const struct item *item);
	enum trace_kind kind;
	const struct trace_scope *scope;
	uint64_t at_ns;
	const struct sample *sample;
	const struct trace_did *did;
	const struct candidate *candidates; /* a list, or */
	const struct victim *members;	    /* a list of a group's */
	const struct trace_names *names;
	const struct process_span *spans;
	size_t count;
	bool first;
	size_t *taken;
};

/* False: the item is lost. */
static bool put_item(struct trace_writer *w, const struct item *item)
{
	int err = item->send(w, item);

	if (err == -EAGAIN) {
		trace_writer_anew(w);
		err = item->send(w, item);
	}
	if (!err)
		return true;
	trace_writer_anew(w);
	w->lost++;
	return false;
}

static int send_moment(struct trace_writer *w, const struct item *item)
{
	struct bytes b;
	size_t number;
	int err = scope_number(w, item->scope, &number);

	if (err)
		return err;
	b = payload_of(w);
	put_u64(&b, number);
	put_at(w, &b, item->at_ns);
	w->scopes[number].verdict[0] = '\0';
	return send(w, item->kind, &b);
}

void trace_put_begin(struct trace_writer *w, const struct trace_scope *scope, uint64_t at_ns)
{
	put_item(w,
		 &(struct item){
			 .send = send_moment, .kind = TRACE_BEGIN, .scope = scope, .at_ns = at_ns});
}

void trace_put_end(struct trace_writer *w, const struct trace_scope *scope, uint64_t at_ns)
{
	put_item(w,
		 &(struct item){
			 .send = send_moment, .kind = TRACE_END, .scope = scope, .at_ns = at_ns});
}

static int send_sample(struct trace_writer *w, const struct item *item)
{
	uint64_t values[1 + SAMPLE_FIELDS_COUNT] = {item->sample->has}, mask = 0;
	struct scope *scope;
	struct bytes b;
	size_t number;
	int err = scope_number(w, item->scope, &number);

	if (err)
		return err;
	scope = &w->scopes[number];
	for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++)
		values[i + 1] = sample_get(item->sample, &sample_fields[i]);
	for (size_t i = 0; i < 1 + SAMPLE_FIELDS_COUNT; i++)
		if (values[i] != scope->values[i] + scope->steps[i])
			mask |= 1ULL << i;
	b = payload_of(w);
	put_u64(&b, number);
	put_u64(&b, mask);
	for (size_t i = 0; i < 1 + SAMPLE_FIELDS_COUNT; i++) {
		enum field_kind kind = i ? sample_fields[i - 1].kind : FIELD_LEVEL;
		uint64_t expected = scope->values[i] + scope->steps[i];

		if (!(mask & 1ULL << i))
			;
		else if (kind != FIELD_BYTES)
			put_difference(&b, expected, values[i]);
		else if (!put_bytes_difference(&b, expected, values[i]))
			return -ERANGE;
		if (kind == FIELD_COUNTER && scope->sampled)
			scope->steps[i] = values[i] - scope->values[i];
	}
	memcpy(scope->values, values, sizeof(values));
	scope->sampled = true;
	return send(w, TRACE_SAMPLE, &b);
}

void trace_put_sample(struct trace_writer *w, const struct trace_scope *scope,
		      const struct sample *sample)
{
	put_item(w, &(struct item){.send = send_sample, .scope = scope, .sample = sample});
}

static int send_did(struct trace_writer *w, const struct item *item)
{
	const struct trace_did *did = item->did;
	struct bytes b;
	size_t number;
	int err = scope_number(w, item->scope, &number);

	if (err)
		return err;
	if (did->what == TRACE_VERDICT) {
		struct scope *scope = &w->scopes[number];

		if (!strncmp(scope->verdict, did->text, sizeof(scope->verdict) - 1))
			return 0;
		strncpy(scope->verdict, did->text, sizeof(scope->verdict) - 1);
	}
	b = payload_of(w);
	put_u64(&b, number);
	put_at(w, &b, did->at_ns);
	put_u64(&b, did->what);
	put_u64(&b, did->incident);
	put_u64(&b, (uint64_t)did->pid);
	put_u64(&b, did->start_boot_ns);
	put_u64(&b, did->bytes);
	put_u64(&b, did->dry_run);
	put_u64(&b, did->waits);
	put_word(&b, did->comm);
	put_word(&b, did->text);
	return send(w, TRACE_DID, &b);
}

void trace_put_did(struct trace_writer *w, const struct trace_scope *scope,
		   const struct trace_did *did)
{
	put_item(w, &(struct item){.send = send_did, .scope = scope, .did = did});
}

/* The slot of the process, or the free one where it belongs. */
static uint16_t *process_home(struct trace_writer *w, int pid, uint64_t start_boot_ns)
{
	const size_t n = sizeof(w->homes) / sizeof(w->homes[0]);
	size_t at = ((start_boot_ns ^ (uint64_t)pid) * 0x9e3779b97f4a7c15ULL) >> 51;

	for (;; at = (at + 1) % n) {
		const struct process *process;

		if (!w->homes[at])
			return &w->homes[at];
		process = &w->processes[w->homes[at] - 1];
		if (process->pid == pid && process->start_boot_ns == start_boot_ns)
			return &w->homes[at];
	}
}

/* The number of a process; of a new one also what identifies it. */
static struct process *put_identity(struct trace_writer *w, struct bytes *b, int pid,
				    uint64_t start_boot_ns)
{
	uint16_t *home = process_home(w, pid, start_boot_ns);
	bool fresh = !*home;

	if (fresh) {
		w->processes[w->process_count++] =
			(struct process){.pid = pid, .start_boot_ns = start_boot_ns};
		*home = (uint16_t)w->process_count;
	}
	put_u64(b, *home - 1U);
	if (fresh) {
		put_u64(b, (uint64_t)pid);
		put_u64(b, start_boot_ns);
	}
	return &w->processes[*home - 1];
}

_Static_assert(2 * PROCESSES_MAX == 1 << (64 - 51), "the hash has as many values as places");

/* The texts that may be unknown (NULL), in the order of the format. */
static void texts_of(const struct candidate *c, const char *ret[TRACE_TEXTS_])
{
	ret[TRACE_CMDLINE] = c->cmdline;
	ret[TRACE_EXE] = c->exe;
	ret[TRACE_CGROUP] = c->cgroup;
	ret[TRACE_POD] = c->pod;
	ret[TRACE_POD_UID] = c->pod_uid;
	ret[TRACE_NAMESPACE] = c->namespace;
	ret[TRACE_CONTAINER] = c->container;
	for (int i = TRACE_CMDLINE + 1; i < TRACE_TEXTS_; i++)
		if (ret[i] && strlen(ret[i]) > NAME_MAX_BYTES)
			ret[i] = NULL;
}

static size_t text_len(const struct candidate *c, int which, const char *text)
{
	size_t len = which == TRACE_CMDLINE ? c->cmdline_len : strlen(text);

	return len < TEXT_MAX ? len : TEXT_MAX;
}

static uint32_t text_crc(const struct candidate *c)
{
	const char *texts[TRACE_TEXTS_];
	uLong crc = crc32(0, (const unsigned char *)c->comm, (unsigned)strlen(c->comm));

	texts_of(c, texts);
	for (int i = 0; i < TRACE_TEXTS_; i++) {
		const unsigned char mark = (unsigned char)(texts[i] ? i + 1 : 0);

		crc = crc32(crc, &mark, 1);
		if (texts[i])
			crc = crc32(crc, (const unsigned char *)texts[i],
				    (unsigned)text_len(c, i, texts[i]));
	}
	return (uint32_t)crc;
}

_Static_assert(CANDIDATE_SETS_MAX == 1 << 8, "a set has eight bits in a trace");

static void put_process(struct trace_writer *w, struct bytes *b, const struct candidate *c)
{
	uint64_t values[TRACE_VALUES_] = {
		[TRACE_MEMCG] = c->memcg_id,
		[TRACE_ANON] = c->anon_bytes,
		[TRACE_SHMEM] = c->shmem_bytes,
		[TRACE_FILE] = c->file_bytes,
		[TRACE_SWAP] = c->swap_bytes,
		[TRACE_PGTABLES] = c->pgtables_bytes,
		[TRACE_GROWTH] = c->growth_bytes,
		[TRACE_ADJ] = (uint64_t)(int64_t)c->oom_score_adj,
		[TRACE_UID] = c->uid,
		[TRACE_PARENT] = (uint64_t)c->parent_pid,
		[TRACE_THREADS] = c->threads,
		[TRACE_KTHREAD] = c->kernel_thread,
		[TRACE_GROUP] = (uint64_t)c->group,
		[TRACE_SESSION] = (uint64_t)c->session,
		[TRACE_PLACE] = c->place,
		[TRACE_QOS] = c->qos,
		[TRACE_POD_BYTES] = c->pod_bytes,
		[TRACE_POD_REQUESTS] = c->pod_requests,
		[TRACE_FLAGS] = (c->init ? TRACE_FLAG_INIT : 0U) |
				(c->oom_group ? TRACE_FLAG_OOM_GROUP : 0U) |
				(c->shares_known ? TRACE_FLAG_SHARES_KNOWN : 0U),
		[TRACE_MM] = c->mm,
		[TRACE_LOCKED_FILE] = c->locked_file_bytes,
	};
	struct process *process = put_identity(w, b, c->pid, c->start_boot_ns);
	uint32_t crc = text_crc(c);
	uint64_t mask = 0;

	for (size_t i = 0; i < CANDIDATE_SHARES; i++) {
		const struct candidate_share *share = &c->shares[i];

		values[TRACE_SHARES + 2 * i] = share->bytes;
		values[TRACE_SHARES + 2 * i + 1] = (uint64_t)share->holders << 8 | share->set;
	}
	for (int i = 0; i < TRACE_VALUES_; i++)
		if (process->values[i] != values[i])
			mask |= 1ULL << i;
	if (!process->has_text || process->text_crc != crc)
		mask |= 1ULL << TRACE_TEXT_BIT;
	put_u64(b, mask);
	for (int i = 0; i < TRACE_VALUES_; i++)
		if (mask & 1ULL << i)
			put_difference(b, process->values[i], values[i]);
	if (mask & 1ULL << TRACE_TEXT_BIT) {
		const char *texts[TRACE_TEXTS_];

		put_word(b, c->comm);
		texts_of(c, texts);
		for (int i = 0; i < TRACE_TEXTS_; i++) {
			put_byte(b, texts[i] != NULL);
			if (texts[i])
				put_text(b, texts[i], text_len(c, i, texts[i]));
		}
	}
	memcpy(process->values, values, sizeof(values));
	process->text_crc = crc;
	process->has_text = true;
}

static void put_span(struct trace_writer *w, struct bytes *b, const struct process_span *span)
{
	uint64_t values[TRACE_SPAN_VALUES_] = {
		[TRACE_SPAN_LOST] = span->lost_ns,
		[TRACE_SPAN_RUN] = span->run_ns,
		[TRACE_SPAN_FAULT_SYS] = span->fault_sys_ns,
		[TRACE_SPAN_UNPRODUCTIVE] = span->unproductive_ns,
		[TRACE_SPAN_BLOCKED] = span->blocked_ns,
		[TRACE_SPAN_ADDED] = span->added_pages,
		[TRACE_SPAN_SWAPINS] = span->swapins,
		[TRACE_SPAN_SAMPLES] = span->samples,
	};
	uint64_t mask = 0;

	memcpy(&values[TRACE_SPAN_REFAULTS], span->refaults, sizeof(span->refaults));
	memcpy(&values[TRACE_SPAN_WORKINGSET], span->workingset, sizeof(span->workingset));
	for (int i = 0; i < TRACE_SPAN_VALUES_; i++)
		mask |= (uint64_t)(values[i] != 0) << i;
	(void)put_identity(w, b, span->pid, span->start_boot_ns);
	put_u64(b, mask);
	for (int i = 0; i < TRACE_SPAN_VALUES_; i++)
		if (values[i])
			put_u64(b, values[i]);
}

_Static_assert(sizeof(((struct process_span *)0)->refaults) ==
		       (TRACE_SPAN_WORKINGSET - TRACE_SPAN_REFAULTS) * sizeof(uint64_t),
	       "the format has as many distances");

/* The most bytes of a span: every value, of up to ten bytes. */
#define SPAN_MOST (10 * (TRACE_SPAN_VALUES_ + 4))

/* As many as fit; how many that are is *item->taken. */
static int send_spans(struct trace_writer *w, const struct item *item)
{
	unsigned char entries[TRACE_FRAME_MAX - 64];
	struct bytes list = {.data = entries, .size = sizeof(entries)}, b;
	size_t number, n = 0;
	int err;

	if (w->process_count + 256 > PROCESSES_MAX)
		trace_writer_anew(w);
	err = scope_number(w, item->scope, &number);
	if (err)
		return err;
	while (n < item->count && n < 256 && list.len + SPAN_MOST <= list.size)
		put_span(w, &list, &item->spans[n++]);
	b = payload_of(w);
	put_u64(&b, number);
	put_u64(&b, n);
	if (list.full || list.len > b.size - b.len)
		return -EMSGSIZE;
	memcpy(b.data + b.len, list.data, list.len);
	b.len += list.len;
	*item->taken = n;
	return send(w, TRACE_SPANS, &b);
}

void trace_put_spans(struct trace_writer *w, const struct trace_scope *scope,
		     const struct process_span *spans, size_t count)
{
	size_t taken;

	for (; count; spans += taken, count -= taken)
		if (!put_item(w, &(struct item){.send = send_spans,
						.scope = scope,
						.spans = spans,
						.count = count,
						.taken = &taken}))
			return;
}

/* As many as fit; how many that are is *item->taken. */
static int send_part(struct trace_writer *w, const struct item *item)
{
	unsigned char entries[LIST_PART + PROCESS_MOST];
	struct bytes list = {.data = entries, .size = sizeof(entries)}, b;
	size_t number, n = 0;
	int err;

	if (w->process_count + 256 > PROCESSES_MAX)
		trace_writer_anew(w);
	err = scope_number(w, item->scope, &number);
	if (err)
		return err;
	while (n < item->count && n < 256 && list.len < LIST_PART) {
		put_process(w, &list,
			    item->members ? item->members[n].candidate : &item->candidates[n]);
		n++;
	}
	b = payload_of(w);
	put_u64(&b, number);
	put_at(w, &b, item->at_ns);
	put_u64(&b, (item->first ? TRACE_LIST_FIRST : 0U) |
			    (n == item->count ? TRACE_LIST_LAST : 0U) |
			    (item->members ? TRACE_LIST_MEMBERS : 0U));
	put_u64(&b, n);
	if (list.full || list.len > b.size - b.len)
		return -EMSGSIZE;
	memcpy(b.data + b.len, list.data, list.len);
	b.len += list.len;
	*item->taken = n;
	return send(w, TRACE_LIST, &b);
}

static void put_list(struct trace_writer *w, struct item item)
{
	size_t left = item.count, taken;

	item.send = send_part;
	item.first = true;
	item.taken = &taken;
	do {
		item.count = left;
		if (!put_item(w, &item))
			return;
		left -= taken;
		item.first = false;
		if (item.members)
			item.members += taken;
		else
			item.candidates += taken;
	} while (left);
}

void trace_put_list(struct trace_writer *w, const struct trace_scope *scope, uint64_t at_ns,
		    const struct candidate *candidates, size_t count)
{
	put_list(w,
		 (struct item){
			 .scope = scope, .at_ns = at_ns, .candidates = candidates, .count = count});
}

void trace_put_members(struct trace_writer *w, const struct trace_scope *scope, uint64_t at_ns,
		       const struct victim *members, size_t count)
{
	put_list(w,
		 (struct item){.scope = scope, .at_ns = at_ns, .members = members, .count = count});
}

static int send_names(struct trace_writer *w, const struct item *item)
{
	const char *const texts[] = {item->names->pod, item->names->namespace,
				     item->names->container};
	uLong crc = crc32(0, NULL, 0);
	struct bytes b;
	size_t number;
	int err = scope_number(w, item->scope, &number);

	if (err)
		return err;
	b = payload_of(w);
	put_u64(&b, number);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put_byte(&b, texts[i] != NULL);
		if (texts[i])
			put_word(&b, texts[i]);
	}
	crc = crc32(crc, b.data, (unsigned)b.len) | 1; /* 0 means none */
	if (w->scopes[number].names_crc == crc)
		return 0;
	w->scopes[number].names_crc = (uint32_t)crc;
	return send(w, TRACE_NAMES, &b);
}

void trace_put_names(struct trace_writer *w, const struct trace_scope *scope,
		     const struct trace_names *names)
{
	put_item(w, &(struct item){.send = send_names, .scope = scope, .names = names});
}

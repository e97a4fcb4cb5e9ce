// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/trace_read.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/util.h"
#include "judge/candidate.h"
#include "judge/fields.h"
#include "judge/process.h"

#define ERROR_MAX 256
#define TEXT_MAX  4096

/* A payload; bad: it ends too early, or a value is out of range. */
struct cursor {
	const unsigned char *data;
	size_t len;
	size_t at;
	bool bad;
};

struct scope {
	enum trace_scope_kind kind;
	uint64_t id;
	char *path;
	bool sampled;
	uint64_t values[1 + TRACE_FIELDS_MAX]; /* presence, then the fields of the file */
	uint64_t steps[1 + TRACE_FIELDS_MAX];
};

struct process {
	int pid;
	uint64_t start_boot_ns;
	uint64_t values[TRACE_VALUES_];
	char comm[64];
	char *texts[TRACE_TEXTS_]; /* NULL: not known */
};

struct text {
	char comm[64];
	char *texts[TRACE_TEXTS_];
};

struct trace_reader {
	const unsigned char *data;
	size_t len;
	size_t at; /* of the next frame */
	bool cut;
	int err;
	char error[ERROR_MAX];

	bool has_head;
	struct trace_head head;
	struct trace_config *configs;
	size_t config_count;
	size_t field_count;			     /* of the file */
	enum field_kind kinds[1 + TRACE_FIELDS_MAX]; /* as the values of a scope */
	int locals[TRACE_FIELDS_MAX]; /* for each field of the file: our field, or -1 */
	uint32_t has_bits[32];	      /* for each of our presence bits: the bit of the file, or 0 */
	uint64_t lost;

	uint64_t at_ns;
	struct scope *scopes;
	size_t scope_count, scope_room;
	struct process *processes;
	size_t process_count, process_room;
	struct candidate *list;
	struct text *texts; /* of the list, which can be longer than the table of processes */
	size_t list_count, list_room, text_room;
	bool list_open;
	struct {
		enum trace_scope_kind kind;
		uint64_t id;
	} list_scope;
	struct process_span *spans; /* of the next sample of span_scope */
	size_t span_count, span_room;
	size_t span_scope; /* its number */
	char *did_comm;
	char *did_text;
	char *names[3];
};

static __attribute__((format(printf, 3, 4))) int fail(struct trace_reader *r, size_t offset,
						      const char *format, ...)
{
	char what[ERROR_MAX - 32];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(r->error, sizeof(r->error), "offset %zu: %s", offset, what);
	r->err = -EBADMSG;
	return r->err;
}

static int no_memory(struct trace_reader *r)
{
	snprintf(r->error, sizeof(r->error), "out of memory");
	r->err = -ENOMEM;
	return r->err;
}

static uint64_t get_u64(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned byte;

		if (c->at == c->len)
			break;
		byte = c->data[c->at++];
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	c->bad = true;
	c->at = c->len;
	return 0;
}

static uint64_t get_max(struct cursor *c, uint64_t max)
{
	uint64_t value = get_u64(c);

	if (value > max)
		c->bad = true;
	return value > max ? 0 : value;
}

static uint64_t get_difference(struct cursor *c, uint64_t from)
{
	uint64_t zigzag = get_u64(c);

	return from + ((zigzag >> 1) ^ (uint64_t) - (int64_t)(zigzag & 1));
}

static uint64_t get_bytes_difference(struct cursor *c, uint64_t from)
{
	uint64_t number = get_u64(c), zigzag = number >> 1;
	uint64_t by = (zigzag >> 1) ^ (uint64_t) - (int64_t)(zigzag & 1);

	return from + (number & 1 ? by * TRACE_PAGE_BYTES : by);
}

/* A copy with a NUL; NULL: bad, or out of memory. */
static char *get_text(struct cursor *c, size_t max, size_t *ret_len)
{
	uint64_t len = get_u64(c);
	char *text;

	*ret_len = 0;
	if (c->bad || len > max || len > c->len - c->at) {
		c->bad = true;
		return NULL;
	}
	text = malloc(len + 1);
	if (!text) {
		c->bad = true;
		return NULL;
	}
	memcpy(text, c->data + c->at, len);
	text[len] = '\0';
	c->at += len;
	*ret_len = len;
	return text;
}

static void get_word(struct cursor *c, char *to, size_t size)
{
	uint64_t len = get_u64(c);

	to[0] = '\0';
	if (c->bad || len > c->len - c->at) {
		c->bad = true;
		return;
	}
	snprintf(to, size, "%.*s", (int)(len < size ? len : size - 1),
		 (const char *)c->data + c->at);
	c->at += len;
}

/* Makes room for one more element of @list. */
static bool grow(void *list, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? *room * 2 : 16;
	void *fresh;

	if (count < *room)
		return true;
	fresh = reallocarray(*(void **)list, more, size);
	if (!fresh)
		return false;
	*(void **)list = fresh;
	*room = more;
	return true;
}

static void free_texts(char *texts[TRACE_TEXTS_])
{
	for (int i = 0; i < TRACE_TEXTS_; i++) {
		free(texts[i]);
		texts[i] = NULL;
	}
}

static void forget(struct trace_reader *r)
{
	for (size_t i = 0; i < r->scope_count; i++)
		free(r->scopes[i].path);
	for (size_t i = 0; i < r->process_count; i++)
		free_texts(r->processes[i].texts);
	r->scope_count = r->process_count = r->span_count = 0;
	r->at_ns = 0;
}

static void forget_list(struct trace_reader *r)
{
	for (size_t i = 0; i < r->list_count; i++)
		free_texts(r->texts[i].texts);
	r->list_count = 0;
	r->list_open = false;
}

static void free_configs(struct trace_reader *r)
{
	for (size_t i = 0; i < r->config_count; i++) {
		free((char *)r->configs[i].name);
		free((char *)r->configs[i].text);
	}
	free(r->configs);
	r->configs = NULL;
	r->config_count = 0;
}

int trace_reader_new(struct trace_reader **ret, const void *bytes, size_t len)
{
	struct trace_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->data = bytes;
	r->len = len;
	*ret = r;
	return 0;
}

void trace_reader_free(struct trace_reader *r)
{
	if (!r)
		return;
	forget(r);
	forget_list(r);
	free(r->texts);
	free(r->scopes);
	free(r->processes);
	free(r->list);
	free(r->spans);
	free_configs(r);
	free(r->did_comm);
	free(r->did_text);
	for (size_t i = 0; i < ARRAY_SIZE(r->names); i++)
		free(r->names[i]);
	free(r);
}

const char *trace_reader_error(const struct trace_reader *r)
{
	return r->error;
}

size_t trace_reader_offset(const struct trace_reader *r)
{
	return r->at;
}

bool trace_reader_cut(const struct trace_reader *r)
{
	return r->cut;
}

uint64_t trace_reader_lost(const struct trace_reader *r)
{
	return r->lost;
}

uint32_t trace_reader_has(const struct trace_reader *r)
{
	uint32_t has = 0;

	for (unsigned bit = 0; bit < 32; bit++)
		if (r->has_bits[bit])
			has |= 1U << bit;
	return has;
}

struct file_field {
	char name[64];
	uint64_t width;
	uint64_t need;
};

/* Renamed fields: traces of older builds have the old names. */
static const char *current_name(const char *name)
{
	static const struct {
		const char *old;
		const char *current;
	} renamed[] = {
		{"eyes_error", "tracking_error"},
		{"halted_ns", "unproductive_ns"},
		{"near", "within_reach"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++)
		if (!strcmp(name, renamed[i].old))
			return renamed[i].current;
	return name;
}

/* Maps the fields and the presence bits of the file to ours. */
static int match_fields(struct trace_reader *r, size_t offset, const struct file_field *fields,
			size_t n)
{
	uint32_t broken = 0;

	memset(r->has_bits, 0, sizeof(r->has_bits));
	for (size_t i = 0; i < n; i++)
		r->locals[i] = -1;
	for (size_t ours = 0; ours < SAMPLE_FIELDS_COUNT; ours++) {
		const struct sample_field *field = &sample_fields[ours];
		bool found = false;

		for (size_t i = 0; i < n && !found; i++) {
			if (strcmp(current_name(fields[i].name), field->name) ||
			    fields[i].width != field->width || !fields[i].need != !field->need)
				continue;
			found = true;
			r->locals[i] = (int)ours;
			for (unsigned bit = 0; bit < 32; bit++) {
				if (field->need != 1U << bit)
					continue;
				if (r->has_bits[bit] && r->has_bits[bit] != fields[i].need)
					broken |= field->need;
				r->has_bits[bit] = (uint32_t)fields[i].need;
			}
		}
		if (!found && !field->need)
			return fail(r, offset, "the samples have no field %s", field->name);
		if (!found)
			broken |= field->need;
	}
	for (unsigned bit = 0; bit < 32; bit++)
		if (broken & 1U << bit)
			r->has_bits[bit] = 0;
	return 0;
}

/* Version 1 has one file; without a name it is the built-in configuration. */
static bool read_configs(struct trace_reader *r, struct cursor *c, uint32_t version)
{
	size_t n = version == 1 ? 1 : get_max(c, TRACE_CONFIGS_MAX), len;

	free_configs(r);
	r->configs = calloc(n + 1, sizeof(*r->configs));
	if (!r->configs)
		return false;
	for (size_t i = 0; i < n && !c->bad; i++) {
		struct trace_config *config = &r->configs[r->config_count++];

		config->name = get_text(c, TEXT_MAX, &len);
		if (!c->bad)
			config->text = get_text(c, SIZE_MAX - 1, &config->len);
	}
	if (!c->bad && version == 1 && !*r->configs[0].name)
		free_configs(r);
	return !c->bad;
}

static int read_head(struct trace_reader *r, size_t offset, struct cursor *c)
{
	struct file_field fields[TRACE_FIELDS_MAX];
	struct trace_head head = {0};
	size_t n;
	int err;

	head.version = (uint32_t)get_max(c, UINT32_MAX);
	if (!c->bad && (head.version < 1 || head.version > TRACE_VERSION))
		return fail(r, offset,
			    "a trace of format version %u; this build reads versions 1 to %d",
			    head.version, TRACE_VERSION);
	head.abi = (uint32_t)get_max(c, UINT32_MAX);
	head.wall_ns = get_u64(c);
	head.mono_ns = get_u64(c);
	head.ram_bytes = get_u64(c);
	head.cpus = (uint32_t)get_max(c, UINT32_MAX);
	head.cgroup_version = (uint32_t)get_max(c, UINT32_MAX);
	head.page_bytes = get_u64(c);
	head.self_pid = get_u64(c);
	head.dry_run = get_max(c, 1);
	get_word(c, head.release, sizeof(head.release));
	n = get_max(c, TRACE_FIELDS_MAX);
	for (size_t i = 0; i < n; i++) {
		get_word(c, fields[i].name, sizeof(fields[i].name));
		fields[i].width = get_u64(c);
		fields[i].need = get_max(c, UINT32_MAX);
		r->kinds[1 + i] = (enum field_kind)get_max(c, FIELD_KINDS_ - 1);
	}
	if (c->bad)
		return fail(r, offset, "the head cannot be read");
	if (!read_configs(r, c, head.version))
		return fail(r, offset, "the configuration in the head cannot be read");
	head.configs = r->configs;
	head.config_count = r->config_count;
	err = match_fields(r, offset, fields, n);
	if (err)
		return err;
	forget(r);
	forget_list(r);
	r->field_count = n;
	r->head = head;
	r->has_head = true;
	r->lost = 0;
	return 0;
}

static struct scope *get_scope(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	size_t number = get_u64(c);
	struct scope *scope;

	if (c->bad || number >= r->scope_count) {
		c->bad = true;
		return NULL;
	}
	scope = &r->scopes[number];
	item->scope = (struct trace_scope){scope->kind, scope->id, scope->path};
	return scope;
}

static void get_at(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	r->at_ns = get_difference(c, r->at_ns);
	item->at_ns = r->at_ns;
}

static int read_scope(struct trace_reader *r, struct cursor *c)
{
	struct scope scope = {0};
	size_t len;

	if (get_u64(c) != r->scope_count)
		c->bad = true;
	scope.kind = (enum trace_scope_kind)get_max(c, TRACE_SCOPE_CGROUP);
	scope.id = get_u64(c);
	scope.path = get_text(c, TEXT_MAX, &len);
	if (c->bad) {
		free(scope.path);
		return 0;
	}
	if (!grow(&r->scopes, &r->scope_room, r->scope_count, sizeof(scope))) {
		free(scope.path);
		return no_memory(r);
	}
	r->scopes[r->scope_count++] = scope;
	return 0;
}

static void read_sample(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	struct scope *scope = get_scope(r, c, item);
	uint64_t mask = get_u64(c);

	if (c->bad)
		return;
	for (size_t i = 0; i < 1 + r->field_count; i++) {
		uint64_t value = scope->values[i] + scope->steps[i];

		if (mask & 1ULL << i)
			value = r->kinds[i] == FIELD_BYTES ? get_bytes_difference(c, value)
							   : get_difference(c, value);
		if (r->kinds[i] == FIELD_COUNTER && scope->sampled)
			scope->steps[i] = value - scope->values[i];
		scope->values[i] = value;
	}
	scope->sampled = true;
	if (r->field_count < 63 && mask >> (1 + r->field_count))
		c->bad = true;
	item->sample = (struct sample){0};
	for (unsigned bit = 0; bit < 32; bit++)
		if (r->has_bits[bit] & scope->values[0])
			item->sample.has |= 1U << bit;
	for (size_t i = 0; i < r->field_count; i++) {
		const struct sample_field *field;

		if (r->locals[i] < 0)
			continue;
		field = &sample_fields[r->locals[i]];
		if (!field->need || (field->need & item->sample.has))
			sample_set(&item->sample, field, scope->values[1 + i]);
	}
	item->at_ns = item->sample.at_ns;
	if (r->span_scope == (size_t)(scope - r->scopes)) {
		item->spans = r->spans;
		item->span_count = r->span_count;
	}
	r->span_count = 0;
}

/* The bit of the texts in the version of the file: it follows the values. */
static int value_count(const struct trace_reader *r)
{
	return r->head.version == 1  ? TRACE_VALUES_1_
	       : r->head.version < 4 ? TRACE_VALUES_2_
				     : TRACE_VALUES_;
}

static void read_texts(struct trace_reader *r, struct cursor *c, struct process *process)
{
	const int n = r->head.version == 1 ? TRACE_CMDLINE + 1 : TRACE_TEXTS_;
	size_t len;

	get_word(c, process->comm, sizeof(process->comm));
	free_texts(process->texts);
	for (int i = 0; i < n && !c->bad; i++)
		if (get_max(c, 1) && !c->bad)
			process->texts[i] = get_text(c, TEXT_MAX, &len);
}

static bool copy_texts(struct text *to, const struct process *from)
{
	bool copied = true;

	memcpy(to->comm, from->comm, sizeof(to->comm));
	for (int i = 0; i < TRACE_TEXTS_; i++) {
		to->texts[i] = from->texts[i] ? strdup(from->texts[i]) : NULL;
		copied &= !from->texts[i] == !to->texts[i];
	}
	return copied;
}

/* The process that is meant, defined here if it is new; NULL: the frame is bad. */
static int read_identity(struct trace_reader *r, struct cursor *c, struct process **ret)
{
	size_t number = get_u64(c);
	struct process *process;

	*ret = NULL;
	if (c->bad || number > r->process_count) {
		c->bad = true;
		return 0;
	}
	if (number == r->process_count) {
		if (!grow(&r->processes, &r->process_room, number, sizeof(*process)))
			return no_memory(r);
		process = &r->processes[number];
		*process = (struct process){.pid = (int)get_max(c, INT_MAX)};
		process->start_boot_ns = get_u64(c);
		r->process_count++;
	}
	*ret = &r->processes[number];
	return 0;
}

/* Adds to the spans of the scope's next sample. */
static int read_spans(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	const struct scope *scope = get_scope(r, c, item);
	uint64_t count = get_u64(c);

	if (c->bad)
		return 0;
	if (r->span_scope != (size_t)(scope - r->scopes))
		r->span_count = 0;
	r->span_scope = (size_t)(scope - r->scopes);
	for (uint64_t i = 0; i < count && !c->bad; i++) {
		uint64_t values[TRACE_SPAN_VALUES_] = {0}, mask;
		struct process *process;
		int err = read_identity(r, c, &process);

		if (err)
			return err;
		mask = get_max(c, (1ULL << TRACE_SPAN_VALUES_) - 1);
		for (int v = 0; v < TRACE_SPAN_VALUES_; v++)
			if (mask & 1ULL << v)
				values[v] = get_u64(c);
		if (c->bad)
			return 0;
		if (!grow(&r->spans, &r->span_room, r->span_count, sizeof(*r->spans)))
			return no_memory(r);
		r->spans[r->span_count] = (struct process_span){
			.start_boot_ns = process->start_boot_ns,
			.pid = process->pid,
			.lost_ns = values[TRACE_SPAN_LOST],
			.run_ns = values[TRACE_SPAN_RUN],
			.fault_sys_ns = values[TRACE_SPAN_FAULT_SYS],
			.unproductive_ns = values[TRACE_SPAN_UNPRODUCTIVE],
			.blocked_ns = values[TRACE_SPAN_BLOCKED],
			.added_pages = values[TRACE_SPAN_ADDED],
			.swapins = values[TRACE_SPAN_SWAPINS],
			.samples = values[TRACE_SPAN_SAMPLES],
		};
		memcpy(r->spans[r->span_count].refaults, &values[TRACE_SPAN_REFAULTS],
		       sizeof(r->spans[0].refaults));
		memcpy(r->spans[r->span_count].workingset, &values[TRACE_SPAN_WORKINGSET],
		       sizeof(r->spans[0].workingset));
		r->span_count++;
	}
	return 0;
}

static int read_process(struct trace_reader *r, struct cursor *c)
{
	struct process *process;
	struct candidate *candidate;
	struct text *text;
	uint64_t mask;
	int err = read_identity(r, c, &process);

	if (err || !process)
		return err;
	mask = get_max(c, (1ULL << (value_count(r) + 1)) - 1);
	for (int i = 0; i < value_count(r); i++)
		if (mask & 1ULL << i)
			process->values[i] = get_difference(c, process->values[i]);
	if (mask & 1ULL << value_count(r))
		read_texts(r, c, process);
	if (c->bad)
		return 0;
	if (!r->list_open)
		return 0;
	if (!grow(&r->list, &r->list_room, r->list_count, sizeof(*candidate)) ||
	    !grow(&r->texts, &r->text_room, r->list_count, sizeof(*text)))
		return no_memory(r);
	text = &r->texts[r->list_count];
	if (process->values[TRACE_PLACE] > PLACE_RUNTIME ||
	    process->values[TRACE_QOS] >= QOS_MAX_) {
		c->bad = true;
		return 0;
	}
	candidate = &r->list[r->list_count++];
	if (!copy_texts(text, process))
		return no_memory(r);
	*candidate = (struct candidate){
		.start_boot_ns = process->start_boot_ns,
		.memcg_id = process->values[TRACE_MEMCG],
		.anon_bytes = process->values[TRACE_ANON],
		.shmem_bytes = process->values[TRACE_SHMEM],
		.file_bytes = process->values[TRACE_FILE],
		.swap_bytes = process->values[TRACE_SWAP],
		.pgtables_bytes = process->values[TRACE_PGTABLES],
		.growth_bytes = process->values[TRACE_GROWTH],
		.pid = process->pid,
		.parent_pid = (int)process->values[TRACE_PARENT],
		.uid = (uint32_t)process->values[TRACE_UID],
		.threads = (uint32_t)process->values[TRACE_THREADS],
		.oom_score_adj = (int)(int64_t)process->values[TRACE_ADJ],
		.kernel_thread = process->values[TRACE_KTHREAD] != 0,
		.group = (int)process->values[TRACE_GROUP],
		.session = (int)process->values[TRACE_SESSION],
		.place = (enum place)process->values[TRACE_PLACE],
		.qos = (enum qos)process->values[TRACE_QOS],
		.pod_bytes = process->values[TRACE_POD_BYTES],
		.pod_requests = (uint32_t)process->values[TRACE_POD_REQUESTS],
		.init = process->values[TRACE_FLAGS] & TRACE_FLAG_INIT,
		.oom_group = process->values[TRACE_FLAGS] & TRACE_FLAG_OOM_GROUP,
		.shares_known = process->values[TRACE_FLAGS] & TRACE_FLAG_SHARES_KNOWN,
		.mm = process->values[TRACE_MM],
		.locked_file_bytes = process->values[TRACE_LOCKED_FILE],
	};
	for (size_t i = 0; i < CANDIDATE_SHARES; i++) {
		uint64_t set = process->values[TRACE_SHARES + 2 * i + 1];

		candidate->shares[i] = (struct candidate_share){
			.bytes = process->values[TRACE_SHARES + 2 * i],
			.set = set & (CANDIDATE_SETS_MAX - 1),
			.holders = (uint32_t)(set >> 8),
		};
	}
	return 0;
}

/* 1: the list is complete. */
static int read_list(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	struct scope *scope = get_scope(r, c, item);
	uint64_t bits, count;
	int err;

	get_at(r, c, item);
	bits = get_max(c, TRACE_LIST_FIRST | TRACE_LIST_LAST | TRACE_LIST_MEMBERS);
	count = get_u64(c);
	if (c->bad)
		return 0;
	if (bits & TRACE_LIST_FIRST) {
		forget_list(r);
		r->list_open = true;
		r->list_scope.kind = scope->kind;
		r->list_scope.id = scope->id;
	} else if (r->list_scope.kind != scope->kind || r->list_scope.id != scope->id) {
		r->list_open = false;
	}
	/* the first parts of this list are not in the file: only learn the processes */
	for (uint64_t i = 0; i < count && !c->bad; i++) {
		err = read_process(r, c);
		if (err)
			return err;
	}
	if (c->bad || !r->list_open || !(bits & TRACE_LIST_LAST))
		return 0;
	r->list_open = false;
	/* set the strings at the end: the table of texts can move while it grows */
	for (size_t i = 0; i < r->list_count; i++) {
		struct candidate *candidate = &r->list[i];
		char **texts = r->texts[i].texts;

		candidate->comm = r->texts[i].comm;
		candidate->cmdline = texts[TRACE_CMDLINE];
		candidate->cmdline_len = texts[TRACE_CMDLINE] ? strlen(texts[TRACE_CMDLINE]) : 0;
		candidate->exe = texts[TRACE_EXE];
		candidate->cgroup = texts[TRACE_CGROUP];
		candidate->pod = texts[TRACE_POD];
		candidate->pod_uid = texts[TRACE_POD_UID];
		candidate->namespace = texts[TRACE_NAMESPACE];
		candidate->container = texts[TRACE_CONTAINER];
	}
	item->members = bits & TRACE_LIST_MEMBERS;
	item->candidates = r->list;
	item->count = r->list_count;
	return 1;
}

static void read_did(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	struct trace_did *did = &item->did;
	size_t len;

	get_scope(r, c, item);
	get_at(r, c, item);
	did->at_ns = item->at_ns;
	did->what = (enum trace_what)get_max(c, TRACE_WHATS_ - 1);
	if (!did->what)
		c->bad = true;
	did->incident = get_u64(c);
	did->pid = (int)get_max(c, INT_MAX);
	did->start_boot_ns = get_u64(c);
	did->bytes = get_u64(c);
	did->dry_run = get_max(c, 1);
	did->waits = get_max(c, 1);
	free(r->did_comm);
	free(r->did_text);
	r->did_comm = get_text(c, TEXT_MAX, &len);
	r->did_text = get_text(c, TEXT_MAX, &len);
	did->comm = r->did_comm;
	did->text = r->did_text;
}

static void read_names(struct trace_reader *r, struct cursor *c, struct trace_item *item)
{
	size_t len;

	get_scope(r, c, item);
	item->at_ns = r->at_ns;
	for (size_t i = 0; i < ARRAY_SIZE(r->names); i++) {
		free(r->names[i]);
		r->names[i] = NULL;
		if (!c->bad && get_max(c, 1))
			r->names[i] = get_text(c, TEXT_MAX, &len);
	}
	item->names = (struct trace_names){r->names[0], r->names[1], r->names[2]};
}

/* The kind and the payload of the next frame. */
static int next_frame(struct trace_reader *r, enum trace_kind *ret_kind, struct cursor *ret)
{
	struct cursor c = {.data = r->data + r->at, .len = r->len - r->at};
	uint64_t len;
	uint32_t crc = 0;
	size_t before;

	*ret_kind = (enum trace_kind)c.data[c.at++];
	len = get_u64(&c);
	before = c.at;
	if (c.bad && r->len - r->at > 11)
		return fail(r, r->at, "the length of a frame is not a number");
	if (c.bad || len > c.len - before || c.len - before - len < 4) {
		/* a wrong length looks like a file that was cut off */
		r->cut = true;
		return fail(r, r->at,
			    "the file ends within a frame; everything before it is valid");
	}
	for (int i = 0; i < 4; i++)
		crc |= (uint32_t)c.data[before + len + (size_t)i] << 8 * i;
	if (crc !=
	    (uint32_t)crc32(crc32(0, c.data, (unsigned)before), c.data + before, (unsigned)len))
		return fail(r, r->at, "a frame is damaged: its checksum is wrong");
	*ret = (struct cursor){.data = c.data + before, .len = len};
	r->at += before + len + 4;
	return 0;
}

/* 1: @ret is an item; 0: the frame has none for the caller. */
static int read_frame(struct trace_reader *r, struct trace_item *ret)
{
	size_t offset = r->at;
	struct cursor c;
	int err, found = 1;

	err = next_frame(r, &ret->kind, &c);
	if (err)
		return err;
	if (!r->has_head && ret->kind != TRACE_HEAD)
		return fail(r, offset, "a frame before the head");
	switch (ret->kind) {
	case TRACE_HEAD:
		err = read_head(r, offset, &c);
		ret->head = &r->head;
		break;
	case TRACE_ANEW:
		forget(r);
		r->lost = get_u64(&c);
		found = 0;
		break;
	case TRACE_SCOPE:
		err = read_scope(r, &c);
		found = 0;
		break;
	case TRACE_BEGIN:
	case TRACE_END:
		get_scope(r, &c, ret);
		get_at(r, &c, ret);
		break;
	case TRACE_SAMPLE:
		read_sample(r, &c, ret);
		break;
	case TRACE_SPANS:
		err = read_spans(r, &c, ret);
		found = 0;
		break;
	case TRACE_LIST:
		err = read_list(r, &c, ret);
		found = err > 0;
		break;
	case TRACE_DID:
		read_did(r, &c, ret);
		break;
	case TRACE_NAMES:
		read_names(r, &c, ret);
		break;
	default:
		return fail(r, offset, "a frame of unknown kind %d", ret->kind);
	}
	if (err < 0)
		return err;
	if (c.bad || c.at != c.len) {
		r->at = offset;
		return fail(r, offset, "a frame of kind %d cannot be read", ret->kind);
	}
	return found;
}

int trace_next(struct trace_reader *r, struct trace_item *ret)
{
	int found = 0;

	if (r->err)
		return r->err;
	if (!r->at) {
		size_t known = r->len < TRACE_MAGIC_LEN ? r->len : TRACE_MAGIC_LEN;

		if (!known)
			return fail(r, 0, "the file is empty");
		if (memcmp(r->data, TRACE_MAGIC, known))
			return fail(r, 0, "this is not a trace of fastoom-bpf");
		r->cut = r->len <= TRACE_MAGIC_LEN;
		if (r->cut)
			return fail(r, 0, "the file ends before the trace begins");
		r->at = TRACE_MAGIC_LEN;
	}
	while (!found && r->at < r->len) {
		*ret = (struct trace_item){0};
		found = read_frame(r, ret);
	}
	return found;
}

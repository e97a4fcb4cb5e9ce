// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/units.h"
#include "base/util.h"
#include "client/event_text.h"
#include "client/top_daemon.h"
#include "judge/config.h"
#include "sense/pod_scope.h"
#include "judge/rules.h"
#include "sense/cgroup.h"
#include "sense/cgroup_tree.h"

/* Scopes of which the past is kept, before the past of removed cgroups is dropped. */
#define PASTS_MOST 8200
#define PASTS	   16384 /* slots of the hash table: a power of two, about twice as many */

/* What is kept of a scope between two refreshes. */
struct past {
	char *path; /* NULL: a free slot */
	uint64_t usage_bytes;
	int64_t at_ms;
	uint64_t serial;
	double growth;
	struct top_history history;
};

struct top_model {
	struct top_daemon *daemon;
	struct cgroup_host host;
	struct cgroup_tree *tree;
	struct node node;
	struct node_memory memory;
	struct cgroup_entry *const *entries;
	size_t entry_count;
	struct top_row *rows;
	struct top_row *all;
	size_t row_count, all_count;
	uint64_t serial;
	struct past *pasts;
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_mono_ns() / 1000000);
}

/* ---- rows ------------------------------------------------------------------------ */

/* The slot with this path, or the free one where it belongs. */
static struct past *find_past(struct top_model *model, const char *path)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t at;

	for (const char *p = path; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3ULL;
	for (at = hash % PASTS; model->pasts[at].path; at = (at + 1) % PASTS)
		if (!strcmp(model->pasts[at].path, path))
			break;
	return &model->pasts[at];
}

/* Drops the past of removed cgroups: the others are hashed into a new table. */
static void forget_pasts(struct top_model *model)
{
	struct past *old = model->pasts;
	size_t gone = 0, used = 0;

	for (size_t i = 0; i < PASTS; i++) {
		used += old[i].path != NULL;
		gone += old[i].path && old[i].serial != model->serial;
	}
	/* not at each refresh: only when half of them are removed, or the table fills up */
	if (!gone || (gone < used / 2 && used < PASTS_MOST))
		return;
	model->pasts = calloc(PASTS, sizeof(*model->pasts));
	if (!model->pasts) {
		model->pasts = old;
		return;
	}
	for (size_t i = 0; i < PASTS; i++) {
		if (old[i].path && old[i].serial == model->serial)
			*find_past(model, old[i].path) = old[i];
		else
			free(old[i].path);
	}
	free(old);
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static void begin_row(struct top_model *model, struct top_row *row, const char *path,
		      uint64_t usage_bytes, uint64_t limit_bytes)
{
	struct past *past = find_past(model, path);
	int64_t now = now_ms();

	*row = (struct top_row){
		.path = path,
		.depth = depth_of(path),
		.risk = NAN,
		.stall = NAN,
		.thrash = NAN,
		.lost = NAN,
		.level = NAN,
		.growth = NAN,
		.exhausted_s = NAN,
		.usage_bytes = usage_bytes,
		.limit_bytes = limit_bytes,
	};
	if (!past->path) {
		*past = (struct past){.path = strdup(path), .growth = NAN};
		if (!past->path)
			return;
	} else if (now > past->at_ms + 50) {
		past->growth = ((double)usage_bytes - (double)past->usage_bytes) * 1000 /
			       (double)(now - past->at_ms);
	}
	if (!past->at_ms || now > past->at_ms + 50) {
		past->at_ms = now;
		past->usage_bytes = usage_bytes;
	}
	past->serial = model->serial;
	row->growth = past->growth;
	row->history = &past->history;
}

static void remember(struct top_row *row)
{
	struct top_history *history = row->history;
	double share = !isnan(row->level) ? row->level
		       : row->limit_bytes != UINT64_MAX && row->limit_bytes
			       ? (double)row->usage_bytes / (double)row->limit_bytes
			       : NAN;

	if (!history)
		return;
	history->newest = (history->newest + 1) % TOP_HISTORY;
	history->percent[history->newest] =
		isnan(share) ? TOP_UNKNOWN : (uint8_t)(share > 1 ? 100 : share * 100);
	if (history->count < TOP_HISTORY)
		history->count++;
}

static void fill_hot(struct top_row *row, const json_t *scope)
{
	const json_t *slots = json_object_get(scope, "stall_slots");
	double pid = event_get_number(scope, "next_victim.pid", 0);
	char comm[64], size[UNITS_TEXT_MAX];
	const char *rule;

	row->hot = true;
	row->acts = json_is_true(json_object_get(scope, "acts"));
	row->dry_run = json_is_true(json_object_get(scope, "dry_run"));
	row->incident = json_is_true(json_object_get(scope, "incident"));
	row->risk = event_get_number(scope, "risk", NAN);
	row->stall = event_get_number(scope, "evidence.stall_tasks", NAN);
	row->thrash = event_get_number(scope, "evidence.thrash_tasks", NAN);
	row->lost = event_get_number(scope, "evidence.lost_share", NAN);
	row->level = event_get_number(scope, "evidence.level", row->level);
	row->growth = event_get_number(scope, "evidence.growth_bytes_per_s", row->growth);
	row->exhausted_s = event_get_number(scope, "evidence.exhausted_s", NAN);
	snprintf(row->policy, sizeof(row->policy), "%s", event_get_text(scope, "policy", ""));
	snprintf(row->verdict, sizeof(row->verdict), "%s, %s",
		 event_get_text(scope, "verdict", "?"), event_get_text(scope, "reason", "?"));
	row->in_pod = !strcmp(event_get_text(scope, "kind", ""), "pod");
	snprintf(row->pod, sizeof(row->pod), "%s", event_get_text(scope, "pod", ""));
	snprintf(row->namespace, sizeof(row->namespace), "%s",
		 event_get_text(scope, "namespace", ""));
	snprintf(row->container, sizeof(row->container), "%s",
		 event_get_text(scope, "container", ""));
	if (pid > 0) {
		rule = event_get_text(scope, "next_victim.rule", NULL);
		event_clean(comm, sizeof(comm), event_get_text(scope, "next_victim.comm", "?"));
		snprintf(row->next, sizeof(row->next), "%.15s[%.0f] %s%s%.30s", comm, pid,
			 units_format_bytes(size, sizeof(size),
					    (uint64_t)event_get_number(
						    scope, "next_victim.freeable_bytes", 0)),
			 rule ? ", " : "", rule ? rule : "");
	}
	for (size_t i = 0; i < TOP_SLOTS; i++) {
		const json_t *count = json_array_get(slots, i);

		row->slots[i] = count ? (uint64_t)json_integer_value(count) : 0;
	}
}

static int by_path(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Rows of the node and of all cgroups, in order of their paths. */
static void make_rows(struct top_model *model)
{
	const struct config *config = top_daemon_config(model->daemon);
	const json_t *scopes = json_object_get(top_daemon_snapshot(model->daemon), "scopes");
	const struct policy *policy = config ? rules_policy_node(config) : NULL;
	const json_t *scope;
	struct top_row *node = &model->all[0];
	size_t i;

	model->all_count = 1;
	begin_row(model, node, "", model->memory.total_bytes - model->memory.free_bytes,
		  model->memory.total_bytes);
	if ((model->memory.has & NODE_HAS_AVAILABLE) && model->memory.total_bytes)
		node->level =
			(double)node_held_bytes(&model->memory) / (double)model->memory.total_bytes;
	if (policy)
		snprintf(node->policy, sizeof(node->policy), "%s", policy->name);
	for (i = 0; i < model->entry_count; i++) {
		const struct cgroup_entry *entry = model->entries[i];

		begin_row(model, &model->all[model->all_count++], entry->path, entry->usage_bytes,
			  entry->limit_bytes);
	}
	qsort(model->all, model->all_count, sizeof(*model->all), by_path);
	json_array_foreach((json_t *)scopes, i, scope)
	{
		const struct top_row key = {.path = event_get_text(scope, "path", "")};
		struct top_row *row =
			bsearch(&key, model->all, model->all_count, sizeof(*model->all), by_path);

		if (row)
			fill_hot(row, scope);
	}
	for (i = 0; i < model->all_count; i++)
		remember(&model->all[i]);
	forget_pasts(model);
}

static double nan_last(double value)
{
	return isnan(value) ? -INFINITY : value;
}

static double sort_value(const struct top_row *row, enum top_sort sort)
{
	double use = row->limit_bytes == UINT64_MAX || !row->limit_bytes
			     ? -1
			     : (double)row->usage_bytes / (double)row->limit_bytes;

	switch (sort) {
	case TOP_SORT_RISK:
		/* those that do not reclaim have none: by how full they are */
		return isnan(row->risk) ? use - 2 + (row->hot ? 2 : 0) : row->risk + 2;
	case TOP_SORT_LEVEL:
		return isnan(row->level) ? use - 2 : row->level;
	case TOP_SORT_STALL:
		return nan_last(row->stall);
	case TOP_SORT_THRASH:
		return nan_last(row->thrash);
	case TOP_SORT_GROWTH:
		return nan_last(row->growth);
	default:
		return (double)row->usage_bytes;
	}
}

static const struct top_view *sort_view;

static int by_view(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = 0;

	if (!sort_view->tree && sort_view->sort != TOP_SORT_NAME) {
		double u = sort_value(x, sort_view->sort), v = sort_value(y, sort_view->sort);

		order = u < v ? 1 : u > v ? -1 : 0;
		if (!order)
			order = x->usage_bytes < y->usage_bytes	  ? 1
				: x->usage_bytes > y->usage_bytes ? -1
								  : 0;
	}
	if (!order)
		order = strcmp(x->path, y->path);
	return sort_view->reverse && !sort_view->tree ? -order : order;
}

char *top_row_name(char *buf, size_t size, const struct top_row *row)
{
	char pod[EVENT_SCOPE_MAX];

	if (*row->pod)
		return event_clean(
			buf, size,
			event_pod(pod, sizeof(pod), row->namespace, row->pod, row->container));
	return event_clean(buf, size, *row->path ? row->path : "node");
}

bool top_row_is_called(const struct top_row *row, const char *text)
{
	char name[EVENT_SCOPE_MAX];

	return strstr(*row->path ? row->path : "node", text) ||
	       strstr(top_row_name(name, sizeof(name), row), text);
}

static bool is_shown(const struct top_view *view, const struct top_row *row)
{
	if (*view->filter && !top_row_is_called(row, view->filter))
		return false;
	return !view->limited || row->hot || !*row->path || row->limit_bytes != UINT64_MAX;
}

void top_model_arrange(struct top_model *model, const struct top_view *view)
{
	model->row_count = 0;
	for (size_t i = 0; i < model->all_count; i++)
		if (is_shown(view, &model->all[i]))
			model->rows[model->row_count++] = model->all[i];
	sort_view = view;
	qsort(model->rows, model->row_count, sizeof(*model->rows), by_view);
}

void top_model_look(struct top_model *model, struct top_row *row)
{
	const struct config *config = top_daemon_config(model->daemon);
	struct cgroup_memory memory;
	struct cgroup cgroup;
	const struct policy *policy;

	if (!*row->path)
		return;
	if (!*row->policy && config) {
		struct scope_names names = scope_of_path(row->path);

		policy = rules_policy_cgroup(config, &names);
		if (policy)
			snprintf(row->policy, sizeof(row->policy), "%s", policy->name);
	}
	if (!isnan(row->level) || row->limit_bytes == UINT64_MAX || !row->limit_bytes ||
	    cgroup_open_path(&model->host, row->path, &cgroup))
		return;
	if (!cgroup_read(&model->host, &cgroup, &memory) &&
	    (memory.has & CGROUP_HAS_LEVEL) == CGROUP_HAS_LEVEL && memory.limit_bytes) {
		uint64_t swap_free =
			model->memory.has & NODE_HAS_SWAP
				? cgroup_swap_free_bytes(&memory, model->memory.swap_free_bytes)
				: 0;

		row->level =
			(double)cgroup_held_bytes(&memory, swap_free) / (double)memory.limit_bytes;
	}
	cgroup_close(&cgroup);
}

void top_model_refresh(struct top_model *model, const struct top_view *view)
{
	top_daemon_refresh(model->daemon);
	model->serial++;
	(void)node_read(&model->node, &model->memory);
	model->entry_count = 0;
	if (model->tree)
		(void)cgroup_tree_refresh(model->tree, &model->entries, &model->entry_count);
	make_rows(model);
	top_model_arrange(model, view);
}

/* ---- the rest ------------------------------------------------------------------------ */

int top_model_new(struct top_model **ret, const char *root, const char *socket_path,
		  unsigned interval_ms)
{
	struct top_model *model = calloc(1, sizeof(*model));
	int err;

	if (!model)
		return -ENOMEM;
	model->node = (struct node){-1, -1, -1};
	model->rows = calloc(CGROUP_TREE_MAX + 1, sizeof(*model->rows));
	model->all = calloc(CGROUP_TREE_MAX + 1, sizeof(*model->all));
	model->pasts = calloc(PASTS, sizeof(*model->pasts));
	err = model->rows && model->all && model->pasts
		      ? top_daemon_new(&model->daemon, socket_path, interval_ms)
		      : -ENOMEM;
	if (!err)
		err = node_open(&model->node, root);
	/* without a memory controller there is only the node */
	if (!err && !cgroup_host_open(&model->host, root))
		err = cgroup_tree_new(&model->tree, &model->host);
	if (err) {
		top_model_free(model);
		return err;
	}
	*ret = model;
	return 0;
}

void top_model_free(struct top_model *model)
{
	if (!model)
		return;
	top_daemon_free(model->daemon);
	cgroup_tree_free(model->tree);
	cgroup_host_close(&model->host);
	node_close(&model->node);
	for (size_t i = 0; model->pasts && i < PASTS; i++)
		free(model->pasts[i].path);
	free(model->pasts);
	free(model->rows);
	free(model->all);
	free(model);
}

struct top_daemon *top_model_daemon(const struct top_model *model)
{
	return model->daemon;
}

struct top_row *top_model_rows(struct top_model *model, size_t *ret_count)
{
	*ret_count = model->row_count;
	return model->rows;
}

const struct node_memory *top_model_node(const struct top_model *model)
{
	return &model->memory;
}

const char *top_model_mount(const struct top_model *model)
{
	return model->host.ops ? model->host.mount : "";
}

size_t top_model_omitted(const struct top_model *model)
{
	return model->tree ? cgroup_tree_omitted(model->tree) : 0;
}

const char *top_sort_name(enum top_sort sort)
{
	static const char *const names[] = {"risk",   "level", "stall", "thrash",
					    "growth", "usage", "name"};

	return names[sort];
}

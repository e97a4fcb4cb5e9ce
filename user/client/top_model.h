/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_model: the rows of top. The daemon's snapshot has the scopes that reclaim memory, the files
 * of /proc and of the cgroups have all others.
 *
 * Purity:    reads files and the daemon's socket; draws nothing.
 * Units:     in the names; NAN: not known.
 * Errors:    top_model_new(): 0 or -errno.
 * Ownership: top_model_new() gives, top_model_free() takes (NULL is fine); rows live until the
 *            next refresh.
 */
#ifndef FASTOOM_CLIENT_TOP_MODEL_H
#define FASTOOM_CLIENT_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sense/node.h"

#define TOP_HISTORY 120 /* points, one for each refresh */
#define TOP_SLOTS   20	/* of stall_slots in docs/status.schema.json */
#define TOP_UNKNOWN 255

struct top_history {
	uint8_t percent[TOP_HISTORY]; /* the level, or else usage of limit; or TOP_UNKNOWN */
	unsigned newest;
	unsigned count;
};

struct top_row {
	const char *path; /* "": the node */
	bool in_pod;
	char pod[256]; /* "": not known; so for the next two */
	char namespace[64];
	char container[64];
	unsigned depth;
	bool hot;      /* the daemon watches it now */
	bool acts;     /* false: its policy only warns */
	bool dry_run;  /* its policy sends no signal */
	bool incident; /* an action is under way */
	double risk;   /* 0..1 */
	double stall;  /* tasks */
	double thrash; /* tasks */
	double lost;   /* 0..1 */
	double level;  /* 0..1 */
	double growth; /* bytes/s */
	double exhausted_s;
	uint64_t usage_bytes;
	uint64_t limit_bytes; /* UINT64_MAX: none */
	char policy[66];
	char verdict[48];
	char next[96];
	uint64_t slots[TOP_SLOTS];
	struct top_history *history;
};

enum top_sort {
	TOP_SORT_RISK,
	TOP_SORT_LEVEL,
	TOP_SORT_STALL,
	TOP_SORT_THRASH,
	TOP_SORT_GROWTH,
	TOP_SORT_USAGE,
	TOP_SORT_NAME,
	TOP_SORTS_,
};

struct top_view {
	enum top_sort sort;
	bool reverse;
	bool tree;
	bool limited;	 /* only scopes with a limit, and those that reclaim */
	char filter[64]; /* only scopes whose name contains it; "": all */
};

struct top_daemon;
struct top_model;

/* @root: a folder with /proc and the cgroups, "": the host's own. For the rest see top_daemon. */
int top_model_new(struct top_model **ret, const char *root, const char *socket_path,
		  unsigned interval_ms);
void top_model_free(struct top_model *model);

/* Reads the files and the socket, and makes the rows of @view. */
void top_model_refresh(struct top_model *model, const struct top_view *view);
/* Filters and sorts the rows again, without reading anything. */
void top_model_arrange(struct top_model *model, const struct top_view *view);
/* Fills in the level of a scope that is not watched: it costs two files, so only visible rows. */
void top_model_look(struct top_model *model, struct top_row *row);

struct top_row *top_model_rows(struct top_model *model, size_t *ret_count);
/* NAMESPACE/POD or NAMESPACE/POD/CONTAINER for a pod, the path for a cgroup. Returns buf. */
char *top_row_name(char *buf, size_t size, const struct top_row *row);
/* Whether its name or its path contains @text. */
bool top_row_is_called(const struct top_row *row, const char *text);

struct top_daemon *top_model_daemon(const struct top_model *model);
const struct node_memory *top_model_node(const struct top_model *model);
/* Where the memory controller is mounted; "": there is none. */
const char *top_model_mount(const struct top_model *model);
/* Cgroups for which there is no room. */
size_t top_model_omitted(const struct top_model *model);

const char *top_sort_name(enum top_sort sort);

#endif /* FASTOOM_CLIENT_TOP_MODEL_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * top_model: what top shows, as rows: what the daemon says of the scopes that reclaim, and what
 * the files say of all the others. Draws nothing.
 *
 * Units:     as named; NAN: not known.
 * Errors:    top_model_new(): 0 or -errno. A daemon that is not there, or says nothing, is a
 *            sentence in `trouble`, and is looked for again.
 * Ownership: top_model_new() gives, top_model_free() takes; rows live until the next refresh.
 */
#ifndef FASTOOM_CLIENT_TOP_MODEL_H
#define FASTOOM_CLIENT_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sense/node.h"

#define TOP_HISTORY 120 /* points, one a refresh */
#define TOP_KILLS   16
#define TOP_SLOTS   20
#define TOP_UNKNOWN 255

struct top_history {
	uint8_t percent[TOP_HISTORY]; /* of the level, or the use; TOP_UNKNOWN */
	unsigned newest;
	unsigned count;
};

struct top_row {
	const char *path; /* "" for the node */
	bool in_pod;
	char pod[256]; /* "": not known; these three */
	char namespace[64];
	char container[64];
	unsigned depth;
	bool hot; /* the daemon watches it now */
	bool acts;
	bool incident;
	double risk;
	double stall; /* tasks */
	double thrash;
	double lost; /* 0..1 */
	double level;
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
	bool inverted;
	bool tree;
	bool limited;	 /* only scopes that have a limit, and those that reclaim */
	char filter[64]; /* only scopes whose name has it; "": all */
};

struct top_model;

/* @root: where /proc and the cgroups are, "" for the host's own. */
int top_model_new(struct top_model **ret, const char *root, const char *socket_path,
		  unsigned interval_ms);
void top_model_free(struct top_model *model);

/* The descriptor that says that the daemon spoke; -1: there is no connection. */
int top_model_fd(const struct top_model *model);
/* Takes in what the daemon said. */
void top_model_hear(struct top_model *model);
/* Reads the files, connects anew where that is needed, and makes the rows of @view. */
void top_model_refresh(struct top_model *model, const struct top_view *view);
/* The rows anew, of what is known. */
void top_model_arrange(struct top_model *model, const struct top_view *view);
/* The level of a scope that the daemon does not watch costs two files: only for who is seen. */
void top_model_look(struct top_model *model, struct top_row *row);

struct top_row *top_model_rows(struct top_model *model, size_t *ret_count);
/* A pod's scope is called NAMESPACE/POD or NAMESPACE/POD/CONTAINER; any other by its path. */
char *top_row_name(char *buf, size_t size, const struct top_row *row);
/* Whether its name or its path has @text. */
bool top_row_is_called(const struct top_row *row, const char *text);
const char *top_model_trouble(const struct top_model *model); /* "": none */
const struct node_memory *top_model_node(const struct top_model *model);
/* Of the daemon: "pid 12, eyes open"; "": not known. */
const char *top_model_daemon(const struct top_model *model);
/* The @back-th latest kill, 0 the newest; NULL: there is none. */
const json_t *top_model_kill(const struct top_model *model, size_t back);
const char *top_model_mount(const struct top_model *model);
size_t top_model_omitted(const struct top_model *model);

const char *top_sort_name(enum top_sort sort);

#endif /* FASTOOM_CLIENT_TOP_MODEL_H */

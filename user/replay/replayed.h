/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * replayed: what a replay keeps of a trace: its scopes, each with its case, the latest list of
 * processes, and what was done.
 *
 * Purity:    memory only.
 * Units:     *_ns CLOCK_MONOTONIC of the trace.
 * Errors:    false or NULL: out of memory.
 * Ownership: everything here has strings of its own; replayed_free() takes all.
 */
#ifndef FASTOOM_REPLAY_REPLAYED_H
#define FASTOOM_REPLAY_REPLAYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/candidate.h"
#include "judge/case.h"
#include "tell/trace.h"

struct config;

/* A process was killed, or would have been. */
struct replayed_kill {
	uint64_t at_ns;
	int pid;
	char comm[64];
	bool real; /* a signal was sent */
};

struct replayed_kills {
	struct replayed_kill *list;
	size_t count;
};

/* A struct trace_did with strings of its own. */
struct replayed_did {
	struct trace_did did;
	char comm[64];
	char text[64];
};

struct replayed_list {
	struct candidate *candidates;
	size_t count;
};

struct replayed_scope {
	struct trace_scope about;
	char *path;
	char *names[3];		     /* of its pod: pod, namespace, container; NULL: not known */
	const struct policy *policy; /* NULL: it has none */
	struct scope_case state;
	uint64_t total_bytes; /* of its last sample; 0: not known */
	uint64_t listed_ns;   /* of a list that no sample has followed yet; 0: there is none */
	bool hot;
	bool whole; /* its beginning is in the trace: all verdicts must come out the same */
	struct replayed_did *pending; /* done since its last sample, and not taken in yet */
	size_t pending_count;
	struct replayed_list list;    /* its processes, as they were last listed */
	struct replayed_list members; /* of a victim's group, where they are not all in `list` */
	char verdict[64];	      /* the latest, to print changes only */
	char recorded[64];	      /* what the daemon judged */
	struct replayed_kills would, did;
};

struct replayed {
	struct config *config;
	struct trace_head head;
	bool has_head;
	uint64_t begin_ns; /* 0: nothing happened yet */
	uint64_t end_ns;
	struct replayed_scope *scopes;
	size_t scope_count;
	size_t samples;
	size_t verdicts, verdicts_same; /* recorded ones, and how many came out again */
	struct victim *ranking;
	size_t ranking_room;
};

/* "node", or the path. */
const char *replayed_name(const struct replayed_scope *scope);
bool replayed_is_node(const struct replayed_scope *scope);

/* The scope, known already or new. Pointers to scopes are valid until the next one is new. */
struct replayed_scope *replayed_scope_of(struct replayed *r, const struct trace_scope *about);
/* The names of its pod; its policy follows from them. */
bool replayed_take_names(struct replayed *r, struct replayed_scope *scope,
			 const struct trace_names *names);
bool replayed_keep_list(struct replayed_list *list, const struct candidate *candidates, size_t n);
bool replayed_keep_did(struct replayed_scope *scope, const struct trace_did *did);
bool replayed_keep_kill(struct replayed_kills *kills, const struct replayed_kill *kill);
/* Makes room for ranking @n processes. */
bool replayed_reserve(struct replayed *r, size_t n);
/* Forgets everything but the room. */
void replayed_reset(struct replayed *r);
void replayed_free(struct replayed *r);

#endif /* FASTOOM_REPLAY_REPLAYED_H */

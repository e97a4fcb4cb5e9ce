/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * watch: the hot scopes, each from its first reclaim until it is idle again: sampled, judged,
 * acted on, muted.
 *
 * Purity:    composes sense, judge and act; time is an argument.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    none; what cannot be read is missing in the sample, and judged blind. The
 *            caller calls watches_tick() while `mutes` has pending changes.
 * Ownership: the table owns its watches; everything else is borrowed from the daemon.
 */
#ifndef FASTOOM_DAEMON_WATCH_H
#define FASTOOM_DAEMON_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/hot_scope.h"
#include "daemon/incident_data.h"
#include "daemon/mutes.h"
#include "event.h"
#include "judge/kills.h"
#include "tell/snapshot.h"

struct config;
struct control;
struct daemon_reclaim;
struct loader;
struct podnames;
struct processes;

/*
 * Hot scopes at a time; the first place is the node's. If all are taken, a scope that a policy acts
 * on displaces one that is only warned of. A scope without a place is counted, and asked for again
 * a second later.
 */
#define WATCHES_MAX  64
#define WATCHES_NODE 0

struct watch {
	bool used;
	struct hot_scope scope;
	struct incident incident;
	struct snapshot_victim next; /* would die next, while a client wants to know */
	uint64_t listed_ns;	     /* when its processes were last read */
	struct fo_reach reach;	     /* as the kernel side has it */
};

/* Scopes that reclaimed and were not watched, since the start. */
struct watches_full {
	uint64_t refused;	    /* times that a scope found no place */
	uint64_t displaced;	    /* times that a scope gave its place to another one */
	uint64_t at_ns;		    /* the latest of both */
	char path[CGROUP_PATH_MAX]; /* of the latest scope that was not watched; "": none */
};

struct watches {
	struct watch *list; /* WATCHES_MAX */
	const struct config *config;
	struct loader *loader;
	struct podnames *names;
	struct processes *processes;	      /* what each one lost */
	bool processes_read;		      /* in this tick */
	struct control *control;	      /* NULL: there is no socket */
	struct daemon_reclaim *reclaim;	      /* reclaims proactively */
	struct incident_parts incident_parts; /* also what sampling needs */
	struct mutes mutes;
	struct kills kills; /* in scopes that are not watched */
	struct watches_full full;
};

/* Makes the table. -ENOMEM. */
int watches_new(struct watches *watches);
void watches_free(struct watches *watches);

/* NULL: the scope is not watched. */
struct watch *watches_find(struct watches *watches, uint64_t scope);
/* The kernel side reports that @scope reclaims. True: it is watched from now on. */
bool watches_begin(struct watches *watches, uint64_t scope, uint64_t now_ns);
void watches_end(struct watches *watches, struct watch *watch, uint64_t now_ns);
/* Samples, judges and acts on all. Returns how many are still watched. */
size_t watches_tick(struct watches *watches, bool *ret_wants_tracking);
/* Looks after the open actions. */
void watches_look(struct watches *watches);
/* Another configuration is in force: scopes without a policy are watched no more. */
void watches_take_config(struct watches *watches, const struct config *config);
/* The names of pods have changed. */
void watches_take_names(struct watches *watches);

#endif /* FASTOOM_DAEMON_WATCH_H */

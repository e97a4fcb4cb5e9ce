/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * loader: opens, loads, attaches and detaches the BPF programs.
 *
 * The only file that includes the skeleton. Features of the kernel are found by BTF and by trying,
 * never by version. Hooks that this kernel lacks are left out, and their state says why. Only the
 * hooks without which nothing can be judged are required.
 *
 * Purity:    system calls. One other thread switches page tracking on and off.
 * Units:     in the names; struct fo_counters has counts, see bpf/event.h.
 * Errors:    0 or -errno: -ENOENT no BTF, -EPERM not allowed, -ENOPROTOOPT a required hook is
 *            not in this kernel, others from the kernel; a sentence in the caller's buffer.
 * Ownership: loader_new() gives, loader_free() takes (or NULL) and detaches all programs.
 */
#ifndef FASTOOM_SENSE_LOADER_H
#define FASTOOM_SENSE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct loader;

enum loader_map {
	LOADER_MAP_EVENTS,
	LOADER_MAP_SCOPES,
	LOADER_MAP_WAITS,
	LOADER_MAP_PROCESSES,
	LOADER_MAP_HOT,
	LOADER_MAP_REACH,
	LOADER_MAP_LIMIT_OF,
	LOADER_MAP_MEMSTALLS,
	LOADER_MAP_OPEN,
	LOADER_MAPS_,
};

enum loader_hook_kind {
	LOADER_TRACEPOINT,
	LOADER_FUNCTION, /* fentry: not in every kernel, and some refuse it */
	LOADER_FAULTS,	 /* the software event of major faults, on every CPU */
	LOADER_TASKS,	 /* the task iterator */
	LOADER_OPEN,	 /* the iterator of open stalls */
};

enum loader_need {
	LOADER_NEED_ALL,      /* nothing can be judged without it */
	LOADER_NEED_TRACKING, /* page tracking needs it */
	LOADER_NEED_NONE,     /* adds a measurement */
};

struct loader_hook {
	const char *program; /* as `bpftool prog show` names it */
	const char *target;  /* the tracepoint or function; for other kinds a description */
	enum loader_hook_kind kind;
	enum loader_need need;
	bool tracking; /* part of page tracking */
	int state;     /* 0: attached, or of page tracking: can be; else -errno */
};

struct loader_features {
	bool task_storage;
	bool begin_has_memcg;
	bool cache_has_folio;
	bool probe_read;
	bool int_args;	   /* a function's argument may be an int pointer */
	uint32_t fault_ns; /* cost of a minor fault; 0: not known */
	bool cheap_faults; /* so low that a task's work can be measured */
	int functions;	   /* 0: functions can be attached to; else -errno */
};

#define LOADER_HOOKS_MAX 64

/* What this host has, found by trying. */
struct loader_trial {
	struct loader_hook hooks[LOADER_HOOKS_MAX];
	int tiers[LOADER_HOOKS_MAX];  /* 1: functions (fentry); 0: tracepoints, iterators */
	bool tried[LOADER_HOOKS_MAX]; /* attached or refused; false: only looked up in BTF */
	size_t count;		      /* 0: the object could not be opened */
	struct loader_features features;
};

/*
 * Loads the programs, attaches every hook once, page tracking too, and detaches them; a running
 * daemon is not affected. 0, or why nothing was loaded, with a sentence in @why; @ret has what is
 * known in either case.
 */
int loader_try(struct loader_trial *ret, int cgroup_version, char *why, size_t why_size);

/* @cgroup_version: 1, 2 or 0 (none). @why: a sentence when it fails. */
int loader_new(struct loader **ret, int cgroup_version, char *why, size_t why_size);
void loader_free(struct loader *loader);

/* Of the libbpf that is used: "1.1". */
const char *loader_library_version(void);

int loader_map(const struct loader *loader, enum loader_map map);
/* Entries of LOADER_MAP_WAITS that one scope may have: here, and on @cpus possible CPUs (pure). */
uint32_t loader_stripes(const struct loader *loader);
/* CPUs share a stripe in groups of 2^*ret_shift; NULL: not wanted. */
uint32_t loader_stripes_on(uint32_t cpus, uint32_t *ret_shift);
/*
 * The memory of all maps, as the kernel reports it: exact since 6.4, keys and values alone before.
 * It does not change while they are loaded. Task storage comes on top, for each tracked task.
 */
uint64_t loader_maps_bytes(const struct loader *loader);
const struct loader_hook *loader_hooks(const struct loader *loader, size_t *ret_count);
const struct loader_features *loader_features(const struct loader *loader);

/* What was counted and lost so far. */
void loader_counters(const struct loader *loader, struct fo_counters *ret);
/* Runs that the kernel skipped because the same program ran on the same CPU (5.12). */
uint64_t loader_recursion_misses(const struct loader *loader);

/*
 * Switches page tracking on and off: attaches and detaches its programs, which may take tens of ms
 * and wait for memory. One thread calls these, which nothing waits for.
 */
int loader_tracking_on(struct loader *loader);
/* Then attaches what page tracking can do without. */
void loader_tracking_extend(struct loader *loader);
void loader_tracking_off(struct loader *loader);
/* Whether the node's tasks are tracked, not only those of limited cgroups. Any thread. */
void loader_tracking_node(struct loader *loader, bool on);

/* Whether a hook is attached. */
bool loader_has(const struct loader *loader, const char *program);

/* The most entries of LOADER_MAP_PROCESSES. */
size_t loader_processes_max(const struct loader *loader);

/* One in so many pages is tracked. */
uint64_t loader_pages_per_sample(const struct loader *loader);

/* A descriptor that reads struct fo_task of @scope's processes; the caller closes it. */
int loader_tasks_fd(const struct loader *loader, uint64_t scope);

/*
 * Ends the stalls whose end was not seen and whose task is in reclaim or a memory stall no longer;
 * counted in stalls_forgotten. Takes 0.1 to 0.3 ms. -ENOENT where the kernel cannot.
 */
int loader_check_open(const struct loader *loader);

#endif /* FASTOOM_SENSE_LOADER_H */

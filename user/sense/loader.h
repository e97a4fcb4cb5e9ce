/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * loader: the kernel side's life: open, probe this kernel, load, attach, let go.
 *
 * The only file that sees the skeleton. Features are found by BTF and by trying, never
 * by version. Hooks that this kernel lacks are left out and named; only those without
 * which nothing can be judged are required.
 *
 * Purity:    touches the kernel; the eyes are opened and shut by one other thread.
 * Units:     none but the counters', see bpf/event.h.
 * Errors:    0 or -errno: -ENOENT no BTF, -EPERM not allowed, -ENOPROTOOPT a required hook is
 *            not in this kernel, others from the kernel; a sentence on it in the caller's buffer.
 * Ownership: loader_new() gives, loader_free() takes (NULL is fine) and leaves nothing behind.
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
	LOADER_MAP_HOT,
	LOADER_MAP_REACH,
	LOADER_MAP_LIMIT_OF,
	LOADER_MAP_MEMSTALLS,
	LOADER_MAP_OPEN,
	LOADER_MAPS_,
};

enum loader_hook_kind {
	LOADER_TRACEPOINT,
	LOADER_FUNCTION, /* fentry: not on every kernel, and on some not permitted */
	LOADER_FAULTS,	 /* the software event of major faults, on every CPU */
	LOADER_TASKS,	 /* the task iterator */
	LOADER_OPEN,	 /* the iterator of open stalls */
};

enum loader_need {
	LOADER_NEED_ALL,      /* nothing can be judged without it */
	LOADER_NEED_TRACKING, /* the wide eyes see nothing without it */
	LOADER_NEED_NONE,     /* one witness more */
};

struct loader_hook {
	const char *program; /* as `bpftool prog show` names it */
	const char *target;  /* the tracepoint or function; for the others a name for people */
	enum loader_hook_kind kind;
	enum loader_need need;
	bool tracking; /* attached only while a scope is in trouble */
	int state;     /* 0 attached (eyes: can be), else -errno: why not */
};

struct loader_features {
	bool task_storage;
	bool begin_has_memcg;
	bool cache_has_folio;
	bool probe_read;
	bool int_args;	   /* of functions: a pointer to an int may be read */
	uint32_t fault_ns; /* what a minor fault takes at best; 0: not known */
	bool cheap_faults; /* little enough for that how much a task works can be told */
	int functions;	   /* 0: functions can be attached to; else -errno: why not */
};

#define LOADER_HOOKS_MAX 64

/* What this host gives, found by doing it. */
struct loader_trial {
	struct loader_hook hooks[LOADER_HOOKS_MAX];
	int tiers[LOADER_HOOKS_MAX];  /* 1: on functions (fentry), 0: tracepoints and iterators */
	bool tried[LOADER_HOOKS_MAX]; /* attached, or refused; else only looked for in the BTF */
	size_t count;		      /* 0: not even the object could be opened */
	struct loader_features features;
};

/*
 * Loads, attaches every hook once, the wide eyes too, and lets go; a daemon that runs does not
 * notice. 0 or why nothing was loaded, with a sentence in @why; @ret says what is known anyway.
 */
int loader_try(struct loader_trial *ret, int cgroup_version, char *why, size_t why_size);

/* @cgroup_version: 1, 2 or 0 (none). @why gets the reason when it fails. */
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

/* Lost and counted so far. */
void loader_counters(const struct loader *loader, struct fo_counters *ret);
/* Programs that the kernel skipped because one of their kind was running (5.12). */
uint64_t loader_recursion_misses(const struct loader *loader);

/*
 * Attaches, detaches the wide eyes; may take tens of ms and wait for memory. A thread of
 * its own calls these, one at a time.
 */
int loader_tracking_on(struct loader *loader);
/* And then what they can do without. */
void loader_tracking_extend(struct loader *loader);
void loader_tracking_off(struct loader *loader);
/* The node's tasks are watched too, not only those of limited cgroups. */
void loader_tracking_node(struct loader *loader, bool on);

/* Whether a hook is attached. */
bool loader_has(const struct loader *loader, const char *program);

/* Of the pages that are read in, one in so many is followed. */
uint64_t loader_pages_per_sample(const struct loader *loader);

/* A new reading of the task iterator, of @scope's processes; the caller closes it. */
int loader_tasks_fd(const struct loader *loader, uint64_t scope);

/*
 * Ends the stalls whose end was not seen and whose task is in reclaim or a memory stall no longer;
 * counted in stalls_forgotten. Takes 0.1 to 0.3 ms. -ENOENT where the kernel cannot.
 */
int loader_check_open(const struct loader *loader);

#endif /* FASTOOM_SENSE_LOADER_H */

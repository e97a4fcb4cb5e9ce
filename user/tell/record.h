/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * record: one JSON object a line for each thing that happened, schema 1.
 *
 * An action has two lines with one id: `act` is handed over before the signal leaves, with
 * all that led to it; `kill` when the kill is settled, with the outcome beside the same.
 *
 * Purity:    pure; fills the caller's buffer and touches nothing else.
 * Units:     in the members' names.
 * Errors:    0 and the length (with its newline), or -ENOSPC.
 * Ownership: everything is the caller's.
 */
#ifndef FASTOOM_TELL_RECORD_H
#define FASTOOM_TELL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/config.h"

struct candidate;
struct evidence;
struct json;
struct history;
struct verdict;
struct victim;

#define RECORD_SCHEMA 1

/*
 * The longest record: every text is as long as it can be and of bytes that JSON writes as six.
 * tests/unit/test_record.c makes it.
 */
#define RECORD_LINE_MAX 40960

/* How many of those that would have been next are named. */
#define RECORD_RUNNERS_UP 4

struct record_head {
	uint64_t wall_ns; /* CLOCK_REALTIME */
	uint64_t mono_ns;
	uint64_t id;		/* of the incident; 0: none */
	const char *policy;	/* NULL: none */
	const char *scope_kind; /* node, cgroup, pod; NULL: about no scope */
	const char *scope_path;
	const char *pod_uid; /* these are of a pod, where they are known */
	const char *namespace;
	const char *pod;
	const char *container;
	uint64_t scope_id;
	bool dry_run;
};

struct record_step {
	const char *name;
	uint64_t after_ns; /* since the verdict */
};

/* A member of the victim's group that must not die. */
struct record_spared {
	int pid;
	char comm[16];
	const char *why; /* static */
};

/* How many of them are named. */
#define RECORD_SPARED 8

struct record_kill {
	const char *event; /* act, kill */
	const struct verdict *verdict;
	const struct evidence *evidence;
	const struct victim *victims; /* [0] is the victim, then the runners-up */
	size_t victim_count;
	enum kill_unit unit;	  /* what dies with the victim */
	const char *unit_refused; /* why only the process dies; NULL: it is as the policy says */
	size_t members;		  /* the processes of that unit, the victim included */
	const struct record_spared *spared;
	size_t spared_count; /* also those beyond RECORD_SPARED */
	const char *outcome; /* kill: what became of it */
	int error;	     /* kill: the kernel's, if it refused */
	const struct record_step *steps;
	size_t step_count;
	uint64_t freed_bytes;	       /* kill: what the scope holds less than at the verdict */
	uint64_t took_ns;	       /* kill: from the verdict to the outcome */
	const struct history *history; /* kill: the scope's last minute; NULL: not known */
};

int record_kill(char *buf, size_t size, const struct record_head *head,
		const struct record_kill *kill, size_t *ret_len);

/* warn, blind, recovered: what was seen, and that nothing was done. */
int record_verdict(char *buf, size_t size, const struct record_head *head, const char *event,
		   const struct verdict *verdict, const struct evidence *evidence, size_t *ret_len);

struct record_kernel_kill {
	const struct candidate *victim;
	uint64_t total_vm_bytes;
	int invoker_pid;
	const char *invoker_comm;
	const struct history *history; /* of a scope that was watched; NULL: none was */
};

int record_kernel_kill(char *buf, size_t size, const struct record_head *head,
		       const struct record_kernel_kill *kill, size_t *ret_len);

/* start, stop, reload, error: a sentence. */
int record_message(char *buf, size_t size, const struct record_head *head, const char *event,
		   const char *message, size_t *ret_len);

const char *record_unit_name(enum kill_unit unit);

/* Members that snapshots have too. */
void record_put_time(struct json *json, const char *key, uint64_t wall_ns);
void record_put_evidence(struct json *json, const struct evidence *evidence);
void record_put_verdict(struct json *json, const struct verdict *verdict);

#endif /* FASTOOM_TELL_RECORD_H */

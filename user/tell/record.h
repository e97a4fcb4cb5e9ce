/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * record: one JSON object a line for each event (docs/record.schema.json).
 *
 * A kill has two records with one id: `act`, written before the signal, has the reasons; `kill`,
 * written when the victim is gone or stuck, has the same and the outcome.
 *
 * Purity:    pure; fills the caller's buffer.
 * Units:     in the names.
 * Errors:    0 and the length with the newline, or -ENOSPC.
 * Ownership: the caller's.
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
struct held_by;
struct history;
struct verdict;
struct victim;

#define RECORD_SCHEMA 1

/*
 * The longest record: every text has its full length, in bytes that JSON writes as six.
 * tests/unit/test_record.c makes this record.
 */
#define RECORD_LINE_MAX 40960

/* The processes that would have been next: so many are in a record. */
#define RECORD_RUNNERS_UP 4

struct record_head {
	uint64_t wall_ns; /* CLOCK_REALTIME */
	uint64_t mono_ns;
	uint64_t id;		/* of the incident; 0: none */
	const char *policy;	/* NULL: none */
	const char *scope_kind; /* node, cgroup, pod; NULL: the event has no scope */
	const char *scope_path;
	const char *pod_uid; /* NULL: in no pod, or not known; so for the next three */
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

/* So many of them are in a record. */
#define RECORD_SPARED 8

struct record_kill {
	const char *event; /* act, kill */
	const struct verdict *verdict;
	const struct evidence *evidence;
	const struct victim *victims; /* [0] is the victim, then the runners-up */
	size_t victim_count;
	enum kill_unit unit;	  /* what dies with the victim */
	const char *unit_refused; /* why only the process dies; NULL: the unit is the policy's */
	size_t members;		  /* the processes of that unit, the victim included */
	const struct record_spared *spared;
	size_t spared_count; /* of all, those that are not named included */
	const char *outcome; /* NULL: the action goes on */
	int error;	     /* with an outcome: -errno of the refused signal, or 0 */
	const struct record_step *steps;
	size_t step_count;
	uint64_t freed_bytes;	       /* with an outcome: held at the verdict minus held now */
	uint64_t took_ns;	       /* with an outcome: since the verdict */
	const struct history *history; /* of the scope; NULL: not known */
};

int record_kill(char *buf, size_t size, const struct record_head *head,
		const struct record_kill *kill, size_t *ret_len);

/* @event: warn, blind, recovered. */
int record_verdict(char *buf, size_t size, const struct record_head *head, const char *event,
		   const struct verdict *verdict, const struct evidence *evidence, size_t *ret_len);

/* Near-OOM, and no process may be killed. */
struct record_no_victim {
	const struct verdict *verdict;
	const struct evidence *evidence;
	const char *message;
	const struct held_by *held;
	const struct victim *largest; /* the processes that hold most */
	size_t largest_count;	      /* at most RECORD_RUNNERS_UP */
	size_t processes;	      /* of the scope */
};

int record_no_victim(char *buf, size_t size, const struct record_head *head,
		     const struct record_no_victim *record, size_t *ret_len);

struct record_kernel_kill {
	const struct candidate *victim;
	uint64_t total_vm_bytes;
	int invoker_pid;
	const char *invoker_comm;
	const struct history *history; /* NULL: no scope of it was watched */
};

int record_kernel_kill(char *buf, size_t size, const struct record_head *head,
		       const struct record_kernel_kill *kill, size_t *ret_len);

/* @event: start, stop, reload, error. */
/*
 * What a kill gave back to the processes that live on: of the time that they wanted to run, as
 * predicted at the verdict and as measured afterwards. @head has the id of the kill.
 */
int record_relief(char *buf, size_t size, const struct record_head *head, double predicted,
		  double measured, size_t *ret_len);
int record_message(char *buf, size_t size, const struct record_head *head, const char *event,
		   const char *message, size_t *ret_len);

const char *record_unit_name(enum kill_unit unit);

/* Parts of a record that a snapshot has, too. */
void record_put_time(struct json *json, const char *key, uint64_t wall_ns);
void record_put_evidence(struct json *json, const struct evidence *evidence);
void record_put_verdict(struct json *json, const struct verdict *verdict);

#endif /* FASTOOM_TELL_RECORD_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * doctor_check: the checks of doctor, and how they are put together.
 *
 * Purity:    pure.
 * Units:     none.
 * Errors:    none; a check beyond DOCTOR_CHECKS_MAX overwrites the last one.
 * Ownership: checks belong to the doctor.
 */
#ifndef FASTOOM_CLIENT_DOCTOR_CHECK_H
#define FASTOOM_CLIENT_DOCTOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "sense/cgroup.h"
#include "sense/loader.h"

#define DOCTOR_AS_ROOT "sudo fastoom-bpf doctor"

#define DOCTOR_CHECKS_MAX (LOADER_HOOKS_MAX + 48)

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_DEGRADED, /* present, but limited */
	DOCTOR_MISSING,
	DOCTOR_UNKNOWN, /* this user cannot find out */
	DOCTOR_STATES_,
};

struct doctor_check {
	char name[48];
	enum doctor_state state;
	bool required;			/* the daemon does not start without it */
	char value[80];			/* what was found, for scripts */
	char what[640];			/* the same in words */
	const char *cost;		/* NULL: none */
	const char *fix;		/* a command, or what to change where no command does it */
	char command[64];		/* the text of fix, where it has a number */
	const struct loader_hook *hook; /* NULL: the check is not about a hook */
	int tier;			/* of the hook */
};

struct doctor {
	struct doctor_check checks[DOCTOR_CHECKS_MAX];
	size_t count;
	struct cgroup_host host;
	struct loader_trial trial;
	bool root;
};

const char *doctor_state_name(enum doctor_state state);

/* Appends a check; @format: what was found, in words. */
struct doctor_check *doctor_add(struct doctor *doctor, const char *name, enum doctor_state state,
				const char *format, ...) __attribute__((format(printf, 4, 5)));
void doctor_set_value(struct doctor_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_set_cost(struct doctor_check *check, const char *cost, const char *fix);

#endif /* FASTOOM_CLIENT_DOCTOR_CHECK_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/doctor_check.h"

#include <stdarg.h>
#include <stdio.h>

struct doctor_check *doctor_add(struct doctor *doctor, const char *name, enum doctor_state state,
				const char *format, ...)
{
	struct doctor_check *check = &doctor->checks[doctor->count];
	va_list args;

	if (doctor->count < DOCTOR_CHECKS_MAX - 1)
		doctor->count++;
	*check = (struct doctor_check){.state = state};
	snprintf(check->name, sizeof(check->name), "%s", name);
	va_start(args, format);
	vsnprintf(check->what, sizeof(check->what), format, args);
	va_end(args);
	return check;
}

void doctor_set_value(struct doctor_check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->value, sizeof(check->value), format, args);
	va_end(args);
}

void doctor_set_cost(struct doctor_check *check, const char *cost, const char *fix)
{
	check->cost = cost;
	check->fix = fix;
}

const char *doctor_state_name(enum doctor_state state)
{
	static const char *const names[DOCTOR_STATES_] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_DEGRADED] = "degraded",
		[DOCTOR_MISSING] = "missing",
		[DOCTOR_UNKNOWN] = "unknown",
	};

	return names[state];
}

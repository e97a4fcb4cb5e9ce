// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/exit.h"
#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/doctor.h"

/* A check has less than 1 KiB. */
#define JSON_BYTES (128 * 1024)

struct doctor_options {
	bool json;
};

static const struct option_spec options[] = {
	{"json", 'j', NULL, "print one JSON object", option_switch, NULL,
	 offsetof(struct doctor_options, json)},
};

static const char *verdict_name(int code)
{
	return code == EXIT_OK ? "ok" : code == EXIT_HOST ? "cannot run" : "degraded";
}

/* Prints what is ok first: the rest is then the last on the screen. */
static void print_lines(const struct doctor *doctor, int code)
{
	size_t counts[DOCTOR_STATES_] = {0};

	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		counts[check->state]++;
		if (check->state == DOCTOR_OK)
			printf("%-8s %s: %s\n", doctor_state_name(check->state), check->name,
			       check->what);
	}
	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		if (check->state == DOCTOR_OK)
			continue;
		printf("%-8s %s: %s\n", doctor_state_name(check->state), check->name, check->what);
		if (check->cost)
			printf("%8s   effect: %s\n%8s   fix: %s\n", "", check->cost, "",
			       check->fix);
	}
	printf("%s: %zu ok, %zu degraded, %zu missing, %zu unknown. fastoom-bpf %s.%s\n",
	       verdict_name(code), counts[DOCTOR_OK], counts[DOCTOR_DEGRADED],
	       counts[DOCTOR_MISSING], counts[DOCTOR_UNKNOWN],
	       code == EXIT_OK	   ? "can run here"
	       : code == EXIT_HOST ? "cannot run here: see what is missing"
				   : "can run here, within these limits",
	       counts[DOCTOR_UNKNOWN] && !doctor->root ? " As root, doctor checks more." : "");
}

static void put_check(struct json *json, const struct doctor_check *check)
{
	json_open_map(json, NULL);
	json_text(json, "name", check->name);
	json_text(json, "state", doctor_state_name(check->state));
	json_bool(json, "required", check->required);
	if (*check->value)
		json_text(json, "value", check->value);
	json_text(json, "what", check->what);
	if (check->state != DOCTOR_OK && check->cost) {
		json_text(json, "cost", check->cost);
		json_text(json, "fix", check->fix);
		json_text(json, "mend", check->fix); /* renamed */
	}
	if (check->hook) {
		json_i64(json, "tier", check->tier);
		json_bool(json, "page_tracking", check->hook->tracking);
		json_bool(json, "eyes", check->hook->tracking); /* renamed */
		json_text(json, "target", check->hook->target);
	}
	json_close_map(json);
}

static int print_json(const struct doctor *doctor, int code)
{
	_cleanup_free_ char *text = malloc(JSON_BYTES);
	struct utsname uts = {0};
	struct json json;
	size_t len;

	uname(&uts);
	if (!text)
		return EXIT_FAILED;
	json_begin(&json, text, JSON_BYTES);
	json_u64(&json, "schema", 1);
	json_text(&json, "verdict", verdict_name(code));
	json_u64(&json, "exit", (uint64_t)code);
	json_text(&json, "kernel", uts.release);
	json_text(&json, "machine", uts.machine);
	json_bool(&json, "root", doctor->root);
	json_open_list(&json, "checks");
	for (size_t i = 0; i < doctor->count; i++)
		put_check(&json, &doctor->checks[i]);
	json_close_list(&json);
	if (json_end(&json, &len)) {
		log_error("doctor: the report has more than %d bytes", JSON_BYTES);
		return EXIT_FAILED;
	}
	puts(text);
	return code;
}

static int run(const struct command *self, int argc, char **argv)
{
	/* not static: the daemon would lock it in memory */
	_cleanup_free_ struct doctor *doctor = NULL;
	struct doctor_options chosen = {0};
	int operands, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	doctor = malloc(sizeof(*doctor));
	if (!doctor)
		return EXIT_FAILED;
	doctor_examine(doctor);
	code = doctor_verdict(doctor);
	if (chosen.json)
		return print_json(doctor, code);
	print_lines(doctor, code);
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Check whether this host has what the daemon needs.",
	.details =
		"Prints every hook, capability and setting. For one that is missing: the effect on the daemon, and the fix.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

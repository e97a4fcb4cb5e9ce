/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * cmd: the commands, and how their options are described and parsed.
 *
 * One table describes the options for the parser, the help, the man page and the completions.
 *
 * Purity:    cmd_parse() prints the help or an error.
 * Units:     none.
 * Errors:    exit codes, see base/exit.h.
 * Ownership: texts of argv live as long as argv.
 */
#ifndef FASTOOM_CLI_CMD_H
#define FASTOOM_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

struct option_spec {
	const char *name;  /* long, without dashes */
	char letter;	   /* 0: none */
	const char *value; /* the name of its value in the help; NULL: a switch */
	const char *help;
	/* false: the text is not allowed; @allowed says in words what is */
	bool (*parse)(const char *text, void *target);
	const char *allowed;
	size_t offset; /* of the target in the command's struct */
};

struct command {
	const char *name;
	const char *summary; /* one short sentence */
	const char *details; /* further sentences for its own help; NULL: none */
	int (*run)(const struct command *self, int argc, char **argv);
	const struct option_spec *options;
	size_t option_count;
	const char *operands; /* in the help; NULL: the command takes none */
};

/*
 * Parses argv (argv[0] is the command) into @target. Returns -1 to go on, or an exit code: the
 * help or an error was printed. *ret_operands is the index of the first operand.
 */
int cmd_parse(const struct command *command, int argc, char **argv, void *target,
	      int *ret_operands);

bool option_text(const char *text, void *target);     /* const char * */
bool option_switch(const char *text, void *target);   /* bool; text is NULL */
bool option_duration(const char *text, void *target); /* uint64_t ns */

/* NULL after the last. */
extern const struct command *const commands[];

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_record;
extern const struct command command_replay;
extern const struct command command_doctor;
extern const struct command command_status;
extern const struct command command_explain;
extern const struct command command_top;
extern const struct command command_events;
extern const struct command command_victims;

#endif /* FASTOOM_CLI_CMD_H */

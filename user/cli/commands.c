// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The table of commands, for the parser, the help, the man page and the completions. */
#include <stddef.h>

#include "cli/cmd.h"

/* the most useful ones first */
const struct command *const commands[] = {
	&command_run,	&command_top,	 &command_status, &command_events, &command_explain,
	&command_check, &command_doctor, &command_record, &command_replay, &command_victims,
	NULL,
};

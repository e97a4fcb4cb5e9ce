// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <stddef.h>

#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "daemon/daemon.h"
#include "base/exit.h"

struct run_options {
	struct daemon_options daemon;
	bool verbose;
};

static const struct option_spec options[] = {
	{"config", 'c', "FILE", "policies (default: /etc/fastoom-bpf/config.yaml, or built in)",
	 option_text, "a path", offsetof(struct run_options, daemon.config_path)},
	{"dry-run", 'n', NULL, "judge, choose and record, but send no signal", option_switch, NULL,
	 offsetof(struct run_options, daemon.dry_run)},
	{"events", 'e', "FILE", "append records to FILE, one JSON object a line", option_text,
	 "a path", offsetof(struct run_options, daemon.events_path)},
	{"host-root", 0, "DIR",
	 "in a container: where the host's root is mounted; names of pods are read below it",
	 option_text, "a path", offsetof(struct run_options, daemon.host_root)},
	{"for", 0, "DURATION", "exit after this time: 90s, 10m", option_duration,
	 "a duration such as 500ms, 90s or 10m", offsetof(struct run_options, daemon.for_ns)},
	{"verbose", 'v', NULL, "log the evidence of every sample, and the messages of libbpf",
	 option_switch, NULL, offsetof(struct run_options, verbose)},
};

static int run(const struct command *self, int argc, char **argv)
{
	struct run_options chosen = {0};
	struct daemon *daemon;
	int operands, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	if (chosen.verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	code = daemon_new(&daemon, &chosen.daemon);
	if (code != EXIT_OK)
		return code;
	code = daemon_run(daemon);
	daemon_free(daemon);
	return code;
}

const struct command command_run = {
	.name = "run",
	.summary = "Watch this host for Near-OOM and end it by policy.",
	.details =
		"Runs in the foreground and logs to stderr. SIGHUP, or a change of the configuration, reloads it.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

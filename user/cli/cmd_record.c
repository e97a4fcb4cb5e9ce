// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <stddef.h>

#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "daemon/daemon.h"
#include "base/exit.h"

static const struct option_spec options[] = {
	{"config", 'c', "FILE", "policies (default: /etc/fastoom-bpf/config.yaml, or built in)",
	 option_text, "a path", offsetof(struct daemon_options, config_path)},
	{"for", 0, "DURATION", "exit after this time: 90s, 10m", option_duration,
	 "a duration such as 500ms, 90s or 10m", offsetof(struct daemon_options, for_ns)},
};

static int run(const struct command *self, int argc, char **argv)
{
	struct daemon_options chosen = {.dry_run = true};
	struct daemon *daemon;
	int operands, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	if (argc - operands != 1) {
		log_error("record: exactly one FILE is needed; see fastoom-bpf record --help");
		return EXIT_USAGE;
	}
	chosen.record_path = argv[operands];
	code = daemon_new(&daemon, &chosen);
	if (code != EXIT_OK)
		return code;
	code = daemon_run(daemon);
	daemon_free(daemon);
	return code;
}

const struct command command_record = {
	.name = "record",
	.summary = "Record a trace of the scopes that reclaim, for replay.",
	.details =
		"Judges as run --dry-run does, and appends every sample, verdict and candidate of the hot scopes (those that reclaim) to FILE. Sends no signal. Can run beside the daemon.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.operands = "FILE",
};

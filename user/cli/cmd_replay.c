// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "base/exit.h"
#include "replay/replay.h"

#define FILE_MOST_BYTES (1ULL << 31)

static const struct option_spec options[] = {
	{"config", 'c', "FILE", "the configuration (default: the recorded one)", option_text,
	 "a path", offsetof(struct replay_options, config_path)},
	{"explain", 'x', NULL,
	 "print the evidence of every sample, and the contribution of each feature to the risk",
	 option_switch, NULL, offsetof(struct replay_options, explain)},
	{"json", 'j', NULL, "print one JSON object a line", option_switch, NULL,
	 offsetof(struct replay_options, json)},
};

static int run(const struct command *self, int argc, char **argv)
{
	struct replay_options chosen = {0};
	_cleanup_free_ char *bytes = NULL;
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);
	size_t len;

	if (code >= 0)
		return code;
	if (argc - operands != 1) {
		log_error("replay: exactly one FILE is needed, from record or from the daemon; see "
			  "fastoom-bpf replay --help");
		return EXIT_USAGE;
	}
	err = file_read_all(argv[operands], FILE_MOST_BYTES, &bytes, &len);
	if (err) {
		log_error("%s: %s", argv[operands],
			  err == -ENODEV ? "not a regular file" : strerror(-err));
		return EXIT_FAILED;
	}
	return replay(argv[operands], bytes, len, &chosen, stdout);
}

const struct command command_replay = {
	.name = "replay",
	.summary = "Judge a recorded trace again.",
	.details =
		"Shows what the daemon would do with the recorded or another configuration, and what it did.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.operands = "FILE",
};

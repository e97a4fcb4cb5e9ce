// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cli/cmd.h"
#include "config/config.h"
#include "config/read.h"
#include "config/trust.h"
#include "base/exit.h"
#include "sense/cgroup.h"

struct check_options {
	const char *config_path;
};

static const struct option_spec options[] = {
	{"config", 'c', "FILE", "the file to check (default: /etc/fastoom-bpf/config.yaml)",
	 option_text, "a path", offsetof(struct check_options, config_path)},
};

/* Keys that are correct, but have no effect on this host. */
static void warn_of_host(const struct config *config, const char *path)
{
	struct cgroup_host host;
	bool wanted = false;

	for (size_t i = 0; i < config->policy_count; i++)
		wanted |= config->policies[i].proactive_reclaim > 0;
	if (!wanted || cgroup_host_open(&host, ""))
		return;
	if (host.version != 2)
		fprintf(stderr,
			"warning: %s: proactive_reclaim: has no effect on this host: the memory "
			"controller is cgroup v%d, and v2 is needed\n",
			path, host.version);
	cgroup_host_close(&host);
}

static void tell(bool warning, const char *line)
{
	fprintf(stderr, "%s%s\n", warning ? "warning: " : "", line);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct check_options chosen = {.config_path = "/etc/fastoom-bpf/config.yaml"};
	static struct config_errors errors;
	struct config *config;
	int operands, err, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	err = config_read(chosen.config_path, &config, &errors);
	if (!err) {
		err = config_check_trust(chosen.config_path, config, &errors);
		if (err)
			config_free(config);
	}
	config_errors_tell(&errors, chosen.config_path, tell);
	config_errors_free(&errors);
	if (err == -ENOMEM)
		fprintf(stderr, "%s: out of memory\n", chosen.config_path);
	if (err)
		return EXIT_USAGE;
	warn_of_host(config, chosen.config_path);
	printf("%s: good, %zu policies (built-in ones included)\n", chosen.config_path,
	       config->policy_count);
	config_free(config);
	return EXIT_OK;
}

const struct command command_check = {
	.name = "check",
	.summary = "Check a configuration file.",
	.details = "Prints every error with its file, line and column.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <stddef.h>
#include <stdint.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/cmd.h"
#include "client/victims_print.h"
#include "client/victims_view.h"
#include "config/config.h"
#include "config/load.h"
#include "daemon/start.h"
#include "sense/cgroup.h"
#include "sense/loader.h"

struct victims_options {
	const char *config_path;
	const char *scope;
	const char *host_root;
	uint64_t over_ns;
	bool json;
};

static const struct option_spec options[] = {
	{"config", 'c', "FILE", "policies (default: /etc/fastoom-bpf/config.yaml, or built in)",
	 option_text, "a path", offsetof(struct victims_options, config_path)},
	{"scope", 's', "SCOPE",
	 "node (default), the path of a cgroup (/a/b), or a pod (NAMESPACE/POD)", option_text,
	 "node, a path that begins with /, or NAMESPACE/POD",
	 offsetof(struct victims_options, scope)},
	{"over", 0, "DURATION", "measure growth for this time (default: 1s)", option_duration,
	 "a duration such as 500ms or 10s", offsetof(struct victims_options, over_ns)},
	{"host-root", 0, "DIR",
	 "in a container: where the host's root is mounted; names of pods are read below it",
	 option_text, "a path", offsetof(struct victims_options, host_root)},
	{"json", 'j', NULL, "print one JSON object", option_switch, NULL,
	 offsetof(struct victims_options, json)},
};

static int show(struct loader *loader, const struct config *config,
		const struct victims_options *chosen)
{
	struct victims_ranking ranking;
	struct victims_view *view;
	int code = victims_view_open(&view, loader, config, chosen->host_root);

	if (code == EXIT_OK)
		code = victims_view_rank(view, chosen->scope, chosen->over_ns, &ranking);
	if (code == EXIT_OK && chosen->json)
		code = victims_print_json(&ranking) ? EXIT_FAILED : EXIT_OK;
	else if (code == EXIT_OK)
		victims_print(&ranking);
	if (code == EXIT_OK && ranking.missing)
		log_warn("%llu processes are missing: the list is full",
			 (unsigned long long)ranking.missing);
	victims_view_close(view);
	return code;
}

/* Which version of cgroups the memory controller has; 0: there is none. */
static int cgroup_version(void)
{
	struct cgroup_host host;
	int version;

	if (cgroup_host_open(&host, ""))
		return 0;
	version = host.version;
	cgroup_host_close(&host);
	return version;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct victims_options chosen = {
		.scope = "node", .host_root = "", .over_ns = 1000000000ULL};
	struct loader *loader = NULL;
	struct config *config;
	int operands, code = cmd_parse(self, argc, argv, &chosen, &operands);

	if (code >= 0)
		return code;
	if (config_load(chosen.config_path, &config))
		return EXIT_USAGE;
	code = start_loader(&loader, cgroup_version());
	if (code == EXIT_OK)
		code = show(loader, config, &chosen);
	loader_free(loader);
	config_free(config);
	return code;
}

const struct command command_victims = {
	.name = "victims",
	.summary = "Show in which order the processes of a scope would be killed.",
	.details =
		"Lists the processes twice, to measure which ones grow, and ranks them as the daemon does.",
	.run = run,
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

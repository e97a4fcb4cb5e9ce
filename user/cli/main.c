// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Finds the command. */
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/cmd.h"
#include "sense/loader.h"

static void usage(FILE *to)
{
	fprintf(to,
		"Usage: fastoom-bpf COMMAND [OPTION]...\n"
		"Ends Near-OOM: the state of a host or cgroup that hangs for lack of memory.\n\n");
	for (size_t i = 0; commands[i]; i++)
		fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to,
		"\nfastoom-bpf COMMAND --help: more about a command. --version: the version.\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("fastoom-bpf " FASTOOM_VERSION "%s, libbpf %s\n",
		       *FASTOOM_COMMIT ? " (commit " FASTOOM_COMMIT ")" : "",
		       loader_library_version());
		return EXIT_OK;
	}
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	log_error("%s is not a command; see fastoom-bpf --help", argv[1]);
	return EXIT_USAGE;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "cli/cmd.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "base/exit.h"

#define OPTIONS_MAX 16

bool option_text(const char *text, void *target)
{
	*(const char **)target = text;
	return *text != '\0';
}

bool option_switch(const char *text, void *target)
{
	(void)text;
	*(bool *)target = true;
	return true;
}

bool option_duration(const char *text, void *target)
{
	return units_parse_duration(text, target) == 0 && *(uint64_t *)target > 0;
}

static void print_help(const struct command *command)
{
	printf("Usage: fastoom-bpf %s [OPTION]...%s%s\n%s\n", command->name,
	       command->operands ? " " : "", command->operands ? command->operands : "",
	       command->summary);
	if (command->details)
		puts(command->details);
	putchar('\n');
	for (size_t i = 0; i < command->option_count; i++) {
		const struct option_spec *option = &command->options[i];
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
			 option->letter ? option->letter : ' ', option->letter ? "," : " ",
			 option->name, option->value ? " " : "",
			 option->value ? option->value : "");
		printf("  %-24s %s\n", left, option->help);
	}
	printf("  %-24s %s\n", "-h, --help", "print this help and exit");
}

int cmd_parse(const struct command *command, int argc, char **argv, void *target, int *ret_operands)
{
	struct option longs[OPTIONS_MAX + 2] = {0};
	char shorts[3 * OPTIONS_MAX + 4] = ":h";
	size_t at = strlen(shorts);
	int found;

	for (size_t i = 0; i < command->option_count; i++) {
		const struct option_spec *option = &command->options[i];

		longs[i] = (struct option){option->name,
					   option->value ? required_argument : no_argument, NULL,
					   256 + (int)i};
		if (option->letter) {
			shorts[at++] = option->letter;
			if (option->value)
				shorts[at++] = ':';
		}
	}
	longs[command->option_count] = (struct option){"help", no_argument, NULL, 'h'};

	opterr = 0;
	optind = 1;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_spec *option = NULL;

		if (found == 'h') {
			print_help(command);
			return EXIT_OK;
		}
		if (found == ':' || found == '?') {
			const char letter[] = {'-', (char)optopt, '\0'};
			/* long options have numbers from 256 */
			bool is_letter = optopt > 0 && optopt < 256;

			log_error("%s: %s %s; see fastoom-bpf %s --help", command->name,
				  is_letter ? letter : argv[optind - 1],
				  found == ':' ? "needs a value"
					       : "is not an option of this command",
				  command->name);
			return EXIT_USAGE;
		}
		for (size_t i = 0; i < command->option_count; i++)
			if (found == 256 + (int)i || found == command->options[i].letter)
				option = &command->options[i];
		if (!option->parse(optarg, (char *)target + option->offset)) {
			log_error("%s: --%s %s: that is not %s", command->name, option->name,
				  optarg, option->allowed);
			return EXIT_USAGE;
		}
	}
	if (optind < argc && !command->operands) {
		log_error("%s: %s: this command takes no operands; see fastoom-bpf %s --help",
			  command->name, argv[optind], command->name);
		return EXIT_USAGE;
	}
	*ret_operands = optind;
	return -1;
}

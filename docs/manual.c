// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * manual man8|man5|config|bash|zsh|fish: man pages (for scdoc), the commented configuration that is
 * installed, and completions, from the tables that the parsers of the command line and of the
 * configuration use themselves.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "config/file_keys.h"
#include "config/match_keys.h"
#include "config/policy_keys.h"
#include "config/rule_keys.h"

/* Escapes what scdoc treats as markup. */
static void put_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_<>#~", *text))
			putchar('\\');
		putchar(*text);
	}
}

/* ---- fastoom-bpf(8) ---------------------------------------------------------------- */

static void man_option(const struct option_spec *option)
{
	if (option->letter)
		printf("*-%c*, ", option->letter);
	printf("*--%s*", option->name);
	if (option->value) {
		printf(" _");
		put_text(option->value);
		putchar('_');
	}
	printf("\n\t");
	put_text(option->help);
	printf("\n\n");
}

static void man8(void)
{
	puts("fastoom-bpf(8)\n\n# NAME\n\n"
	     "fastoom-bpf - ends Near-OOM on a Linux host or in a container, by policy\n\n"
	     "# SYNOPSIS\n\n*fastoom-bpf* _COMMAND_ [_OPTION_]...\n\n# DESCRIPTION\n\n"
	     "A host or container that is short of memory can stop making progress long before the "
	     "kernel's OOM killer acts: the kernel evicts file pages of running programs, they are "
	     "read back, and reclaim always finds another page. This state is called Near-OOM. "
	     "*fastoom-bpf run* measures it with BPF programs, for the node and for each memory "
	     "cgroup, and ends it by a policy (*fastoom-bpf.yaml*(5)). It kills the process that "
	     "took the memory, not the one that suffers, and records the reason. The other "
	     "commands show what it sees and did.\n\n"
	     "# COMMANDS\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];

		printf("## fastoom-bpf %s [OPTION]...", command->name);
		if (command->operands) {
			putchar(' ');
			put_text(command->operands);
		}
		printf("\n\n");
		put_text(command->summary);
		if (command->details) {
			putchar(' ');
			put_text(command->details);
		}
		printf("\n\n");
		for (size_t j = 0; j < command->option_count; j++)
			man_option(&command->options[j]);
	}
	puts("Each command also takes *-h*, *--help*.\n\n"
	     "# EXIT STATUS\n\n"
	     "*0*\n\tSuccess. *doctor*: every check is ok.\n\n"
	     "*1*\n\tFailure. *doctor*: some checks are not ok.\n\n"
	     "*2*\n\tThe command line or the configuration is wrong.\n\n"
	     "*3*\n\tThis host lacks something that is required: BTF, a permission, a hook.\n\n"
	     "*4*\n\tThe kernel refused the BPF programs.\n\n"
	     "# FILES\n\n"
	     "_/etc/fastoom-bpf/config.yaml_\n\tThe configuration. Without it the built-in policies apply.\n\n"
	     "_/var/log/fastoom-bpf/events.jsonl_\n\tThe records, one JSON object a line.\n\n"
	     "_/run/fastoom-bpf/control.sock_\n\tThe control socket (varlink), which *top*, *status* and *events -f* read.\n\n"
	     "# ENVIRONMENT\n\n"
	     "*RUNTIME\\_DIRECTORY*\n\tThe directory to use instead of _/run/fastoom-bpf_.\n\n"
	     "*NO\\_COLOR*\n\tIf it is not empty, *top* uses no colours.\n\n"
	     "*COLUMNS*\n\tThe width of *top --once* and *top --batch*.\n\n"
	     "# SIGNALS\n\nOn SIGHUP *run* reads its configuration again. A configuration with an "
	     "error changes nothing. SIGTERM and SIGINT end it.\n\n"
	     "# SEE ALSO\n\n*fastoom-bpf.yaml*(5)");
}

/* ---- fastoom-bpf.yaml(5) ----------------------------------------------------------- */

static void man_table(const struct config_table *table)
{
	char allowed[1024];

	printf("# KEYS OF %s %s\n\n", strcmp(table->name, "file") ? "A" : "THE", table->name);
	for (size_t i = 0; i < table->count; i++) {
		const struct config_key *key = &table->keys[i];

		printf("*%s*", key->name);
		if (key->required)
			printf(" (required)");
		printf("\n\t");
		put_text(key->help);
		printf("++\nAllowed: ");
		put_text(config_key_allowed(key, allowed, sizeof(allowed)));
		putchar('.');
		if (key->preset) {
			printf(" Default: ");
			put_text(key->preset);
			putchar('.');
		}
		if (key->old_name) {
			printf("++\nFormerly *");
			put_text(key->old_name);
			printf("*, which this version still accepts, with a warning.");
		}
		printf("\n\n");
	}
}

static void man5(void)
{
	puts("fastoom-bpf.yaml(5)\n\n# NAME\n\nfastoom-bpf.yaml - policies of fastoom-bpf\n\n"
	     "# DESCRIPTION\n\n"
	     "The configuration is a YAML file, _/etc/fastoom-bpf/config.yaml_ or the file of "
	     "*run -c*, and the files _config.d/\\*.yaml_ beside it. Its policies say what is "
	     "judged, how early to act, and which processes may be killed. The first policy that "
	     "matches a scope applies. If a file has _policies_ and none of them is for the node, "
	     "the daemon does not act on the node. Cgroups that no policy matches are watched, and "
	     "the daemon only warns. The built-in protection holds in every policy. "
	     "*fastoom-bpf check* prints every error with its place. A configuration with an error "
	     "changes nothing.\n");
	for (size_t i = 0; config_tables[i]; i++)
		man_table(config_tables[i]);
	puts("# EXAMPLE\n\n```\npolicies:\n  - name: node\n    match: { node: true }\n"
	     "    pressure: medium\n    prefer: [ { comm: '^logcollect' } ]\n  - name: batch\n"
	     "    match: { cgroup: '/batch/*' }\n    kill: cgroup\n```\n\n"
	     "# SEE ALSO\n\n*fastoom-bpf*(8)");
}

/* ---- config.yaml -------------------------------------------------------------------- */

/*
 * Values of the keys whose default is not a value that can be written. In the file a line that
 * begins with "#" and exactly one space is prose; without the "#" the others are a configuration.
 */
static const struct {
	const struct config_table *table;
	const char *key;
	const char *value;
} examples[] = {
	{&file_table, "events", "/var/log/fastoom-bpf/events.jsonl"},
	{&file_table, "notify", "/usr/bin/logger"},
	{&policy_table, "min_free", "32MiB"},
	{&policy_table, "proactive_reclaim", "0.95"},
	{&policy_table, "protect", "[ { exe: '^/usr/lib/postgresql/' } ]"},
	{&policy_table, "avoid", "[ { exe: '^/usr/bin/python3' } ]"},
	{&match_table, "pod", "'^web-'"},
	{&match_table, "namespace", "default"},
	{&match_table, "container", "'^app$'"},
	{&rule_table, "comm", "'^logcollect'"},
	{&rule_table, "exe", "'/java$'"},
	{&rule_table, "cmdline", "'--batch'"},
	{&rule_table, "uid", "1000-1999"},
	{&rule_table, "cgroup", "'/batch/*'"},
	{&rule_table, "pod", "'^batch-'"},
	{&rule_table, "namespace", "batch"},
	{&rule_table, "container", "'^worker$'"},
	{&rule_table, "qos", "besteffort"},
};

/* Ends the program if there is none: a new key needs an example here, or a default. */
static const char *example_of(const struct config_table *table, const struct config_key *key)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (examples[i].table == table && !strcmp(examples[i].key, key->name))
			return examples[i].value;
	if (key->preset)
		return key->preset;
	if (key->words)
		return key->words[0];
	fprintf(stderr, "fo-manual: the key %s of a %s has no example\n", key->name, table->name);
	exit(1);
}

/* @prefix and the text, in lines of at most 100 characters. */
static void put_prose(const char *prefix, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void put_prose(const char *prefix, const char *format, ...)
{
	char text[2048], *save;
	size_t column = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!column || column + 1 + strlen(word) > 100)
			column = (size_t)printf("%s%s", column ? "\n" : "", prefix);
		column += (size_t)printf(" %s", word);
	}
	putchar('\n');
}

static void config_prose(const char *prefix, const struct config_key *key)
{
	char allowed[1024];

	put_prose(prefix, "%s Allowed: %s.%s%s%s", key->help,
		  config_key_allowed(key, allowed, sizeof(allowed)),
		  key->preset ? " Default: " : "", key->preset ? key->preset : "",
		  key->preset ? "." : "");
}

static const struct config_key *policy_key(const char *name)
{
	for (size_t i = 0; i < policy_table.count; i++)
		if (!strcmp(policy_table.keys[i].name, name))
			return &policy_table.keys[i];
	exit(1);
}

static void config_rules(const char *name)
{
	printf("#    %s:\n", name);
	for (size_t i = 0; i < rule_table.count; i++) {
		const struct config_key *key = &rule_table.keys[i];

		config_prose("#      #", key);
		printf("#      - %s: %s\n", key->name, example_of(&rule_table, key));
	}
}

static void config_policies(void)
{
	puts("#policies:\n#  - name: node\n#    match: { node: true }");
	for (size_t i = 0; i < policy_table.count; i++) {
		const struct config_key *key = &policy_table.keys[i];

		/* proactive_reclaim is not for the node */
		if (key->required || key == policy_key("proactive_reclaim"))
			continue;
		config_prose("#    #", key);
		if (!strcmp(key->name, "prefer"))
			config_rules(key->name);
		else
			printf("#    %s: %s\n", key->name, example_of(&policy_table, key));
	}
	config_prose("#  #", &match_table.keys[1]);
	puts("#  - name: batch\n#    match: { cgroup: '/batch/*' }\n#    kill: cgroup");
	puts("#  - name: web\n#    match:");
	for (size_t i = 0; i < match_table.count; i++) {
		const struct config_key *key = &match_table.keys[i];

		if (!strcmp(key->name, "node") || !strcmp(key->name, "cgroup"))
			continue;
		config_prose("#      #", key);
		printf("#      %s: %s\n", key->name, example_of(&match_table, key));
	}
	config_prose("#    #", policy_key("proactive_reclaim"));
	printf("#    proactive_reclaim: %s\n",
	       example_of(&policy_table, policy_key("proactive_reclaim")));
}

static void config(void)
{
	put_prose("#",
		  "The configuration of fastoom-bpf, see fastoom-bpf.yaml(5). To set a key, remove "
		  "the # before it. Check the file with: fastoom-bpf check. The daemon loads a "
		  "changed file at once. Files config.d/*.yaml beside this one are read after it.");
	for (size_t i = 0; i < file_table.count; i++) {
		const struct config_key *key = &file_table.keys[i];

		putchar('\n');
		config_prose("#", key);
		if (!strcmp(key->name, "policies"))
			config_policies();
		else /* one key is set: a file without any could be one that was cut */
			printf("%s%s: %s\n", strcmp(key->name, "rivals") ? "#" : "", key->name,
			       example_of(&file_table, key));
	}
}

/* ---- completions ------------------------------------------------------------------- */

static int is_value(const struct option_spec *option, const char *what)
{
	return option->value && !strcmp(option->value, what);
}

static void bash_values(const struct command *command, const char *what, const char *how)
{
	int any = 0;

	for (size_t j = 0; j < command->option_count; j++) {
		const struct option_spec *option = &command->options[j];

		/* a value that is neither a file nor a directory cannot be completed */
		if (what ? !is_value(option, what)
			 : !option->value || is_value(option, "FILE") || is_value(option, "DIR"))
			continue;
		printf("%s%s:", any ? "|" : "\t", command->name);
		if (option->letter)
			printf("-%c|%s:", option->letter, command->name);
		printf("--%s", option->name);
		any = 1;
	}
	if (any)
		printf(") %s ;;\n", how);
}

static void bash(void)
{
	puts("# bash completion of fastoom-bpf, made from its option tables\n_fastoom_bpf() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} options=''\n"
	     "\tCOMPREPLY=()\n"
	     "\tif ((COMP_CWORD == 1)); then");
	printf("\t\tmapfile -t COMPREPLY < <(compgen -W '");
	for (size_t i = 0; commands[i]; i++)
		printf("%s ", commands[i]->name);
	puts("--help --version' -- \"$cur\")\n\t\treturn\n\tfi\n"
	     "\tcase $command:${COMP_WORDS[COMP_CWORD - 1]} in");
	for (size_t i = 0; commands[i]; i++) {
		bash_values(commands[i], "FILE",
			    "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return");
		bash_values(commands[i], "DIR",
			    "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return");
		bash_values(commands[i], NULL, "return");
	}
	puts("\tesac\n\tcase $command in");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t%s) options='", commands[i]->name);
		for (size_t j = 0; j < commands[i]->option_count; j++)
			printf("--%s ", commands[i]->options[j].name);
		puts("--help' ;;");
	}
	puts("\tesac\n\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n}\n"
	     "complete -F _fastoom_bpf fastoom-bpf");
}

/* Within single quotes; zsh treats brackets and colons as markup. */
static void put_zsh(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'') {
			printf("'\\''");
			continue;
		}
		if (strchr("[]:\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void zsh(void)
{
	puts("#compdef fastoom-bpf\n# made from the option tables of fastoom-bpf\n"
	     "_fastoom_bpf() {\n\tlocal -a commands\n\tif ((CURRENT == 2)); then\n\t\tcommands=(");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t\t'%s:", commands[i]->name);
		put_zsh(commands[i]->summary);
		puts("'");
	}
	puts("\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
	     "\tlocal command=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t%s) _arguments -s", commands[i]->name);
		for (size_t j = 0; j < commands[i]->option_count; j++) {
			const struct option_spec *option = &commands[i]->options[j];

			if (option->letter)
				printf(" \\\n\t\t'(--%s -%c)'{--%s,-%c}'[", option->name,
				       option->letter, option->name, option->letter);
			else
				printf(" \\\n\t\t'--%s[", option->name);
			put_zsh(option->help);
			putchar(']');
			if (option->value) {
				putchar(':');
				put_zsh(option->value);
				printf(":%s", is_value(option, "FILE")	? "_files"
					      : is_value(option, "DIR") ? "_files -/"
									: " ");
			}
			putchar('\'');
		}
		puts(" \\\n\t\t'(- *)'{-h,--help}'[show help]' ;;");
	}
	puts("\tesac\n}\n_fastoom_bpf \"$@\"");
}

static void put_fish(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void fish(void)
{
	puts("# made from the option tables of fastoom-bpf\ncomplete -c fastoom-bpf -f");
	for (size_t i = 0; commands[i]; i++) {
		printf("complete -c fastoom-bpf -n __fish_use_subcommand -a %s -d '",
		       commands[i]->name);
		put_fish(commands[i]->summary);
		puts("'");
		for (size_t j = 0; j < commands[i]->option_count; j++) {
			const struct option_spec *option = &commands[i]->options[j];

			printf("complete -c fastoom-bpf -n '__fish_seen_subcommand_from %s' -l %s",
			       commands[i]->name, option->name);
			if (option->letter)
				printf(" -s %c", option->letter);
			if (is_value(option, "FILE") || is_value(option, "DIR"))
				printf(" -r -F");
			else if (option->value)
				printf(" -x");
			printf(" -d '");
			put_fish(option->help);
			puts("'");
		}
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} kinds[] = {{"man8", man8}, {"man5", man5}, {"config", config},
		     {"bash", bash}, {"zsh", zsh},   {"fish", fish}};

	for (size_t i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name)) {
			kinds[i].print();
			return ferror(stdout) ? 1 : 0;
		}
	fputs("usage: fo-manual man8|man5|config|bash|zsh|fish\n", stderr);
	return 2;
}

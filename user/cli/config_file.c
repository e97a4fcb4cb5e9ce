/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/regex.h"
#include "base/util.h"
#include "base/yaml.h"

#define POLICY_NAME_MAX 64
#define CGROUPS_NAME	"cgroups"
#define MESSAGE_MAX	1024

struct config_parser {
	const char *file;
	struct config_errors *errors; /* NULL: nobody wants to know */
	size_t error_count;
	bool no_memory;
	bool has_policies;
	struct config *config;
	unsigned node_line; /* of the policy that judges the node; 0 = none yet */
	unsigned name_line[CONFIG_POLICIES_MAX];
};

/*
 * What keeps a host reachable and its containers under control. Patterns on comm alone,
 * which holds the first 15 characters of a name: "systemd-journald" is "systemd-journal".
 */
static const char *const builtin_protect[] = {
	/* the system manager, its daemons (journal, logind, networkd, resolved, udevd, ...)
	 * and those that stand in for them elsewhere */
	"^(systemd(-.*)?|\\(sd-pam\\)|init|udevd|elogind(-daemon)?|runsvdir|runsv|"
	"s6-(svscan|supervise)|supervise-daemo)$",
	/* the message bus, without which logind and NetworkManager are mute */
	"^dbus-(daemon|broker|broker-lau)$",
	/* the way in by network */
	"^(sshd(-session|-auth)?|dropbear)$",
	/* the way in by console, and who it asks about accounts */
	"^(login|[am]?getty|mingetty|sulogin|\\((a|m)?getty\\)|sssd(_.*)?|nslcd|winbindd)$",
	/* network managers, DHCP clients, links and tunnels */
	"^(NetworkManager|connmand|wickedd(-.*)?|netifd|wpa_supplicant|iwd|teamd|ovs-vswitchd|"
	"ovsdb-server|dhclient|dhcpcd|udhcpc|pppd|openvpn|tailscaled)$",
	/* the disks of hosts whose disks come by network or several paths */
	"^(iscsid|multipathd|mdmon|dmeventd|nbd-client)$",
	/* container runtimes, their shims, what holds a pod's namespaces, and kubelet */
	"^(containerd|containerd-shim|dockerd|docker-proxy|crio|conmon(rs)?|runc|crun|"
	"lxc-start|lxcfs|kubelet|kubelite|k3s-(server|agent)|k0s|pause)$",
	/* the cloud's own way in */
	"^(qemu-ga|amazon-ssm-agen|google_guest_ag|hv_kvp_daemon)$",
};

/* A desktop that dies takes every window with it: worth a look elsewhere first. */
static const char *const builtin_avoid[] = {
	"^(X|Xorg|Xorg\\.bin|Xwayland|Xvnc|gnome-shell|gnome-session.*|mutter.*|kwin_.*|"
	"plasmashell|plasma_session|ksmserver|startplasma.*|cinnamon.*|mate-session|marco|"
	"xfce4-session|xfwm4|lxqt-session|lxsession|budgie-wm|cosmic-(comp|sessio.*)|"
	"sway|weston|wayfire|labwc|river|niri|Hyprland|hyprland|i3|openbox|compiz|"
	"gdm.*|sddm.*|lightdm)$",
};

/* ---- errors ---- */

/* By place; what comes twice at one place stays in the order it came. Takes text over. */
static void errors_insert(struct config_errors *errors, unsigned line, unsigned column, char *text)
{
	size_t i;

	if (errors->count == CONFIG_ERRORS_MAX) {
		errors->more++;
		free(text);
		return;
	}

	for (i = errors->count; i > 0; i--) {
		const struct config_error *before = &errors->list[i - 1];

		if (before->line < line || (before->line == line && before->column <= column))
			break;
		errors->list[i] = *before;
	}
	errors->list[i] = (struct config_error){.line = line, .column = column, .text = text};
	errors->count++;
}

static void __attribute__((format(printf, 5, 6)))
error_add(struct config_parser *p, unsigned line, unsigned column, const char *key,
	  const char *format, ...)
{
	char what[MESSAGE_MAX], *text = NULL;
	va_list args;

	p->error_count++;
	if (!p->errors)
		return;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);

	if (asprintf(&text, "%s:%u:%u: %s: %s", p->file, line, column, key, what) < 0) {
		p->no_memory = true;
		return;
	}
	errors_insert(p->errors, line, column, text);
}

/* What the file says, fit for a terminal: short, in one line, and only plain characters. */
static char *quote(const char *text, char *buf, size_t n)
{
	static const size_t shown = 40;
	size_t at = 0;

	if (n == 0)
		return buf;

	for (size_t i = 0; text[i] && at + 8 < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i == shown) {
			at += (size_t)snprintf(buf + at, n - at, "...");
			break;
		}
		if (c >= 0x20 && c < 0x7f)
			buf[at++] = (char)c;
		else
			at += (size_t)snprintf(buf + at, n - at, "\\x%02x", c);
	}
	buf[at] = '\0';
	return buf;
}

/* The value as a phrase: "'medum'", "a list", "empty". */
static char *describe(const struct ynode *value, char *buf, size_t n)
{
	char quoted[192];

	switch (value->kind) {
	case YNODE_LIST:
		snprintf(buf, n, "a list");
		break;
	case YNODE_MAP:
		snprintf(buf, n, "a mapping");
		break;
	case YNODE_SCALAR:
	case YNODE_BAD:
		if (value->len == 0)
			snprintf(buf, n, "empty");
		else
			snprintf(buf, n, "'%s'", quote(value->text, quoted, sizeof(quoted)));
		break;
	}
	return buf;
}

char *config_key_allowed(const struct config_key *key, char *buf, size_t n)
{
	size_t at = 0;

	if (!key->words) {
		snprintf(buf, n, "%s", key->allowed);
		return buf;
	}

	buf[0] = '\0';
	for (size_t i = 0; key->words[i] && at < n; i++) {
		const char *before = i == 0 ? "" : key->words[i + 1] ? ", " : " or ";

		at += (size_t)snprintf(buf + at, n - at, "%s%s", before, key->words[i]);
	}
	return buf;
}

/* "key: it is <so>; allowed: ..." at the value. */
static void error_value(struct config_parser *p, const struct config_key *key,
			const struct ynode *value, const char *hint)
{
	char allowed[256], is[224];

	error_add(p, value->line, value->column, key->name, "is %s%s; allowed: %s",
		  describe(value, is, sizeof(is)), hint,
		  config_key_allowed(key, allowed, sizeof(allowed)));
}

static void yaml_complain(unsigned line, unsigned column, const char *msg, void *userdata)
{
	error_add(userdata, line, column, "yaml", "%s", msg);
}

/* ---- words ---- */

/* Letters to add, drop or change (or swap with their neighbour) between two words. */
static size_t word_distance(const char *a, const char *b)
{
	enum {
		LONGEST = 32
	};
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return SIZE_MAX;

	for (size_t j = 0; j <= lb; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

/* Keeps the nearer of two guesses; a guess that shares too little is none. */
static void guess_word(const char *written, const char *word, const char **guess, size_t *distance)
{
	size_t d = word_distance(written, word);

	if (d <= 2 && d * 2 <= strlen(word) && d < *distance) {
		*guess = word;
		*distance = d;
	}
}

static char *guess_phrase(const char *guess, char *buf, size_t n)
{
	buf[0] = '\0';
	if (guess)
		snprintf(buf, n, " (did you mean `%s`?)", guess);
	return buf;
}

/* The place of a scalar among key->words; -1 after complaining. */
static int parse_word(struct config_parser *p, const struct config_key *key,
		      const struct ynode *value)
{
	const char *guess = NULL;
	size_t distance = SIZE_MAX;
	char hint[64];

	if (value->kind == YNODE_SCALAR) {
		for (int i = 0; key->words[i]; i++) {
			if (strcmp(value->text, key->words[i]) == 0)
				return i;
			guess_word(value->text, key->words[i], &guess, &distance);
		}
	}
	error_value(p, key, value, guess_phrase(guess, hint, sizeof(hint)));
	return -1;
}

/* ---- mappings and lists ---- */

/* Hands every value of a mapping to its key's parser; complains of the others. */
static void parse_map(struct config_parser *p, const struct config_table *table, const char *name,
		      const struct ynode *map, void *target)
{
	char names[256], quoted[192], hint[64];
	uint32_t seen = 0;

	for (const struct ynode *value = map->first; value; value = value->next) {
		const char *guess = NULL;
		size_t distance = SIZE_MAX, i;

		for (i = 0; i < table->count; i++) {
			if (strcmp(value->key->text, table->keys[i].name) == 0)
				break;
			guess_word(value->key->text, table->keys[i].name, &guess, &distance);
		}
		if (i < table->count) {
			seen |= UINT32_C(1) << i;
			if (value->kind != YNODE_BAD)
				table->keys[i].parse(p, &table->keys[i], value, target);
			continue;
		}

		names[0] = '\0';
		for (size_t k = 0, at = 0; k < table->count && at < sizeof(names); k++)
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       k > 0 ? ", " : "", table->keys[k].name);
		error_add(p, value->key->line, value->key->column,
			  quote(value->key->text, quoted, sizeof(quoted)),
			  "unknown key in %s%s; allowed: %s", name,
			  guess_phrase(guess, hint, sizeof(hint)), names);
	}

	for (size_t i = 0; i < table->count; i++)
		if (table->keys[i].required && !(seen & (UINT32_C(1) << i)))
			error_add(p, map->line, map->column, table->keys[i].name,
				  "is missing; required: %s",
				  config_key_allowed(&table->keys[i], names, sizeof(names)));
}

/* Complains if it is not a list. */
static bool is_list(struct config_parser *p, const struct config_key *key, const struct ynode *list)
{
	if (list->kind != YNODE_LIST) {
		error_value(p, key, list, "");
		return false;
	}
	return true;
}

/* Text that is there and fits in a path, and in a line of a terminal or a log. */
static bool is_path_text(const struct ynode *value)
{
	if (value->kind != YNODE_SCALAR || value->text[0] != '/' || value->len >= PATH_MAX)
		return false;
	for (size_t i = 0; i < value->len; i++)
		if ((unsigned char)value->text[i] < 0x20 || value->text[i] == 0x7f)
			return false;
	return true;
}

static char *copy_text(struct config_parser *p, const struct ynode *value)
{
	char *copy = strdup(value->text);

	if (!copy)
		p->no_memory = true;
	return copy;
}

/* ---- rules ---- */

static void rule_free(struct rule *rule)
{
	regex_free(rule->comm);
	regex_free(rule->cmdline);
	free(rule->text);
}

/* Takes the rule over, also when it fails. */
static int rules_append(struct rule_list *list, struct rule *rule)
{
	/* Room is doubled whenever the count is a power of two, so no capacity is kept. */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? list->count * 2 : 1;
		struct rule *rules = reallocarray(list->rules, room, sizeof(*rules));

		if (!rules) {
			rule_free(rule);
			return -ENOMEM;
		}
		list->rules = rules;
	}

	list->rules[list->count++] = *rule;
	return 0;
}

/* "comm: ^java$", "comm: ^java$, cmdline: foo" */
static void rule_add_text(struct config_parser *p, struct rule *rule, const char *key,
			  const char *pattern)
{
	char *text = NULL;

	if (asprintf(&text, "%s%s%s: %s", rule->text ? rule->text : "", rule->text ? ", " : "", key,
		     pattern) < 0) {
		p->no_memory = true;
		return;
	}
	free(rule->text);
	rule->text = text;
}

static void parse_pattern(struct config_parser *p, const struct config_key *key,
			  const struct ynode *value, struct rule *rule, struct regex **regex)
{
	size_t offset;
	char msg[256];
	int r;

	/* Nothing matches everything: more likely a slip than a wish, and '.*' says it too. */
	if (value->kind != YNODE_SCALAR || value->len == 0) {
		error_value(p, key, value, "");
		return;
	}

	r = regex_compile(value->text, regex, &offset, msg, sizeof(msg));
	if (r == -EINVAL) {
		error_add(p, value->line, value->column, key->name,
			  "the pattern does not compile: %s at offset %zu; allowed: %s", msg,
			  offset, key->allowed);
		return;
	}
	if (r < 0) {
		p->no_memory = true;
		return;
	}
	rule_add_text(p, rule, key->name, value->text);
}

static void parse_rule_comm(struct config_parser *p, const struct config_key *key,
			    const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_pattern(p, key, value, rule, &rule->comm);
}

static void parse_rule_cmdline(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_pattern(p, key, value, rule, &rule->cmdline);
}

static const struct config_key rule_keys[] = {
	{
		.name = "comm",
		.parse = parse_rule_comm,
		.allowed = "a regular expression (PCRE2) on the process name, which holds the "
			   "first 15 characters only",
		.help = "The name of the process matches.",
	},
	{
		.name = "cmdline",
		.parse = parse_rule_cmdline,
		.allowed = "a regular expression (PCRE2) on the command line",
		.help = "The command line of the process matches.",
	},
};

static const struct config_table rule_table = {"rule", rule_keys, ARRAY_SIZE(rule_keys)};

static void parse_rules(struct config_parser *p, const struct config_key *key,
			const struct ynode *list, struct rule_list *rules)
{
	if (!is_list(p, key, list))
		return;

	for (const struct ynode *value = list->first; value; value = value->next) {
		struct rule rule = {0};

		if (value->kind == YNODE_BAD)
			continue;
		if (value->kind != YNODE_MAP || value->count == 0) {
			char is[224];

			error_add(
				p, value->line, value->column, key->name,
				"a rule here is %s; allowed: a mapping with comm, cmdline or both",
				value->kind == YNODE_MAP ? "empty"
							 : describe(value, is, sizeof(is)));
			continue;
		}
		parse_map(p, &rule_table, "a rule", value, &rule);
		/* One without patterns would name every process; its errors are told. */
		if (!rule.comm && !rule.cmdline) {
			rule_free(&rule);
			continue;
		}
		if (rules_append(rules, &rule) < 0)
			p->no_memory = true;
	}
}

static int rules_append_builtin(struct rule_list *rules, const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rule rule = {0};
		int r;

		r = regex_compile(patterns[i], &rule.comm, NULL, NULL, 0);
		if (r < 0)
			return r;
		if (asprintf(&rule.text, "built-in comm: %s", patterns[i]) < 0) {
			rule.text = NULL;
			rule_free(&rule);
			return -ENOMEM;
		}
		r = rules_append(rules, &rule);
		if (r < 0)
			return r;
	}
	return 0;
}

static void rules_free(struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		rule_free(&list->rules[i]);
	free(list->rules);
}

/* ---- policies ---- */

static void parse_match_node(struct config_parser *p, const struct config_key *key,
			     const struct ynode *value, void *target)
{
	struct policy *policy = target;

	if (parse_word(p, key, value) < 0)
		return;
	/* In quotes it is text, for whoever reads YAML by the letter. */
	if (!value->plain) {
		error_value(p, key, value, " in quotes");
		return;
	}
	policy->match_node = true;

	/* The first that matches wins, so a second one would be silent for ever. */
	if (p->node_line)
		error_add(p, value->key->line, value->key->column, key->name,
			  "the node is judged by the policy of line %u already; one is allowed",
			  p->node_line);
	else
		p->node_line = value->key->line;
}

static void parse_match_cgroup(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	struct policy *policy = target;

	if (!is_path_text(value)) {
		error_value(p, key, value, "");
		return;
	}
	policy->match_cgroup = copy_text(p, value);
}

static const char *const match_node_words[] = {"true", NULL};

static const struct config_key match_keys[] = {
	{
		.name = "node",
		.parse = parse_match_node,
		.words = match_node_words,
		.help = "The policy judges the whole host.",
	},
	{
		.name = "cgroup",
		.parse = parse_match_cgroup,
		.allowed = "a shell pattern that begins with '/', on the path below the memory "
			   "controller's root",
		.help = "The policy judges each memory cgroup whose path matches; * matches / too.",
	},
};

static const struct config_table match_table = {"match", match_keys, ARRAY_SIZE(match_keys)};

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static void parse_policy_name(struct config_parser *p, const struct config_key *key,
			      const struct ynode *value, void *target)
{
	struct policy *policy = target;
	bool good = value->kind == YNODE_SCALAR && value->len > 0 && value->len <= POLICY_NAME_MAX;

	for (size_t i = 0; good && i < value->len; i++)
		good = is_name_char(value->text[i]);
	if (!good) {
		error_value(p, key, value, "");
		return;
	}

	if (strcmp(value->text, CGROUPS_NAME) == 0) {
		error_add(p, value->line, value->column, key->name,
			  "is '" CGROUPS_NAME "', the built-in policy that watches every other "
			  "cgroup; allowed: another name");
		return;
	}

	for (size_t i = 0; i < p->config->policy_count; i++) {
		const struct policy *other = &p->config->policies[i];

		if (!other->name || strcmp(other->name, value->text) != 0)
			continue;
		error_add(p, value->line, value->column, key->name,
			  "is '%s', as the policy of line %u; allowed: another name", value->text,
			  p->name_line[i]);
		return;
	}

	p->name_line[policy - p->config->policies] = value->line;
	policy->name = copy_text(p, value);
}

static void parse_policy_match(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	if (value->kind != YNODE_MAP) {
		error_value(p, key, value, "");
		return;
	}

	parse_map(p, &match_table, "match", value, target);
	if (value->count != 1)
		error_add(p, value->line, value->column, key->name, "has %zu keys; allowed: %s",
			  value->count, key->allowed);
}

static void parse_policy_pressure(struct config_parser *p, const struct config_key *key,
				  const struct ynode *value, void *target)
{
	struct policy *policy = target;
	int i = parse_word(p, key, value);

	if (i >= 0)
		policy->pressure = (enum pressure)i;
}

static void parse_policy_kill(struct config_parser *p, const struct config_key *key,
			      const struct ynode *value, void *target)
{
	struct policy *policy = target;
	int i = parse_word(p, key, value);

	if (i >= 0)
		policy->kill = (enum kill_unit)i;
}

static void parse_policy_rank(struct config_parser *p, const struct config_key *key,
			      const struct ynode *value, void *target)
{
	struct policy *policy = target;
	int i = parse_word(p, key, value);

	if (i >= 0)
		policy->rank = (enum rank)i;
}

static void parse_policy_protect(struct config_parser *p, const struct config_key *key,
				 const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_rules(p, key, value, &policy->protect);
}

static void parse_policy_avoid(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_rules(p, key, value, &policy->avoid);
}

static void parse_policy_prefer(struct config_parser *p, const struct config_key *key,
				const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_rules(p, key, value, &policy->prefer);
}

static const char *const pressure_words[PRESSURE_MAX_ + 1] = {
	[PRESSURE_LOW] = "low",
	[PRESSURE_MEDIUM] = "medium",
	[PRESSURE_HIGH] = "high",
};

static const char *const kill_words[KILL_UNIT_MAX_ + 1] = {
	[KILL_UNIT_PROCESS] = "process",
	[KILL_UNIT_CGROUP] = "cgroup",
};

static const char *const rank_words[RANK_MAX_ + 1] = {
	[RANK_BLAME] = "blame",
	[RANK_SIZE] = "size",
	[RANK_KERNEL] = "kernel",
};

#define RULES_ALLOWED "a list of mappings with comm, cmdline or both"

static const struct config_key policy_keys[] = {
	{
		.name = "name",
		.parse = parse_policy_name,
		.allowed = "1 to 64 letters, digits, '.', '_' and '-'",
		.required = true,
		.help = "What records and tables call the policy; no two have the same.",
	},
	{
		.name = "match",
		.parse = parse_policy_match,
		.allowed = "a mapping with either 'node: true' or 'cgroup: /pattern'",
		.required = true,
		.inner = &match_table,
		.help = "What the policy judges; of several that match, the first one does.",
	},
	{
		.name = "pressure",
		.parse = parse_policy_pressure,
		.words = pressure_words,
		.preset = "medium",
		.help = "How early it acts: low earliest, high about where the kernel would.",
	},
	{
		.name = "kill",
		.parse = parse_policy_kill,
		.words = kill_words,
		.preset = "process",
		.help = "What dies together with the process chosen.",
	},
	{
		.name = "rank",
		.parse = parse_policy_rank,
		.words = rank_words,
		.preset = "blame",
		.help = "The order among those no rule names: what a process gives back weighted "
			"by its share of recent growth, what it gives back, or the kernel's order.",
	},
	{
		.name = "protect",
		.parse = parse_policy_protect,
		.allowed = RULES_ALLOWED,
		.inner = &rule_table,
		.help = "Never killed, besides what the built-in rules protect.",
	},
	{
		.name = "avoid",
		.parse = parse_policy_avoid,
		.allowed = RULES_ALLOWED,
		.inner = &rule_table,
		.help = "Killed last.",
	},
	{
		.name = "prefer",
		.parse = parse_policy_prefer,
		.allowed = RULES_ALLOWED,
		.inner = &rule_table,
		.help = "Killed first.",
	},
};

static const struct config_table policy_table = {"policy", policy_keys, ARRAY_SIZE(policy_keys)};

static void policy_init(struct policy *policy)
{
	*policy = (struct policy){
		.pressure = PRESSURE_MEDIUM,
		.kill = KILL_UNIT_PROCESS,
		.rank = RANK_BLAME,
	};
}

static void policy_free(struct policy *policy)
{
	free(policy->name);
	free(policy->match_cgroup);
	rules_free(&policy->protect);
	rules_free(&policy->avoid);
	rules_free(&policy->prefer);
}

/* ---- the file ---- */

static void parse_events(struct config_parser *p, const struct config_key *key,
			 const struct ynode *value, void *target)
{
	struct config *config = target;

	if (!is_path_text(value)) {
		error_value(p, key, value, "");
		return;
	}
	config->events_path = copy_text(p, value);
}

static void parse_readers(struct config_parser *p, const struct config_key *key,
			  const struct ynode *value, void *target)
{
	struct config *config = target;

	if (value->kind != YNODE_SCALAR || !value->len || strchr(value->text, ' ')) {
		error_value(p, key, value, "");
		return;
	}
	if (strcmp(value->text, "everyone") != 0)
		config->readers = copy_text(p, value);
}

static void parse_policies(struct config_parser *p, const struct config_key *key,
			   const struct ynode *list, void *target)
{
	struct config *config = target;
	char is[224];

	p->has_policies = true;
	if (!is_list(p, key, list))
		return;
	if (list->count > CONFIG_POLICIES_MAX)
		error_add(p, list->line, list->column, key->name, "are %zu; allowed: at most %d",
			  list->count, CONFIG_POLICIES_MAX);

	for (const struct ynode *value = list->first; value; value = value->next) {
		struct policy *policy;

		if (config->policy_count == CONFIG_POLICIES_MAX)
			break;
		if (value->kind == YNODE_BAD)
			continue;
		if (value->kind != YNODE_MAP) {
			error_add(p, value->line, value->column, key->name,
				  "a policy here is %s; allowed: a mapping with at least name and "
				  "match",
				  describe(value, is, sizeof(is)));
			continue;
		}
		policy = &config->policies[config->policy_count];
		policy_init(policy);
		parse_map(p, &policy_table, "a policy", value, policy);
		/* Also one with errors: the names and places of others are held against it. */
		config->policy_count++;
	}
}

static const struct config_key file_keys[] = {
	{
		.name = "events",
		.parse = parse_events,
		.allowed = "an absolute path",
		.help = "The file that records are appended to, one JSON object a line.",
	},
	{
		.name = "readers",
		.parse = parse_readers,
		.allowed = "'everyone' or the name of a group",
		.preset = "everyone",
		.help = "Who may read the control socket, which top and status do.",
	},
	{
		.name = "policies",
		.parse = parse_policies,
		.allowed = "a list of policies, each a mapping with at least name and match",
		.preset = "the built-in ones",
		.inner = &policy_table,
		.help = "What is judged, how early it is acted on, and who may die for it.",
	},
};

static const struct config_table file_table = {"file", file_keys, ARRAY_SIZE(file_keys)};

const struct config_table *const config_tables[] = {
	&file_table, &policy_table, &match_table, &rule_table, NULL,
};

static void config_free_p(struct config **config)
{
	config_free(*config);
}

/* One with room for as many policies as can ever be in it. */
static struct config *config_new(void)
{
	_cleanup_(config_free_p) struct config *config = NULL;

	config = calloc(1, sizeof(*config));
	if (!config)
		return NULL;
	config->policies = calloc(CONFIG_POLICIES_MAX + 1, sizeof(*config->policies));
	if (!config->policies)
		return NULL;
	return TAKE_PTR(config);
}

/* The node: judged at medium and acted on. */
static int config_append_node(struct config *config)
{
	struct policy *policy = &config->policies[config->policy_count++];

	policy_init(policy);
	policy->match_node = true;
	policy->name = strdup("node");
	if (!policy->name)
		return -ENOMEM;
	return rules_append_builtin(&policy->avoid, builtin_avoid, ARRAY_SIZE(builtin_avoid));
}

/* What every configuration ends in: the cgroups left over, and what is never killed. */
static int config_complete(struct config *config)
{
	struct policy *policy = &config->policies[config->policy_count++];

	policy_init(policy);
	policy->warn_only = true;
	policy->name = strdup(CGROUPS_NAME);
	policy->match_cgroup = strdup("/*");
	if (!policy->name || !policy->match_cgroup)
		return -ENOMEM;

	for (size_t i = 0; i < config->policy_count; i++) {
		int r = rules_append_builtin(&config->policies[i].protect, builtin_protect,
					     ARRAY_SIZE(builtin_protect));
		if (r < 0)
			return r;
	}
	return 0;
}

struct config *config_default(void)
{
	_cleanup_(config_free_p) struct config *config = config_new();

	if (!config || config_append_node(config) < 0 || config_complete(config) < 0)
		return NULL;
	return TAKE_PTR(config);
}

static void ydoc_free_p(struct ydoc **doc)
{
	ydoc_free(*doc);
}

/* Nothing, or "---" and nothing: an empty file is one that changes nothing. */
static bool is_empty(const struct ynode *root)
{
	return !root || (root->kind == YNODE_SCALAR && root->plain && root->len == 0);
}

static void parse_root(struct config_parser *p, const struct ynode *root)
{
	char is[224];

	if (root->kind == YNODE_MAP)
		parse_map(p, &file_table, "the file", root, p->config);
	else if (root->kind != YNODE_BAD)
		error_add(p, root->line, root->column, "yaml",
			  "the file is %s; allowed: a mapping with events, policies or both",
			  describe(root, is, sizeof(is)));
}

int config_parse(const char *name, const char *text, size_t len, struct config **ret,
		 struct config_errors *errors)
{
	_cleanup_(config_free_p) struct config *config = config_new();
	struct config_parser p = {.file = name, .errors = errors, .config = config};
	_cleanup_(ydoc_free_p) struct ydoc *doc = NULL;
	int r;

	if (!config)
		return -ENOMEM;

	r = ydoc_parse(text, len, yaml_complain, &p, &doc);
	if (r < 0)
		return p.no_memory ? -ENOMEM : r;

	if (!is_empty(doc->root))
		parse_root(&p, doc->root);

	if (p.no_memory)
		return -ENOMEM;
	if (p.error_count > 0)
		return -EINVAL;

	if (!p.has_policies) {
		r = config_append_node(config);
		if (r < 0)
			return r;
	}
	r = config_complete(config);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(config);
	return 0;
}

/* The whole file, or its first YDOC_SIZE_MAX + 1 bytes, which is more than is allowed. */
static int file_read(const char *path, char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t len = 0;

	/* O_NONBLOCK: opening a fifo would wait for somebody to write into it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENODEV;

	text = malloc(YDOC_SIZE_MAX + 1);
	if (!text)
		return -ENOMEM;

	while (len < YDOC_SIZE_MAX + 1) {
		ssize_t n = read(fd, text + len, YDOC_SIZE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}

	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

int config_read(const char *path, struct config **ret, struct config_errors *errors)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	r = file_read(path, &text, &len);
	if (r < 0) {
		const char *why = r == -ENODEV ? "Not a regular file" : strerror(-r);
		char *line;

		if (errors && asprintf(&line, "%s: cannot be read: %s", path, why) >= 0)
			errors_insert(errors, 0, 0, line);
		return r;
	}

	return config_parse(path, text, len, ret, errors);
}

void config_free(struct config *config)
{
	if (!config)
		return;

	if (config->policies)
		for (size_t i = 0; i < config->policy_count; i++)
			policy_free(&config->policies[i]);
	free(config->policies);
	free(config->events_path);
	free(config->readers);
	free(config);
}

void config_errors_free(struct config_errors *errors)
{
	if (!errors)
		return;

	for (size_t i = 0; i < errors->count; i++)
		free(errors->list[i].text);
	*errors = (struct config_errors){0};
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "config/config_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/regex.h"
#include "base/units.h"
#include "base/util.h"
#include "base/yaml.h"

#define POLICY_NAME_MAX 64
#define CGROUPS_NAME	"cgroups"
/* Below the least, half of what was bought is idle; above the most, there is no time to act. */
#define PROACTIVE_LEAST 0.50
#define PROACTIVE_MOST	0.99
/* Longer, and nothing is ended any more: a Near-OOM is lived with. */
#define STEP_WAIT_MOST_NS  60000000000ULL
#define NOTIFY_TIMEOUT_NS  5000000000ULL
#define NOTIFY_TIMEOUT_MAX 60000000000ULL
#define MESSAGE_MAX	   1024

/* Where something was said. */
struct said {
	const char *file;
	unsigned line; /* 0: nowhere yet */
	unsigned column;
};

struct config_parser {
	const char *file;
	unsigned file_number;	      /* of those that are read together */
	struct config_errors *errors; /* NULL: nobody wants to know */
	size_t error_count;
	bool no_memory;
	bool has_policies;
	struct config *config;
	struct said node; /* the policy that judges the node */
	struct said policies[CONFIG_POLICIES_MAX];
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

static void list_insert(struct config_error *list, size_t *count, size_t *more,
			const struct config_error *error)
{
	size_t i;

	if (*count == CONFIG_ERRORS_MAX) {
		(*more)++;
		free(error->text);
		return;
	}
	/* By place; what comes twice at one place stays in the order it came. */
	for (i = *count; i > 0; i--) {
		const struct config_error *before = &list[i - 1];

		if (before->file != error->file	  ? before->file < error->file
		    : before->line != error->line ? before->line < error->line
						  : before->column <= error->column)
			break;
		list[i] = *before;
	}
	list[i] = *error;
	(*count)++;
}

/* Takes text over. */
static void errors_insert(struct config_errors *errors, unsigned file, unsigned line,
			  unsigned column, char *text)
{
	const struct config_error error = {
		.file = file, .line = line, .column = column, .text = text};

	list_insert(errors->list, &errors->count, &errors->more, &error);
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
	errors_insert(p->errors, p->file_number, line, column, text);
}

/* Nothing is wrong, but not what was meant, most likely. */
static void __attribute__((format(printf, 4, 5)))
warning_add(struct config_parser *p, const struct said *said, const char *key, const char *format,
	    ...)
{
	struct config_error warning = {
		.file = p->file_number, .line = said->line, .column = said->column};
	char what[MESSAGE_MAX];
	va_list args;

	if (!p->errors)
		return;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);

	if (asprintf(&warning.text, "%s:%u:%u: %s: %s", said->file, said->line, said->column, key,
		     what) < 0) {
		p->no_memory = true;
		return;
	}
	list_insert(p->errors->warnings, &p->errors->warning_count, &p->errors->more_warnings,
		    &warning);
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

static void pod_match_free(struct pod_match *match)
{
	regex_free(match->pod);
	regex_free(match->namespace);
	regex_free(match->container);
}

static void rule_free(struct rule *rule)
{
	regex_free(rule->comm);
	regex_free(rule->exe);
	regex_free(rule->cmdline);
	free(rule->cgroup);
	pod_match_free(&rule->pod);
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

/* @whole: the pattern must match all of the text, not some of it. False after complaining. */
static bool parse_pattern(struct config_parser *p, const struct config_key *key,
			  const struct ynode *value, bool whole, struct regex **regex)
{
	_cleanup_free_ char *wrapped = NULL;
	size_t offset, before = 0;
	char msg[256];
	int r;

	/* Nothing matches everything: more likely a slip than a wish, and '.*' says it too. */
	if (value->kind != YNODE_SCALAR || value->len == 0) {
		error_value(p, key, value, "");
		return false;
	}

	if (whole) {
		static const char front[] = "^(?:";

		before = sizeof(front) - 1;
		if (asprintf(&wrapped, "%s%s)$", front, value->text) < 0) {
			wrapped = NULL;
			p->no_memory = true;
			return false;
		}
	}
	r = regex_compile(whole ? wrapped : value->text, regex, &offset, msg, sizeof(msg));
	if (r == -EINVAL) {
		offset = offset < before ? 0 : offset - before;
		error_add(p, value->line, value->column, key->name,
			  "the pattern does not compile: %s at offset %zu; allowed: %s", msg,
			  offset > value->len ? value->len : offset, key->allowed);
		return false;
	}
	if (r < 0) {
		p->no_memory = true;
		return false;
	}
	return true;
}

static void parse_rule_pattern(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, struct rule *rule, bool whole,
			       struct regex **regex)
{
	if (parse_pattern(p, key, value, whole, regex))
		rule_add_text(p, rule, key->name, value->text);
}

static void parse_rule_comm(struct config_parser *p, const struct config_key *key,
			    const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_rule_pattern(p, key, value, rule, false, &rule->comm);
}

static void parse_rule_exe(struct config_parser *p, const struct config_key *key,
			   const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_rule_pattern(p, key, value, rule, false, &rule->exe);
}

static void parse_rule_cmdline(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_rule_pattern(p, key, value, rule, false, &rule->cmdline);
}

static void parse_rule_pod(struct config_parser *p, const struct config_key *key,
			   const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_rule_pattern(p, key, value, rule, false, &rule->pod.pod);
}

static void parse_rule_namespace(struct config_parser *p, const struct config_key *key,
				 const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_rule_pattern(p, key, value, rule, true, &rule->pod.namespace);
}

static void parse_rule_container(struct config_parser *p, const struct config_key *key,
				 const struct ynode *value, void *target)
{
	struct rule *rule = target;

	parse_rule_pattern(p, key, value, rule, false, &rule->pod.container);
}

static void parse_rule_qos(struct config_parser *p, const struct config_key *key,
			   const struct ynode *value, void *target)
{
	struct rule *rule = target;
	int i = parse_word(p, key, value);

	if (i < 0)
		return;
	rule->pod.qos = QOS_NONE + 1 + (enum qos)i;
	rule_add_text(p, rule, key->name, value->text);
}

static void parse_rule_cgroup(struct config_parser *p, const struct config_key *key,
			      const struct ynode *value, void *target)
{
	struct rule *rule = target;

	if (!is_path_text(value)) {
		error_value(p, key, value, "");
		return;
	}
	rule->cgroup = copy_text(p, value);
	rule_add_text(p, rule, key->name, value->text);
}

/* Digits, and nothing but digits, up to @most; the text goes on after them. */
static bool take_number(const char **text, uint64_t most, uint64_t *ret)
{
	const char *at = *text;
	uint64_t number = 0;

	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > most)
			return false;
	}
	*text = at;
	*ret = number;
	return true;
}

/* "1000", "1000-1999" */
static void parse_rule_uid(struct config_parser *p, const struct config_key *key,
			   const struct ynode *value, void *target)
{
	struct rule *rule = target;
	const char *text = value->kind == YNODE_SCALAR ? value->text : "";
	uint64_t from = 0, to = 0;
	bool good = take_number(&text, UINT32_MAX, &from);

	to = from;
	if (good && *text == '-') {
		text++;
		good = take_number(&text, UINT32_MAX, &to) && to >= from;
	}
	if (!good || *text) {
		error_value(p, key, value, "");
		return;
	}
	rule->has_uid = true;
	rule->uid_from = (uint32_t)from;
	rule->uid_to = (uint32_t)to;
	rule_add_text(p, rule, key->name, value->text);
}

static const char *const qos_words[QOS_MAX_] = {"guaranteed", "burstable", "besteffort", NULL};

#define POD_ALLOWED	  "a regular expression (PCRE2) on the name of the pod"
#define NAMESPACE_ALLOWED "a regular expression (PCRE2) on the whole name of the namespace"
#define CONTAINER_ALLOWED "a regular expression (PCRE2) on the name of the container"
#define CGROUP_ALLOWED                                                                             \
	"a shell pattern that begins with '/', on the path below the memory controller's root"

static const struct config_key rule_keys[] = {
	{
		.name = "comm",
		.type = "pattern",
		.parse = parse_rule_comm,
		.allowed = "a regular expression (PCRE2) on the process name, which holds the "
			   "first 15 characters only",
		.help = "The name of the process matches; a process chooses its own.",
	},
	{
		.name = "exe",
		.type = "pattern",
		.parse = parse_rule_exe,
		.allowed = "a regular expression (PCRE2) on the path of the program's file",
		.help = "The file that the process runs matches, as it sees it.",
	},
	{
		.name = "cmdline",
		.type = "pattern",
		.parse = parse_rule_cmdline,
		.allowed = "a regular expression (PCRE2) on the command line",
		.help = "The command line of the process matches, its first 511 bytes; a process "
			"chooses its own.",
	},
	{
		.name = "uid",
		.type = "number or range",
		.parse = parse_rule_uid,
		.allowed = "a number, or two with '-' between",
		.help = "The user who runs it, or a range of them.",
	},
	{
		.name = "cgroup",
		.type = "pattern",
		.parse = parse_rule_cgroup,
		.allowed = CGROUP_ALLOWED,
		.help = "The path of its memory cgroup matches; * matches / too.",
	},
	{
		.name = "pod",
		.type = "pattern",
		.parse = parse_rule_pod,
		.allowed = POD_ALLOWED,
		.help = "It runs in a pod of such a name.",
	},
	{
		.name = "namespace",
		.type = "pattern",
		.parse = parse_rule_namespace,
		.allowed = NAMESPACE_ALLOWED,
		.help = "It runs in a pod of that namespace.",
	},
	{
		.name = "container",
		.type = "pattern",
		.parse = parse_rule_container,
		.allowed = CONTAINER_ALLOWED,
		.help = "It runs in a pod's container of such a name.",
	},
	{
		.name = "qos",
		.type = "word",
		.parse = parse_rule_qos,
		.words = qos_words,
		.help = "It runs in a pod of that QoS class.",
	},
};

static const struct config_table rule_table = {"rule", rule_keys, ARRAY_SIZE(rule_keys)};

#define RULE_ALLOWED                                                                               \
	"a mapping with any of comm, exe, cmdline, uid, cgroup, pod, namespace, container, qos"

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

			error_add(p, value->line, value->column, key->name,
				  "a rule here is %s; allowed: " RULE_ALLOWED,
				  value->kind == YNODE_MAP ? "empty"
							   : describe(value, is, sizeof(is)));
			continue;
		}
		parse_map(p, &rule_table, "a rule", value, &rule);
		/* One without patterns would name every process; its errors are told. */
		if (!rule.text) {
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
		rule.host_only = true;
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

/* "" or "FILE, ": where something was said, if it was in another file. */
static const char *other_file(const struct config_parser *p, const struct said *said, char *buf,
			      size_t n)
{
	buf[0] = '\0';
	if (said->file != p->file)
		snprintf(buf, n, "%s, ", said->file);
	return buf;
}

static void parse_match_node(struct config_parser *p, const struct config_key *key,
			     const struct ynode *value, void *target)
{
	struct policy *policy = target;
	char file[PATH_MAX];

	if (parse_word(p, key, value) < 0)
		return;
	/* In quotes it is text, for whoever reads YAML by the letter. */
	if (!value->plain) {
		error_value(p, key, value, " in quotes");
		return;
	}
	policy->match_node = true;

	/* The first that matches wins, so a second one would be silent for ever. */
	if (p->node.line)
		error_add(p, value->key->line, value->key->column, key->name,
			  "the node is judged by the policy of %sline %u already; one is allowed",
			  other_file(p, &p->node, file, sizeof(file)), p->node.line);
	else
		p->node = (struct said){p->file, value->key->line, value->key->column};
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

static void parse_match_pod(struct config_parser *p, const struct config_key *key,
			    const struct ynode *value, void *target)
{
	struct policy *policy = target;

	policy->match_pods = true;
	parse_pattern(p, key, value, false, &policy->match_pod.pod);
}

static void parse_match_namespace(struct config_parser *p, const struct config_key *key,
				  const struct ynode *value, void *target)
{
	struct policy *policy = target;

	policy->match_pods = true;
	parse_pattern(p, key, value, true, &policy->match_pod.namespace);
}

static void parse_match_container(struct config_parser *p, const struct config_key *key,
				  const struct ynode *value, void *target)
{
	struct policy *policy = target;

	policy->match_pods = true;
	parse_pattern(p, key, value, false, &policy->match_pod.container);
}

static void parse_match_qos(struct config_parser *p, const struct config_key *key,
			    const struct ynode *value, void *target)
{
	struct policy *policy = target;
	int i = parse_word(p, key, value);

	policy->match_pods = true;
	if (i >= 0)
		policy->match_pod.qos = QOS_NONE + 1 + (enum qos)i;
}

static const char *const match_node_words[] = {"true", NULL};

static const struct config_key match_keys[] = {
	{
		.name = "node",
		.type = "boolean",
		.parse = parse_match_node,
		.words = match_node_words,
		.help = "The policy judges the whole host.",
	},
	{
		.name = "cgroup",
		.parse = parse_match_cgroup,
		.type = "pattern",
		.allowed = CGROUP_ALLOWED,
		.help = "The policy judges each memory cgroup whose path matches; * matches / too.",
	},
	{
		.name = "pod",
		.type = "pattern",
		.parse = parse_match_pod,
		.allowed = POD_ALLOWED,
		.help = "The policy judges pods of such a name, and their containers.",
	},
	{
		.name = "namespace",
		.type = "pattern",
		.parse = parse_match_namespace,
		.allowed = NAMESPACE_ALLOWED,
		.help = "The policy judges pods of that namespace, and their containers.",
	},
	{
		.name = "container",
		.type = "pattern",
		.parse = parse_match_container,
		.allowed = CONTAINER_ALLOWED,
		.help = "The policy judges containers of such a name.",
	},
	{
		.name = "qos",
		.type = "word",
		.parse = parse_match_qos,
		.words = qos_words,
		.help = "The policy judges pods of that QoS class, and their containers.",
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
		char file[PATH_MAX];

		if (!other->name || strcmp(other->name, value->text) != 0)
			continue;
		error_add(p, value->line, value->column, key->name,
			  "is '%s', as the policy of %sline %u; allowed: another name", value->text,
			  other_file(p, &p->policies[i], file, sizeof(file)), p->policies[i].line);
		return;
	}

	p->policies[policy - p->config->policies] =
		(struct said){p->file, value->line, value->column};
	policy->name = copy_text(p, value);
}

static void parse_policy_match(struct config_parser *p, const struct config_key *key,
			       const struct ynode *value, void *target)
{
	unsigned kinds = 0;

	if (value->kind != YNODE_MAP) {
		error_value(p, key, value, "");
		return;
	}

	parse_map(p, &match_table, "match", value, target);
	for (const struct ynode *part = value->first; part; part = part->next) {
		if (!strcmp(part->key->text, "node"))
			kinds |= 1;
		else if (!strcmp(part->key->text, "cgroup"))
			kinds |= 2;
		else
			kinds |= 4;
	}
	if (kinds & (kinds - 1))
		error_add(p, value->line, value->column, key->name,
			  "mixes what does not go together; allowed: %s", key->allowed);
	else if (!kinds)
		error_add(p, value->line, value->column, key->name, "is empty; allowed: %s",
			  key->allowed);
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
	char quoted[192];

	parse_rules(p, key, value, &policy->protect);
	for (size_t i = 0; i < policy->protect.count; i++) {
		const struct rule *rule = &policy->protect.rules[i];
		const struct said said = {p->file, value->line, value->column};

		if ((rule->comm || rule->cmdline) && !rule->exe && !rule->cgroup && !rule->has_uid)
			warning_add(p, &said, key->name,
				    "'%s' protects whoever calls himself so: a process chooses its "
				    "own name and command line; exe, uid and cgroup are safe",
				    quote(rule->text, quoted, sizeof(quoted)));
	}
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

static const char *const bool_words[] = {"false", "true", NULL};

/* In quotes it is text, for whoever reads YAML by the letter. */
static void parse_bool(struct config_parser *p, const struct config_key *key,
		       const struct ynode *value, bool *ret)
{
	int i = parse_word(p, key, value);

	if (i >= 0 && !value->plain)
		error_value(p, key, value, " in quotes");
	else if (i >= 0)
		*ret = i;
}

static void parse_policy_dry_run(struct config_parser *p, const struct config_key *key,
				 const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_bool(p, key, value, &policy->dry_run);
}

static void parse_policy_spare_pid1(struct config_parser *p, const struct config_key *key,
				    const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_bool(p, key, value, &policy->spare_pid1);
}

static void parse_policy_min_free(struct config_parser *p, const struct config_key *key,
				  const struct ynode *value, void *target)
{
	struct policy *policy = target;

	if (value->kind != YNODE_SCALAR || units_parse_size(value->text, &policy->min_free_bytes) ||
	    !policy->min_free_bytes)
		error_value(p, key, value, "");
}

static void parse_count(struct config_parser *p, const struct config_key *key,
			const struct ynode *value, uint64_t most, unsigned *ret)
{
	const char *text = value->kind == YNODE_SCALAR ? value->text : "";
	uint64_t count;

	if (!take_number(&text, most, &count) || *text || !count)
		error_value(p, key, value, "");
	else
		*ret = (unsigned)count;
}

static void parse_policy_max_victims(struct config_parser *p, const struct config_key *key,
				     const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_count(p, key, value, 100000, &policy->max_victims);
}

static void parse_policy_proactive_reclaim(struct config_parser *p, const struct config_key *key,
					   const struct ynode *value, void *target)
{
	struct policy *policy = target;
	double ratio;

	if (value->kind != YNODE_SCALAR || units_parse_ratio(value->text, &ratio) ||
	    ratio < PROACTIVE_LEAST || ratio > PROACTIVE_MOST)
		error_value(p, key, value, "");
	else
		policy->proactive_reclaim = ratio;
}

static void parse_policy_kills_per_minute(struct config_parser *p, const struct config_key *key,
					  const struct ynode *value, void *target)
{
	struct policy *policy = target;

	parse_count(p, key, value, POLICY_KILLS_PER_MINUTE_MOST, &policy->kills_per_minute);
}

/* The words of the ladder, and how long each waits for its effect unless told otherwise. */
static const struct {
	const char *word;
	uint64_t wait_ns;
	bool waits;
} step_words[LADDER_STEPS_] = {
	[STEP_NOTIFY] = {"notify", 0, false},
	[STEP_RECLAIM] = {"reclaim", 1000000000, true},
	[STEP_FORCE_EMPTY] = {"force_empty", 1000000000, true},
	[STEP_THROTTLE] = {"throttle", 3000000000, true},
	[STEP_FREEZE] = {"freeze", 3000000000, true},
	[STEP_TERM] = {"term", 2000000000, true},
	[STEP_KILL] = {"kill", 0, false},
};

/* "kill", "term", "term 2s" */
static bool parse_step(const struct ynode *value, struct ladder_step *ret)
{
	const char *space;
	size_t len;

	if (value->kind != YNODE_SCALAR)
		return false;
	space = strchr(value->text, ' ');
	len = space ? (size_t)(space - value->text) : value->len;
	for (int i = 0; i < LADDER_STEPS_; i++) {
		if (strlen(step_words[i].word) != len ||
		    strncmp(step_words[i].word, value->text, len) != 0)
			continue;
		*ret = (struct ladder_step){(enum ladder_step_kind)i, step_words[i].wait_ns};
		return !space || (step_words[i].waits &&
				  units_parse_duration(space + 1, &ret->wait_ns) == 0 &&
				  ret->wait_ns > 0 && ret->wait_ns <= STEP_WAIT_MOST_NS);
	}
	return false;
}

static void parse_policy_ladder(struct config_parser *p, const struct config_key *key,
				const struct ynode *list, void *target)
{
	struct policy *policy = target;
	struct ladder_step ladder_step;

	if (list->kind != YNODE_LIST || !list->count || list->count > LADDER_MAX) {
		error_value(p, key, list, "");
		return;
	}
	for (const struct ynode *value = list->first; value; value = value->next) {
		bool again = false, late;

		if (value->kind == YNODE_BAD)
			continue;
		if (!parse_step(value, &ladder_step)) {
			error_value(p, key, value, "");
			continue;
		}
		/* whoever was told to end is not to be frozen, or waited for */
		late = policy->ladder_count &&
		       policy->ladder[policy->ladder_count - 1].kind >= STEP_TERM &&
		       ladder_step.kind <= policy->ladder[policy->ladder_count - 1].kind;
		for (size_t i = 0; i < policy->ladder_count; i++)
			again |= policy->ladder[i].kind == ladder_step.kind;
		if (again || late)
			error_add(p, value->line, value->column, key->name, "'%s' %s; allowed: %s",
				  value->text,
				  again ? "stands there twice" : "comes after term or kill",
				  key->allowed);
		else
			policy->ladder[policy->ladder_count++] = ladder_step;
	}
}

static const char *const pressure_words[PRESSURE_MAX_ + 1] = {
	[PRESSURE_LOW] = "low",
	[PRESSURE_MEDIUM] = "medium",
	[PRESSURE_HIGH] = "high",
};

static const char *const kill_words[KILL_UNIT_MAX_ + 1] = {
	[KILL_UNIT_PROCESS] = "process",
	[KILL_UNIT_GROUP] = "group",
	[KILL_UNIT_CGROUP] = "cgroup",
	[KILL_UNIT_POD] = "pod",
};

static const char *const rank_words[RANK_MAX_ + 1] = {
	[RANK_BLAME] = "blame",
	[RANK_SIZE] = "size",
	[RANK_KERNEL] = "kernel",
};

#define RULES_ALLOWED "a list of rules, each " RULE_ALLOWED

static const struct config_key policy_keys[] = {
	{
		.name = "name",
		.type = "text",
		.parse = parse_policy_name,
		.allowed = "1 to 64 letters, digits, '.', '_' and '-'",
		.required = true,
		.help = "What records and tables call the policy; no two have the same.",
	},
	{
		.name = "match",
		.type = "mapping",
		.parse = parse_policy_match,
		.allowed = "a mapping with 'node: true', or with cgroup, or with any of pod, "
			   "namespace, container, qos",
		.required = true,
		.inner = &match_table,
		.help = "What the policy judges; of several that match, the first one does.",
	},
	{
		.name = "pressure",
		.type = "word",
		.parse = parse_policy_pressure,
		.words = pressure_words,
		.preset = "medium",
		.help = "How early it acts: low before the harm where growth foretells it, high about where "
			"the kernel would.",
	},
	{
		.name = "kill",
		.type = "word",
		.parse = parse_policy_kill,
		.words = kill_words,
		.preset = "process",
		.help = "What dies together with the process chosen.",
	},
	{
		.name = "ladder",
		.type = "list",
		.parse = parse_policy_ladder,
		.allowed = "a list of 1 to 8 of notify, reclaim, force_empty, throttle, freeze, "
			   "term, kill, each once, term and kill last; all but notify and kill "
			   "with a duration up to 60s if wanted, such as 'term 2s'",
		.preset = "[ kill ]",
		.help = "What is done, step by step, until the risk has fallen.",
	},
	{
		.name = "spare_pid1",
		.type = "boolean",
		.parse = parse_policy_spare_pid1,
		.words = bool_words,
		.preset = "false",
		.help = "The first process of a container is never killed, so that it does not "
			"restart.",
	},
	{
		.name = "min_free",
		.type = "size",
		.parse = parse_policy_min_free,
		.allowed = "a size of at least 1, such as 64MiB",
		.preset = "1 % of the scope's memory, 32MiB at most",
		.help = "Who gives back less is not killed, unless a rule prefers it.",
	},
	{
		.name = "max_victims",
		.type = "number",
		.parse = parse_policy_max_victims,
		.allowed = "a number from 1 to 100000",
		.preset = "256",
		.help = "Where more processes would die together, only the chosen one does.",
	},
	{
		.name = "kills_per_minute",
		.type = "number",
		.parse = parse_policy_kills_per_minute,
		.allowed = "a number from 1 to 16",
		.preset = "6",
		.help = "After so many it stops and warns, in each scope.",
	},
	{
		.name = "proactive_reclaim",
		.type = "ratio",
		.parse = parse_policy_proactive_reclaim,
		.allowed = "a ratio from 0.50 to 0.99, such as 0.95; for a policy of cgroups or "
			   "pods",
		.preset = "none",
		.help = "Above this part of its limit the scope's memory is reclaimed by the daemon, "
			"before its tasks have to, first from pods that hold more than they "
			"requested. Cgroup v2; it takes processor time, of which there should be "
			"some to spare.",
	},
	{
		.name = "dry_run",
		.type = "boolean",
		.parse = parse_policy_dry_run,
		.words = bool_words,
		.preset = "false",
		.help = "Judge, choose and record, but send no signal.",
	},
	{
		.name = "rank",
		.type = "word",
		.parse = parse_policy_rank,
		.words = rank_words,
		.preset = "blame",
		.help = "The order among those no rule names: what a process gives back weighted "
			"by its share of recent growth, what it gives back, or the kernel's order.",
	},
	{
		.name = "protect",
		.type = "list",
		.parse = parse_policy_protect,
		.allowed = RULES_ALLOWED,
		.inner = &rule_table,
		.help = "Never killed, besides what the built-in rules protect.",
	},
	{
		.name = "avoid",
		.type = "list",
		.parse = parse_policy_avoid,
		.allowed = RULES_ALLOWED,
		.inner = &rule_table,
		.help = "Killed last.",
	},
	{
		.name = "prefer",
		.type = "list",
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
		.max_victims = POLICY_MAX_VICTIMS,
		.kills_per_minute = POLICY_KILLS_PER_MINUTE,
	};
}

static void policy_free(struct policy *policy)
{
	free(policy->name);
	free(policy->match_cgroup);
	pod_match_free(&policy->match_pod);
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
	free(config->events_path); /* of an earlier file */
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

static void parse_notify(struct config_parser *p, const struct config_key *key,
			 const struct ynode *value, void *target)
{
	struct config *config = target;

	if (!is_path_text(value)) {
		error_value(p, key, value, "");
		return;
	}
	free(config->notify_program);
	config->notify_program = copy_text(p, value);
}

static void parse_notify_timeout(struct config_parser *p, const struct config_key *key,
				 const struct ynode *value, void *target)
{
	struct config *config = target;

	if (value->kind != YNODE_SCALAR ||
	    units_parse_duration(value->text, &config->notify_timeout_ns) ||
	    !config->notify_timeout_ns || config->notify_timeout_ns > NOTIFY_TIMEOUT_MAX)
		error_value(p, key, value, "");
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
		if (policy->match_node && policy->proactive_reclaim > 0)
			error_add(
				p, value->line, value->column, "proactive_reclaim",
				"is in the policy of the node, where kswapd does that; allowed: in "
				"a policy of cgroups or pods");
		/* Also one with errors: the names and places of others are held against it. */
		config->policy_count++;
	}
}

static const struct config_key file_keys[] = {
	{
		.name = "events",
		.type = "path",
		.parse = parse_events,
		.allowed = "an absolute path",
		.help = "The file that records are appended to, one JSON object a line.",
	},
	{
		.name = "readers",
		.type = "text",
		.parse = parse_readers,
		.allowed = "'everyone' or the name of a group",
		.preset = "everyone",
		.help = "Who may read the control socket, which top and status do.",
	},
	{
		.name = "notify",
		.type = "path",
		.parse = parse_notify,
		.allowed = "an absolute path",
		.help = "The program that the step `notify` runs, with the record as JSON in its "
			"standard input.",
	},
	{
		.name = "notify_timeout",
		.type = "duration",
		.parse = parse_notify_timeout,
		.allowed = "a duration up to 60s, such as 5s",
		.preset = "5s",
		.help = "It is killed after this time.",
	},
	{
		.name = "policies",
		.type = "list",
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
	config->notify_timeout_ns = NOTIFY_TIMEOUT_NS;
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
			  "the file is %s; allowed: a mapping with any of events, notify, "
			  "notify_timeout, policies",
			  describe(root, is, sizeof(is)));
}

/* Adds what a file says. False: no use going on (no memory). */
static bool parse_text(struct config_parser *p, const char *text, size_t len)
{
	_cleanup_(ydoc_free_p) struct ydoc *doc = NULL;
	int r = ydoc_parse(text, len, yaml_complain, p, &doc);

	if (r == 0 && !is_empty(doc->root))
		parse_root(p, doc->root);
	return r != -ENOMEM && !p->no_memory;
}

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

/*
 * Whether all that @narrow can match, @wide does too. Only where that is sure: a path without
 * specials, or a wide pattern that is a front and a star.
 */
static bool cgroup_covers(const char *wide, const char *narrow)
{
	size_t front = strcspn(wide, "*?[\\"), plain = strcspn(narrow, "*?[\\");

	if (!strcmp(wide, narrow))
		return true;
	if (wide[front] == '*' && !wide[front + 1])
		return plain >= front && !strncmp(wide, narrow, front);
	return !is_special(narrow[plain]) && !fnmatch(wide, narrow, 0);
}

static bool regex_covers(const struct regex *wide, const struct regex *narrow)
{
	return !wide || (narrow && !strcmp(regex_pattern(wide), regex_pattern(narrow)));
}

static bool policy_covers(const struct policy *wide, const struct policy *narrow)
{
	if (wide->match_cgroup && narrow->match_cgroup)
		return cgroup_covers(wide->match_cgroup, narrow->match_cgroup);
	if (wide->match_cgroup)
		return narrow->match_pods && cgroup_covers(wide->match_cgroup, "/*");
	return wide->match_pods && narrow->match_pods &&
	       regex_covers(wide->match_pod.pod, narrow->match_pod.pod) &&
	       regex_covers(wide->match_pod.namespace, narrow->match_pod.namespace) &&
	       regex_covers(wide->match_pod.container, narrow->match_pod.container) &&
	       (!wide->match_pod.qos || wide->match_pod.qos == narrow->match_pod.qos);
}

/* The first that matches wins: one that is behind a wider one is silent for ever. */
static void warn_of_shadows(struct config_parser *p)
{
	const struct policy *policies = p->config->policies;

	for (size_t i = 0; i < p->config->policy_count; i++)
		for (size_t k = 0; k < i; k++) {
			if (!policy_covers(&policies[k], &policies[i]))
				continue;
			warning_add(p, &p->policies[i], "match",
				    "'%s' can never match: all that it does, '%s' (%s:%u) does "
				    "before it",
				    policies[i].name, policies[k].name, p->policies[k].file,
				    p->policies[k].line);
			break;
		}
}

static void warn_of_notify(struct config_parser *p)
{
	for (size_t i = 0; i < p->config->policy_count && !p->config->notify_program; i++)
		for (size_t k = 0; k < p->config->policies[i].ladder_count; k++)
			if (p->config->policies[i].ladder[k].kind == STEP_NOTIFY)
				warning_add(p, &p->policies[i], "ladder",
					    "'%s' notifies, but no file says by which program: the "
					    "key `notify` is missing",
					    p->config->policies[i].name);
}

/* All that is left once every file was read. */
static int finish(struct config_parser *p)
{
	int r;

	if (p->no_memory)
		return -ENOMEM;
	if (p->error_count > 0)
		return -EINVAL;
	warn_of_shadows(p);
	warn_of_notify(p);
	if (!p->has_policies) {
		r = config_append_node(p->config);
		if (r < 0)
			return r;
	}
	return config_complete(p->config);
}

int config_parse(const char *name, const char *text, size_t len, struct config **ret,
		 struct config_errors *errors)
{
	_cleanup_(config_free_p) struct config *config = config_new();
	struct config_parser p = {.file = name, .errors = errors, .config = config};
	int r;

	if (!config || !parse_text(&p, text, len))
		return -ENOMEM;
	r = finish(&p);
	if (r == 0)
		*ret = TAKE_PTR(config);
	return r;
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

/* Adds a file; what is wrong with reading it is one line. 0, or why it cannot be read. */
static int parse_file(struct config_parser *p, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read(path, &text, &len);

	p->file = path;
	p->file_number++;
	if (r < 0) {
		const char *why = r == -ENODEV ? "Not a regular file" : strerror(-r);
		char *line;

		if (p->errors && asprintf(&line, "%s: cannot be read: %s", path, why) >= 0)
			errors_insert(p->errors, p->file_number, 0, 0, line);
		return r;
	}
	return parse_text(p, text, len) ? 0 : -ENOMEM;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && entry->d_name[0] != '.' && !strcmp(entry->d_name + len - 5, ".yaml");
}

char *config_drop_in_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (asprintf(&folder, "%.*s" CONFIG_DROP_INS, slash ? (int)(slash - path + 1) : 0, path) <
	    0)
		return NULL;
	return folder;
}

int config_read(const char *path, struct config **ret, struct config_errors *errors)
{
	_cleanup_(config_free_p) struct config *config = config_new();
	struct config_parser p = {.errors = errors, .config = config};
	_cleanup_free_ char *folder = config_drop_in_folder(path);
	struct dirent **drop_ins = NULL;
	char **paths = NULL;
	int n = 0, r, first = 0;

	if (!config || !folder)
		return -ENOMEM;
	first = parse_file(&p, path);
	n = scandir(folder, &drop_ins, is_drop_in, alphasort);
	if (n < 0)
		n = 0; /* most have none */
	/* the names are said in lines about later files */
	paths = calloc((size_t)n + 1, sizeof(*paths));
	for (int i = 0; paths && i < n; i++) {
		if (asprintf(&paths[i], "%s/%s", folder, drop_ins[i]->d_name) < 0) {
			paths[i] = NULL;
			p.no_memory = true;
			break;
		}
		r = parse_file(&p, paths[i]);
		if (!first)
			first = r;
	}
	r = paths ? finish(&p) : -ENOMEM;
	if (!r)
		r = first;
	if (!r)
		*ret = TAKE_PTR(config);
	for (int i = 0; i < n; i++) {
		if (paths)
			free(paths[i]);
		free(drop_ins[i]);
	}
	free(paths);
	free(drop_ins);
	return first && r == -EINVAL && p.error_count == 0 ? first : r;
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
	free(config->notify_program);
	free(config);
}

void config_errors_free(struct config_errors *errors)
{
	if (!errors)
		return;

	for (size_t i = 0; i < errors->count; i++)
		free(errors->list[i].text);
	for (size_t i = 0; i < errors->warning_count; i++)
		free(errors->warnings[i].text);
	*errors = (struct config_errors){0};
}

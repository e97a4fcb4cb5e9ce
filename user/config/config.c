// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/regex.h"
#include "base/util.h"

/* By choice: one program runs at a time, and the next one waits for it. */
#define NOTIFY_TIMEOUT_NS 5000000000ULL

/*
 * What keeps a host reachable and its containers under control. Patterns on comm, which holds the
 * first 15 characters of a name: "systemd-journald" is "systemd-journal".
 */
static const char *const builtin_protect[] = {
	/* the system manager, its daemons (journal, logind, networkd, resolved, udevd, ...)
	 * and what other distributions have instead */
	"^(systemd(-.*)?|\\(sd-pam\\)|init|udevd|elogind(-daemon)?|runsvdir|runsv|"
	"s6-(svscan|supervise)|supervise-daemo)$",
	/* the message bus, which logind and NetworkManager need */
	"^dbus-(daemon|broker|broker-lau)$",
	/* login by network */
	"^(sshd(-session|-auth)?|dropbear)$",
	/* login by console, and the account databases it asks */
	"^(login|[am]?getty|mingetty|sulogin|\\((a|m)?getty\\)|sssd(_.*)?|nslcd|winbindd)$",
	/* network managers, DHCP clients, links and tunnels */
	"^(NetworkManager|connmand|wickedd(-.*)?|netifd|wpa_supplicant|iwd|teamd|ovs-vswitchd|"
	"ovsdb-server|dhclient|dhcpcd|udhcpc|pppd|openvpn|tailscaled)$",
	/* disks that are reached by network or several paths */
	"^(iscsid|multipathd|mdmon|dmeventd|nbd-client)$",
	/* container runtimes, their shims, pod sandboxes, and kubelet */
	"^(containerd|containerd-shim|dockerd|docker-proxy|crio|conmon(rs)?|runc|crun|"
	"lxc-start|lxcfs|kubelet|kubelite|k3s-(server|agent)|k0s|pause)$",
	/* agents of cloud providers */
	"^(qemu-ga|amazon-ssm-agen|google_guest_ag|hv_kvp_daemon)$",
};

/* Every program of a desktop ends with these. */
static const char *const builtin_avoid[] = {
	"^(X|Xorg|Xorg\\.bin|Xwayland|Xvnc|gnome-shell|gnome-session.*|mutter.*|kwin_.*|"
	"plasmashell|plasma_session|ksmserver|startplasma.*|cinnamon.*|mate-session|marco|"
	"xfce4-session|xfwm4|lxqt-session|lxsession|budgie-wm|cosmic-(comp|sessio.*)|"
	"sway|weston|wayfire|labwc|river|niri|Hyprland|hyprland|i3|openbox|compiz|"
	"gdm.*|sddm.*|lightdm)$",
};

static void pod_match_free(struct pod_match *match)
{
	regex_free(match->pod);
	regex_free(match->namespace);
	regex_free(match->container);
}

void config_rule_free(struct rule *rule)
{
	regex_free(rule->comm);
	regex_free(rule->exe);
	regex_free(rule->cmdline);
	free(rule->cgroup);
	pod_match_free(&rule->pod);
	free(rule->text);
}

/* Takes the rule over, also when it fails. */
int config_rules_append(struct rule_list *list, struct rule *rule)
{
	/* the room doubles whenever the count is a power of two */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? list->count * 2 : 1;
		struct rule *rules = reallocarray(list->rules, room, sizeof(*rules));

		if (!rules) {
			config_rule_free(rule);
			return -ENOMEM;
		}
		list->rules = rules;
	}

	list->rules[list->count++] = *rule;
	return 0;
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
			config_rule_free(&rule);
			return -ENOMEM;
		}
		r = config_rules_append(rules, &rule);
		if (r < 0)
			return r;
	}
	return 0;
}

static void rules_free(struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		config_rule_free(&list->rules[i]);
	free(list->rules);
}

void config_policy_init(struct policy *policy)
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

void config_free_p(struct config **config)
{
	config_free(*config);
}

struct config *config_new(void)
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

int config_append_node(struct config *config)
{
	struct policy *policy = &config->policies[config->policy_count++];

	config_policy_init(policy);
	policy->match_node = true;
	policy->name = strdup("node");
	if (!policy->name)
		return -ENOMEM;
	return rules_append_builtin(&policy->avoid, builtin_avoid, ARRAY_SIZE(builtin_avoid));
}

int config_complete(struct config *config)
{
	struct policy *policy = &config->policies[config->policy_count++];

	config_policy_init(policy);
	policy->warn_only = true;
	policy->name = strdup(CONFIG_CGROUPS_NAME);
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

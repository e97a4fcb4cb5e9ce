// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/kept_victim.h"

#include <string.h>

static size_t copy_text(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
	return len;
}

/* @from NULL: not known, and so it stays. */
static const char *copy_name(char *to, size_t size, const char *from)
{
	if (!from)
		return NULL;
	copy_text(to, size, from, strlen(from));
	return to;
}

void kept_victim_set(struct kept_victim *kept, const struct victim *victim)
{
	const struct candidate *from = victim->candidate;
	struct candidate *to = &kept->candidate;

	kept->victim = *victim;
	kept->victim.candidate = to;
	*to = *from;
	to->comm = copy_name(kept->comm, sizeof(kept->comm), from->comm);
	to->exe = copy_name(kept->exe, sizeof(kept->exe), from->exe);
	to->cgroup = copy_name(kept->cgroup, sizeof(kept->cgroup), from->cgroup);
	to->pod = copy_name(kept->pod, sizeof(kept->pod), from->pod);
	to->pod_uid = copy_name(kept->pod_uid, sizeof(kept->pod_uid), from->pod_uid);
	to->namespace = copy_name(kept->namespace, sizeof(kept->namespace), from->namespace);
	to->container = copy_name(kept->container, sizeof(kept->container), from->container);
	if (from->cmdline) {
		to->cmdline_len = copy_text(kept->cmdline, sizeof(kept->cmdline), from->cmdline,
					    from->cmdline_len);
		to->cmdline = kept->cmdline;
	}
	if (victim->rule) {
		copy_text(kept->rule_text, sizeof(kept->rule_text), victim->rule->text,
			  strlen(victim->rule->text));
		kept->rule = (struct rule){.text = kept->rule_text};
		kept->victim.rule = &kept->rule;
	}
}

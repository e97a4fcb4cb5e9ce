// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/lint.h"

#include <fnmatch.h>
#include <string.h>

#include "base/regex.h"
#include "config/parse.h"

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

/*
 * Whether @wide matches every path that @narrow matches. False where that is not certain: only a
 * narrow path without wildcards, or a wide pattern that is a prefix and "*", is compared.
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

/* The first policy that matches applies, so a policy behind a wider one never does. */
static void warn_of_shadows(struct config_parser *p)
{
	const struct policy *policies = p->config->policies;

	for (size_t i = 0; i < p->config->policy_count; i++)
		for (size_t k = 0; k < i; k++) {
			if (!policy_covers(&policies[k], &policies[i]))
				continue;
			parse_warning(p, &p->policies[i], "match",
				      "'%s' never applies, because '%s' (%s:%u) comes first and "
				      "matches the same scopes; remove it or move it up",
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
				parse_warning(
					p, &p->policies[i], "ladder",
					"'%s' has the step notify, but no file names a program; "
					"add the key `notify`",
					p->config->policies[i].name);
}

void lint(struct config_parser *p)
{
	warn_of_shadows(p);
	warn_of_notify(p);
}

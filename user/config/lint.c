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
			parse_warning(p, &p->policies[i], "match",
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
				parse_warning(
					p, &p->policies[i], "ladder",
					"'%s' notifies, but no file says by which program: the "
					"key `notify` is missing",
					p->config->policies[i].name);
}

void lint(struct config_parser *p)
{
	warn_of_shadows(p);
	warn_of_notify(p);
}

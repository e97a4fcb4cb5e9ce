// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/victims_print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/units.h"
#include "base/util.h"
#include "client/event_text.h"
#include "client/victims_view.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/rules.h"
#include "judge/victim.h"

/* What decided its place in the order, or why it is not in it. */
static void print_why(const struct victim *victim)
{
	const struct candidate *c = victim->candidate;
	const char *standing = rules_standing_name(victim->standing);
	char rule[64], pod[EVENT_SCOPE_MAX];

	if (victim->excluded)
		printf("%s%s", victim_exclusion_name(victim->excluded), victim->rule ? ": " : "");
	else if (standing)
		printf("%s ", standing);
	else
		printf("score%s%s", victim->tier == VICTIM_TIER_REST ? "" : ", pod ",
		       victim->tier == VICTIM_TIER_REST ? "" : victim_tier_name(victim->tier));
	if (victim->rule)
		printf("%s", event_clean(rule, sizeof(rule), victim->rule->text));
	if (c->pod) {
		event_pod(pod, sizeof(pod), c->namespace ? c->namespace : "", c->pod, "");
		printf(" (pod %s)", pod);
	}
	putchar('\n');
}

void victims_print(const struct victims_ranking *ranking)
{
	const struct policy *policy = ranking->policy;
	char bytes[UNITS_TEXT_MAX], score[UNITS_TEXT_MAX], comm[20], order[24];

	printf("%s, policy %s%s: %zu of %zu processes may be killed\n", ranking->scope,
	       policy->name, policy->warn_only ? " (only warns, kills nothing)" : "",
	       ranking->eligible, ranking->count);
	printf("%5s %7s %-15s %10s %10s %6s %5s  %s\n", "order", "pid", "name", "score", "freeable",
	       "growth", "adj", "why");
	for (size_t i = 0; i < ranking->count; i++) {
		const struct victim *victim = &ranking->victims[i];
		const struct candidate *c = victim->candidate;
		const bool dies = i < ranking->eligible;

		if (i == ranking->eligible)
			printf("not killed:\n");
		units_format_bytes(score, sizeof(score),
				   victim->score > 0 ? (uint64_t)victim->score : 0);
		units_format_bytes(bytes, sizeof(bytes), victim->freeable_bytes);
		snprintf(order, sizeof(order), "%zu", i + 1);
		/* the score of a process that is not killed means nothing */
		printf("%5s %7d %-15s %10s %10s %5.0f%% %5d  ", dies ? order : "-", c->pid,
		       event_clean(comm, sizeof(comm), c->comm), dies ? score : "-", bytes,
		       victim->blame * 100, c->oom_score_adj);
		print_why(victim);
	}
	puts("\nfreeable: what the kill frees. growth: the share of the scope's growth that the "
	     "process and its\nchildren caused. adj: oom_score_adj.");
}

int victims_print_json(const struct victims_ranking *ranking)
{
	/* a process has less than 8 KiB */
	size_t size = 4096 + ranking->count * 8192, len;
	_cleanup_free_ char *buf = malloc(size);
	struct json json;

	if (!buf)
		return -ENOMEM;
	json_begin(&json, buf, size);
	json_text(&json, "scope", ranking->scope);
	if (ranking->path)
		json_text(&json, "path", ranking->path);
	json_text(&json, "policy", ranking->policy->name);
	json_bool(&json, "acts", !ranking->policy->warn_only);
	json_u64(&json, "scope_bytes", ranking->total_bytes);
	json_open_list(&json, "processes");
	for (size_t i = 0; i < ranking->count; i++) {
		const struct victim *victim = &ranking->victims[i];
		const struct candidate *c = victim->candidate;

		json_open_map(&json, NULL);
		if (!victim->excluded)
			json_u64(&json, "order", i + 1);
		json_i64(&json, "pid", c->pid);
		json_text(&json, "comm", c->comm);
		if (c->cmdline)
			json_text_n(&json, "cmdline", c->cmdline, c->cmdline_len);
		if (c->exe)
			json_text(&json, "exe", c->exe);
		if (c->cgroup)
			json_text(&json, "cgroup", c->cgroup);
		if (c->namespace)
			json_text(&json, "namespace", c->namespace);
		if (c->pod)
			json_text(&json, "pod", c->pod);
		if (c->container)
			json_text(&json, "container", c->container);
		json_u64(&json, "uid", c->uid);
		json_u64(&json, "freeable_bytes", victim->freeable_bytes);
		json_u64(&json, "growth_bytes", victim->growth_bytes);
		json_double(&json, "blame", victim->blame);
		json_i64(&json, "oom_score_adj", c->oom_score_adj);
		json_double(&json, "score", victim->score);
		json_text(&json, "tier", victim_tier_name(victim->tier));
		json_text(&json, "standing", rules_standing_name(victim->standing));
		json_text(&json, "rule", victim->rule ? victim->rule->text : NULL);
		if (victim->excluded)
			json_text(&json, "excluded", victim_exclusion_name(victim->excluded));
		json_close_map(&json);
	}
	json_close_list(&json);
	if (json_end(&json, &len))
		return -ENOSPC;
	puts(buf);
	return 0;
}

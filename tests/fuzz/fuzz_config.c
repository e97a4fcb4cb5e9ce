/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * libFuzzer target: any bytes as a configuration file. Besides the sanitizers' checks, the outcome
 * is compared with the contract of config/read.h.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/regex.h"
#include "config/config.h"
#include "config/files.h"
#include "config/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void use_rules(const struct rule_list *list)
{
	static const char subject[] = "java -jar aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	for (size_t i = 0; i < list->count; i++) {
		const struct rule *rule = &list->rules[i];

		require(rule->text != NULL);
		if (rule->comm)
			regex_match(rule->comm, subject, sizeof(subject) - 1);
		if (rule->cmdline)
			regex_match(rule->cmdline, subject, sizeof(subject) - 1);
	}
}

static void use_config(const struct config *config)
{
	size_t nodes = 0;

	require(config->policy_count >= 1 && config->policy_count <= CONFIG_POLICIES_MAX + 1);
	require(config->policies[config->policy_count - 1].warn_only);
	for (size_t i = 0; i < config->policy_count; i++) {
		const struct policy *policy = &config->policies[i];

		require(policy->name && policy->name[0]);
		require(policy->match_node + !!policy->match_cgroup + policy->match_pods == 1);
		require(policy->kills_per_minute >= 1 &&
			policy->kills_per_minute <= POLICY_KILLS_PER_MINUTE_MOST);
		require(policy->max_victims >= 1);
		require(policy->proactive_reclaim >= 0 && policy->proactive_reclaim < 1 &&
			(!policy->match_node || policy->proactive_reclaim == 0));
		require(policy->pressure < PRESSURE_MAX_ && policy->kill < KILL_UNIT_MAX_ &&
			policy->rank < RANK_MAX_);
		require(policy->protect.count > 0);
		nodes += policy->match_node;
		use_rules(&policy->avoid);
		use_rules(&policy->prefer);
		/* the built-in rules are the same in every policy */
		if (i == 0)
			use_rules(&policy->protect);
	}
	require(nodes <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors errors = {0};
	struct config *config = NULL;
	const struct config_file file = {(char *)"f", (char *)data, size};
	int r = config_parse(&file, 1, &config, &errors);

	require(r == 0 || r == -EINVAL || r == -ENOMEM);
	require((r == 0) == (config != NULL));
	require((r == -EINVAL) == (errors.count > 0) || r == -ENOMEM);
	for (size_t i = 0; i < errors.count; i++) {
		const struct config_error *e = &errors.list[i];

		require(e->line > 0 && e->column > 0 && !strchr(e->text, '\n'));
		require(i == 0 || e->line >= errors.list[i - 1].line);
		for (const char *p = e->text; *p; p++)
			require(*p >= 0x20 && *p < 0x7f);
	}
	if (config)
		use_config(config);

	config_free(config);
	config_errors_free(&errors);
	return 0;
}

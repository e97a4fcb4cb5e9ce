/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * kept_victim: a victim with all that its record needs, copied: the process and the configuration
 * may be gone when the action ends.
 *
 * Purity:    pure.
 * Errors:    none; a text that is too long is cut.
 * Ownership: a kept victim points into itself: it is set where it stays, and never copied.
 */
#ifndef FASTOOM_DAEMON_KEPT_VICTIM_H
#define FASTOOM_DAEMON_KEPT_VICTIM_H

#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/victim.h"
#include "sense/cgroup.h"

#define KEPT_TEXT_MAX 256

struct kept_victim {
	struct victim victim;
	struct candidate candidate;
	struct rule rule;
	char comm[16];
	char cmdline[KEPT_TEXT_MAX];
	char exe[KEPT_TEXT_MAX];
	char cgroup[CGROUP_PATH_MAX];
	char pod[KEPT_TEXT_MAX];
	char pod_uid[KEPT_TEXT_MAX];
	char namespace[KEPT_TEXT_MAX];
	char container[KEPT_TEXT_MAX];
	char rule_text[KEPT_TEXT_MAX];
};

void kept_victim_set(struct kept_victim *kept, const struct victim *victim);

#endif /* FASTOOM_DAEMON_KEPT_VICTIM_H */

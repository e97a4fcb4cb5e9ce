// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "daemon/no_victim.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/hot_scope.h"
#include "daemon/incident_data.h"
#include "daemon/report.h"
#include "judge/candidate.h"
#include "judge/held_by.h"
#include "sense/sampler.h"
#include "tell/writer.h"

/* Shared memory of the scope of which no process is the last holder. */
static void add_lasting(struct held_by *held, const struct victim *victims, size_t n)
{
	bool seen[CANDIDATE_SETS_MAX] = {false}, known = false;
	uint64_t left = held->bytes[HELD_BY_SHMEM];

	for (size_t i = 0; i < n; i++) {
		const struct candidate *candidate = victims[i].candidate;

		known |= candidate->shares_known;
		for (int k = 0; k < CANDIDATE_SHARES; k++) {
			const struct candidate_share *share = &candidate->shares[k];

			if (!share->holders || share->set >= CANDIDATE_SETS_MAX || seen[share->set])
				continue;
			seen[share->set] = true;
			left -= share->bytes < left ? share->bytes : left;
		}
	}
	if (known && (held->has & 1U << HELD_BY_SHMEM))
		held_by_set(held, HELD_BY_LASTING_SHMEM, left);
}

/* Moves the @most largest by freeable bytes to the front. */
static size_t find_largest(struct victim *victims, size_t n, size_t most)
{
	size_t found = 0;

	for (; found < most && found < n; found++)
		for (size_t i = found + 1; i < n; i++)
			if (victims[i].freeable_bytes > victims[found].freeable_bytes) {
				struct victim kept = victims[found];

				victims[found] = victims[i];
				victims[i] = kept;
			}
	return found;
}

/* The kinds that hold an eighth of the scope or more, the largest first. */
static void describe(char *text, size_t size, const struct held_by *held, uint64_t total_bytes)
{
	uint32_t left = held->has;
	size_t len = 0;

	/* said by these two in more detail */
	if (held->bytes[HELD_BY_LASTING_SHMEM] == held->bytes[HELD_BY_SHMEM])
		left &= ~(1U << HELD_BY_SHMEM);
	left &= ~(1U << HELD_BY_SLAB);
	text[0] = '\0';
	while (left) {
		char bytes[UNITS_TEXT_MAX];
		int best = -1;

		for (int i = 0; i < HELD_BY_KINDS_; i++)
			if ((left & 1U << i) && (best < 0 || held->bytes[i] > held->bytes[best]))
				best = i;
		left &= ~(1U << best);
		if (held->bytes[best] < total_bytes / 8 || len >= size)
			return;
		units_format_bytes(bytes, sizeof(bytes), held->bytes[best]);
		len += (size_t)snprintf(text + len, size - len, "%s%s %s", len ? ", " : "",
					held_by_words((enum held_by_kind)best), bytes);
	}
}

void no_victim_report(struct incident_parts *parts, const struct hot_scope *scope,
		      const struct judgement *judgement, size_t n)
{
	struct record_head head = report_head(parts->reporter, scope, parts->next_id++);
	uint64_t total_bytes = judgement->evidence.total_bytes;
	char message[512], held_text[320], line[WRITER_LINE_MAX];
	struct held_by held;
	size_t len;

	sampler_held_by(parts->sampler, hot_scope_is_node(scope) ? NULL : &scope->cgroup, &held);
	add_lasting(&held, parts->ranking, n);
	describe(held_text, sizeof(held_text), &held, total_bytes);
	snprintf(message, sizeof(message),
		 "none of the %zu processes of this scope may be killed: all are protected, too "
		 "small, or could not be killed in the last minute. Memory is held by: %s",
		 n, held_text[0] ? held_text : "not known");
	log_error("%s: %s, but %s", hot_scope_name(scope),
		  verdict_reason_name(judgement->verdict.reason), message);
	const struct record_no_victim record = {
		.verdict = &judgement->verdict,
		.evidence = &judgement->evidence,
		.message = message,
		.held = &held,
		.largest = parts->ranking,
		.largest_count = find_largest(parts->ranking, n, RECORD_RUNNERS_UP),
		.processes = n,
	};
	if (record_no_victim(line, sizeof(line), &head, &record, &len) ||
	    writer_event(parts->reporter->writer, line, len))
		log_error("a record is lost: the writer has no room");
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/proactive.h"

#include <math.h>

/* The constants are chosen. docs/judgement.md, "Proactive reclaim". */

/* limit / CHUNK_PART at a time, within bounds: a write to memory.reclaim cannot be cancelled. */
#define CHUNK_PART  128
#define CHUNK_LEAST (1ULL << 20)
#define CHUNK_MOST  (16ULL << 20)
/* The goal is at most limit / GAP_MOST_PART below the mark. */
#define GAP_MOST_PART 20

/* Near the mark, look as often as a hot scope is sampled. */
#define LOOK_LEAST_NS 10000000ULL
#define LOOK_NEAR_NS  100000000ULL
#define LOOK_MOST_NS  1000000000ULL

#define BACKOFF_LEAST_NS 1000000000ULL
#define BACKOFF_MOST_NS	 64000000000ULL
/* A pause that begins this long after the last one starts at BACKOFF_LEAST_NS again. */
#define BACKOFF_RESET_NS 10000000000ULL

/* The usage is unchanged if it has moved by less than limit / UNCHANGED_PART for this long. */
#define UNCHANGED_PART 100
#define UNCHANGED_NS   60000000000ULL

/* Pause when at least this share of what was reclaimed is refaulted. */
#define REFAULTED_MOST 0.5
/* Pause after so many steps in a row that reclaimed less than request / FAILURE_PART. */
#define FAILURE_PART  4
#define FAILURES_MOST 2

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void update_sums(struct proactive *p, const struct proactive_look *look)
{
	double seconds = (double)(look->at_ns - p->at_ns) / 1e9, decay = exp2(-seconds);
	uint64_t charged = look->usage_bytes + look->reclaimed_bytes;

	p->reclaimed_bytes = p->reclaimed_bytes * decay + (double)look->reclaimed_bytes;
	p->refaulted_bytes *= decay;
	if (look->refault_bytes > p->refault_bytes)
		p->refaulted_bytes += (double)(look->refault_bytes - p->refault_bytes);
	/* the inflow falls slowly: a stream may continue after a pause */
	p->inflow *= decay;
	if (charged > p->usage_bytes && (double)(charged - p->usage_bytes) / seconds > p->inflow)
		p->inflow = (double)(charged - p->usage_bytes) / seconds;
	if (p->request_bytes)
		p->failures = look->reclaimed_bytes < p->request_bytes / FAILURE_PART
				      ? p->failures + 1
				      : 0;
}

static bool is_unchanged(struct proactive *p, const struct proactive_look *look)
{
	uint64_t from = p->changed_bytes, to = look->usage_bytes;

	if (!p->at_ns ||
	    (from > to ? from - to : to - from) >= look->limit_bytes / UNCHANGED_PART) {
		p->changed_bytes = to;
		p->changed_ns = look->at_ns;
	}
	return look->at_ns - p->changed_ns >= UNCHANGED_NS;
}

static void stop(struct proactive *p, uint64_t now_ns)
{
	bool again = p->backoff_ns && now_ns - p->backoff_end_ns < BACKOFF_RESET_NS;

	p->backoff_ns = again ? clamp(p->backoff_ns * 2, 0, BACKOFF_MOST_NS) : BACKOFF_LEAST_NS;
	p->backoff_end_ns = now_ns + p->backoff_ns;
	p->reclaiming = false;
	p->stops++;
}

/* Half of the time in which the usage can reach the limit at the present inflow. */
static uint64_t next_look_ns(const struct proactive *p, const struct proactive_look *look,
			     uint64_t most_ns)
{
	double left_bytes = (double)look->limit_bytes - (double)look->usage_bytes;

	if (left_bytes <= 0)
		return LOOK_LEAST_NS;
	if (left_bytes / 2 * 1e9 >= p->inflow * (double)most_ns)
		return most_ns;
	return clamp((uint64_t)(left_bytes / 2 / p->inflow * 1e9), LOOK_LEAST_NS, most_ns);
}

struct proactive_step proactive_decide(struct proactive *p, double ratio,
				       const struct proactive_look *look)
{
	struct proactive_step step = {.wait_ns = LOOK_LEAST_NS};
	uint64_t limit = look->limit_bytes, mark, goal, gap, chunk;
	bool unchanged;

	if (!limit || limit == UINT64_MAX) {
		step.over = true;
		return step;
	}
	if (p->at_ns && look->at_ns <= p->at_ns)
		return step;
	mark = (uint64_t)(ratio * (double)limit);
	gap = clamp(limit - mark, 0, limit / GAP_MOST_PART);
	goal = mark > gap ? mark - gap : 0;
	chunk = clamp(limit / CHUNK_PART, CHUNK_LEAST, CHUNK_MOST);

	if (p->at_ns)
		update_sums(p, look);
	unchanged = is_unchanged(p, look);
	p->at_ns = look->at_ns;
	p->usage_bytes = look->usage_bytes;
	p->refault_bytes = look->refault_bytes;
	p->request_bytes = 0;

	if (unchanged) {
		step.over = true;
		return step;
	}
	if (look->at_ns < p->backoff_end_ns) {
		/* refaults during a pause are not caused by this reclaim */
		p->reclaimed_bytes = p->refaulted_bytes = 0;
		p->failures = 0;
		step.wait_ns = p->backoff_end_ns - look->at_ns;
		return step;
	}
	if (p->failures >= FAILURES_MOST ||
	    (p->refaulted_bytes >= (double)chunk &&
	     p->refaulted_bytes >= p->reclaimed_bytes * REFAULTED_MOST && p->reclaimed_bytes > 0)) {
		stop(p, look->at_ns);
		step.wait_ns = p->backoff_ns;
		return step;
	}
	if (look->usage_bytes >= mark)
		p->reclaiming = true;
	else if (look->usage_bytes < goal + CHUNK_LEAST)
		p->reclaiming = false; /* CHUNK_LEAST above the goal: charged since the last step */
	if (p->reclaiming) {
		step.bytes = p->request_bytes = clamp(look->usage_bytes - goal, 0, chunk);
		step.wait_ns = 0;
		return step;
	}
	step.wait_ns = next_look_ns(
		p, look, look->usage_bytes + 2 * gap >= mark ? LOOK_NEAR_NS : LOOK_MOST_NS);
	return step;
}

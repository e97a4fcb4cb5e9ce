// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/proactive.h"

#include <math.h>

/* A write to memory.reclaim cannot be called back: this part of the limit at a time. */
#define CHUNK_PART  128
#define CHUNK_LEAST (1ULL << 20)
#define CHUNK_MOST  (16ULL << 20)
/* From the mark to the goal at most this part of the limit. */
#define GAP_MOST_PART 20

/* Near the mark as often as a hot scope is sampled, if it is not to be there sooner. */
#define LOOK_LEAST_NS 10000000ULL
#define LOOK_NEAR_NS  100000000ULL
#define LOOK_MOST_NS  1000000000ULL

#define BACKOFF_LEAST_NS 1000000000ULL
#define BACKOFF_MOST_NS	 64000000000ULL
/* So long after the last stop it is a new one, not the same again. */
#define WELL_NS 10000000000ULL

/* Nobody looks any more when its usage has not moved by that part of the limit for so long. */
#define STILL_PART 100
#define STILL_NS   60000000000ULL

/* Of what was taken half came back within the seconds that both are counted for. */
#define RETURNED_MOST 0.5
/* Twice in a row less than a quarter of what was asked for. */
#define VAIN_PART 4
#define VAIN_MOST 2

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void learn(struct proactive *b, const struct proactive_look *look)
{
	double seconds = (double)(look->at_ns - b->at_ns) / 1e9, kept = exp2(-seconds);
	uint64_t came = look->usage_bytes + look->given_bytes;

	b->given_bytes = b->given_bytes * kept + (double)look->given_bytes;
	b->returned_bytes *= kept;
	if (look->back_bytes > b->back_bytes)
		b->returned_bytes += (double)(look->back_bytes - b->back_bytes);
	/* a lull does not yet mean that the stream is over */
	b->inflow *= kept;
	if (came > b->usage_bytes && (double)(came - b->usage_bytes) / seconds > b->inflow)
		b->inflow = (double)(came - b->usage_bytes) / seconds;
	if (b->asked_bytes)
		b->vain = look->given_bytes < b->asked_bytes / VAIN_PART ? b->vain + 1 : 0;
}

static bool is_still(struct proactive *b, const struct proactive_look *look)
{
	uint64_t from = b->moved_bytes, to = look->usage_bytes;

	if (!b->at_ns || (from > to ? from - to : to - from) >= look->limit_bytes / STILL_PART) {
		b->moved_bytes = to;
		b->moved_ns = look->at_ns;
	}
	return look->at_ns - b->moved_ns >= STILL_NS;
}

static void stop(struct proactive *b, uint64_t now_ns)
{
	bool again = b->backoff_ns && now_ns - b->until_ns < WELL_NS;

	b->backoff_ns = again ? clamp(b->backoff_ns * 2, 0, BACKOFF_MOST_NS) : BACKOFF_LEAST_NS;
	b->until_ns = now_ns + b->backoff_ns;
	b->reclaiming = false;
	b->stops++;
}

/* Half of the time in which it could get from where it is to its limit. */
static uint64_t next_look_ns(const struct proactive *b, const struct proactive_look *look,
			     uint64_t most_ns)
{
	double left_bytes = (double)look->limit_bytes - (double)look->usage_bytes;

	if (left_bytes <= 0)
		return LOOK_LEAST_NS;
	if (left_bytes / 2 * 1e9 >= b->inflow * (double)most_ns)
		return most_ns;
	return clamp((uint64_t)(left_bytes / 2 / b->inflow * 1e9), LOOK_LEAST_NS, most_ns);
}

struct proactive_step proactive_decide(struct proactive *b, double ratio,
				       const struct proactive_look *look)
{
	struct proactive_step step = {.wait_ns = LOOK_LEAST_NS};
	uint64_t limit = look->limit_bytes, mark, goal, gap, chunk;
	bool still;

	if (!limit || limit == UINT64_MAX) {
		step.over = true;
		return step;
	}
	if (b->at_ns && look->at_ns <= b->at_ns)
		return step;
	mark = (uint64_t)(ratio * (double)limit);
	gap = clamp(limit - mark, 0, limit / GAP_MOST_PART);
	goal = mark > gap ? mark - gap : 0;
	chunk = clamp(limit / CHUNK_PART, CHUNK_LEAST, CHUNK_MOST);

	if (b->at_ns)
		learn(b, look);
	still = is_still(b, look);
	b->at_ns = look->at_ns;
	b->usage_bytes = look->usage_bytes;
	b->back_bytes = look->back_bytes;
	b->asked_bytes = 0;

	if (still) {
		step.over = true;
		return step;
	}
	if (look->at_ns < b->until_ns) {
		/* what comes back meanwhile is not of our taking */
		b->given_bytes = b->returned_bytes = 0;
		b->vain = 0;
		step.wait_ns = b->until_ns - look->at_ns;
		return step;
	}
	if (b->vain >= VAIN_MOST ||
	    (b->returned_bytes >= (double)chunk &&
	     b->returned_bytes >= b->given_bytes * RETURNED_MOST && b->given_bytes > 0)) {
		stop(b, look->at_ns);
		step.wait_ns = b->backoff_ns;
		return step;
	}
	if (look->usage_bytes >= mark)
		b->reclaiming = true;
	else if (look->usage_bytes < goal + CHUNK_LEAST)
		b->reclaiming = false; /* not for what came in since the last step */
	if (b->reclaiming) {
		step.bytes = b->asked_bytes = clamp(look->usage_bytes - goal, 0, chunk);
		step.wait_ns = 0;
		return step;
	}
	step.wait_ns = next_look_ns(
		b, look, look->usage_bytes + 2 * gap >= mark ? LOOK_NEAR_NS : LOOK_MOST_NS);
	return step;
}

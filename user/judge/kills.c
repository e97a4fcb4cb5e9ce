// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/kills.h"

#include <stddef.h>

static uint64_t newest_ns(const struct verdict_kills *kills)
{
	return kills->count ? kills->at_ns[(kills->count - 1) % VERDICT_KILLS_KEPT] : 0;
}

void kills_keep(struct kills *all, uint64_t scope, const struct verdict_kills *kills,
		uint64_t now_ns)
{
	struct kills_of_scope *place = &all->scopes[0];

	(void)kills_take(all, scope);
	if (!verdict_recent_kills(kills, now_ns))
		return;
	for (size_t i = 1; i < KILLS_SCOPES_MAX; i++)
		if (newest_ns(&all->scopes[i].kills) < newest_ns(&place->kills))
			place = &all->scopes[i];
	*place = (struct kills_of_scope){.scope = scope, .kills = *kills};
}

struct verdict_kills kills_take(struct kills *all, uint64_t scope)
{
	struct verdict_kills kills = {0};

	for (size_t i = 0; i < KILLS_SCOPES_MAX; i++) {
		struct kills_of_scope *place = &all->scopes[i];

		if (!place->kills.count || place->scope != scope)
			continue;
		kills = place->kills;
		place->kills.count = 0;
	}
	return kills;
}

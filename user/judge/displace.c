// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/displace.h"

size_t displace_choose(const struct displace_scope *scopes, size_t n)
{
	size_t chosen = DISPLACE_NONE;

	for (size_t i = 0; i < n; i++) {
		const struct displace_scope *scope = &scopes[i];

		if (scope->node || scope->acts || scope->open)
			continue;
		if (chosen == DISPLACE_NONE || scope->risk < scopes[chosen].risk)
			chosen = i;
	}
	return chosen;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/fields.h"

#include <string.h>

#define SIZE(name, need, kind) +sizeof(((struct sample *)0)->name)
_Static_assert(sizeof(((struct sample *)0)->has) SAMPLE_FIELDS(SIZE) == sizeof(struct sample),
	       "every field of struct sample needs a line in SAMPLE_FIELDS");

#define FIELD(name, need, kind)                                                                    \
	{#name, offsetof(struct sample, name), sizeof(((struct sample *)0)->name), need, kind},
const struct sample_field sample_fields[SAMPLE_FIELDS_COUNT] = {SAMPLE_FIELDS(FIELD)};

uint64_t sample_get(const struct sample *sample, const struct sample_field *field)
{
	const char *at = (const char *)sample + field->offset;
	uint32_t narrow;
	uint64_t wide;

	if (field->width == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

void sample_set(struct sample *sample, const struct sample_field *field, uint64_t value)
{
	char *at = (char *)sample + field->offset;
	uint32_t narrow = (uint32_t)value;

	if (field->width == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &value, sizeof(value));
}

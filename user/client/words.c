// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/words.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WRAP	92
#define HEADING 16

void words_add(struct words *words, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words->text + words->len, sizeof(words->text) - words->len, format, args);
	va_end(args);
	if (n > 0)
		words->len += (size_t)n;
	if (words->len >= sizeof(words->text))
		words->len = sizeof(words->text) - 1;
}

void words_print(const char *heading, const struct words *words)
{
	const char *text = words->text;
	int column = printf("%-*s", HEADING, heading);
	bool first = true;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		int len = (int)strcspn(text, " ");

		if (!first && column + 1 + len > WRAP) {
			column = printf("\n%*s", HEADING, "") - 1;
			first = true;
		}
		column += printf("%s%.*s", first ? "" : " ", len, text);
		first = false;
		text += len;
	}
	putchar('\n');
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/utf8.h"

size_t utf8_length(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len;
	unsigned lowest = 0x80, highest = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	/* no overlong forms, no surrogates, nothing above U+10FFFF */
	if (s[0] == 0xe0)
		lowest = 0xa0;
	else if (s[0] == 0xed)
		highest = 0x9f;
	else if (s[0] == 0xf0)
		lowest = 0x90;
	else if (s[0] == 0xf4)
		highest = 0x8f;
	if (n < len || s[1] < lowest || s[1] > highest)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

void utf8_sanitize(char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		const unsigned char *s = (const unsigned char *)text + i;

		n = utf8_length(text + i, len - i);
		if (n == 1 && *s >= 0x20 && *s != 0x7f)
			continue;
		if (n > 2 || (n == 2 && !(s[0] == 0xc2 && s[1] < 0xa0)))
			continue;
		if (!n)
			n = 1;
		for (size_t k = 0; k < n; k++)
			text[i + k] = '?';
	}
}

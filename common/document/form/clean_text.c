/* SPDX-License-Identifier: MIT */
#include "document/form/clean_text.h"

#include <string.h>

#include "base/macros.h"
#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Bytes of the sequence at text that may stay as it is; 0: replace it. */
static size_t good_sequence(const char *text, const char *end)
{
	if ((unsigned char)*text < 0x80)
		return (unsigned char)*text >= ' ' && *text != 0x7F;
	return text_character(text, end);
}

/* Where the good part of the text ends. */
static const char *pass_good(const char *text, const char *end)
{
	size_t bytes;

	while (text < end && (bytes = good_sequence(text, end)) > 0)
		text += bytes;
	return text;
}

const char *clean_text(struct buf *b, const char *text)
{
	const char *end = text + strlen(text);
	const char *next = pass_good(text, end);

	buf_reset(b);
	if (next == end)
		return text;
	while (next < end) {
		size_t bytes = text_utf8_sequence(next, end);

		buf_add(b, text, (size_t)(next - text));
		buf_add_text(b,
			     (unsigned char)*next < 0x80 ? " " : REPLACEMENT);
		text = next + MAX_OF(bytes, (size_t)1);
		next = pass_good(text, end);
	}
	buf_add(b, text, (size_t)(next - text));
	return buf_text(b);
}

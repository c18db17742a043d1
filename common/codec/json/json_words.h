/* SPDX-License-Identifier: MIT
 *
 * json_words.h - JSON with one byte in place of each key that is known.
 *
 * Most of a small JSON answer is its keys. A writer (json_out.h) that was given
 * words writes a single byte below 0x20 for `"key":`; no such byte stands in
 * what json_out.h writes otherwise, because it escapes them in texts. A text
 * without words is its own expansion. The list belongs to whatever was kept in
 * this form: words may be added at its end, and never change their place.
 */
#ifndef CODEC_JSON_WORDS_H
#define CODEC_JSON_WORDS_H

#include <limits.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	JSON_WORDS_MAX = 31, /* bytes 0x01 to 0x1F */
	JSON_WORD_BYTES_MAX = 32,
	JSON_WORD_SLOTS = 64
};

struct json_words {
	const char *const *list; /* borrowed */
	int count;
	unsigned char slots[JSON_WORD_SLOTS]; /* place + 1; 0: none */
	/* What each byte stands for; most stand for themselves. */
	char texts[UCHAR_MAX + 1][JSON_WORD_BYTES_MAX + 4];
	unsigned char text_bytes[UCHAR_MAX + 1];
};

/* `list` ends with NULL and is borrowed; plain ASCII words. */
void json_words_make(struct json_words *words, const char *const *list);

/* The byte of a key; 0: it is not one of the words. */
char json_words_byte(const struct json_words *words, const char *key);

/* Append the whole text. A failure shows in the buffer. */
void json_words_expand(const struct json_words *words, const char *text,
		       size_t bytes, struct buf *out);

#endif

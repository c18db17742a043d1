/* SPDX-License-Identifier: MIT */
#include "codec/json/json_words.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	FIRST_PLAIN = 0x20,
	PLAIN = 8 /* bytes that are looked at together */
};

static unsigned slot_of(const char *key, size_t bytes)
{
	unsigned first = (unsigned char)key[0];
	unsigned last = (unsigned char)key[bytes - 1];

	return (first * 5 + last * 3 + (unsigned)bytes * 7) % JSON_WORD_SLOTS;
}

void json_words_make(struct json_words *words, const char *const *list)
{
	*words = (struct json_words){.list = list};
	for (int c = 0; c <= UCHAR_MAX; c++) {
		words->texts[c][0] = (char)c;
		words->text_bytes[c] = 1;
	}
	for (; list[words->count] != NULL; words->count++) {
		const char *word = list[words->count];
		char *text = words->texts[words->count + 1];
		size_t bytes = strlen(word);
		unsigned slot = slot_of(word, bytes);

		assert(words->count < JSON_WORDS_MAX && bytes > 0 &&
		       bytes <= JSON_WORD_BYTES_MAX);
		while (words->slots[slot] != 0)
			slot = (slot + 1) % JSON_WORD_SLOTS;
		words->slots[slot] = (unsigned char)(words->count + 1);
		(void)snprintf(text, sizeof(words->texts[0]), "\"%s\":", word);
		words->text_bytes[words->count + 1] =
			(unsigned char)(bytes + 3);
	}
}

char json_words_byte(const struct json_words *words, const char *key)
{
	size_t bytes = strlen(key);
	unsigned slot;

	if (bytes == 0)
		return 0;
	slot = slot_of(key, bytes);
	for (; words->slots[slot] != 0; slot = (slot + 1) % JSON_WORD_SLOTS) {
		const char *word = words->list[words->slots[slot] - 1];

		if (word == key || strcmp(word, key) == 0)
			return (char)words->slots[slot];
	}
	return 0;
}

static size_t expanded_bytes(const struct json_words *words, const char *text,
			     size_t bytes)
{
	size_t total = 0;

	for (size_t i = 0; i < bytes; i++)
		total += words->text_bytes[(unsigned char)text[i]];
	return total;
}

/* How many of the next PLAIN bytes stand before the first one below 0x20: a
 * subtraction borrows from the top bit of those, and at first of no other. */
static int plain_bytes(const char *text)
{
	const uint64_t each = UINT64_MAX / UCHAR_MAX;
	uint64_t eight, below;

	memcpy(&eight, text, PLAIN);
	eight = le64toh(eight);
	below = (eight - each * FIRST_PLAIN) & ~eight & each * 0x80;
	return below == 0 ? PLAIN : __builtin_ctzll(below) / CHAR_BIT;
}

static char *put(const struct json_words *words, char *p, char c)
{
	unsigned char byte = (unsigned char)c;

	memcpy(p, words->texts[byte], sizeof(words->texts[byte]));
	return p + words->text_bytes[byte];
}

/* What stands for a byte, and what stands between two such, is copied with all
 * that is behind it, which is faster than to copy exactly its bytes; so there
 * is room for one more. */
void json_words_expand(const struct json_words *words, const char *text,
		       size_t bytes, struct buf *out)
{
	const char *end = text + bytes;
	char *p = buf_reserve(out, expanded_bytes(words, text, bytes) +
					   sizeof(words->texts[0]));

	if (p == NULL)
		return;
	while (end - text >= PLAIN) {
		int plain = plain_bytes(text);

		memcpy(p, text, PLAIN);
		p += plain;
		text += plain;
		if (plain < PLAIN)
			p = put(words, p, *text++);
	}
	while (text < end)
		p = put(words, p, *text++);
	buf_fill(out, p);
}

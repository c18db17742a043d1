/* SPDX-License-Identifier: MIT */
#include "codec/json/json_words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	FIRST_PLAIN = 0x20
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
	for (; list[words->count] != NULL; words->count++) {
		const char *word = list[words->count];
		char *text = words->texts[words->count];
		size_t bytes = strlen(word);
		unsigned slot = slot_of(word, bytes);

		assert(words->count < JSON_WORDS_MAX && bytes > 0 &&
		       bytes <= JSON_WORD_BYTES_MAX);
		while (words->slots[slot] != 0)
			slot = (slot + 1) % JSON_WORD_SLOTS;
		words->slots[slot] = (unsigned char)(words->count + 1);
		(void)snprintf(text, sizeof(words->texts[0]), "\"%s\":", word);
		words->text_bytes[words->count] = (unsigned char)(bytes + 3);
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

/* The place of its word, 0: it stands for itself. */
static unsigned char word_of(const struct json_words *words, char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < FIRST_PLAIN && byte <= words->count ? byte : 0;
}

static size_t expanded_bytes(const struct json_words *words, const char *text,
			     size_t bytes)
{
	size_t more = 0;

	for (size_t i = 0; i < bytes; i++) {
		unsigned char word = word_of(words, text[i]);

		if (word != 0)
			more += words->text_bytes[word - 1] - 1U;
	}
	return bytes + more;
}

/* Each word is copied with all that stands behind it, which is faster than to
 * copy exactly its bytes; so there is room for one more. */
void json_words_expand(const struct json_words *words, const char *text,
		       size_t bytes, struct buf *out)
{
	const char *end = text + bytes;
	char *p = buf_reserve(out, expanded_bytes(words, text, bytes) +
					   sizeof(words->texts[0]));

	if (p == NULL)
		return;
	for (; text < end; text++) {
		unsigned char word = word_of(words, *text);

		if (word == 0) {
			*p++ = *text;
			continue;
		}
		memcpy(p, words->texts[word - 1], sizeof(words->texts[0]));
		p += words->text_bytes[word - 1];
	}
	buf_fill(out, p);
}

/* SPDX-License-Identifier: MIT */
#include "store/engine/pg_array.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_WORDS = 5,
	LENGTH_BYTES = 4,
	FIRST_INDEX = 1
};

static unsigned char *add_word(unsigned char *at, uint32_t value)
{
	uint32_t word = htobe32(value);

	memcpy(at, &word, sizeof(word));
	return at + sizeof(word);
}

/* For so many bytes of elements, their lengths included; *ret_at is where the
 * first one goes. */
static unsigned char *begin(uint32_t element_type, size_t count, size_t bytes,
			    unsigned char **ret_at, size_t *ret_bytes)
{
	const uint32_t words[HEADER_WORDS] = {1, 1, element_type,
					      (uint32_t)count, FIRST_INDEX};
	unsigned char *array;

	if (bytes > INT32_MAX - sizeof(words))
		return NULL;
	*ret_bytes = sizeof(words) + bytes;
	array = malloc(*ret_bytes);
	*ret_at = array;
	for (size_t i = 0; i < HEADER_WORDS && array != NULL; i++)
		*ret_at = add_word(*ret_at, words[i]);
	return array;
}

void *pg_array_of_i64(uint32_t element_type, const int64_t *values,
		      size_t count, size_t *ret_bytes)
{
	size_t bytes = count * (LENGTH_BYTES + sizeof(int64_t));
	unsigned char *at;
	void *array = begin(element_type, count, bytes, &at, ret_bytes);

	for (size_t i = 0; i < count && array != NULL; i++) {
		uint64_t value = htobe64((uint64_t)values[i]);

		at = add_word(at, sizeof(value));
		memcpy(at, &value, sizeof(value));
		at += sizeof(value);
	}
	return array;
}

void *pg_array_of_text(uint32_t element_type, const char *const *values,
		       size_t count, size_t *ret_bytes)
{
	size_t bytes = count * LENGTH_BYTES;
	unsigned char *at;
	void *array;

	for (size_t i = 0; i < count; i++)
		bytes += values[i] != NULL ? strlen(values[i]) : 0;
	array = begin(element_type, count, bytes, &at, ret_bytes);
	for (size_t i = 0; i < count && array != NULL; i++) {
		size_t length = values[i] != NULL ? strlen(values[i]) : 0;

		at = add_word(at, values[i] != NULL ? (uint32_t)length
						    : UINT32_MAX);
		memcpy(at, values[i] != NULL ? values[i] : "", length);
		at += length;
	}
	return array;
}

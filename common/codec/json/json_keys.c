/* SPDX-License-Identifier: MIT */
#include "codec/json/json_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

enum {
	PRINT_BYTES = 16
};

void json_keys_init(struct json_keys *keys)
{
	keys->all = keys->first;
	keys->used = 0;
	keys->size = COUNT_OF(keys->first);
}

void json_keys_clear(struct json_keys *keys)
{
	if (keys->all != keys->first)
		free(keys->all);
	json_keys_init(keys);
}

static inline uint64_t load_8(const char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static inline uint64_t load_4(const char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* From the first PRINT_BYTES of a key, which were its beginning when `cut`.
 * Equal keys have equal prints. The reverse is only likely, which is enough:
 * prints that are equal lead to a comparison of all bytes. */
static inline uint64_t print_of(const char *p, size_t bytes, bool cut)
{
	uint64_t a = 0;
	uint64_t b = 0;

	/* Two loads that may overlap cover everything without a loop. */
	if (bytes >= 8) {
		a = load_8(p);
		b = load_8(p + bytes - 8);
	} else if (bytes >= 4) {
		a = load_4(p);
		b = load_4(p + bytes - 4);
	} else if (bytes > 0) {
		a = (unsigned char)p[0];
		b = (uint64_t)(unsigned char)p[bytes / 2] << 8 |
		    (unsigned char)p[bytes - 1];
	}
	a = (a ^ bytes ^ (uint64_t)cut << 5) * UINT64_C(0x9E3779B97F4A7C15);
	return (a ^ a >> 29) + b * UINT64_C(0xBF58476D1CE4E5B9);
}

static uint64_t print_of_escaped(const struct json_string *name)
{
	struct json_reader r = json_reader_of(name);
	char decoded[PRINT_BYTES];
	size_t n = 0;
	int byte = json_reader_next(&r);

	for (; byte >= 0 && n < sizeof(decoded); byte = json_reader_next(&r))
		decoded[n++] = (char)byte;
	return print_of(decoded, n, byte >= 0);
}

static uint64_t key_print(const struct json_string *name)
{
	if (name->escaped)
		return print_of_escaped(name);
	if (name->bytes > PRINT_BYTES)
		return print_of(name->start, PRINT_BYTES, true);
	return print_of(name->start, name->bytes, false);
}

/* Order of the unescaped bytes. */
static int compare_names(const struct json_string *a,
			 const struct json_string *b)
{
	struct json_reader reader_a = json_reader_of(a);
	struct json_reader reader_b = json_reader_of(b);
	int byte_a;
	int byte_b;

	if (!a->escaped && !b->escaped) {
		int order =
			memcmp(a->start, b->start, MIN_OF(a->bytes, b->bytes));

		return order != 0
			       ? order
			       : (a->bytes > b->bytes) - (a->bytes < b->bytes);
	}
	do {
		byte_a = json_reader_next(&reader_a);
		byte_b = json_reader_next(&reader_b);
	} while (byte_a == byte_b && byte_a >= 0);
	return byte_a - byte_b;
}

static int compare_keys(const struct json_key *a, const struct json_key *b)
{
	if (a->print != b->print)
		return a->print < b->print ? -1 : 1;
	return compare_names(&a->name, &b->name);
}

static int compare_for_sort(const void *left, const void *right)
{
	const struct json_key *a = left;
	const struct json_key *b = right;
	int order = compare_keys(a, b);

	return order != 0 ? order
			  : (a->name.start > b->name.start) -
				    (a->name.start < b->name.start);
}

static int grow(struct json_keys *keys, struct err *e)
{
	size_t size = 4 * keys->size;
	struct json_key *all = keys->all == keys->first ? NULL : keys->all;

	all = realloc(all, size * sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, "json: out of memory");
	if (keys->all == keys->first)
		memcpy(all, keys->first, sizeof(keys->first));
	keys->all = all;
	keys->size = size;
	return 0;
}

struct json_key_set json_keys_begin(const struct json_keys *keys)
{
	return (struct json_key_set){.begin = keys->used};
}

/* Whether the key that is about to be added is in the object already. */
static bool is_twice(const struct json_keys *keys, size_t begin)
{
	const struct json_key *key = &keys->all[keys->used];

	for (size_t i = begin; i < keys->used; i++)
		if (compare_keys(&keys->all[i], key) == 0)
			return true;
	return false;
}

int json_keys_add(struct json_keys *keys, struct json_key_set *set,
		  const struct json_string *name, struct err *e)
{
	int rc = keys->used == keys->size ? grow(keys, e) : 0;
	struct json_key *key = &keys->all[keys->used];
	uint64_t bit;

	if (rc < 0)
		return rc;
	key->name = *name;
	key->print = key_print(name);
	bit = UINT64_C(1) << (key->print >> 58);
	if ((set->seen & bit) != 0 &&
	    keys->used - set->begin < JSON_KEYS_COMPARED &&
	    is_twice(keys, set->begin))
		return ERR_DUPLICATE;
	set->seen |= bit;
	keys->used++;
	return 0;
}

const char *json_keys_end(struct json_keys *keys,
			  const struct json_key_set *set)
{
	struct json_key *first = keys->all + set->begin;
	size_t count = keys->used - set->begin;

	keys->used = set->begin;
	if (count <= JSON_KEYS_COMPARED)
		return NULL;
	qsort(first, count, sizeof(*first), compare_for_sort);
	for (size_t i = 1; i < count; i++)
		if (compare_keys(&first[i - 1], &first[i]) == 0)
			return first[i].name.start;
	return NULL;
}

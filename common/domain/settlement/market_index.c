/* SPDX-License-Identifier: MIT */
#include "domain/settlement/market_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/decimal.h"
#include "codec/digest.h"

enum {
	FIRST_ROOM = 1024
};

void market_index_clear(struct market_index *index)
{
	free(index->entries);
	*index = (struct market_index){0};
}

static unsigned nibble(char digit)
{
	return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void set_key(const char *external_id,
		    unsigned char ret_key[MARKET_KEY_BYTES])
{
	char hash[DIGEST_TEXT_BYTES];

	digest_sha256(external_id, strlen(external_id), hash);
	for (size_t i = 0; i < MARKET_KEY_BYTES; i++)
		ret_key[i] = (unsigned char)(nibble(hash[2 * i]) << 4 |
					     nibble(hash[2 * i + 1]));
}

int market_index_add(struct market_index *index, const struct market_row *row,
		     struct err *e)
{
	struct market_entry *to;

	if (index->count == MARKET_ROWS_MAX || row->line > UINT32_MAX)
		return err_set(e, ERR_INVALID, "more than %d rows",
			       MARKET_ROWS_MAX);
	if (index->count == index->room) {
		size_t room = index->room == 0 ? FIRST_ROOM : index->room * 2;
		struct market_entry *entries;

		room = MIN_OF(room, (size_t)MARKET_ROWS_MAX);
		entries = realloc(index->entries, room * sizeof(*entries));
		if (entries == NULL)
			return err_set(e, ERR_NOMEM, "report: out of memory");
		index->entries = entries;
		index->room = room;
	}
	to = &index->entries[index->count++];
	*to = (struct market_entry){
		.amount_minor = row->amount_minor,
		.vat_minor = row->vat_minor,
		.line = (uint32_t)row->line,
		.has_vat = row->has_vat,
		.is_cancelled = row->is_cancelled,
		.is_return = row->amount_minor < 0,
	};
	set_key(row->external_id, to->key);
	return 0;
}

/* By order, its sales before its returns, then by line. */
static int compare(const void *a, const void *b)
{
	const struct market_entry *x = a;
	const struct market_entry *y = b;
	int by_key = memcmp(x->key, y->key, MARKET_KEY_BYTES);

	if (by_key != 0)
		return by_key;
	if (x->is_return != y->is_return)
		return x->is_return - y->is_return;
	return (x->line > y->line) - (x->line < y->line);
}

int market_index_end(struct market_index *index, struct err *e)
{
	struct market_entry *first = NULL;
	int rc = 0;

	if (index->count > 0)
		qsort(index->entries, index->count, sizeof(*index->entries),
		      compare);
	for (size_t i = 0; i < index->count && rc == 0; i++) {
		struct market_entry *at = &index->entries[i];

		if (first == NULL ||
		    memcmp(first->key, at->key, MARKET_KEY_BYTES) != 0) {
			first = at;
			at->counts = true;
			continue;
		}
		if (!at->is_return)
			continue;
		rc = decimal_add(first->amount_minor, at->amount_minor,
				 &first->amount_minor, e);
		if (rc == 0)
			rc = decimal_add(first->vat_minor, at->vat_minor,
					 &first->vat_minor, e);
		first->has_vat = first->has_vat && at->has_vat;
	}
	return rc;
}

/* The first entry of the order, or NULL. */
static const struct market_entry *find(const struct market_index *index,
				       const char *external_id)
{
	unsigned char key[MARKET_KEY_BYTES];
	size_t low = 0;
	size_t high = index->count;

	set_key(external_id, key);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(index->entries[middle].key, key, MARKET_KEY_BYTES) <
		    0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index->count ||
	    memcmp(index->entries[low].key, key, MARKET_KEY_BYTES) != 0)
		return NULL;
	return &index->entries[low];
}

const struct market_entry *market_index_row(const struct market_index *index,
					    const struct market_row *row)
{
	struct market_entry wanted = {.line = (uint32_t)row->line,
				      .is_return = row->amount_minor < 0};

	if (index->count == 0)
		return NULL;
	set_key(row->external_id, wanted.key);
	return bsearch(&wanted, index->entries, index->count, sizeof(wanted),
		       compare);
}

bool market_index_has(const struct market_index *index, const char *external_id)
{
	return find(index, external_id) != NULL;
}

/* SPDX-License-Identifier: MIT
 *
 * market_index.h - the orders of a report, small enough to keep a million of
 * them: 40 bytes each, the order's name as a digest. Pure.
 *
 * Rows of one order are put together: its first row that is no return counts,
 * later ones of them are duplicates, and what returns (rows below zero) gave
 * back goes off its sum.
 */
#ifndef DOMAIN_MARKET_INDEX_H
#define DOMAIN_MARKET_INDEX_H

#include "domain/settlement/market_row.h"

enum {
	MARKET_ROWS_MAX = 2 * 1000 * 1000,
	MARKET_KEY_BYTES = 16
};

struct market_entry {
	unsigned char key[MARKET_KEY_BYTES];
	int64_t amount_minor, vat_minor; /* of the order's counting row: of all
					    of its rows */
	uint32_t line;
	bool has_vat, is_cancelled, is_return;
	bool counts; /* the others of its order do not */
};

/* Zeroed is empty. */
struct market_index {
	struct market_entry *entries; /* owned */
	size_t count, room;
};
void market_index_clear(struct market_index *index);

/* ERR_INVALID when there are too many; ERR_NOMEM. */
int market_index_add(struct market_index *index, const struct market_row *row,
		     struct err *e);
/* Once, after the last of them. ERR_INVALID: sums that do not fit. */
int market_index_end(struct market_index *index, struct err *e);

/* The entry of a row that was added; NULL when there is none. */
const struct market_entry *market_index_row(const struct market_index *index,
					    const struct market_row *row);
/* Whether the report has the order. */
bool market_index_has(const struct market_index *index,
		      const char *external_id);

#endif

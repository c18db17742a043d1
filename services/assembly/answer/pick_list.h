/* SPDX-License-Identifier: MIT
 *
 * pick_list.h - an order on paper: HTML with a style for print, A4.
 *
 * The page needs nothing else (no script, no font, no picture from elsewhere).
 * Goods stand in the sequence in which the caller gives them; a new zone begins
 * a new table. A cancelled order becomes the list of what goes back to the
 * shelves. Texts are in the operator's language.
 */
#ifndef ASSEMBLY_PICK_LIST_H
#define ASSEMBLY_PICK_LIST_H

#include "base/buf.h"
#include "codec/time/zone.h"
#include "domain/order/order.h"

struct err;

enum {
	PICK_LIST_BYTES_MAX = 4 * 1024 * 1024
};

struct pick_item {
	const struct order_line *line;
	char zone[ORDER_SHORT_BYTES]; /* "" : not known */
	char shelf[ORDER_SHORT_BYTES];
	char barcode[ORDER_SHORT_BYTES]; /* to compare with the goods; "" */
};

struct pick_list {
	const struct order *order;
	const char *store_name;
	const struct zone *zone; /* in which times are said */
	int64_t printed_ms;
	const struct pick_item *items;
	size_t count;
};

/* 0, ERR_NOMEM, ERR_INVALID (a number that no barcode can hold). */
int pick_list_html(const struct pick_list *list, struct buf *html,
		   struct err *e);

#endif

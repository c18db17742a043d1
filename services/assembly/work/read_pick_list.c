/* SPDX-License-Identifier: MIT
 *
 * read_pick_list.c - getPickList: which goods are on the paper, and in which
 * sequence.
 */
#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "answer/pick_list.h"
#include "app/zones.h"
#include "assembly.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "call.h"
#include "store/catalogue/products.h"
#include "store/catalogue/store_places.h"
#include "store/engine/db.h"
#include "store/order/orders.h"
#include "store/order/stores.h"

struct facts {
	struct order order;
	struct store_row store;
	struct pick_item *items; /* owned */
	size_t count;
};

static void facts_clear(struct facts *facts)
{
	order_clear(&facts->order);
	free(facts->items);
}

/* What nobody has to touch is not on the paper: lines that were removed before
 * anything of them was picked; of a cancelled order all but what is to go back
 * to its shelf. */
static bool is_on_paper(const struct order *order,
			const struct order_line *line)
{
	if (order->state == ORDER_CANCELED || line->state == LINE_REMOVED)
		return line->qty_picked_milli > 0;
	return true;
}

/* The first barcode of the catalogue: enough to compare with the goods. */
static int add_item(struct db *db, struct facts *facts,
		    const struct order_line *line, struct err *e)
{
	struct pick_item *item = &facts->items[facts->count];
	struct store_place place;
	struct product product;
	int rc = store_places_get(db, facts->order.terms.store_id, line->sku,
				  &place, e);

	item->line = line;
	if (rc > 0) {
		(void)text_copy(item->zone, sizeof(item->zone), place.zone);
		(void)text_copy(item->shelf, sizeof(item->shelf), place.shelf);
	}
	if (rc >= 0)
		rc = products_get(db, line->sku, &product, e);
	if (rc > 0) {
		product.barcodes[strcspn(product.barcodes, " ")] = '\0';
		(void)text_copy(item->barcode, sizeof(item->barcode),
				product.barcodes);
	}
	facts->count++;
	return rc < 0 ? rc : 0;
}

static int compare(const void *a, const void *b)
{
	const struct pick_item *first = a;
	const struct pick_item *second = b;
	int order = strcmp(first->zone, second->zone);

	/* Goods without a place come last. */
	if ((first->zone[0] == '\0') != (second->zone[0] == '\0'))
		return first->zone[0] == '\0' ? 1 : -1;
	if (order == 0)
		order = strcmp(first->shelf, second->shelf);
	return order != 0 ? order
			  : first->line->line_no - second->line->line_no;
}

/* 1, 0 (no such order), < 0; all of it from one moment. */
static int gather(struct db *db, const char *number, struct facts *facts,
		  struct err *e)
{
	struct order *order = &facts->order;
	int64_t id = 0;
	int rc = orders_find_number(db, number, &id, e);

	if (rc > 0)
		rc = orders_load(db, id, order, e);
	if (rc > 0)
		rc = stores_get(db, order->terms.store_id, &facts->store, e);
	if (rc <= 0)
		return rc;
	facts->items = calloc(order->line_count + 1, sizeof(*facts->items));
	if (facts->items == NULL)
		return err_set(e, ERR_NOMEM, "pick list: out of memory");
	for (size_t i = 0; i < order->line_count && rc >= 0; i++)
		if (is_on_paper(order, &order->lines[i]))
			rc = add_item(db, facts, &order->lines[i], e);
	qsort(facts->items, facts->count, sizeof(*facts->items), compare);
	return rc < 0 ? rc : 1;
}

static int render(struct api_call *call, const struct facts *facts)
{
	const struct zone *zone = NULL;
	struct pick_list list = {
		.order = &facts->order,
		.store_name = facts->store.name,
		.printed_ms = clock_wall_ms(),
		.items = facts->items,
		.count = facts->count,
	};

	/* Without its zone the times are UTC, which is better than no list. */
	(void)zones_get(facts->store.time_zone, &zone, NULL);
	list.zone = zone;
	call->status = 200;
	call->content_type = "text/html; charset=utf-8";
	return pick_list_html(&list, &call->answer, NULL);
}

void read_pick_list(struct api_call *call)
{
	CLEANUP(facts_clear) struct facts facts = {0};
	struct db *db = call->assembly->reader;
	int rc = db_begin_read(db, NULL);

	if (rc >= 0) {
		rc = gather(db, call->args.number, &facts, NULL);
		db_rollback(db);
	}
	if (rc == 0)
		answer_error(call, 404, "unknown_order",
			     "there is no order with that number");
	if (rc > 0)
		rc = render(call, &facts);
	if (rc < 0)
		answer_unavailable(call);
	call_reply(call);
}

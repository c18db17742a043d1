/* SPDX-License-Identifier: MIT
 *
 * facts.c - what the store knows about the things that an action names: goods
 * by their barcode, units by their marking code, tolerances, and what the
 * marketplace has changed. The rules themselves are in domain/.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "call.h"
#include "codec/json/json_out.h"
#include "store/catalogue/products.h"
#include "store/engine/db.h"
#include "store/order/marking_codes.h"
#include "store/order/orders.h"
#include "work/replay.h"

enum {
	GTIN_OFFSET = 2, /* in the name of a unit, behind "01" */
	GTIN_DIGITS = 14,
	PIECE_MILLI = 1000
};

static void put_change(const struct history_change *change, void *context)
{
	struct json_out *out = context;

	json_object(out, NULL);
	json_put_time(out, "at", change->at_ms);
	json_put_text(out, "event", change->kind);
	json_put_raw(out, "difference", change->detail);
	json_end(out);
}

int facts_changes(struct api_call *call, struct db *db, int64_t order_id,
		  struct err *e)
{
	struct json_out out = json_out_to(&call->changes);
	int rc;

	buf_reset(&call->changes);
	json_array(&out, NULL);
	rc = history_changes(db, order_id, API_CHANGES_MAX, put_change, &out,
			     e);
	json_end(&out);
	return rc < 0 ? rc : json_out_finish(&out, e);
}

static void name_goods(struct named_goods *goods, const struct product *product)
{
	struct tolerance tolerance = product_tolerance(product);

	(void)text_copy(goods->sku, sizeof(goods->sku), product->sku);
	(void)text_copy(goods->name, sizeof(goods->name), product->name);
	goods->piece_weight_g = product->piece_weight_g;
	goods->soft_percent = tolerance.soft_percent;
	goods->hard_percent = tolerance.hard_percent;
}

static void name_unknown(struct named_goods *goods, const char *sku)
{
	struct tolerance tolerance = product_tolerance(NULL);

	*goods = (struct named_goods){
		.piece_weight_g = -1,
		.soft_percent = tolerance.soft_percent,
		.hard_percent = tolerance.hard_percent,
	};
	(void)text_copy(goods->sku, sizeof(goods->sku), sku);
}

static bool is_in_order(const struct order *order, const char *sku)
{
	for (size_t i = 0; i < order->line_count; i++)
		if (strcmp(order->lines[i].sku, sku) == 0)
			return true;
	return false;
}

/* The article of a label, or a code of the retailer's own, may be a SKU; in a
 * label it is filled up with zeros. */
static int find_article(struct db *db, const struct order *order,
			const char *article, struct named_goods *goods,
			struct err *e)
{
	struct product product;

	for (const char *sku = article; *sku != '\0'; sku++) {
		int rc = products_get(db, sku, &product, e);

		if (rc < 0)
			return rc;
		if (rc > 0)
			name_goods(goods, &product);
		else if (is_in_order(order, sku))
			name_unknown(goods, sku);
		if (goods->sku[0] != '\0' || *sku != '0')
			break;
	}
	return 0;
}

/* *ret_is_whole: the code is that of the goods and says nothing else. */
static int find_scanned(struct api_call *call, struct db *db,
			const struct order *order, bool *ret_is_whole,
			struct err *e)
{
	const struct barcode *barcode = &call->barcode;
	struct named_goods *goods = &call->goods;
	struct product product;

	*ret_is_whole = false;
	name_unknown(goods, "");
	for (int i = 0; i < barcode->key_count; i++) {
		int rc = products_by_barcode(db, barcode->keys[i], &product, e);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		name_goods(goods, &product);
		*ret_is_whole = i == 0 && barcode->is_first_key_whole;
		return 0;
	}
	return find_article(db, order, barcode->article, goods, e);
}

static int gather_scan(struct api_call *call, struct db *db,
		       const struct order *order, struct order_action *action,
		       struct err *e)
{
	const struct barcode *barcode = &call->barcode;
	struct scanned_code *code = &call->scanned;
	bool is_whole;
	int rc = find_scanned(call, db, order, &is_whole, e);

	action->weight_g = is_whole ? -1 : barcode->weight_g;
	action->price_minor = is_whole ? -1 : barcode->price_minor;
	if (rc < 0 || barcode->marking[0] == '\0')
		return rc;
	*code = (struct scanned_code){0};
	(void)text_copy(code->unit, sizeof(code->unit), barcode->unit);
	(void)text_copy(code->code, sizeof(code->code), barcode->marking);
	action->codes = code;
	action->code_count = 1;
	rc = marking_codes_find(db, code->unit, order->id, code->used_by, e);
	return rc < 0 ? rc : 0;
}

static int gather_code(struct db *db, const struct order *order,
		       struct scanned_code *code, struct err *e)
{
	char gtin[GTIN_DIGITS + 1];
	struct product product;
	int rc;

	code->sku[0] = '\0';
	code->used_by[0] = '\0';
	(void)snprintf(gtin, sizeof(gtin), "%.*s", GTIN_DIGITS,
		       code->unit + GTIN_OFFSET);
	rc = products_by_barcode(db, gtin, &product, e);
	if (rc > 0)
		(void)text_copy(code->sku, sizeof(code->sku), product.sku);
	if (rc >= 0)
		rc = marking_codes_find(db, code->unit, order->id,
					code->used_by, e);
	return rc < 0 ? rc : 0;
}

static int gather_codes(struct api_call *call, struct db *db,
			const struct order *order, struct order_action *action,
			struct err *e)
{
	int rc = 0;

	(void)action;
	for (size_t i = 0; i < call->args.code_count && rc == 0; i++)
		rc = gather_code(db, order, &call->args.codes[i], e);
	return rc;
}

static int gather_replacement(struct api_call *call, struct db *db,
			      const struct order *order,
			      struct order_action *action, struct err *e)
{
	struct catalogue_state catalogue = {0};
	struct product product;
	int rc = products_get(db, call->args.sku, &product, e);

	(void)order;
	(void)action;
	name_unknown(&call->goods, call->args.sku);
	if (rc > 0)
		name_goods(&call->goods, &product);
	if (rc == 0)
		rc = products_state(db, &catalogue, e);
	call->goods.is_unlisted = catalogue.generation > 0;
	return rc < 0 ? rc : 0;
}

/* Are the line's weight, a part of a piece, or at the end its marking codes,
 * going to be judged? */
static bool is_judged(const struct order_line *line,
		      const struct order_action *action)
{
	if (action->type == ACTION_FINISH)
		return line->qty_picked_milli > 0;
	if (!order_line_is_weighed(line) &&
	    (action->quantity_milli < 0 ||
	     action->quantity_milli % PIECE_MILLI == 0))
		return false;
	if (action->type == ACTION_SCAN)
		return strcmp(line->sku, action->goods->sku) == 0;
	return action->type == ACTION_PICK && line->line_no == action->line_no;
}

static int gather_tolerances(struct db *db, struct order *order,
			     const struct order_action *action, struct err *e)
{
	for (size_t i = 0; i < order->line_count; i++) {
		struct order_line *line = &order->lines[i];
		struct tolerance tolerance;
		struct product product;
		int rc;

		if (!is_judged(line, action))
			continue;
		rc = products_get(db, line->sku, &product, e);
		if (rc < 0)
			return rc;
		tolerance = product_tolerance(rc > 0 ? &product : NULL);
		line->soft_percent = tolerance.soft_percent;
		line->hard_percent = tolerance.hard_percent;
		line->is_marked = rc > 0 && product.marked;
		line->is_piece = rc > 0 && product_is_piece(&product);
	}
	return 0;
}

static int (*const gatherers[ACTION_MAX_])(struct api_call *call, struct db *db,
					   const struct order *order,
					   struct order_action *action,
					   struct err *e) = {
	[ACTION_PICK] = gather_codes,
	[ACTION_SCAN] = gather_scan,
	[ACTION_REPLACE] = gather_replacement,
};

int facts_gather(struct api_call *call, struct db *db, struct order *order,
		 struct order_action *action, struct err *e)
{
	int rc = facts_changes(call, db, order->id, e);

	if (rc == 0 && gatherers[action->type] != NULL)
		rc = gatherers[action->type](call, db, order, action, e);
	if (rc == 0)
		rc = gather_tolerances(db, order, action, e);
	if (rc == 0 && call->replay != NULL)
		rc = replay_gather(call, db, order, action, e);
	return rc;
}

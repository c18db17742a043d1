/* SPDX-License-Identifier: MIT
 *
 * kuper_out.c - notifications to Kuper (Orders API v3, POST /v1/notifications).
 */
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "channel/kuper.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"

/* What the payload of a notification holds besides the order's id. */
struct shape {
	bool number;      /* ours; the schema knows it in order.accepted only */
	bool composition; /* the final one, every line */
};

static const struct shape shapes[NOTICE_MAX_] = {
	[NOTICE_ACCEPTED] = {.number = true},
	[NOTICE_READY] = {.composition = true},
};

/* Orders of external showcases may be known by their UUID alone; then that is
 * also what the store keeps as their id. */
static bool is_known_by_id(const struct order *order)
{
	return order->external_id[0] != '\0' &&
	       strcmp(order->external_id, order->terms.order_uuid) != 0;
}

static bool is_weighed(const struct order_line *line)
{
	return line->weight_g >= 0;
}

/* What a customer took back stays at the store, also when it was picked. */
static int64_t final_quantity_milli(const struct order_line *line)
{
	return line->state == LINE_REMOVED ? 0 : line->qty_picked_milli;
}

/* A weighed line with goods but without a weight is refused. When it was not
 * put on the scales, its share of the ordered weight stands in. */
static int64_t final_weight_g(const struct order_line *line)
{
	int64_t quantity_milli = final_quantity_milli(line);
	int64_t weight_g = 0;

	if (quantity_milli == 0)
		return 0;
	if (line->weight_picked_g > 0)
		return line->weight_picked_g;
	if (line->qty_milli > 0)
		(void)decimal_mul_div(line->weight_g, quantity_milli,
				      line->qty_milli, &weight_g, NULL);
	return weight_g;
}

/* Also when the customer changed the wish: with "changed" the marketplace goes
 * by the positions, which are right in any case. */
static bool is_as_ordered(const struct order_line *line)
{
	return final_quantity_milli(line) == line->qty_milli &&
	       line->qty_ordered_milli == line->qty_milli &&
	       line->replaced_by == 0 && line->replaces == 0 &&
	       (!is_weighed(line) || final_weight_g(line) == line->weight_g);
}

/* A replacement that was taken back: the marketplace never hears of it. */
static bool is_withdrawn(const struct order_line *line)
{
	return line->replaces != 0 && line->state == LINE_REMOVED;
}

static bool is_changed(const struct order *order)
{
	for (size_t i = 0; i < order->line_count; i++)
		if (!is_withdrawn(&order->lines[i]) &&
		    !is_as_ordered(&order->lines[i]))
			return true;
	return false;
}

static const struct order_line *substitute(const struct order *order,
					   const struct order_line *line)
{
	for (size_t i = 0; line->replaced_by != 0 && i < order->line_count; i++)
		if (order->lines[i].line_no == line->replaced_by)
			return &order->lines[i];
	return NULL;
}

/* As they were scanned, with their separators and their tail. */
static void put_codes(struct json_out *out, const struct order *order,
		      const struct order_line *line)
{
	if (final_quantity_milli(line) == 0 ||
	    order_codes_count(order, line->line_no) == 0)
		return;
	json_array(out, "markingCode");
	for (size_t i = 0; i < order->code_count; i++) {
		if (order->codes[i].line_no != line->line_no)
			continue;
		json_object(out, NULL);
		json_put_text(out, "value", order->codes[i].code);
		json_end(out);
	}
	json_end(out);
}

static void put_position(struct json_out *out, const struct order *order,
			 const struct order_line *line)
{
	const struct order_line *other = substitute(order, line);
	char weight[DECIMAL_TEXT_BYTES];

	json_object(out, NULL);
	json_put_text(out, "id", line->sku);
	json_put_decimal(out, "originalQuantity", line->qty_ordered_milli,
			 QUANTITY_DIGITS);
	json_put_decimal(out, "quantity", final_quantity_milli(line),
			 QUANTITY_DIGITS);
	if (is_weighed(line))
		json_put_text(out, "weight",
			      decimal_format(final_weight_g(line),
					     WEIGHT_DIGITS, weight));
	if (other != NULL)
		json_put_text(out, "replacedByID", other->sku);
	put_codes(out, order, line);
	json_end(out);
}

/* Positions may be left out when nothing changed; they are sent all the same,
 * so that what the buyer pays for never rests on a flag. */
static void put_composition(struct json_out *out, const struct order *order)
{
	json_object(out, "order");
	json_put_text(out, "originalOrderId",
		      order->external_id[0] != '\0' ? order->external_id
						    : order->terms.order_uuid);
	json_put_bool(out, "changed", is_changed(order));
	json_array(out, "positions");
	for (size_t i = 0; i < order->line_count; i++)
		if (!is_withdrawn(&order->lines[i]))
			put_position(out, order, &order->lines[i]);
	json_end(out);
	json_end(out);
}

int kuper_render_notice(enum notice notice, const struct order *order,
			struct buf *out, struct err *e)
{
	const struct shape *shape = &shapes[notice];
	struct json_out json = json_out_to(out);

	if (order->external_id[0] == '\0' && order->terms.order_uuid[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "the order has no id at the marketplace");
	json_object(&json, NULL);
	json_object(&json, "event");
	json_put_text(&json, "type", notice_name(notice));
	json_object(&json, "payload");
	if (is_known_by_id(order))
		json_put_text(&json, "order_id", order->external_id);
	else
		json_put_text(&json, "orderUUID", order->terms.order_uuid);
	if (shape->number)
		json_put_text(&json, "number", order->number);
	if (shape->composition)
		put_composition(&json, order);
	json_end(&json);
	json_end(&json);
	json_end(&json);
	return json_out_finish(&json, e);
}

/* Kuper answers 405 to every notification about orders of these stores
 * (kuper.md 2.6 row 23). Rows 19 and A1 are about types that we never send. */
static const int silent_integration_types[] = {
	0, /* the marketplace assembles */
	4, /* for accounting only */
};

bool kuper_allows(enum notice notice, int integration_type)
{
	(void)notice;
	for (size_t i = 0; i < COUNT_OF(silent_integration_types); i++)
		if (silent_integration_types[i] == integration_type)
			return false;
	return true;
}

/* SPDX-License-Identifier: MIT
 *
 * scan.c - one more of something, by its barcode.
 *
 * Scanning counts up and judges late: a line that is not full yet stays
 * pending, without a reason, until it is full or somebody says that it is
 * short.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "codec/decimal.h"
#include "domain/picking/picking.h"

enum {
	PIECE_MILLI = 1000
};

static bool is_open(const struct order_line *line)
{
	return line->state != LINE_REPLACED && line->state != LINE_REMOVED;
}

/* Of the lines with these goods the first that still wants some; else the first
 * that takes goods; else any. */
static struct order_line *find_line(struct order *order, const char *sku)
{
	struct order_line *found = NULL;

	for (size_t i = 0; i < order->line_count; i++) {
		struct order_line *line = &order->lines[i];

		if (strcmp(line->sku, sku) != 0)
			continue;
		if (is_open(line) && line->qty_picked_milli < line->qty_milli)
			return line;
		if (found == NULL || (is_open(line) && !is_open(found)))
			found = line;
	}
	return found;
}

/* "Unknown" and "not in this order" are different things for whoever has to
 * decide what to do with the goods in his hand. */
static int no_line(const struct order_action *action, struct order_outcome *out,
		   struct err *e)
{
	char text[REMARK_TEXT_BYTES];
	const struct named_goods *goods = action->goods;

	if (goods->sku[0] == '\0')
		return picking_fault(out, 0, "code", "unknown_code",
				     "no goods are known by that code", e);
	(void)snprintf(text, sizeof(text), "not in this order: %.120s",
		       goods->name[0] != '\0' ? goods->name : goods->sku);
	return picking_fault(out, 0, "code", "wrong_product", text, e);
}

/* Grams that were scanned: the label says them, or its price and the line's do.
 * 0 when neither does. */
static int64_t scanned_g(const struct order_line *line,
			 const struct order_action *action)
{
	int64_t line_minor = 0;
	int64_t grams = 0;

	if (action->weight_g >= 0)
		return action->weight_g;
	if (action->price_minor < 0 ||
	    decimal_mul_div(line->price_minor, line->qty_milli, PIECE_MILLI,
			    &line_minor, NULL) < 0 ||
	    line_minor <= 0)
		return 0;
	(void)decimal_mul_div(line->weight_g, action->price_minor, line_minor,
			      &grams, NULL);
	return grams;
}

/* How much a scan adds: what the caller says; one piece; of weighed goods one
 * piece when it weighs like one, else the part that it weighs. */
static int64_t scanned_milli(const struct order_line *line,
			     const struct order_action *action, int64_t grams)
{
	int64_t milli = 0;

	if (action->quantity_milli > 0)
		return action->quantity_milli;
	if (!order_line_is_weighed(line) ||
	    !picking_is_off(grams, picking_expected_g(line, PIECE_MILLI),
			    line->hard_percent))
		return PIECE_MILLI;
	(void)decimal_mul_div(line->qty_milli, grams, line->weight_g, &milli,
			      NULL);
	return milli > 0 ? milli : 1;
}

/* Parts of weighed goods that together weigh what was wanted are what was
 * wanted. */
static int64_t rounded_milli(const struct order_line *line,
			     int64_t quantity_milli, int64_t grams)
{
	if (!order_line_is_weighed(line) || quantity_milli % PIECE_MILLI == 0 ||
	    picking_is_off(grams, line->weight_g, line->hard_percent) ||
	    picking_is_off(quantity_milli, line->qty_milli, line->hard_percent))
		return quantity_milli;
	return line->qty_milli;
}

static int check(const struct order *order, const struct order_line *line,
		 const struct order_action *action, int64_t quantity_milli,
		 int64_t grams, struct order_outcome *out, struct err *e)
{
	int rc = 0;

	if (!is_open(line))
		return picking_fault(
			out, line->line_no, "code",
			line->state == LINE_REMOVED ? "removed" : "replaced",
			line->state == LINE_REMOVED
				? "the customer has removed the line"
				: "the line is replaced by another",
			e);
	if (action->quantity_milli == 0)
		return picking_fault(out, line->line_no, "quantity", "nothing",
				     "a scan of nothing: leave it out for one",
				     e);
	if (action->code_count > 0 && action->quantity_milli > PIECE_MILLI)
		rc = picking_fault(out, line->line_no, "quantity", "one_unit",
				   "a marking code names one unit", e);
	if (rc == 0 && order_line_is_weighed(line))
		rc = picking_check_weight(line, quantity_milli, grams, out, e);
	if (rc == 0 && out->refusal == REFUSAL_NONE)
		rc = picking_check_quantity(line, quantity_milli, out, e);
	if (rc == 0)
		rc = picking_check_codes(order, line, action, true, out, e);
	return rc;
}

static void put_on_line(struct order_line *line, int64_t quantity_milli,
			int64_t grams)
{
	line->qty_picked_milli = quantity_milli;
	if (order_line_is_weighed(line))
		line->weight_picked_g = grams;
	line->state =
		quantity_milli >= line->qty_milli ? LINE_PICKED : LINE_PENDING;
	line->reason[0] = '\0';
}

int picking_scan(struct order *order, const struct order_action *action,
		 struct order_outcome *out, struct err *e)
{
	struct order_line *line = find_line(order, action->goods->sku);
	struct order_line was;
	int64_t quantity_milli;
	int64_t grams;
	int rc;

	if (line == NULL)
		return no_line(action, out, e);
	if (!picking_has_seen(line, action, out))
		return 0;
	was = *line;
	grams = scanned_g(line, action);
	quantity_milli =
		was.qty_picked_milli + scanned_milli(line, action, grams);
	if (was.weight_picked_g > 0 && grams > 0)
		grams += was.weight_picked_g;
	quantity_milli = rounded_milli(line, quantity_milli, grams);
	rc = check(order, line, action, quantity_milli, grams, out, e);
	if (rc < 0 || out->refusal != REFUSAL_NONE)
		return rc;
	put_on_line(line, quantity_milli, grams);
	out->change.only_line_no = line->line_no;
	if (action->code_count > 0)
		rc = picking_put_codes(order, line->line_no, action, true, out,
				       e);
	return rc < 0 ? rc
		      : picking_changed(order, action, "scan", &was, line, out,
					e);
}

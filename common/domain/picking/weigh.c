/* SPDX-License-Identifier: MIT
 *
 * weigh.c - how much of a line there may be, in pieces and in grams.
 */
#include <stdio.h>

#include "base/macros.h"
#include "codec/decimal.h"
#include "domain/picking/picking.h"

enum {
	PIECE_MILLI = 1000
};

bool order_line_is_weighed(const struct order_line *line)
{
	return line->weight_g > 0;
}

/* More than the line wants may not weigh more than the line does: the customer
 * pays for it. */
int64_t picking_expected_g(const struct order_line *line,
			   int64_t quantity_milli)
{
	int64_t grams = 0;

	if (line->qty_milli > 0)
		(void)decimal_mul_div(line->weight_g,
				      MIN_OF(quantity_milli, line->qty_milli),
				      line->qty_milli, &grams, NULL);
	return grams;
}

bool picking_is_off(int64_t weight_g, int64_t wanted_g, int percent)
{
	int64_t difference =
		weight_g > wanted_g ? weight_g - wanted_g : wanted_g - weight_g;

	return difference * 100 > wanted_g * percent;
}

/* Weighed goods come in parts of a pack, so a little more is no fault. */
bool picking_is_too_much(const struct order_line *line, int64_t quantity_milli)
{
	int64_t percent =
		order_line_is_weighed(line) ? 100 + line->hard_percent : 100;

	return quantity_milli * 100 > line->qty_milli * percent;
}

static int too_much(const struct order_line *line, struct order_outcome *out,
		    struct err *e)
{
	char text[REMARK_TEXT_BYTES];
	char wanted[DECIMAL_TEXT_BYTES];

	(void)snprintf(
		text, sizeof(text), "more than the %s that are wanted",
		decimal_format_short(line->qty_milli, QUANTITY_DIGITS, wanted));
	return picking_fault(out, line->line_no, "quantity", "too_much", text,
			     e);
}

int picking_check_quantity(const struct order_line *line,
			   int64_t quantity_milli, struct order_outcome *out,
			   struct err *e)
{
	if (line->state == LINE_REMOVED && quantity_milli > 0)
		return picking_fault(out, line->line_no, "line", "removed",
				     "the customer has removed the line", e);
	if (picking_is_too_much(line, quantity_milli))
		return too_much(line, out, e);
	/* What was ordered in parts is handed over in parts. */
	if (line->is_piece && !order_line_is_weighed(line) &&
	    quantity_milli % PIECE_MILLI != 0 &&
	    line->qty_milli % PIECE_MILLI == 0)
		return picking_fault(out, line->line_no, "quantity",
				     "not_whole", "there is no part of a piece",
				     e);
	return 0;
}

static int weight_is_off(const struct order_line *line, int64_t wanted_g,
			 bool is_hard, struct order_outcome *out, struct err *e)
{
	char text[REMARK_TEXT_BYTES];

	(void)snprintf(text, sizeof(text),
		       "differs by more than %d %% from the expected %lld g",
		       is_hard ? line->hard_percent : line->soft_percent,
		       (long long)wanted_g);
	if (is_hard)
		return picking_fault(out, line->line_no, "weight", "weight_off",
				     text, e);
	return picking_remark(out, line->line_no, "weight", "weight_differs",
			      text, e);
}

int picking_check_weight(const struct order_line *line, int64_t quantity_milli,
			 int64_t weight_g, struct order_outcome *out,
			 struct err *e)
{
	int64_t wanted_g = picking_expected_g(line, quantity_milli);

	if (!order_line_is_weighed(line))
		return weight_g <= 0
			       ? 0
			       : picking_fault(out, line->line_no, "weight",
					       "not_weighed",
					       "the line is sold by the piece",
					       e);
	if (quantity_milli == 0)
		return 0;
	if (weight_g <= 0)
		return picking_fault(out, line->line_no, "weight",
				     "weight_missing",
				     "the line is sold by weight", e);
	if (wanted_g == 0)
		return 0;
	if (picking_is_off(weight_g, wanted_g, line->hard_percent))
		return weight_is_off(line, wanted_g, true, out, e);
	if (picking_is_off(weight_g, wanted_g, line->soft_percent))
		return weight_is_off(line, wanted_g, false, out, e);
	return 0;
}

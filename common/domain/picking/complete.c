/* SPDX-License-Identifier: MIT
 *
 * complete.c - the gate at the end of an assembly.
 */
#include "base/err.h"
#include "base/macros.h"
#include "domain/picking/picking.h"

static bool is_picked(const struct order_line *line)
{
	return line->qty_picked_milli > 0;
}

static bool is_left(const struct order *order, const struct order_line *line)
{
	(void)order;
	return (line->state == LINE_PENDING &&
		(line->qty_milli > 0 || line->qty_picked_milli > 0)) ||
	       (line->state == LINE_PICKED &&
		line->qty_picked_milli < line->qty_milli);
}

static bool is_to_put_back(const struct order *order,
			   const struct order_line *line)
{
	(void)order;
	return line->state == LINE_REMOVED && is_picked(line);
}

static bool has_too_much(const struct order *order,
			 const struct order_line *line)
{
	(void)order;
	return is_picked(line) &&
	       picking_is_too_much(line, line->qty_picked_milli);
}

static bool lacks_reason(const struct order *order,
			 const struct order_line *line)
{
	(void)order;
	return line->state == LINE_SHORT && line->reason[0] == '\0';
}

static bool lacks_weight(const struct order *order,
			 const struct order_line *line)
{
	(void)order;
	return is_picked(line) && order_line_is_weighed(line) &&
	       line->weight_picked_g <= 0;
}

static bool has_wrong_weight(const struct order *order,
			     const struct order_line *line)
{
	int64_t wanted_g = picking_expected_g(line, line->qty_picked_milli);

	(void)order;
	return is_picked(line) && order_line_is_weighed(line) && wanted_g > 0 &&
	       picking_is_off(line->weight_picked_g, wanted_g,
			      line->hard_percent);
}

/* What must not be true of any line when an order leaves. The first rule that
 * fits speaks for its line. Those about amounts look again at what
 * picking_pick() saw, because the customer may have changed the wish since. */
static const struct {
	bool (*is_wrong)(const struct order *order,
			 const struct order_line *line);
	const char *code, *text;
} rules[] = {
	{is_left, "not_picked", "is neither picked nor short"},
	{is_to_put_back, "put_back", "was removed by the customer"},
	{lacks_reason, "reason_missing", "is short without a reason"},
	{has_too_much, "too_much", "has more than is wanted"},
	{lacks_weight, "weight_missing", "has no weight"},
	{has_wrong_weight, "weight_off", "has a weight that is too far off"},
	{picking_codes_differ, "codes_differ",
	 "needs one marking code for each piece"},
};

int picking_check_complete(const struct order *order, struct order_outcome *out,
			   struct err *e)
{
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];
		size_t r = 0;
		int rc;

		while (r < COUNT_OF(rules) && !rules[r].is_wrong(order, line))
			r++;
		if (r == COUNT_OF(rules))
			continue;
		rc = picking_fault(out, line->line_no, NULL, rules[r].code,
				   rules[r].text, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

bool picking_has_goods(const struct order *order)
{
	for (size_t i = 0; i < order->line_count; i++)
		if (is_picked(&order->lines[i]))
			return true;
	return false;
}

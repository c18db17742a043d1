/* SPDX-License-Identifier: MIT
 *
 * codes.c - marking codes: each names one unit, and a unit is in one bag.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "codec/barcode/barcode.h"
#include "codec/decimal.h"
#include "domain/picking/picking.h"

enum {
	PIECE_MILLI = 1000
};

static int code_fault(const struct order_line *line, const char *code,
		      const char *text, struct order_outcome *out,
		      struct err *e)
{
	const char *field = "markingCodes";

	return picking_fault(out, line->line_no, field, code, text, e);
}

/* Codes that stay where they are: all of the order, without those of the line
 * when they are about to be put in anew. */
static bool is_in_order(const struct order *order, int line_no, bool adds,
			const char *unit)
{
	for (size_t i = 0; i < order->code_count; i++)
		if ((adds || order->codes[i].line_no != line_no) &&
		    barcode_same_unit(order->codes[i].unit, unit))
			return true;
	return false;
}

static bool is_earlier(const struct order_action *action, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (barcode_same_unit(action->codes[i].unit,
				      action->codes[index].unit))
			return true;
	return false;
}

static int check_code(const struct order *order, const struct order_line *line,
		      const struct order_action *action, size_t index,
		      bool adds, struct order_outcome *out, struct err *e)
{
	const struct scanned_code *code = &action->codes[index];
	char text[REMARK_TEXT_BYTES];

	if (code->sku[0] != '\0' && strcmp(code->sku, line->sku) != 0)
		return code_fault(line, "wrong_product",
				  "a code is of other goods", out, e);
	if (is_earlier(action, index) ||
	    is_in_order(order, line->line_no, adds, code->unit))
		return code_fault(line, "duplicate_code",
				  "a unit is in this order already", out, e);
	if (code->used_by[0] == '\0')
		return 0;
	(void)snprintf(text, sizeof(text), "a unit is in order %s already",
		       code->used_by);
	return code_fault(line, "code_in_use", text, out, e);
}

int picking_check_codes(const struct order *order,
			const struct order_line *line,
			const struct order_action *action, bool adds,
			struct order_outcome *out, struct err *e)
{
	int64_t units = order_line_is_weighed(line)
				? ORDER_CODES_MAX
				: action->quantity_milli / PIECE_MILLI;
	int rc = 0;

	if (!adds && (int64_t)action->code_count > units)
		rc = code_fault(line, "too_many_codes",
				"there are more codes than pieces", out, e);
	for (size_t i = 0; i < action->code_count && rc == 0; i++)
		rc = check_code(order, line, action, i, adds, out, e);
	return rc;
}

static bool are_there(const struct order *order, int line_no,
		      const struct order_action *action)
{
	size_t at = 0;

	for (size_t i = 0; i < order->code_count; i++) {
		if (order->codes[i].line_no != line_no)
			continue;
		if (at == action->code_count ||
		    strcmp(order->codes[i].code, action->codes[at++].code) != 0)
			return false;
	}
	return at == action->code_count;
}

int picking_put_codes(struct order *order, int line_no,
		      const struct order_action *action, bool adds,
		      struct order_outcome *out, struct err *e)
{
	int rc = 0;

	if (!adds && are_there(order, line_no, action))
		return 0;
	if (!adds)
		order_codes_remove(order, line_no);
	for (size_t i = 0; i < action->code_count && rc == 0; i++)
		rc = order_code_add(order, line_no, action->codes[i].unit,
				    action->codes[i].code, e);
	out->change.codes_changed = true;
	return rc;
}

bool picking_codes_differ(const struct order *order,
			  const struct order_line *line)
{
	int64_t codes = (int64_t)order_codes_count(order, line->line_no);

	return (codes > 0 || line->is_marked) && !order_line_is_weighed(line) &&
	       codes * PIECE_MILLI != line->qty_picked_milli;
}

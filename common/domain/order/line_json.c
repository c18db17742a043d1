/* SPDX-License-Identifier: MIT */
#include "domain/order/line_json.h"

#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "domain/order/order.h"

static void put_grams(struct json_out *out, const char *key, int64_t weight_g)
{
	if (weight_g >= 0)
		json_put_i64(out, key, weight_g);
	else
		json_put_null(out, key);
}

static void put_line_no(struct json_out *out, const char *key, int line_no)
{
	if (line_no != 0)
		json_put_i64(out, key, line_no);
	else
		json_put_null(out, key);
}

static void put_codes(struct json_out *out, const struct order *order,
		      int line_no)
{
	json_array(out, "markingCodes");
	for (size_t i = 0; i < order->code_count; i++)
		if (order->codes[i].line_no == line_no)
			json_put_text(out, NULL, order->codes[i].code);
	json_end(out);
}

void line_json_put(struct json_out *out, const struct order *order,
		   const struct order_line *line)
{
	json_put_i64(out, "line", line->line_no);
	json_put_text(out, "sku", line->sku);
	json_put_text(out, "name", line->name);
	json_put_decimal(out, "orderedQuantity", line->qty_ordered_milli,
			 QUANTITY_DIGITS);
	json_put_decimal(out, "quantity", line->qty_milli, QUANTITY_DIGITS);
	json_put_decimal(out, "pickedQuantity", line->qty_picked_milli,
			 QUANTITY_DIGITS);
	put_grams(out, "weight", line->weight_g);
	put_grams(out, "pickedWeight", line->weight_picked_g);
	json_put_money(out, "price", line->price_minor);
	json_put_money(out, "discountPrice", line->discount_price_minor);
	json_put_text(out, "state", line_state_name(line->state));
	put_line_no(out, "replacedBy", line->replaced_by);
	put_line_no(out, "replaces", line->replaces);
	json_put_text_or_null(out, "reason",
			      line->reason[0] != '\0' ? line->reason : NULL);
	put_codes(out, order, line->line_no);
}

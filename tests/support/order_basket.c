/* SPDX-License-Identifier: MIT */
#include "order_basket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const struct goods basket[4] = {
	{LINE_PENDING, 3000, 0, -1, -1, ""},
	{LINE_PENDING, 1000, 0, 1000, -1, ""},
	{LINE_PENDING, 2000, 0, 600, -1, ""},
	{LINE_PENDING, 1000, 0, -1, -1, ""},
};

void basket_add(struct order *order, const struct goods *goods)
{
	struct order_line *line =
		order_line_add(&order->lines, &order->line_count);

	if (line == NULL)
		abort();
	line->line_no = (int)order->line_count;
	(void)snprintf(line->sku, sizeof(line->sku), "10000%d", line->line_no);
	line->state = goods->state;
	line->qty_ordered_milli = goods->qty_milli;
	line->qty_milli = goods->qty_milli;
	line->qty_picked_milli = goods->picked_milli;
	line->weight_g = goods->weight_g;
	line->weight_picked_g = goods->weight_picked_g;
	(void)text_copy(line->reason, sizeof(line->reason), goods->reason);
}

struct order basket_order(const struct goods *goods, size_t count)
{
	struct order order = {.id = 7,
			      .state = ORDER_ASSEMBLING,
			      .version = 5,
			      .picker_id = "anna",
			      .picker_until_ms = LEASE_END_MS,
			      .taken_ms = NOW_MS - 1000};

	for (size_t i = 0; i < count; i++)
		basket_add(&order, &goods[i]);
	return order;
}

struct order_action basket_action(enum order_action_type type)
{
	static const struct named_goods nothing = {
		.piece_weight_g = -1,
		.soft_percent = WEIGHT_SOFT_PERCENT,
		.hard_percent = WEIGHT_HARD_PERCENT,
	};

	return (struct order_action){.type = type,
				     .picker_id = "anna",
				     .version = 5,
				     .line_no = 1,
				     .quantity_milli =
					     type == ACTION_SCAN ? -1 : 0,
				     .weight_g = -1,
				     .reason = "",
				     .bags = -1,
				     .code = "",
				     .goods = &nothing,
				     .price_minor = -1,
				     .consent = "",
				     .device_time = ""};
}

int basket_act(struct order *order, const struct order_action *action,
	       struct order_outcome *outcome)
{
	static const struct order_policy policy = {.send_assembled = true};

	return order_act(order, action, &policy, NOW_MS, outcome, NULL);
}

void basket_remarks(const struct order_outcome *outcome,
		    char text[BASKET_TEXT_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < outcome->remark_count; i++) {
		(void)snprintf(text + used, BASKET_TEXT_BYTES - used, "%s%d:%s",
			       used > 0 ? " " : "", outcome->remarks[i].line_no,
			       outcome->remarks[i].code);
		used = strlen(text);
	}
}

void basket_notices(const struct order_change *change,
		    char text[BASKET_TEXT_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < change->notice_count; i++) {
		(void)snprintf(text + used, BASKET_TEXT_BYTES - used, "%s%s",
			       used > 0 ? " " : "",
			       notice_name(change->notices[i]));
		used = strlen(text);
	}
}

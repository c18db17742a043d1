/* SPDX-License-Identifier: MIT
 *
 * order_basket.h - small orders in the middle of their assembly, and what
 * became of them as short texts.
 */
#ifndef ORDER_BASKET_H
#define ORDER_BASKET_H

#include <stddef.h>
#include <stdint.h>

#include "domain/order/order_actions.h"

#define NOW_MS INT64_C(1742000000000)
#define LEASE_END_MS (NOW_MS + 60000)

enum {
	BASKET_TEXT_BYTES = 256
};

/* A line as a test needs it. */
struct goods {
	enum line_state state;
	int64_t qty_milli, picked_milli;
	int64_t weight_g, weight_picked_g;
	const char *reason;
};

/* Lines 1 to 4: three pieces, a kilogram, two packs of 300 g, one piece. */
extern const struct goods basket[4];

/* In state assembling, version 5, held by anna until LEASE_END_MS. Cleared by
 * order_clear(). */
struct order basket_order(const struct goods *goods, size_t count);
void basket_add(struct order *order, const struct goods *goods);

/* By anna, who has seen version 5, about line 1. */
struct order_action basket_action(enum order_action_type type);
/* order_act() at NOW_MS; the channel wants order.assembled. */
int basket_act(struct order *order, const struct order_action *action,
	       struct order_outcome *outcome);

/* "1:not_picked 3:weight_missing" */
void basket_remarks(const struct order_outcome *outcome,
		    char text[BASKET_TEXT_BYTES]);
/* "order.assembled order.ready_for_delivery" */
void basket_notices(const struct order_change *change,
		    char text[BASKET_TEXT_BYTES]);

#endif

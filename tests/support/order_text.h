/* SPDX-License-Identifier: MIT
 *
 * order_text.h - orders and events out of short texts, and back.
 *
 * "A3 B1" is three pieces of A and one of B; "A3~900" three that weigh 900 g;
 * "A3+2" three of which two are picked. The sign is the state of the line:
 * '.' pending, '+' picked, 's' short, 'r' replaced, 'x' removed.
 */
#ifndef ORDER_TEXT_H
#define ORDER_TEXT_H

#include <stdint.h>

#include "domain/order/order.h"

enum {
	ORDER_TEXT_LINES_BYTES = 512
};

/* At version 5, last told of at 1000. Cleared by order_clear(). */
struct order order_text_order(enum order_state state, const char *lines);

/* lines NULL: the event tells none. Cleared by order_event_clear(). */
struct order_event order_text_event(enum order_event_type type,
				    int64_t event_ms, const char *lines);

/* The lines of the order; "A3" for one that is pending and untouched. */
void order_text_lines(const struct order *order,
		      char text[ORDER_TEXT_LINES_BYTES]);

#endif

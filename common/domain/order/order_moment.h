/* SPDX-License-Identifier: MIT
 *
 * order_moment.h - an order at a past moment, out of what its changes left.
 * Pure.
 *
 * Every change keeps the head of the order as it is afterwards, and those lines
 * that it changed. Putting these one on another until a moment gives the order
 * of that moment. Names, comments and customers are not kept: they are personal
 * or do not change.
 */
#ifndef DOMAIN_ORDER_MOMENT_H
#define DOMAIN_ORDER_MOMENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "domain/order/order.h"

struct err;

/* The JSON text of it: with all lines, or only_line_no, or none (0). 0,
 * ERR_NOMEM. */
int order_moment_render(const struct order *order, bool all_lines,
			int only_line_no, struct buf *out, struct err *e);

/* Put one on top of the order. 0; ERR_INVALID: not such a text; ERR_NOMEM. */
int order_moment_apply(struct order *order, const char *text, struct err *e);

#endif

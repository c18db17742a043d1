/* SPDX-License-Identifier: MIT
 *
 * order_lines.h - the goods of an order under a new composition. Pure.
 */
#ifndef DOMAIN_ORDER_LINES_H
#define DOMAIN_ORDER_LINES_H

#include "codec/json/json_out.h"
#include "domain/order/order.h"

struct err;

/* The first composition. 0, ERR_INVALID (more than ORDER_LINES_MAX), ERR_NOMEM.
 */
int order_lines_set(struct order *order, const struct order_event *event,
		    struct err *e);

/* A later one: a position is recognised by its SKU (the n-th of equal ones is
 * the n-th again). New positions become new lines; a position that is gone
 * becomes `removed` and keeps what was picked. The open object of *out gets the
 * difference as "lines". 1 when something changed, 0, ERR_INVALID (would have
 * more than ORDER_LINES_MAX lines, removed ones counted), ERR_NOMEM. */
int order_lines_update(struct order *order, const struct order_event *event,
		       struct json_out *out, struct err *e);

#endif

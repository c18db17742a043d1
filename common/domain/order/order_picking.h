/* SPDX-License-Identifier: MIT
 *
 * order_picking.h - the goods' part of order_actions.h: what may be put on a
 * line, and whether an order is complete. Private to common/domain.
 */
#ifndef DOMAIN_ORDER_PICKING_H
#define DOMAIN_ORDER_PICKING_H

#include "domain/order/order_actions.h"

/* The functions below return 0 or ERR_NOMEM; a refusal is set in *out. They
 * are called when state, picker and version are right. */
int order_pick(struct order *order, const struct order_action *action,
	       struct order_outcome *out, struct err *e);
int order_reset(struct order *order, const struct order_action *action,
		struct order_outcome *out, struct err *e);

/* A remark for each line that keeps the order from being finished. */
int order_check_complete(const struct order *order, struct order_outcome *out,
			 struct err *e);
/* False when the order would leave the store as an empty bag. */
bool order_has_goods(const struct order *order);

#endif

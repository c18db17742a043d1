/* SPDX-License-Identifier: MIT
 *
 * picking.h - the goods' part of order_actions.h: what may be put on a line,
 * and whether an order is complete. Private to common/domain.
 *
 * Functions return 0 or ERR_NOMEM; a refusal is set in *out. They are called
 * when state, picker and version are right.
 */
#ifndef DOMAIN_PICKING_H
#define DOMAIN_PICKING_H

#include "domain/order/order_actions.h"

/* The actions. */
int picking_pick(struct order *order, const struct order_action *action,
		 struct order_outcome *out, struct err *e);
int picking_reset(struct order *order, const struct order_action *action,
		  struct order_outcome *out, struct err *e);
int picking_scan(struct order *order, const struct order_action *action,
		 struct order_outcome *out, struct err *e);
int picking_replace(struct order *order, const struct order_action *action,
		    struct order_outcome *out, struct err *e);

/* A remark for each line that keeps the order from being finished. */
int picking_check_complete(const struct order *order, struct order_outcome *out,
			   struct err *e);
/* False when the order would leave the store as an empty bag. */
bool picking_has_goods(const struct order *order);

/* A remark; as a fault it refuses the action. `field` and `code` are
 * constants. */
int picking_remark(struct order_outcome *out, int line_no, const char *field,
		   const char *code, const char *text, struct err *e);
int picking_fault(struct order_outcome *out, int line_no, const char *field,
		  const char *code, const char *text, struct err *e);

/* False, and the refusal is set, when a replayed action has not seen the line
 * as it is. */
bool picking_has_seen(const struct order_line *line,
		      const struct order_action *action,
		      struct order_outcome *out);

/* The line has become different from `was`: it gets the order's next version,
 * is saved and told of in the history. */
int picking_changed(struct order *order, const struct order_action *action,
		    const char *kind, const struct order_line *was,
		    struct order_line *line, struct order_outcome *out,
		    struct err *e);

/* Weights (weigh.c). */

/* What the quantity should weigh; no more than the line does. */
int64_t picking_expected_g(const struct order_line *line,
			   int64_t quantity_milli);
bool picking_is_off(int64_t weight_g, int64_t wanted_g, int percent);
bool picking_is_too_much(const struct order_line *line, int64_t quantity_milli);
int picking_check_weight(const struct order_line *line, int64_t quantity_milli,
			 int64_t weight_g, struct order_outcome *out,
			 struct err *e);
int picking_check_quantity(const struct order_line *line,
			   int64_t quantity_milli, struct order_outcome *out,
			   struct err *e);

/* Marking codes (codes.c). */

/* May these codes be on that line, together with those that are on others, and
 * with its own ones when `adds` is set? */
int picking_check_codes(const struct order *order,
			const struct order_line *line,
			const struct order_action *action, bool adds,
			struct order_outcome *out, struct err *e);
/* Put them there. */
int picking_put_codes(struct order *order, int line_no,
		      const struct order_action *action, bool adds,
		      struct order_outcome *out, struct err *e);
/* Codes are one per piece; a line without codes is fine. */
bool picking_codes_differ(const struct order *order,
			  const struct order_line *line);

#endif

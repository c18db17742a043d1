/* SPDX-License-Identifier: MIT
 *
 * marking_codes.h - marking codes of picked units.
 */
#ifndef STORE_MARKING_CODES_H
#define STORE_MARKING_CODES_H

#include "domain/order/order.h"

struct db;
struct err;

/* Add the codes of order->id to the order, in the sequence of its lines. 0 or
 * < 0. */
int marking_codes_load(struct db *db, struct order *order, struct err *e);

/* Write the codes of one line as they are now, or of all lines (line_no 0).
 * Inside a write transaction. 0 or < 0. */
int marking_codes_save(struct db *db, const struct order *order, int line_no,
		       struct err *e);

/* Is the unit in another order that is neither delivered nor cancelled? 1 and
 * that order's number, 0, < 0. Inside the write transaction that puts the unit
 * into this one, so that no two orders get it. */
int marking_codes_find(struct db *db, const char *unit, int64_t order_id,
		       char ret_number[ORDER_NUMBER_BYTES], struct err *e);

#endif

/* SPDX-License-Identifier: MIT
 *
 * order_lines.h - the lines of orders (orders.h).
 */
#ifndef STORE_ORDER_LINES_H
#define STORE_ORDER_LINES_H

#include <stdint.h>

struct db;
struct err;
struct order;
struct order_line;

/* Add them to an order that has none. 0 or < 0. */
int order_lines_load(struct db *db, struct order *order, struct err *e);

/* All of them. 0 or < 0. */
int order_lines_save(struct db *db, const struct order *order, struct err *e);

/* Of one line that is there: only what is picked. 0 or < 0. */
int order_lines_save_picked(struct db *db, int64_t order_id,
			    const struct order_line *line, struct err *e);

#endif

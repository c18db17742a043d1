/* SPDX-License-Identifier: MIT
 *
 * orders.h - orders, their lines, customers and history.
 *
 * Loading takes a reader or a write transaction; saving belongs into the write
 * transaction that loaded the order, so that nobody changes it in between.
 */
#ifndef STORE_ORDERS_H
#define STORE_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/order/order_apply.h"

struct db;
struct err;

/* The whole order. 1 and *ret_order (the caller clears it), 0 when there is no
 * such order, < 0. */
int orders_load(struct db *db, int64_t order_id, struct order *ret_order,
		struct err *e);

/* The same by its number, without its customer, whom few need to know. */
int orders_load_number(struct db *db, const char *number,
		       struct order *ret_order, struct err *e);
/* Whoever applies an event to such an order needs him. 0 or < 0. */
int orders_add_customer(struct db *db, struct order *order, struct err *e);

/* order_id by number, or by a channel's name of it: 1, 0, < 0. */
int orders_find_number(struct db *db, const char *number, int64_t *ret_id,
		       struct err *e);

/* Write the order row; its lines and customer too when with_lines is set (a
 * customer who was not loaded stays as he is). */
int orders_save(struct db *db, const struct order *order, bool with_lines,
		struct err *e);
/* Of an order that is there: only this part of its row, which is not ROW_ALL.
 */
int orders_save_part(struct db *db, const struct order *order,
		     enum order_row_part part, struct err *e);

/* What every change of an order changes some of: whoever has loaded it outside
 * of his write transaction asks inside whether it is as it was, and whether
 * nothing waits for it in the inbox. */
struct order_mark {
	int64_t id, version, picker_until_ms, updated_ms;
	enum order_state state;
};
struct order_mark order_mark_of(const struct order *order);
int orders_is_still(struct db *db, const struct order_mark *mark,
		    struct err *e); /* 1, 0, < 0 */

/* A row of order_history. detail is a JSON object. */
int history_add(struct db *db, int64_t order_id, int64_t at_ms,
		const char *kind, const char *actor, const char *detail,
		struct err *e);

/* What the marketplace changed for a picker, the newest first. 0 or < 0. */
struct history_change {
	int64_t at_ms;
	const char *kind, *detail; /* borrowed during the callback */
};
int history_changes(struct db *db, int64_t order_id, int limit,
		    void (*each)(const struct history_change *change,
				 void *context),
		    void *context, struct err *e);

/* Has that picker ever held the order? 1, 0, < 0. */
int history_has_held(struct db *db, int64_t order_id, const char *picker_id,
		     struct err *e);

/* Orders of a store for a picker's list, by deadline. */
struct order_row {
	int64_t id, version, slot_from_ms, slot_to_ms, deadline_ms;
	const char *number, *channel, *external_id, *store_id, *state,
		*picker_id; /* borrowed during the callback */
	int64_t line_count;
};
struct orders_filter {
	const char *store_id;
	unsigned states; /* bits 1 << enum order_state; 0: all but the
			    final ones */
	int64_t after_deadline_ms, after_id; /* the last row of a page; 0 */
	int limit;
};
/* Calls each() per row until it returns < 0 (then that is the result). Number
 * of rows, or < 0. */
int orders_list(struct db *db, const struct orders_filter *filter,
		int (*each)(const struct order_row *row, void *context),
		void *context, struct err *e);

#endif

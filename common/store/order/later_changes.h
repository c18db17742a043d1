/* SPDX-License-Identifier: MIT
 *
 * later_changes.h - what marketplaces said of goods that were packed already.
 *
 * Functions take a write transaction unless they say "Reader".
 */
#ifndef STORE_LATER_CHANGES_H
#define STORE_LATER_CHANGES_H

#include <stdint.h>

struct db;
struct err;

struct later_row {
	int64_t id, order_id, event_ms, total_minor;
	int64_t earlier; /* kept changes of the order before this one */
	char *body;      /* owned: free() */
	char store_id[64], time_zone[64];
};

/* Keep it, unless a later one is kept. body "": it says nothing new, and only
 * makes older ones old. */
int later_changes_add(struct db *db, int64_t order_id, int64_t event_ms,
		      int64_t total_minor, const char *body, int64_t now_ms,
		      struct err *e);
/* A person is needed, and why; once for what happened at that time. 0 or < 0.
 */
int later_changes_tell(struct db *db, int64_t order_id, int64_t event_ms,
		       const char *reason, int64_t now_ms, struct err *e);
/* The oldest one after after_id that is due and whose order has a sale. 1, 0,
 * < 0. Reader. */
int later_changes_next(struct db *db, int64_t after_id,
		       struct later_row *ret_row, struct err *e);
/* The last one of the order until that time, whatever became of it. 1, 0, < 0.
 * Reader. */
int later_changes_until(struct db *db, int64_t order_id, int64_t until_ms,
			struct later_row *ret_row, struct err *e);
/* None of the order until that time is due any more: the sale has them.
 * Number of them. */
int later_changes_sold(struct db *db, int64_t order_id, int64_t until_ms,
		       struct err *e);
/* It is not due any more: done, nothing, told (with the reason). 1; 0 when it
 * was not. */
int later_changes_end(struct db *db, int64_t id, const char *state,
		      const char *reason, struct err *e);
/* A person has looked after the order. Number of them. */
int later_changes_settle(struct db *db, int64_t order_id, struct err *e);

#endif

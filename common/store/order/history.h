/* SPDX-License-Identifier: MIT
 *
 * history.h - what an order was at past moments.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdint.h>

struct db;
struct err;

/* history_add() with the order as it is afterwards (order_moment.h), "" if
 * nothing of that has changed. */
struct history_entry {
	int64_t order_id, at_ms;
	const char *kind, *actor, *detail, *after; /* borrowed */
};
int history_add_moment(struct db *db, const struct history_entry *entry,
		       struct err *e);
/* Those of an order until a moment, in sequence. Calls each() per row until it
 * fails. Number of rows, or < 0. Reader or writer. */
int history_moments(struct db *db, int64_t order_id, int64_t until_ms,
		    int (*each)(int64_t at_ms, const char *after, void *context,
				struct err *e),
		    void *context, struct err *e);
/* Those of an order, the newest first, each with who made it. Calls each() per
 * row until it returns something else than 0: > 0 ends the list. Number of
 * rows, or < 0. Reader or writer. */
int history_moments_back(struct db *db, int64_t order_id,
			 int (*each)(const char *actor, const char *after,
				     void *context, struct err *e),
			 void *context, struct err *e);

#endif

/* SPDX-License-Identifier: MIT
 *
 * position.h - how far a walk through a table has come that goes on the next
 * time (table counters). Inside a write transaction.
 */
#ifndef STORE_POSITION_H
#define STORE_POSITION_H

#include <stdint.h>

struct db;
struct err;

/* Its id, 0 when it has never begun. 0 or < 0. */
int position_get(struct db *db, const char *name, int64_t *ret_id,
		 struct err *e);
int position_set(struct db *db, const char *name, int64_t id, struct err *e);

#endif

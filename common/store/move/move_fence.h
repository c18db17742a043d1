/* SPDX-License-Identifier: MIT
 *
 * move_fence.h - a store that has moved takes nothing more.
 *
 * Whoever opens it is told by migrate_check(); but a service that was running
 * has it open. So a trigger on every table refuses what is written. All of it
 * inside a write transaction.
 */
#ifndef STORE_MOVE_FENCE_H
#define STORE_MOVE_FENCE_H

#include "store/engine/db.h"
#include "store/move/move_table.h"

int move_fence_put(struct db *db, unsigned caps,
		   const struct move_tables *tables, struct err *e);
int move_fence_remove(struct db *db, unsigned caps,
		      const struct move_tables *tables, struct err *e);

#endif

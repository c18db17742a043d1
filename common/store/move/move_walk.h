/* SPDX-License-Identifier: MIT
 *
 * move_walk.h - a way through the rows of a table, in the order of its key.
 */
#ifndef STORE_MOVE_WALK_H
#define STORE_MOVE_WALK_H

#include <stdint.h>

#include "base/cleanup.h"
#include "codec/digest.h"

struct db;
struct err;
struct move_table;
struct move_walk;

enum {
	MOVE_BATCH_ROWS = 200 /* at a time, and in a transaction */
};

/* The table is borrowed; both connections are closed after the walk. */
int move_walk_open(struct db *db, const struct move_table *table,
		   struct move_walk **ret_walk, struct err *e);
void move_walk_close(struct move_walk *walk); /* NULL allowed */
CLEANUP_DEFINE(struct move_walk *, move_walk_close)

/* Go on after the last row of this table that db has. */
int move_walk_skip(struct move_walk *walk, struct db *db, struct err *e);
/* The next rows: into the table of the other connection, inside its
 * transaction, or into a digest. How many there were; 0: no more. */
int move_walk_copy(struct move_walk *walk, struct db *to, struct err *e);
int move_walk_digest(struct move_walk *walk, struct digest *digest,
		     struct err *e);

/* So many texts were no UTF-8, or had a NUL, and came with U+FFFD. */
int64_t move_walk_repaired(const struct move_walk *walk);
/* The key that was reached, when it is one number; else 0. */
int64_t move_walk_last_id(const struct move_walk *walk);

#endif

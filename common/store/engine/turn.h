/* SPDX-License-Identifier: MIT
 *
 * turn.h - what the processes of an installation must settle among themselves
 * when their store is a file: whose turn it is to write (write_lock.h), how a
 * commit comes to the disk (sync_group.h), and who shortens the log
 * (checkpoint.h). Where a server keeps the store it does all of that: there a
 * turn is NULL, and every function is good and does nothing.
 *
 * One thread per turn.
 */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include <stdint.h>

#include "base/cleanup.h"

struct db;
struct err;
struct turn;

/* *ret_turn is NULL without DB_CAP_FILE. 0, ERR_IO, ERR_NOMEM. */
int turn_open(const char *location, struct turn **ret_turn, struct err *e);
void turn_close(struct turn *turn);
CLEANUP_DEFINE(struct turn *, turn_close)

/* Wait for the right to begin a write transaction. 0 or ERR_IO. */
int turn_take(struct turn *turn, struct err *e);
void turn_release(struct turn *turn);

/* For all that follows: who only takes turns needs it not. The store is there.
 * As checkpoint_open(). */
int turn_open_log(struct turn *turn, const char *location, int64_t every_pages,
		  struct err *e);

/* After a commit, while it is still our turn: what turn_sync() waits for. */
int64_t turn_ticket(struct turn *turn);
/* Return when the commit of that ticket is on the disk. Needs no turn. */
int turn_sync(struct turn *turn, int64_t ticket, struct db *db, struct err *e);
/* The functions of checkpoint.h. */
int turn_checkpoint_step(struct turn *turn, struct db *db, struct err *e);
int turn_checkpoint_sync(struct turn *turn, struct db *db, struct err *e);
int64_t turn_log_pages(const struct turn *turn);

#endif

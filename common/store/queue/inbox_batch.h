/* SPDX-License-Identifier: MIT
 *
 * inbox_batch.h - many messages into the inbox by two statements.
 *
 * What is there afterwards is what inbox_add() makes, called for each in turn:
 * one statement reads what is known of their names, a pure walk over them gives
 * each its order and its number in the sequence, another statement writes it
 * all. Nothing that was read can have changed in between, as write transactions
 * are serial (docs/decisions/025-postgresql.md).
 *
 * Only with DB_CAP_ARRAYS. Inside a write transaction.
 */
#ifndef STORE_INBOX_BATCH_H
#define STORE_INBOX_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "store/queue/inbox.h"

struct db;
struct err;

enum {
	INBOX_BATCH_MAX = 128
};

/* Keep them in this order, at most INBOX_BATCH_MAX; ret_identities are as many.
 * 0, or as query_next(), and then nothing is to be committed. */
int inbox_add_all(struct db *db, const struct inbox_arrival *arrivals,
		  size_t count, int64_t now_ms, struct identity *ret_identities,
		  struct err *e);

#endif

/* SPDX-License-Identifier: MIT
 *
 * pg_post.h - statements whose result nobody waits for: query_post().
 *
 * They are sent one behind the other (libpq's pipeline mode) and go on their
 * way with the first statement that somebody waits for, or with
 * pg_post_settle(). What one of them says is kept until the transaction, or its
 * savepoint, is undone: nothing runs before that, and nothing is committed.
 *
 * Not behind a pooler, and only inside of a transaction.
 */
#ifndef STORE_PG_POST_H
#define STORE_PG_POST_H

#include <stdbool.h>

#include "store/engine/pg_link.h"

/* Before something is sent behind the others: 0, or why nothing may be sent.
 * The caller sends one command by PQsend...() then. */
int pg_post_begin(struct pg_link *link, struct err *e);
/* It was sent; what: its name, borrowed until it is settled. why_none (the
 * same; NULL allowed): ERR_STATE with this text when it changed no row. */
void pg_post_sent(struct pg_link *link, int sent, const char *what,
		  const char *why_none);
/* Is something under way? */
bool pg_post_waits(const struct pg_link *link);
/* Until all of them have run. 0, or what the first that failed has said. */
int pg_post_settle(struct pg_link *link, struct err *e);
/* The same when the last thing sent was not posted: its result as by
 * pg_link_finish(), unless one that was posted before it has failed. */
int pg_post_finish(struct pg_link *link, int sent, const char *what,
		   PGresult **ret_result, struct err *e);
/* What was posted is undone now. */
void pg_post_forget(struct pg_link *link);

#endif

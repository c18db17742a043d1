/* SPDX-License-Identifier: MIT
 *
 * pg_transaction.h - what a transaction of the store is on PostgreSQL, and why:
 * docs/decisions/025-postgresql.md.
 *
 * Only db_postgres.c includes this.
 */
#ifndef STORE_PG_TRANSACTION_H
#define STORE_PG_TRANSACTION_H

#include "store/engine/db_private.h"

struct pg_link;

/* As tx and tx_state of db_private.h. */
int pg_transaction(struct pg_link *link, enum db_tx what, struct err *e);
enum db_tx_state pg_transaction_state(const struct pg_link *link);

/* Be connected for the next statement: nothing may be sent to a connection
 * whose transaction is gone. 0; ERR_BUSY. */
int pg_transaction_go_on(struct pg_link *link, struct err *e);

#endif

/* SPDX-License-Identifier: MIT
 *
 * push.h - entries of the feed become messages to the ERP, and its answers
 * verdicts.
 *
 * The counter of the feed's reader "push" moves in the transaction that writes
 * the messages, so an entry becomes one message, whoever dies. All of an order
 * is one head of the outbox: its entries leave one after another, a document
 * after what happened before it.
 */
#ifndef STORE_PUSH_H
#define STORE_PUSH_H

#include <stdint.h>

struct db;
struct err;

#define PUSH_ENDPOINT "erp"      /* outbox.endpoint */
#define PUSH_DOCUMENT "document" /* outbox.event_type */
#define PUSH_ORDER "order"

/* Entries that are not messages yet, at most max of them. The first time each
 * kind begins where the ERP has pulled it to, or with all that there is, and
 * what the ERP has given a verdict on is not sent again. A document that is too
 * long for a message is refused, for a person to see. Number of
 * entries. Inside a write transaction; the caller rings BELL_NOTIFIER. */
int push_entries(struct db *db, int max, int64_t now_ms, struct err *e);
/* 1 when there is one. Reader or writer. */
int push_is_due(struct db *db, struct err *e);
/* A person says where it goes on, whatever was pulled: after that entry; < 0:
 * after the newest. The counter, or < 0: ERR_INVALID when there is no such
 * entry yet. Inside a write transaction. */
int64_t push_go_on_after(struct db *db, int64_t entry_id, int64_t now_ms,
			 struct err *e);

#endif

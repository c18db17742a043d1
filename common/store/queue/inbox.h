/* SPDX-License-Identifier: MIT
 *
 * inbox.h - messages from marketplaces, kept before they are answered (P1).
 *
 * The inbox keeps every delivery, also the second of the same event: whether it
 * changes anything is decided when it is applied. Inside a write transaction.
 *
 * A failed event that others need has hold `blocked`; those that need it are
 * blocked when their turn comes, and the order's head with them, until a person
 * retries or skips the failed one or something new arrives.
 */
#ifndef STORE_INBOX_H
#define STORE_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "domain/order/order_state.h"
#include "store/order/identity.h"
#include "store/queue/queue.h"

struct inbox_arrival {
	const char *channel;
	const char *external_id; /* "" when only the alias is known */
	const char *alias;       /* "" : none */
	const char *event_type;
	const char *body; /* NUL-terminated valid UTF-8 */
	int64_t event_ms; /* the body's time, else the time of receipt */
	const char *quarantine_reason; /* not NULL: known shape, unknown event:
					  kept as failed, and not worked on */
};

/* The name that its row carries. Borrowed. */
const char *inbox_name_of(const struct inbox_arrival *arrival);

/* Keep one message; *ret_identity is the order it belongs to.
 * 0, or as query_next(). */
int inbox_add(struct db *db, const struct inbox_arrival *arrival,
	      int64_t now_ms, struct identity *ret_identity, struct err *e);

/* A copy of a message that is over, also an archived one, at the end of its
 * order's sequence; its time stays, so that it cannot undo what came later.
 * 1; 0 when there is no such message or its body was erased; < 0. */
int inbox_copy(struct db *db, int64_t message_id, int64_t now_ms,
	       int64_t *ret_copy_id, struct err *e);

/* This message, which has just failed, keeps back what needs it. Its type gets
 * the name that we know it by. */
int inbox_keep_back(struct db *db, int64_t message_id,
		    enum order_event_type type, struct err *e);
/* The events of an order that failed and are still needed, as bits 1 << enum
 * order_event_type: neither a `created` when there is an order, nor an
 * `updated` older than its composition. Also on a reader. */
int inbox_blockers(struct db *db, int64_t order_id, unsigned *ret_events,
		   struct err *e);
/* This message, which is taken, waits for one of them; why is for a person.
 * ERR_STATE when the lease was lost. */
int inbox_block(struct db *db, const struct queue_message *m, const char *why,
		int64_t now_ms, struct err *e);

/* Does a message wait for the order, or is one being worked on? 1, 0, < 0.
 * Reader or writer. */
int inbox_waits(struct db *db, int64_t order_id, struct err *e);

/* Since when the order that has waited longest for the processor is due. 1, 0:
 * none waits, < 0. Reader or writer. */
int inbox_oldest_due(struct db *db, int64_t *ret_due_ms, struct err *e);

#endif

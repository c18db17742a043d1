/* SPDX-License-Identifier: MIT
 *
 * outbox.h - notifications to marketplaces and the ERP, kept in the transaction
 * that decided about them.
 *
 * A head stands for one order and one endpoint: its messages leave one after
 * another. A failed message that others depend on has hold `blocked`, and then
 * the head's pending ones get it too, also those that come later: the sender
 * looks up in its table whether they depend on it, and blocks the head when the
 * oldest does. Whoever clears a pending message's hold releases it. A blocked
 * head is looked at again when a message comes, and by outbox_wake().
 *
 * Unless it says otherwise, a function runs inside a write transaction.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/order/order_state.h"
#include "store/queue/queue.h"

enum {
	OUTBOX_OWNER_BYTES = 80,
	OUTBOX_HOLDERS_MAX = 32
};

struct outbox_message {
	int64_t order_id;
	const char *channel;
	const char *external_id;
	const char *endpoint;   /* where to: the channel's name, or "erp" */
	const char *event_type; /* notice_name() */
	const char *body;       /* NUL-terminated valid UTF-8 */
};

/* Keep one message at the end of its head. The caller rings BELL_NOTIFIER.
 * 0, or as query_next(). */
int outbox_add(struct db *db, const struct outbox_message *m, int64_t now_ms,
	       struct err *e);

/* A copy of a message that is over, also an archived one, at the end of its
 * head. 1; 0 when there is no such message or its body was erased; < 0. */
int outbox_copy(struct db *db, int64_t message_id, int64_t now_ms,
		int64_t *ret_copy_id, struct err *e);

/* What claims choose from. Oldest first; due_from_ms leaves out what has been
 * due for longer, so that fresh orders pass beside a backlog. */
struct outbox_pick {
	const char *endpoint;
	int64_t due_from_ms; /* 0: all */
};

/* What a sender must know besides the message. */
struct outbox_context {
	enum order_state order_state; /* now; ORDER_NONE: no such order */
	int integration_type;         /* of the order's store */
	int http_status;   /* answer to the latest attempt; 0: none */
	bool uncertain;    /* its outcome is unknown: ask first */
	bool held_back;    /* look at outbox_blockers() before sending it */
	int64_t waited_ms; /* since it was due */
};

/* queue_claim() for one endpoint. 1, both set (the caller clears the message);
 * 0 when nothing is due; < 0. */
int outbox_claim(struct db *db, const struct outbox_pick *pick, int64_t now_ms,
		 const struct queue_lease *lease,
		 struct queue_message *ret_message,
		 struct outbox_context *ret_context, struct err *e);

/* The notices of a head that failed and keep later ones back, as bits
 * 1 << enum notice. Also on a reader. */
int outbox_blockers(struct db *db, int64_t head_id, unsigned *ret_notices,
		    struct err *e);
/* This message, which has just failed, keeps back what depends on it. */
int outbox_keep_back(struct db *db, const struct queue_message *m,
		     struct err *e);
/* This message, which is taken, waits for an earlier one that failed; why is
 * for a person. ERR_STATE when the lease was lost. */
int outbox_block(struct db *db, const struct queue_message *m, const char *why,
		 int64_t now_ms, struct err *e);
/* The order is canceled: its marketplace's refusal of anything but `spared`
 * (the notification of that itself) crossed it, and is nothing that a person
 * has to look at any more. Number of messages. */
int outbox_forgive(struct db *db, int64_t order_id, const char *spared,
		   int64_t now_ms, struct err *e);
/* The order has changed: its blocked messages are looked at again. Number of
 * heads. */
int outbox_wake(struct db *db, int64_t order_id, int64_t now_ms, struct err *e);

/* On a reader: who holds leases, and when the oldest of each ends. Number of
 * holders (at most max) or < 0. */
struct outbox_holder {
	char owner[OUTBOX_OWNER_BYTES];
	int64_t lease_until_ms;
};
int outbox_holders(struct db *db, struct outbox_holder *ret_holders, int max,
		   struct err *e);

/* On a reader: since when the oldest message of an endpoint has been due.
 * 1, 0 when nothing waits, < 0. */
int outbox_oldest_due(struct db *db, const char *endpoint, int64_t *ret_due_ms,
		      struct err *e);

#endif

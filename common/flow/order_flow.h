/* SPDX-License-Identifier: MIT
 *
 * order_flow.h - the transactions that change an order.
 *
 * Pure rules (domain), translations (channel) and SQL (store) meet here, for
 * every process that changes orders: processor, assembly, notifier, pull. Each
 * change writes the order, its history and the notifications it causes in one
 * transaction (invariants I2 and I4).
 *
 * A message is parsed before its transaction (flow_read) and applied inside it.
 * Only parked events are parsed inside, because which of them are there is not
 * known earlier; they are rare, few and small (parked.h).
 */
#ifndef FLOW_ORDER_FLOW_H
#define FLOW_ORDER_FLOW_H

#include <stdint.h>

#include "base/err.h"
#include "channel/channel.h"
#include "domain/order/order_apply.h"
#include "store/order/parked.h"
#include "store/queue/queue.h"

struct db;

enum {
	FLOW_PARKED_KEEP_MS = 24 * 3600 * 1000,
	FLOW_ATTEMPTS_MAX = 5
};

struct flow_settings {
	struct order_policy policy;
	int64_t parked_keep_ms; /* then a parked event expires with an alert */
	int attempts_max;       /* of one inbox message; then it is poisoned */
};

/* An inbox message with everything that applying it needs. */
struct flow_message {
	struct queue_message message;  /* owned */
	const struct channel *channel; /* NULL: unknown, cannot be applied */
	struct order_event event;      /* owned */
	enum order_event_type type;    /* also of a body that cannot be read, if
					  that much of it can */
	int read_rc; /* < 0: the body cannot be read, and err says why */
	struct err read_err;
};
void flow_message_clear(struct flow_message *fm);

/* Read fm->message, which is set already. A body that cannot be read is no
 * error here, but shows in read_rc. One that has taken QUEUE_LOSSES_MAX workers
 * down is not read any more: flow_apply() gives it up. */
void flow_read(struct flow_message *fm);

/* Apply it and finish its inbox row, or block it when what it needs has failed
 * (domain/blocking.h). Inside a write transaction. *ret_bells
 * gets the bells to ring. 0; ERR_STATE when the lease was lost; < 0. */
int flow_apply(struct db *db, const struct flow_settings *settings,
	       const struct flow_message *fm, int64_t now_ms,
	       unsigned *ret_bells, struct err *e);

/* Before somebody else changes an order: apply what waits for it in the inbox,
 * so that a cancellation that was acknowledged cannot be overtaken.
 *
 * flow_pending_read() reads up to FLOW_PENDING_MAX waiting messages outside the
 * transaction; flow_catch_up() applies them inside. ERR_BUSY: meanwhile another
 * one came; read again and repeat. Of flow_pending_read(): one of them has
 * taken workers down, and the processor is to find out about it first. */
enum {
	FLOW_PENDING_MAX = 16
};
struct flow_pending {
	int64_t order_id;
	struct flow_message *messages; /* owned */
	int count;
};
void flow_pending_clear(struct flow_pending *pending);
int flow_pending_read(struct db *reader, int64_t order_id,
		      struct flow_pending *ret_pending, struct err *e);
int flow_catch_up(struct db *db, const struct flow_settings *settings,
		  struct flow_pending *pending, const char *owner,
		  int64_t now_ms, unsigned *ret_bells, struct err *e);

/* Write what a rule decided: order, history, notifications. Events that were
 * parked for the order are tried then, so it may have gone on further when this
 * returns. Inside the write transaction that loaded the order. */
int flow_save(struct db *db, struct order *order,
	      const struct order_change *change, int64_t now_ms,
	      unsigned *ret_bells, struct err *e);

/* An event of our own (confirmed by the marketplace, ...) for an order; events
 * that the state table calls late or repeated change nothing. 0 or < 0. */
int flow_apply_own_event(struct db *db, int64_t order_id,
			 enum order_event_type type, const char *actor,
			 int64_t now_ms, struct err *e);

#endif

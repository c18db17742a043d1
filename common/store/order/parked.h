/* SPDX-License-Identifier: MIT
 *
 * parked.h - events that came before they could be true.
 *
 * Their inbox row is done (outcome `parked`): an inbox never waits for a
 * successor. The event waits here and is tried again in every later
 * transaction of its order.
 */
#ifndef STORE_PARKED_H
#define STORE_PARKED_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

enum {
	PARKED_PER_ORDER_MAX = 64,    /* tried in one transaction */
	PARKED_BYTES_MAX = 256 * 1024 /* of their bodies, likewise */
};

struct parked_event {
	int64_t inbox_id, event_ms;
	char *body; /* owned */
	char *event_type;
};
void parked_events_clear(struct parked_event *events, size_t count);

/* Parked events of an order, in the order they came; at most
 * PARKED_PER_ORDER_MAX and PARKED_BYTES_MAX. *ret_events is the caller's array
 * of that size.
 * Number of events, or < 0. Reader or writer. */
int parked_list(struct db *db, int64_t order_id,
		struct parked_event *ret_events, struct err *e);

/* Is there any? 1, 0, < 0. */
int parked_waits(struct db *db, int64_t order_id, struct err *e);

/* Keep one. Inside a write transaction. */
struct parked_arrival {
	int64_t inbox_id, order_id, event_ms, expires_ms;
	const char *channel, *event_type, *body;
};
int parked_add(struct db *db, const struct parked_arrival *arrival,
	       struct err *e);

/* Take one out: 1 when it was there. Inside a write transaction. */
int parked_remove(struct db *db, int64_t inbox_id, struct err *e);

#endif

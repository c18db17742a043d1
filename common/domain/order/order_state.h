/* SPDX-License-Identifier: MIT
 *
 * order_state.h - the life of an order as one table.
 *
 * order_step() is the only authority on what may follow what. Rows are states,
 * columns are what happened; a cell says what becomes of the event. The table
 * is printed by a test into tests/data/order_states.txt, so that a change of it
 * shows in a review. Pure and thread-safe.
 */
#ifndef DOMAIN_ORDER_STATE_H
#define DOMAIN_ORDER_STATE_H

/*        symbol, name in the store, the API and logs */
#define ORDER_STATES(X)                   \
	X(ORDER_NEW, "new")               \
	X(ORDER_ACCEPTED, "accepted")     \
	X(ORDER_ASSEMBLING, "assembling") \
	X(ORDER_ASSEMBLED, "assembled")   \
	X(ORDER_READY, "ready")           \
	X(ORDER_RECEIVED, "received")     \
	X(ORDER_DELIVERING, "delivering") \
	X(ORDER_DELIVERED, "delivered")   \
	X(ORDER_CANCELED, "canceled")

/*        symbol, name in history and logs */
#define ORDER_EVENTS(X)                               \
	/* from the marketplace */                    \
	X(EVENT_CREATED, "order.created")             \
	X(EVENT_UPDATED, "order.updated")             \
	X(EVENT_PAID, "order.paid")                   \
	X(EVENT_COURIER_ASSIGNED, "courier.assigned") \
	X(EVENT_COURIER_ARRIVED, "courier.arrived")   \
	X(EVENT_RECEIVED, "order.received")           \
	X(EVENT_DELIVERING, "order.delivering")       \
	X(EVENT_DELIVERED, "order.delivered")         \
	X(EVENT_CANCELED, "order.canceled")           \
	/* from the store */                          \
	X(EVENT_TAKE, "take")                         \
	X(EVENT_PICK, "pick")                         \
	X(EVENT_RELEASE, "release")                   \
	X(EVENT_FINISH, "finish")                     \
	X(EVENT_HAND_OVER, "handOver")                \
	X(EVENT_STORE_CANCEL, "cancel")               \
	/* our own */                                 \
	X(EVENT_ACCEPT, "accept")                     \
	X(EVENT_READY_CONFIRMED, "ready.confirmed")

enum order_state {
	ORDER_NONE = 0, /* no such order yet */
#define X(symbol, name) symbol,
	ORDER_STATES(X)
#undef X
	ORDER_STATE_MAX_
};

enum order_event_type {
	EVENT_NONE = 0,
#define X(symbol, name) symbol,
	ORDER_EVENTS(X)
#undef X
	EVENT_MAX_
};

enum order_verdict {
	VERDICT_REFUSE = 0, /* not allowed from here: told to whoever asked */
	VERDICT_MOVE,       /* applied, and the state becomes `to` */
	VERDICT_STAY,       /* applied, the state stays */
	VERDICT_PARK,       /* too early: kept, tried after each later event */
	VERDICT_REPEAT,     /* has happened already: nothing to do */
	VERDICT_LATE        /* overtaken by a later state: nothing to do */
};

struct order_step {
	enum order_verdict verdict;
	enum order_state to; /* VERDICT_MOVE only, else ORDER_NONE */
};

/* What `event` means in `from`. Any int values are safe (VERDICT_REFUSE). */
struct order_step order_step(enum order_state from,
			     enum order_event_type event);

/* Why a cell is not what one would expect: every PARK, REPEAT and LATE, every
 * STAY, and every MOVE that leaves a step out. *ret_why is a constant. The
 * number of the reason from 1, for the printed table; 0: nothing is odd. */
int order_step_reason(enum order_state from, enum order_event_type event,
		      const char **ret_why);

/* Names; "?" out of range, "none" for ORDER_NONE. */
const char *order_state_name(enum order_state state);
const char *order_event_name(enum order_event_type event);
/* ORDER_NONE and EVENT_NONE for unknown names. */
enum order_state order_state_from_name(const char *name);
enum order_event_type order_event_from_name(const char *name);

#endif

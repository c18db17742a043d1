/* SPDX-License-Identifier: MIT
 *
 * repair.h - what operators do with messages: one, many, or all that a filter
 * finds; with a reason, in batches, written to the audit log.
 *
 * For ordergatectl and the console alike. Finding reads on the caller's reader;
 * doing is units of its writer. A message whose state has changed meanwhile is
 * left alone and counted as unchanged.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include <stdint.h>

#include "domain/order/order.h"
#include "store/repair/audit.h"

struct db;
struct err;
struct writer;

enum {
	REPAIR_BATCH = 100,     /* messages in one transaction */
	REPAIR_IDS_MAX = 10000, /* named one by one */
	REPAIR_ORDER_BYTES = 2 * ORDER_ID_BYTES + 8 /* each byte escaped */
};

enum repair_action {
	REPAIR_RETRY,   /* failed: tried again, with its attempts reset */
	REPAIR_SKIP,    /* created or failed: given up, done as skipped */
	REPAIR_RELEASE, /* created: due now, and held by nothing */
	REPAIR_RESEND,  /* done or failed, also archived: a copy goes to the end
			   of its sequence and names what it was made from */
	REPAIR_ACTION_MAX_
};
const char *repair_action_name(enum repair_action action);

/* One queue as operators see it. */
struct repair_queue;
extern const struct repair_queue *const repair_queues[]; /* ends with NULL */
const struct repair_queue *repair_queue_find(const char *name); /* NULL: none */
const char *repair_queue_name(const struct repair_queue *queue);

/*        symbol, key in the audit log; in the order of filter_sql.h */
#define REPAIR_FIELDS(X)             \
	X(FIELD_STATE, "state")      \
	X(FIELD_HOLD, "hold")        \
	X(FIELD_OUTCOME, "outcome")  \
	X(FIELD_TYPE, "type")        \
	X(FIELD_ORDER, "order")      \
	X(FIELD_ADDRESS, "address")  \
	X(FIELD_ERROR, "error")      \
	X(FIELD_BEFORE, "beforeMs")  \
	X(FIELD_SINCE, "sinceMs")    \
	X(FIELD_FIRST_ID, "firstId") \
	X(FIELD_LAST_ID, "lastId")

enum repair_field {
#define X(symbol, name) symbol,
	REPAIR_FIELDS(X)
#undef X
	REPAIR_FIELD_MAX_
};

/* Texts as filter_sql.h wants them, borrowed. NULL asks for nothing. */
struct repair_filter {
	const char *values[REPAIR_FIELD_MAX_];
};

/* The value of FIELD_ORDER for what a person calls an order: id, number or the
 * marketplace's id. 1, 0 when there is no such order, < 0. */
int repair_order(struct db *reader, const struct repair_queue *queue,
		 const char *name, char ret_value[REPAIR_ORDER_BYTES],
		 struct err *e);
/* The value of FIELD_ERROR that finds a text; cut when it is too long. */
void repair_pattern(const char *text, char ret_value[REPAIR_ORDER_BYTES]);

/* How many messages the action would now be done to. 0 or < 0. */
int repair_count(struct db *reader, const struct repair_queue *queue,
		 enum repair_action action, const struct repair_filter *filter,
		 int64_t *ret_count, struct err *e);
/* The ids of the first of them, at most max. Their number or < 0. */
int repair_find(struct db *reader, const struct repair_queue *queue,
		enum repair_action action, const struct repair_filter *filter,
		int64_t *ret_ids, int max, struct err *e);

struct repair_task {
	const struct repair_queue *queue;
	enum repair_action action;
	const struct repair_filter *filter; /* used when ids is NULL */
	const int64_t *ids;
	int id_count;
	const char *actor, *reason;
};
struct repair_done {
	int64_t audit_id; /* 0: nothing was found */
	int64_t matched, changed;
};

/* Do it. progress, when not NULL, is told after each batch. 0; ERR_INVALID (a
 * filter, and reason is ""); < 0 with what was done until then in *ret_done. */
int repair_run(struct db *reader, struct writer *writer,
	       const struct repair_task *task,
	       void (*progress)(const struct repair_done *done, void *context),
	       void *context, struct repair_done *ret_done, struct err *e);

#endif

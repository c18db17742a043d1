/* SPDX-License-Identifier: MIT
 *
 * order_apply.h - what a marketplace's event does to an order. Pure.
 *
 * The processor, the assembly service and the pull all change orders through
 * this function, inside the transaction that also writes what it returns: the
 * order, its history and the notifications. So an order never changes without
 * a trace, and nobody is told of a change that did not happen.
 */
#ifndef DOMAIN_ORDER_APPLY_H
#define DOMAIN_ORDER_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/order/order.h"

struct err;

enum {
	CHANGE_NOTES_MAX = 8,
	CHANGE_NOTICES_MAX = 4
};

struct order_note {       /* becomes a row of order_history */
	const char *kind; /* constant: an event's name, "state", "late" ... */
	char actor[ORDER_SHORT_BYTES];
	char *detail; /* owned; JSON object, never NULL */
};

/* What of the order's row is not as it was, beside the time of its change. The
 * less, the fewer indexes are written. */
enum order_row_part {
	ROW_ALL = 0,
	ROW_STEP,   /* all but its terms */
	ROW_TAKING, /* as ROW_PICKING, and since when it is assembled */
	ROW_PICKING /* version, picker, lease and bags */
};

struct order_change {
	enum order_verdict verdict;
	bool changed; /* the order row is to be saved, this part of it */
	enum order_row_part row_part;
	bool state_changed;
	bool lines_changed; /* and its lines and customer */
	int only_line_no;   /* of the lines no other one, and of that one what
			       is picked; 0: any of them */
	bool codes_changed; /* marking codes, of only_line_no if that is set */
	struct order_note notes[CHANGE_NOTES_MAX];
	int note_count;
	enum notice notices[CHANGE_NOTICES_MAX]; /* to be sent, in this order */
	int notice_count;
};
void order_change_clear(struct order_change *change);

struct order_policy {        /* of the channel, from the configuration */
	bool send_accepted;  /* order.accepted on arrival */
	bool send_assembled; /* the optional order.assembled */
};

/* Apply what was said to order (ORDER_NONE: it does not exist yet; its ids are
 * set). now_ms is when we do it. A step that says it is older than its order
 * counts at its receipt, and the history says so. *ret_change is the caller's
 * to clear, also after an error. 0, ERR_NOMEM. */
int order_apply(struct order *order, const struct order_event *said,
		const struct order_policy *policy, int64_t now_ms,
		struct order_change *ret_change, struct err *e);

/* Nothing that happened to the order is older: when we learned of it, or what
 * the marketplace said of it if that is earlier, and what two clocks may
 * differ. */
int64_t order_oldest_ms(const struct order *order);

/* For other changes of an order (picking, confirmations): add a history note
 * with a JSON detail (NULL: "{}"), ask for a notification, move the state (the
 * caller has asked order_step()) with the times that belong to it. */
int order_change_note(struct order_change *change, const char *kind,
		      const char *actor, const char *detail, struct err *e);
void order_change_notice(struct order_change *change, enum notice notice);
void order_change_state(struct order *order, struct order_change *change,
			enum order_state to, int64_t at_ms);

#endif

/* SPDX-License-Identifier: MIT
 *
 * decision.h - what an action does to its order, and what is answered.
 *
 * While a change's transaction runs, all other writers of the installation
 * wait. So the order is loaded, the action judged and the answer rendered ahead
 * of it, from a reader's connection; the transaction asks whether the order is
 * still as it was then, and writes. If it is not, or the decision needs more
 * than the order (another order's marking codes), it is made in there.
 */
#ifndef ASSEMBLY_DECISION_H
#define ASSEMBLY_DECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "domain/order/order_actions.h"
#include "store/order/orders.h"

struct api_call;
struct db;
struct err;

struct decision {
	struct order order; /* as it is to be */
	struct order_outcome outcome;
	struct order_mark seen; /* of the order as it was */
	struct buf answer;      /* when it was made ahead */
	bool is_ahead;          /* and nobody has used it yet */
};

/* Load the order and hold the action against it; inside the unit, or on a
 * reader. 1: it can be done, and call->decision says how; 0: it is refused or
 * the order is unknown, which is answered; < 0. Sets order_id and version of
 * the call, 0 when there is no such order. */
int decision_make(struct api_call *call, struct db *db, int64_t now_ms,
		  struct err *e);

/* Make it ahead, with its answer, if it is one that can be. On the event
 * thread, inside a transaction of its reader. */
void decision_make_ahead(struct api_call *call, struct db *reader);

/* Inside the unit: was it made ahead, is the order still what it was, and does
 * nothing wait for it? 1, 0, < 0. Says so once: a unit that runs again decides
 * again. */
int decision_holds(struct api_call *call, struct db *db, struct err *e);

/* The answer that was made ahead becomes the call's. */
void decision_take_answer(struct api_call *call);

void decision_free(struct decision *decision); /* NULL allowed */

#endif

/* SPDX-License-Identifier: MIT
 *
 * flow_fixture.h - a store with orders on their way: events that arrive, a
 * processor, a picker, and what became of it as short texts.
 *
 * The clock stands still at 2026-02-03T12:00+03:00; events happen at a minute
 * of the hour before. A failure that a test does not ask for ends the test.
 */
#ifndef FLOW_FIXTURE_H
#define FLOW_FIXTURE_H

#include "domain/order/order_actions.h"
#include "flow/order_flow.h"
#include "store_fixture.h"

enum {
	FLOW_TEST_ATTEMPTS = 3
};

/* As fixture_setup() and fixture_teardown(). */
int flow_setup(void **state);
int flow_teardown(void **state);

/* A webhook for the order; lines as in order_text.h ("A2 B1"), NULL: none. */
void flow_arrive(struct fixture *f, const char *external_id, const char *type,
		 int minute, const char *lines);

/* Work on the inbox until nothing is due. */
void flow_process(struct fixture *f);

/* The single steps of that. 1 when something was claimed; flow_apply()'s
 * result. */
int flow_claim(struct fixture *f, const char *owner, struct flow_message *fm);
int flow_claim_order(struct fixture *f, const char *external_id,
		     struct flow_message *fm);
int flow_apply_one(struct fixture *f, const struct flow_message *fm);
/* The same in a unit that fails after it. */
int flow_apply_and_fail(struct fixture *f, const struct flow_message *fm);
void flow_expire_leases(struct fixture *f);
int flow_catch_up_one(struct fixture *f, struct flow_pending *pending);

/* Anna acts on order 1. */
void flow_act_on_line(struct fixture *f, enum order_action_type type,
		      int line_no, int64_t quantity_milli);
/* She takes it, picks all of every line, and finishes. */
void flow_assemble(struct fixture *f);
/* An event of our own for order 1. */
int flow_own_event(struct fixture *f, enum order_event_type type);

/* Of all inbox rows, of order 1's history, of all notifications, separated by
 * spaces and in sequence; state of order 1. In a static buffer. */
const char *flow_outcomes(struct fixture *f);
const char *flow_history(struct fixture *f);
const char *flow_notices(struct fixture *f);
const char *flow_state(struct fixture *f);

#endif

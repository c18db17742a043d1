/* SPDX-License-Identifier: MIT */
#include "flow_fixture.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "cmocka_all.h"
#include "store/engine/db.h"
#include "store/order/orders.h"
#include "store/queue/inbox.h"

/* 2026-02-03T12:00:00+03:00 */
#define NOW_MS INT64_C(1770109200000)

enum {
	BODY_BYTES_MAX = 65536,
	CLAIMS_MAX = 1000
};

static const struct flow_settings settings = {
	.policy = {.send_accepted = true, .send_assembled = true},
	.parked_keep_ms = 3600 * 1000,
	.attempts_max = FLOW_TEST_ATTEMPTS,
};

int flow_setup(void **state)
{
	clock_fake(NOW_MS, 1000);
	return fixture_setup(state);
}

int flow_teardown(void **state)
{
	int rc = fixture_teardown(state);

	clock_fake(-1, 0);
	return rc;
}

/* "A2 B1" as positions. */
static void put_positions(struct buf *body, const char *lines)
{
	const char *comma = "";

	buf_add_text(body, ",\"positions\":[");
	while (*lines != '\0') {
		char *end;
		char sku = *lines;
		long quantity = strtol(lines + 1, &end, 10);

		buf_printf(body,
			   "%s{\"id\":\"%c\",\"quantity\":%ld,"
			   "\"price\":\"1.00\"}",
			   comma, sku, quantity);
		comma = ",";
		lines = end + (*end == ' ');
	}
	buf_add_text(body, "]");
}

static int run_arrive(struct db *db, int64_t now_ms, void *context,
		      struct err *e)
{
	struct identity identity;

	return inbox_add(db, context, now_ms, &identity, e);
}

void flow_arrive(struct fixture *f, const char *external_id, const char *type,
		 int minute, const char *lines)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = external_id,
		.alias = "",
		.event_type = type,
		.event_ms = NOW_MS - (60 - minute) * INT64_C(60000),
	};
	struct err e = {0};

	buf_printf(&body,
		   "{\"event_type\":\"%s\","
		   "\"timestamp\":\"2026-02-03T11:%02d:00+03:00\","
		   "\"payload\":{\"originalOrderId\":\"%s\","
		   "\"storeID\":\"1207\"",
		   type, minute, external_id);
	if (lines != NULL)
		put_positions(&body, lines);
	buf_add_text(&body, "}}");
	arrival.body = buf_text(&body);
	if (fixture_write(f, run_arrive, &arrival, &e) < 0)
		fail_msg("%s: %s", type, e.text);
}

struct claim_call {
	const char *owner;
	const char *external_id; /* NULL: any */
	struct flow_message *fm;
	int claimed;
};

static int run_claim(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	struct claim_call *call = context;
	struct queue_lease lease = {.owner = call->owner,
				    .until_ms = now_ms + 1000};
	struct identity identity;
	int rc = 1;

	if (call->external_id == NULL) {
		call->claimed = queue_claim(db, &queue_inbox, now_ms, &lease,
					    &call->fm->message, e);
		return call->claimed;
	}
	rc = identity_find(db, "kuper", call->external_id, &identity, e);
	if (rc > 0)
		rc = queue_seize(db, &queue_inbox, identity.order_id, now_ms,
				 &lease, &call->fm->message, e);
	call->claimed = rc;
	return rc;
}

static int claim(struct fixture *f, struct claim_call *call)
{
	struct err e = {0};

	if (fixture_write(f, run_claim, call, &e) < 0)
		fail_msg("claim: %s", e.text);
	if (call->claimed > 0)
		flow_read(call->fm);
	return call->claimed;
}

int flow_claim(struct fixture *f, const char *owner, struct flow_message *fm)
{
	struct claim_call call = {.owner = owner, .fm = fm};

	return claim(f, &call);
}

int flow_claim_order(struct fixture *f, const char *external_id,
		     struct flow_message *fm)
{
	struct claim_call call = {
		.owner = "test", .external_id = external_id, .fm = fm};

	return claim(f, &call);
}

struct apply_call {
	const struct flow_message *fm;
	bool fail_after;
};

static int run_apply(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	const struct apply_call *call = context;
	unsigned bells = 0;
	int rc = flow_apply(db, &settings, call->fm, now_ms, &bells, e);

	if (rc == 0 && call->fail_after)
		rc = err_set(e, ERR_BUSY, "as the test wishes");
	return rc;
}

int flow_apply_one(struct fixture *f, const struct flow_message *fm)
{
	struct apply_call call = {.fm = fm};

	return fixture_write(f, run_apply, &call, NULL);
}

int flow_apply_and_fail(struct fixture *f, const struct flow_message *fm)
{
	struct apply_call call = {.fm = fm, .fail_after = true};

	return fixture_write(f, run_apply, &call, NULL);
}

void flow_process(struct fixture *f)
{
	for (int i = 0; i < CLAIMS_MAX; i++) {
		CLEANUP(flow_message_clear) struct flow_message fm = {0};

		if (flow_claim(f, "processor", &fm) == 0)
			return;
		assert_int_equal(flow_apply_one(f, &fm), 0);
	}
	fail_msg("the inbox does not become empty");
}

static enum queue_owner nobody_is_known(const char *owner, void *context)
{
	(void)owner;
	(void)context;
	return OWNER_UNKNOWN;
}

static int run_reclaim(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	(void)context;
	return queue_reclaim(db, &queue_inbox, now_ms + 10000, nobody_is_known,
			     NULL, 100, e);
}

void flow_expire_leases(struct fixture *f)
{
	assert_true(fixture_write(f, run_reclaim, NULL, NULL) >= 0);
	/* They come back 10 s later; for the test they are due now. */
	fixture_sql(f, "UPDATE inbox_head SET due_ms = 0 WHERE state = 1");
}

static int run_catch_up(struct db *db, int64_t now_ms, void *context,
			struct err *e)
{
	unsigned bells = 0;

	return flow_catch_up(db, &settings, context, "assembly", now_ms, &bells,
			     e);
}

int flow_catch_up_one(struct fixture *f, struct flow_pending *pending)
{
	return fixture_write(f, run_catch_up, pending, NULL);
}

static int run_act(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	CLEANUP(order_outcome_clear) struct order_outcome outcome = {0};
	struct order_action *action = context;
	unsigned bells = 0;
	int rc = orders_load(db, 1, &order, e);

	if (rc <= 0)
		return err_set(e, ERR_NOTFOUND, "no order");
	action->version = order.version;
	rc = order_act(&order, action, &settings.policy, now_ms, &outcome, e);
	if (rc <= 0)
		return err_set(e, ERR_STATE, "refused: %d", outcome.refusal);
	return flow_save(db, &order, &outcome.change, now_ms, &bells, e);
}

void flow_act_on_line(struct fixture *f, enum order_action_type type,
		      int line_no, int64_t quantity_milli)
{
	struct order_action action = {.type = type,
				      .picker_id = "anna",
				      .line_no = line_no,
				      .quantity_milli = quantity_milli,
				      .weight_g = -1,
				      .reason = "",
				      .bags = -1,
				      .code = ""};
	struct err e = {0};

	if (fixture_write(f, run_act, &action, &e) < 0)
		fail_msg("action %d: %s", type, e.text);
}

void flow_assemble(struct fixture *f)
{
	int lines = (int)fixture_i64(f, "SELECT count(*) FROM order_lines"
					" WHERE order_id = 1");

	flow_act_on_line(f, ACTION_TAKE, 0, 0);
	for (int i = 1; i <= lines; i++) {
		char sql[128];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT qty_milli FROM order_lines"
			       " WHERE order_id = 1 AND line_no = %d",
			       i);
		flow_act_on_line(f, ACTION_PICK, i, fixture_i64(f, sql));
	}
	flow_act_on_line(f, ACTION_FINISH, 0, 0);
}

static int run_own_event(struct db *db, int64_t now_ms, void *context,
			 struct err *e)
{
	const enum order_event_type *type = context;

	return flow_apply_own_event(db, 1, *type, "notifier", now_ms, e);
}

int flow_own_event(struct fixture *f, enum order_event_type type)
{
	return fixture_write(f, run_own_event, &type, NULL);
}

const char *flow_outcomes(struct fixture *f)
{
	return fixture_text(f, "SELECT group_concat(outcome, ' ') FROM"
			       " (SELECT outcome FROM inbox ORDER BY id) q");
}

const char *flow_history(struct fixture *f)
{
	return fixture_text(f, "SELECT group_concat(kind, ' ') FROM"
			       " (SELECT kind FROM order_history"
			       " WHERE order_id = 1 ORDER BY id) q");
}

const char *flow_notices(struct fixture *f)
{
	return fixture_text(f, "SELECT group_concat(event_type, ' ') FROM"
			       " (SELECT event_type FROM outbox"
			       " ORDER BY order_id, order_seq) q");
}

const char *flow_state(struct fixture *f)
{
	return fixture_text(f, "SELECT state FROM orders WHERE id = 1");
}

/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "flow_fixture.h"
#include "store/engine/db.h"
#include "store/order/parked.h"

static void created_twice_is_one_order_and_one_notice(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2 B1");
	flow_arrive(f, "H1", "order.created", 10, "A2 B1");
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok duplicate");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM orders"), 1);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM order_lines"), 2);
	assert_string_equal(flow_notices(f), "order.accepted");
	assert_string_equal(flow_history(f), "order.created accept");
	assert_string_equal(
		fixture_text(f, "SELECT number FROM orders"),
		fixture_text(f, "SELECT number FROM order_identity"));
}

static void an_event_that_is_too_early_waits_and_is_applied_later(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.delivered", 50, NULL);
	flow_arrive(f, "H1", "order.updated", 20, "A5");
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "parked parked");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM orders"), 0);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM parked_events"),
			 2);

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "parked parked ok");
	assert_string_equal(flow_history(f),
			    "order.created accept order.updated");
	assert_int_equal(fixture_i64(f, "SELECT qty_milli FROM order_lines"),
			 5000);
	assert_string_equal(
		fixture_text(f, "SELECT event_type FROM parked_events"),
		"order.delivered");
}

static void what_waited_is_applied_when_the_store_has_finished(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H1", "order.received", 40, NULL);
	flow_arrive(f, "H1", "order.delivered", 50, NULL);
	flow_process(f);
	assert_string_equal(flow_state(f), "accepted");
	assert_string_equal(flow_outcomes(f), "ok parked parked");
	flow_assemble(f);
	assert_string_equal(flow_state(f), "delivered");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM parked_events"),
			 0);
	assert_string_equal(flow_history(f),
			    "order.created accept take pick finish"
			    " order.received order.delivered");
	assert_string_equal(flow_notices(f),
			    "order.accepted order.in_work order.assembled"
			    " order.ready_for_delivery");
}

static void an_own_event_lets_what_waited_go_on(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	flow_assemble(f);
	assert_string_equal(flow_state(f), "assembled");
	assert_int_equal(flow_own_event(f, EVENT_READY_CONFIRMED), 0);
	assert_string_equal(flow_state(f), "ready");
	assert_int_equal(flow_own_event(f, EVENT_READY_CONFIRMED), 0);
	assert_string_equal(flow_history(f), "order.created accept take pick"
					     " finish ready.confirmed");
	assert_int_equal(
		fixture_i64(f, "SELECT version FROM orders"),
		fixture_i64(f, "SELECT 1 + count(*) FROM order_history"
			       " WHERE kind IN ('take', 'pick', 'finish')"));
}

static void a_cancellation_forgives_what_was_refused_because_of_it(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H2", "order.created", 10, "A2");
	flow_process(f);
	fixture_sql(f,
		    "INSERT INTO outbox (message_id, head_id, endpoint,"
		    " channel, external_id, event_type, order_id, order_seq,"
		    " state, hold, due_ms, created_ms, updated_ms, body)"
		    " SELECT 'E', head_id + 1000, 'erp', channel,"
		    " external_id || '-erp', 'order', order_id, 1, 1, 'none',"
		    " 0, 0, 0, '{}' FROM outbox WHERE external_id = 'H1'");
	fixture_sql(f, "UPDATE outbox SET state = 4, outcome = 'rejected'");
	flow_arrive(f, "H1", "order.canceled", 20, NULL);
	flow_process(f);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(external_id || state ||"
				" outcome, ' ') FROM (SELECT * FROM outbox"
				" ORDER BY external_id) q"),
		"H13obsolete H1-erp4rejected H24rejected");
}

static void a_cancellation_before_created_cancels(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.canceled", 20, NULL);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "parked");
	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	assert_string_equal(flow_state(f), "canceled");
	assert_string_equal(flow_history(f),
			    "order.created accept order.canceled");
	assert_string_equal(flow_notices(f), "order.accepted");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM parked_events"),
			 0);
}

static void the_whole_life_leaves_a_row_for_each_change(void **state)
{
	struct fixture *f = *state;
	static const char *const events[] = {
		"courier.assigned", "order.paid",      "order.received",
		"order.delivering", "order.delivered",
	};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H1", "order.updated", 11, "A3");
	flow_process(f);
	flow_assemble(f);
	assert_int_equal(flow_own_event(f, EVENT_READY_CONFIRMED), 0);
	for (size_t i = 0; i < COUNT_OF(events); i++)
		flow_arrive(f, "H1", events[i], 20 + (int)i, NULL);
	flow_arrive(f, "H1", "order.canceled", 40, NULL);
	flow_process(f);
	assert_string_equal(flow_state(f), "delivered");
	assert_string_equal(
		flow_history(f),
		"order.created accept order.updated take pick finish"
		" ready.confirmed courier.assigned order.paid order.received"
		" order.delivering order.delivered late");
	assert_string_equal(flow_outcomes(f), "ok ok ok ok ok ok ok obsolete");
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM outbox WHERE order_seq"
			       " <> id"),
		0);
}

static void a_body_that_cannot_be_read_is_kept_and_holds_nobody_up(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H1", "order.updated", 11, "A-3");
	flow_arrive(f, "H1", "order.paid", 12, NULL);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok quarantined ok");
	assert_string_equal(
		fixture_text(f, "SELECT error FROM inbox WHERE state = 4"),
		"position A: quantity: out of range");
	assert_string_equal(flow_history(f), "order.created accept order.paid");
}

static void a_lack_of_memory_is_not_held_against_a_message(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_message_clear) struct flow_message fm = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	assert_int_equal(flow_claim(f, "one", &fm), 1);
	fm.read_rc = ERR_NOMEM;
	assert_int_equal(flow_apply_one(f, &fm), ERR_NOMEM);
	assert_int_equal(fixture_i64(f, "SELECT state FROM inbox"),
			 QUEUE_TAKEN);
}

static void whoever_lost_the_lease_changes_nothing(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_message_clear) struct flow_message slow = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	assert_int_equal(flow_claim(f, "slow", &slow), 1);
	flow_expire_leases(f);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok");
	assert_int_equal(flow_apply_one(f, &slow), ERR_STATE);
	assert_string_equal(flow_history(f), "order.created accept");
	assert_string_equal(flow_notices(f), "order.accepted");
}

static void a_change_and_the_end_of_its_message_are_one(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_message_clear) struct flow_message fm = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	assert_int_equal(flow_claim(f, "one", &fm), 1);
	assert_int_equal(flow_apply_and_fail(f, &fm), ERR_BUSY);
	assert_int_equal(fixture_i64(f,
				     "SELECT (SELECT count(*) FROM orders)"
				     " + (SELECT count(*) FROM order_lines)"
				     " + (SELECT count(*) FROM order_history)"
				     " + (SELECT count(*) FROM stores)"
				     " + (SELECT count(*) FROM outbox)"),
			 0);
	assert_int_equal(fixture_i64(f, "SELECT state FROM inbox"),
			 QUEUE_TAKEN);
	assert_int_equal(flow_apply_one(f, &fm), 0);
	assert_string_equal(flow_outcomes(f), "ok");
}

/* Somebody claims H1's message and never comes back, so many times. */
static void lose_claims_of_h1(struct fixture *f, int times)
{
	for (int i = 0; i < times; i++) {
		CLEANUP(flow_message_clear) struct flow_message fm = {0};

		assert_int_equal(flow_claim_order(f, "H1", &fm), 1);
		assert_int_equal(fm.message.attempts, i + 1);
		flow_expire_leases(f);
	}
}

static void
a_message_that_fails_every_time_is_poisoned_and_blocks_its_order(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H1", "order.paid", 11, NULL);
	flow_arrive(f, "H2", "order.created", 10, "A2");
	lose_claims_of_h1(f, FLOW_TEST_ATTEMPTS);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "poisoned  ok");
	assert_string_equal(fixture_text(f, "SELECT error FROM inbox"
					    " WHERE outcome = 'poisoned'"),
			    "given up after 3 attempts");
	assert_string_equal(fixture_text(f, "SELECT error FROM inbox"
					    " WHERE event_type = 'order.paid'"),
			    "waits for order.created, which failed");
	assert_int_equal(fixture_i64(f, "SELECT state FROM inbox_head"
					" WHERE order_id = 1"),
			 HEAD_BLOCKED);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM orders"), 1);
}

static void a_suspect_is_left_to_the_processor(void **state)
{
	struct fixture *f = *state;
	struct flow_pending pending = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	fixture_sql(f, "UPDATE inbox SET losses = 2");
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), ERR_BUSY);
	fixture_sql(f, "UPDATE inbox SET losses = 1");
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	assert_int_equal(pending.count, 1);
	flow_pending_clear(&pending);
}

static void a_message_that_took_its_workers_down_is_not_even_read(void **state)
{
	struct fixture *f = *state;
	struct flow_message fm = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	fixture_sql(f, "UPDATE inbox SET losses = 5, body = 'no JSON'");
	assert_int_equal(flow_claim(f, "a", &fm), 1);
	assert_int_equal(fm.read_rc, 0);
	assert_int_equal(fm.type, EVENT_CREATED);
	assert_int_equal(flow_apply_one(f, &fm), 0);
	assert_string_equal(flow_outcomes(f), "poisoned");
	flow_message_clear(&fm);
}

static void a_message_that_took_its_workers_down_is_given_up(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H2", "order.created", 10, "A2");
	fixture_sql(f, "UPDATE inbox SET losses = 4 WHERE id = 1;"
		       "UPDATE inbox SET losses = 5 WHERE id = 2");
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok poisoned");
	assert_string_equal(
		fixture_text(f, "SELECT class FROM message_attempts"
				" WHERE queue = 'inbox' AND message = 2"),
		"poisoned");
}

static void make_unreadable(struct fixture *f, const char *type)
{
	char sql[160];

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE inbox SET body = replace(body, '\"quantity\"',"
		       " '\"quantiti\"') WHERE event_type = '%s'",
		       type);
	fixture_sql(f, sql);
}

static void a_failed_event_stops_only_what_needs_it(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	flow_assemble(f);
	flow_arrive(f, "H1", "order.updated", 11, "A3");
	make_unreadable(f, "order.updated");
	flow_arrive(f, "H1", "order.paid", 12, NULL);
	flow_arrive(f, "H1", "order.received", 13, NULL);
	flow_arrive(f, "H1", "order.delivered", 14, NULL);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok quarantined ok ok ");
	assert_string_equal(flow_state(f), "received");
	assert_string_equal(
		fixture_text(f, "SELECT hold || ', ' || error FROM inbox"
				" WHERE event_type = 'order.delivered'"),
		"blocked, waits for order.updated, which failed");
}

static int run_operate(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	const enum queue_operation *operation = context;

	return queue_operate(db, &queue_inbox, 2, *operation, now_ms, e);
}

static void skipping_the_failed_event_lets_the_others_go(void **state)
{
	enum queue_operation skip = OPERATE_SKIP;
	struct fixture *f = *state;

	a_failed_event_stops_only_what_needs_it(state);
	assert_int_equal(fixture_write(f, run_operate, &skip, NULL), 1);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok skipped ok ok ok");
	assert_string_equal(flow_state(f), "delivered");
}

static void a_later_composition_replaces_one_that_failed(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H1", "order.updated", 11, "A3");
	make_unreadable(f, "order.updated");
	flow_arrive(f, "H1", "order.updated", 12, "A4");
	flow_process(f);
	flow_assemble(f);
	flow_arrive(f, "H1", "order.delivered", 14, NULL);
	flow_process(f);
	assert_string_equal(flow_outcomes(f), "ok quarantined ok ok");
	assert_string_equal(flow_state(f), "delivered");
}

static void the_last_attempt_counts_like_the_first(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	for (int i = 1; i < FLOW_TEST_ATTEMPTS; i++) {
		CLEANUP(flow_message_clear) struct flow_message fm = {0};

		assert_int_equal(flow_claim_order(f, "H1", &fm), 1);
		flow_expire_leases(f);
	}
	flow_process(f);
	assert_int_equal(fixture_i64(f, "SELECT attempts FROM inbox"),
			 FLOW_TEST_ATTEMPTS);
	assert_string_equal(flow_outcomes(f), "ok");
}

static void what_waited_for_an_order_that_was_cancelled_is_over(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.received", 30, NULL);
	flow_arrive(f, "H1", "order.canceled", 20, NULL);
	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	assert_string_equal(flow_state(f), "canceled");
	assert_string_equal(flow_history(f),
			    "order.created accept order.canceled late");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM parked_events"),
			 0);
}

static void a_pending_cancellation_comes_before_an_action(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_pending_clear) struct flow_pending pending = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	flow_arrive(f, "H1", "order.paid", 11, NULL);
	flow_arrive(f, "H1", "order.canceled", 12, NULL);
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	assert_int_equal(pending.count, 2);
	assert_int_equal(flow_catch_up_one(f, &pending), 0);
	assert_string_equal(flow_state(f), "canceled");
	assert_string_equal(flow_outcomes(f), "ok ok ok");
	assert_int_equal(fixture_i64(f, "SELECT state FROM inbox_head"),
			 HEAD_IDLE);
}

static void
a_message_under_work_elsewhere_is_taken_away_from_there(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_pending_clear) struct flow_pending pending = {0};
	CLEANUP(flow_message_clear) struct flow_message slow = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	flow_arrive(f, "H1", "order.canceled", 12, NULL);
	assert_int_equal(flow_claim(f, "slow", &slow), 1);
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	assert_int_equal(flow_catch_up_one(f, &pending), 0);
	assert_string_equal(flow_state(f), "canceled");
	assert_int_equal(flow_apply_one(f, &slow), ERR_STATE);
	assert_string_equal(flow_history(f),
			    "order.created accept order.canceled");
}

static void a_message_that_came_after_the_look_is_not_passed_over(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_pending_clear) struct flow_pending pending = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	flow_arrive(f, "H1", "order.paid", 11, NULL);
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	flow_arrive(f, "H1", "order.canceled", 12, NULL);
	assert_int_equal(flow_catch_up_one(f, &pending), ERR_BUSY);
	assert_string_equal(flow_outcomes(f), "ok  ");
	assert_string_equal(flow_history(f), "order.created accept");

	flow_pending_clear(&pending);
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	assert_int_equal(flow_catch_up_one(f, &pending), 0);
	assert_string_equal(flow_state(f), "canceled");
}

static void nothing_to_catch_up_with_is_good(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_pending_clear) struct flow_pending pending = {0};

	assert_int_equal(flow_pending_read(f->db, 99, &pending, NULL), 0);
	assert_int_equal(flow_catch_up_one(f, &pending), 0);
	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	assert_int_equal(pending.count, 0);
	assert_int_equal(flow_catch_up_one(f, &pending), 0);
}

static void
more_than_can_be_caught_up_with_is_left_to_the_processor(void **state)
{
	struct fixture *f = *state;
	CLEANUP(flow_pending_clear) struct flow_pending pending = {0};

	flow_arrive(f, "H1", "order.created", 10, "A2");
	for (int i = 0; i < FLOW_PENDING_MAX; i++)
		flow_arrive(f, "H1", "order.updated", 11 + i, "A3");
	assert_int_equal(flow_pending_read(f->db, 1, &pending, NULL), 0);
	assert_int_equal(pending.count, FLOW_PENDING_MAX);
	assert_int_equal(flow_catch_up_one(f, &pending), ERR_BUSY);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM orders"), 0);
	flow_process(f);
	assert_string_equal(flow_state(f), "accepted");
}

static void a_pick_writes_its_own_line_only(void **state)
{
	struct fixture *f = *state;

	if (!fixture_is_sqlite())
		skip(); /* triggers are written differently */
	flow_arrive(f, "H1", "order.created", 10, "A2 B1");
	flow_process(f);
	flow_act_on_line(f, ACTION_TAKE, 0, 0);
	fixture_sql(f, "CREATE TABLE written (line_no INTEGER);"
		       "CREATE TRIGGER line_written AFTER UPDATE ON order_lines"
		       " BEGIN INSERT INTO written VALUES (new.line_no); END");
	flow_act_on_line(f, ACTION_PICK, 1, 2000);
	assert_int_equal(fixture_i64(f, "SELECT qty_picked_milli FROM"
					" order_lines WHERE line_no = 1"),
			 2000);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(line_no) FROM written"),
		"1");
}

static void
a_store_that_nobody_imported_is_made_by_its_first_order(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H2", "order.created", 10, "A2");
	flow_process(f);
	assert_string_equal(fixture_text(f, "SELECT group_concat(id || ' ' ||"
					    " time_zone || ' ' || imported)"
					    " FROM stores"),
			    "1207 Europe/Moscow 0");
}

#define FLOW_TEST(test) \
	cmocka_unit_test_setup_teardown(test, flow_setup, flow_teardown)

static void goods_that_change_once_packed_are_kept_for_invoicing(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 1, "A2 B1");
	flow_process(f);
	flow_arrive(f, "H1", "order.updated", 2, "A3 B1"); /* not packed yet */
	flow_process(f);
	flow_assemble(f);
	flow_arrive(f, "H1", "order.updated", 5, "A3 B1"); /* says nothing */
	flow_process(f);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM"
					" order_later_changes"
					" WHERE state = 'due'"),
			 0);
	flow_arrive(f, "H1", "order.updated", 6, "A1 B1");
	flow_arrive(f, "H1", "order.updated", 4, "B1"); /* older */
	flow_process(f);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM"
					" order_later_changes"
					" WHERE state = 'due'"),
			 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(created_twice_is_one_order_and_one_notice),
		FLOW_TEST(
			an_event_that_is_too_early_waits_and_is_applied_later),
		FLOW_TEST(what_waited_is_applied_when_the_store_has_finished),
		FLOW_TEST(an_own_event_lets_what_waited_go_on),
		FLOW_TEST(
			a_cancellation_forgives_what_was_refused_because_of_it),
		FLOW_TEST(a_cancellation_before_created_cancels),
		FLOW_TEST(the_whole_life_leaves_a_row_for_each_change),
		FLOW_TEST(
			a_body_that_cannot_be_read_is_kept_and_holds_nobody_up),
		FLOW_TEST(a_lack_of_memory_is_not_held_against_a_message),
		FLOW_TEST(whoever_lost_the_lease_changes_nothing),
		FLOW_TEST(a_change_and_the_end_of_its_message_are_one),
		FLOW_TEST(
			a_message_that_fails_every_time_is_poisoned_and_blocks_its_order),
		FLOW_TEST(a_suspect_is_left_to_the_processor),
		FLOW_TEST(
			a_message_that_took_its_workers_down_is_not_even_read),
		FLOW_TEST(a_message_that_took_its_workers_down_is_given_up),
		FLOW_TEST(a_failed_event_stops_only_what_needs_it),
		FLOW_TEST(skipping_the_failed_event_lets_the_others_go),
		FLOW_TEST(a_later_composition_replaces_one_that_failed),
		FLOW_TEST(the_last_attempt_counts_like_the_first),
		FLOW_TEST(what_waited_for_an_order_that_was_cancelled_is_over),
		FLOW_TEST(a_pending_cancellation_comes_before_an_action),
		FLOW_TEST(
			a_message_under_work_elsewhere_is_taken_away_from_there),
		FLOW_TEST(
			a_message_that_came_after_the_look_is_not_passed_over),
		FLOW_TEST(nothing_to_catch_up_with_is_good),
		FLOW_TEST(goods_that_change_once_packed_are_kept_for_invoicing),
		FLOW_TEST(
			more_than_can_be_caught_up_with_is_left_to_the_processor),
		FLOW_TEST(a_pick_writes_its_own_line_only),
		FLOW_TEST(
			a_store_that_nobody_imported_is_made_by_its_first_order),
	};

	return cmocka_run_group_tests_name("order_flow", tests, NULL, NULL);
}

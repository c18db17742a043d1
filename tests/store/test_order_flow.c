/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include "base/cleanup.h"
#include "flow_fixture.h"

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

#define FLOW_TEST(test) \
	cmocka_unit_test_setup_teardown(test, flow_setup, flow_teardown)

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

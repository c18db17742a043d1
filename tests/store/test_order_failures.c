/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "flow_fixture.h"
#include "store/engine/db.h"

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

#define FLOW_TEST(test) \
	cmocka_unit_test_setup_teardown(test, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("order_failures", tests, NULL, NULL);
}

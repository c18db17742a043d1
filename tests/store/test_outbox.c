/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "domain/order/order.h"
#include "queue_test.h"
#include "store/engine/db_private.h"
#include "store/queue/outbox.h"

enum {
	BACKLOG = 20000
};

static void send_to(struct test *t, int64_t order_id, const char *endpoint,
		    enum notice notice, const char *body, int64_t now_ms)
{
	struct outbox_message m = {
		.order_id = order_id,
		.channel = "kuper",
		.external_id = "H1",
		.endpoint = endpoint,
		.event_type = notice_name(notice),
		.body = body,
	};

	begin(t);
	assert_int_equal(outbox_add(t->db, &m, now_ms, NULL), 0);
	commit(t);
}

static int claim_from(struct test *t, const struct outbox_pick *pick,
		      int64_t now_ms, struct queue_message *m,
		      struct outbox_context *context)
{
	struct queue_lease lease = {
		.owner = ME, .until_ms = now_ms + LEASE_MS, .sending = true};
	struct err e = {0};
	int rc;

	begin(t);
	rc = outbox_claim(t->db, pick, now_ms, &lease, m, context, &e);
	commit(t);
	if (rc < 0)
		fail_msg("claim: %s", e.text);
	return rc;
}

static const struct outbox_pick kuper = {.endpoint = "kuper"};
static const struct outbox_pick erp = {.endpoint = "erp"};

static void each_endpoint_of_an_order_has_its_own_sequence(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	MESSAGE a = {0};
	MESSAGE b = {0};
	MESSAGE none = {0};

	send_to(t, 7, "kuper", NOTICE_ACCEPTED, "k1", T0);
	send_to(t, 7, "erp", NOTICE_ACCEPTED, "e1", T0);
	send_to(t, 7, "kuper", NOTICE_IN_WORK, "k2", T0);
	assert_int_equal(claim_from(t, &kuper, T0, &a, &context), 1);
	assert_string_equal(a.body, "k1");
	assert_int_equal(claim_from(t, &kuper, T0, &none, &context), 0);
	assert_int_equal(claim_from(t, &erp, T0, &b, &context), 1);
	assert_string_equal(b.body, "e1");
	assert_int_equal(b.order_seq, 1);
	assert_int_equal(b.order_id, 7);
	assert_string_equal(b.address, "erp");
	assert_string_equal(value(t, "k2", "order_seq"), "2");
	assert_string_equal(value(t, "k2", "length(message_id)"), "36");
}

static void another_endpoint_is_left_alone(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	MESSAGE m = {0};

	send_to(t, 1, "erp", NOTICE_ACCEPTED, "e1", T0);
	assert_int_equal(claim_from(t, &kuper, T0 + 9, &m, &context), 0);
	assert_string_equal(value(t, "e1", "attempts"), "0");
}

static void a_claim_knows_the_order_and_its_store(void **state)
{
	struct test *t = *state;
	struct outbox_context c;
	struct queue_retry later = {.due_ms = T0 + 50,
				    .http_status = 503,
				    .hold = HOLD_UNCERTAIN,
				    .keep_uncertain = true};
	MESSAGE first = {0};
	MESSAGE second = {0};

	send_to(t, 1, "kuper", NOTICE_READY, "m", T0);
	assert_int_equal(claim_from(t, &kuper, T0 + 5, &first, &c), 1);
	assert_int_equal(c.order_state, ORDER_NONE);
	assert_int_equal(c.integration_type, 3);
	assert_int_equal(c.http_status, 0);
	assert_int_equal(c.waited_ms, 5);
	assert_false(c.uncertain);
	assert_false(c.held_back);
	assert_int_equal(retry(t, &first, &later, T0 + 6), 0);

	fixture_sql(t->f,
		    "INSERT INTO stores VALUES"
		    " ('1207', '', 'Europe/Moscow', '', '', 4, 1, 0, 0);"
		    "INSERT INTO orders (id, channel, external_id, number,"
		    " store_id, state, version, event_ms, snapshot_ms,"
		    " created_ms, updated_ms) VALUES (1, 'kuper', 'H1',"
		    " '1-1', '1207', 'canceled', 1, 0, 0, 0, 0)");
	assert_int_equal(claim_from(t, &kuper, T0 + 60, &second, &c), 1);
	assert_int_equal(c.order_state, ORDER_CANCELED);
	assert_int_equal(c.integration_type, 4);
	assert_int_equal(c.http_status, 503);
	assert_int_equal(c.waited_ms, 10);
	assert_true(c.uncertain);
	assert_int_equal(second.sending_since_ms, T0 + 5);
}

static void fresh_messages_pass_beside_a_backlog(void **state)
{
	struct test *t = *state;
	struct outbox_pick fresh = {.endpoint = "kuper",
				    .due_from_ms = T0 + 1000};
	struct outbox_context context;
	MESSAGE a = {0};
	MESSAGE b = {0};
	MESSAGE none = {0};

	send_to(t, 1, "kuper", NOTICE_ACCEPTED, "old", T0);
	send_to(t, 2, "kuper", NOTICE_ACCEPTED, "new", T0 + 1000);
	assert_int_equal(claim_from(t, &fresh, T0 + 1500, &a, &context), 1);
	assert_string_equal(a.body, "new");
	assert_int_equal(claim_from(t, &fresh, T0 + 1500, &none, &context), 0);
	assert_int_equal(claim_from(t, &kuper, T0 + 1500, &b, &context), 1);
	assert_string_equal(b.body, "old");
}

static void empty_heads_are_passed_over(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	MESSAGE m = {0};

	for (int i = 1; i <= 5; i++)
		send_to(t, i, "kuper", NOTICE_ACCEPTED, "gone", T0);
	fixture_sql(t->f, "DELETE FROM outbox");
	send_to(t, 9, "kuper", NOTICE_ACCEPTED, "here", T0 + 1);
	assert_int_equal(claim_from(t, &kuper, T0 + 1, &m, &context), 1);
	assert_string_equal(m.body, "here");
	assert_int_equal(
		fixture_i64(t->f,
			    "SELECT count(*) FROM outbox_head WHERE state = 0"),
		5);
}

/* in_work failed; assembled and ready wait for it. */
static void fail_in_work(struct test *t)
{
	struct queue_result failed = {.state = QUEUE_FAILED,
				      .outcome = OUTCOME_REJECTED};
	struct outbox_context context;
	MESSAGE m = {0};

	send_to(t, 1, "kuper", NOTICE_IN_WORK, "in_work", T0);
	send_to(t, 1, "kuper", NOTICE_ASSEMBLED, "assembled", T0);
	assert_int_equal(claim_from(t, &kuper, T0, &m, &context), 1);
	assert_int_equal(finish(t, &m, &failed, T0), 0);
	begin(t);
	assert_int_equal(outbox_keep_back(t->db, &m, NULL), 0);
	commit(t);
}

static void block(struct test *t, const struct queue_message *m)
{
	begin(t);
	assert_int_equal(
		outbox_block(t->db, m, "waits for order.in_work", T0 + 1, NULL),
		0);
	commit(t);
}

static void a_failed_message_keeps_back_those_that_follow(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	unsigned notices = 0;
	MESSAGE m = {0};
	MESSAGE none = {0};

	fail_in_work(t);
	send_to(t, 1, "kuper", NOTICE_READY, "ready", T0);
	assert_string_equal(value(t, "assembled", "hold"), "blocked");
	assert_string_equal(value(t, "ready", "hold"), "blocked");
	assert_int_equal(claim_from(t, &kuper, T0, &m, &context), 1);
	assert_string_equal(m.body, "assembled");
	assert_true(context.held_back);
	assert_int_equal(outbox_blockers(t->db, m.head_id, &notices, NULL), 0);
	assert_int_equal(notices, 1U << NOTICE_IN_WORK);
	block(t, &m);
	assert_string_equal(head_value(t, 1, "state"), "4");
	assert_string_equal(value(t, "assembled", "state"), "1");
	assert_string_equal(value(t, "assembled", "attempts"), "0");
	assert_string_equal(value(t, "assembled", "sending_since_ms"), "");
	assert_string_equal(value(t, "assembled", "error"),
			    "waits for order.in_work");
	assert_int_equal(claim_from(t, &kuper, T0 + 99, &none, &context), 0);
}

static void a_blocked_head_is_looked_at_when_something_comes(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	MESSAGE a = {0};
	MESSAGE b = {0};
	MESSAGE c = {0};

	fail_in_work(t);
	assert_int_equal(claim_from(t, &kuper, T0, &a, &context), 1);
	block(t, &a);
	send_to(t, 1, "kuper", NOTICE_CANCELED, "canceled", T0 + 10);
	assert_int_equal(claim_from(t, &kuper, T0 + 10, &b, &context), 1);
	assert_string_equal(b.body, "assembled");
	block(t, &b);
	begin(t);
	assert_int_equal(outbox_wake(t->db, 1, T0 + 20, NULL), 1);
	assert_int_equal(outbox_wake(t->db, 1, T0 + 20, NULL), 0);
	commit(t);
	assert_int_equal(claim_from(t, &kuper, T0 + 20, &c, &context), 1);
	assert_string_equal(c.body, "assembled");
}

static void an_operator_may_release_what_is_kept_back(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	MESSAGE a = {0};
	MESSAGE b = {0};

	fail_in_work(t);
	assert_int_equal(claim_from(t, &kuper, T0, &a, &context), 1);
	block(t, &a);
	begin(t);
	assert_int_equal(queue_operate(t->db, &queue_outbox, a.id,
				       OPERATE_RELEASE, T0 + 5, NULL),
			 1);
	commit(t);
	assert_int_equal(claim_from(t, &kuper, T0 + 5, &b, &context), 1);
	assert_false(context.held_back);
}

static void nothing_is_kept_back_once_the_failed_one_is_repaired(void **state)
{
	struct test *t = *state;
	unsigned notices = 99;
	int64_t id;

	fail_in_work(t);
	id = strtoll(value(t, "in_work", "id"), NULL, 10);
	begin(t);
	assert_int_equal(
		queue_operate(t->db, &queue_outbox, id, OPERATE_SKIP, T0, NULL),
		1);
	commit(t);
	assert_int_equal(outbox_blockers(t->db, 1, &notices, NULL), 0);
	assert_int_equal(notices, 0);
	send_to(t, 1, "kuper", NOTICE_READY, "ready", T0);
	assert_string_equal(value(t, "ready", "hold"), "none");
}

static void a_lost_lease_cannot_block(void **state)
{
	struct test *t = *state;
	struct outbox_context context;
	MESSAGE m = {0};

	send_to(t, 1, "kuper", NOTICE_READY, "m", T0);
	assert_int_equal(claim_from(t, &kuper, T0, &m, &context), 1);
	m.lease_epoch--;
	begin(t);
	assert_int_equal(end(t, outbox_block(t->db, &m, "", T0, NULL)),
			 ERR_STATE);
	assert_string_equal(head_value(t, 1, "state"), "2");
}

static void it_is_known_who_holds_what(void **state)
{
	struct test *t = *state;
	struct outbox_holder holders[4];
	int64_t due_ms = 0;
	MESSAGE a = {0};
	MESSAGE b = {0};
	MESSAGE c = {0};

	assert_int_equal(outbox_holders(t->db, holders, 4, NULL), 0);
	assert_int_equal(outbox_oldest_due(t->db, "kuper", &due_ms, NULL), 0);
	for (int i = 1; i <= 4; i++)
		send_to(t, i, "kuper", NOTICE_ACCEPTED, "m", T0 + i);
	assert_int_equal(claim_as(t, OTHER, false, T0 + 10, &a), 1);
	assert_int_equal(claim_as(t, ME, false, T0 + 20, &b), 1);
	assert_int_equal(claim_as(t, ME, false, T0 + 30, &c), 1);
	assert_int_equal(outbox_holders(t->db, holders, 4, NULL), 2);
	assert_string_equal(holders[0].owner, ME);
	assert_int_equal(holders[0].lease_until_ms, T0 + 20 + LEASE_MS);
	assert_string_equal(holders[1].owner, OTHER);
	assert_int_equal(outbox_holders(t->db, holders, 1, NULL), 1);
	assert_int_equal(outbox_oldest_due(t->db, "kuper", &due_ms, NULL), 1);
	assert_int_equal(due_ms, T0 + 4);
}

static const struct stmt *find_stmt(const char *name)
{
	for (size_t i = 0; i < stmt_count(); i++)
		if (strcmp(stmt_first()[i].name, name) == 0)
			return &stmt_first()[i];
	fail_msg("no statement %s", name);
	return NULL;
}

struct cost {
	int64_t pick, insert, block;
};

static struct cost cost(struct test *t)
{
	return (struct cost){
		.pick = steps_of(t, find_stmt("outbox_pick_head"),
				 (const char *[]){"kuper", "0", "1000100"}, 3),
		.insert = steps_of(t, find_stmt("outbox_insert"),
				   (const char *[]){"m", "2", "kuper", "kuper",
						    "H1", "order.accepted", "2",
						    "9", "1000000", "b"},
				   10),
		.block = steps_of(t, find_stmt("outbox_set_blocking"),
				  (const char *[]){"2", "2"}, 2),
	};
}

static void a_backlog_costs_no_claim_anything(void **state)
{
	struct test *t = *state;
	struct cost before;
	struct cost after;
	char sql[512];

	send_to(t, 1, "kuper", NOTICE_IN_WORK, "first", T0);
	send_to(t, 2, "kuper", NOTICE_IN_WORK, "second", T0);
	before = cost(t);
	/* Behind one blocked head, and as many orders that are due later. */
	(void)snprintf(sql, sizeof(sql),
		       "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL"
		       " SELECT i + 1 FROM n WHERE i < %d)"
		       " INSERT INTO outbox (head_id, order_seq, message_id,"
		       " endpoint, channel, external_id, event_type, order_id,"
		       " state, due_ms, created_ms, updated_ms, body)"
		       " SELECT 3, i, 'm', 'kuper', 'kuper', 'H', 'x', 3, 1,"
		       " 0, 0, 0, '' FROM n",
		       BACKLOG);
	fixture_sql(t->f, sql);
	(void)snprintf(sql, sizeof(sql),
		       "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL"
		       " SELECT i + 1 FROM n WHERE i < %d)"
		       " INSERT INTO outbox_head (order_id, endpoint,"
		       " last_seq, state, due_ms)"
		       " SELECT i, 'kuper', 1, 1, 1000050 FROM n",
		       BACKLOG);
	fixture_sql(t->f, sql);
	fixture_sql(t->f, "INSERT INTO outbox_head VALUES"
			  " (99999, 3, 'kuper', 1, 4, 0, NULL, 0, 0)");
	after = cost(t);
	/* A page more of an index may cost a step or two; rows would cost
	 * thousands. */
	assert_in_range(after.pick, before.pick, before.pick + 5);
	assert_in_range(after.insert, before.insert, before.insert + 5);
	assert_in_range(after.block, before.block, before.block + 5);
}

#define T(fn) ON(fn, outbox_kind)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_endpoint_of_an_order_has_its_own_sequence),
		T(another_endpoint_is_left_alone),
		T(a_claim_knows_the_order_and_its_store),
		T(fresh_messages_pass_beside_a_backlog),
		T(empty_heads_are_passed_over),
		T(a_failed_message_keeps_back_those_that_follow),
		T(a_blocked_head_is_looked_at_when_something_comes),
		T(an_operator_may_release_what_is_kept_back),
		T(nothing_is_kept_back_once_the_failed_one_is_repaired),
		T(a_lost_lease_cannot_block),
		T(it_is_known_who_holds_what),
		T(a_backlog_costs_no_claim_anything),
	};
	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What a claim costs does not depend on what waits. Counted in steps of
 * SQLite's machine: times would depend on what else the machine does.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "queue_test.h"
#include "store/engine/db_private.h"

enum {
	BACKLOG = 20000
};

struct cost {
	int64_t choose, lease, find, take, next, peek;
};

/* What one claim and its result cost; head 2 has something due. */
static struct cost cost_of_a_claim(struct test *t)
{
	const struct queue *q = t->kind->queue;

	return (struct cost){
		.choose = steps_of(t, q->due_head, (const char *[]){"1000100"},
				   1),
		.lease = steps_of(t, q->lease_head,
				  (const char *[]){"2", ME, "1", "1030100"}, 4),
		.find = steps_of(t, q->oldest_message, (const char *[]){"2"},
				 1),
		.take = steps_of(t, q->take_message,
				 (const char *[]){"2", "1000100", ME, "1",
						  "1030100", "1000100"},
				 6),
		.next = steps_of(t, q->next_pending, (const char *[]){"2"}, 1),
		.peek = steps_of(t, q->peek_messages,
				 (const char *[]){"2", "10"}, 2),
	};
}

static void copy_backlog(struct test *t, const char *columns)
{
	char sql[1024];

	(void)snprintf(sql, sizeof(sql),
		       "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL"
		       " SELECT i + 1 FROM n WHERE i <= %d)"
		       " INSERT INTO %s (%s, order_seq, message_id, state,"
		       " due_ms, created_ms, updated_ms, body)"
		       " SELECT %s, i, 'm', 1, due_ms, created_ms, updated_ms,"
		       " body FROM n, %s WHERE body = 'blocker'",
		       BACKLOG, t->kind->table, columns, columns,
		       t->kind->table);
	fixture_sql(t->f, sql);
}

static void a_backlog_behind_a_blocked_head_costs_nothing(void **state)
{
	struct test *t = *state;
	struct queue_result failed = {.state = QUEUE_FAILED,
				      .outcome = OUTCOME_REJECTED};
	char sql[128];
	struct cost before;
	struct cost after;
	MESSAGE blocker = {0};
	MESSAGE other = {0};

	add(t, 1, "blocker", T0);
	add(t, 2, "other", T0 + 1);
	expect_body(t, T0, "blocker", &blocker);
	assert_int_equal(finish(t, &blocker, &failed, T0), 0);
	(void)snprintf(sql, sizeof(sql), "UPDATE %s SET state = 4 WHERE %s = 1",
		       t->kind->head_table, t->kind->head_key);
	fixture_sql(t->f, sql);
	before = cost_of_a_claim(t);
	copy_backlog(t, t->kind->is_outbox
				? "head_id, endpoint, channel, external_id,"
				  " event_type, order_id"
				: "order_id, channel, external_id, event_type,"
				  " event_ms");
	assert_true(fixture_i64(t->f, t->kind->is_outbox
					      ? "SELECT count(*) FROM outbox"
					      : "SELECT count(*) FROM inbox") >
		    BACKLOG);
	after = cost_of_a_claim(t);
	/* Not one step more: no plan looks at the waiting rows. */
	assert_memory_equal(&after, &before, sizeof(after));
	expect_body(t, T0 + 1, "other", &other);
}

static void ten_thousand_idle_heads_cost_nothing(void **state)
{
	struct test *t = *state;
	struct cost before;
	struct cost after;
	char sql[512];

	add(t, 1, "first", T0);
	add(t, 2, "other", T0 + 1);
	before = cost_of_a_claim(t);
	(void)snprintf(sql, sizeof(sql),
		       "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL"
		       " SELECT i + 1 FROM n WHERE i <= 10000)"
		       " INSERT INTO %s (%s%s, last_seq, state, due_ms)"
		       " SELECT i%s, 1, 0, 0 FROM n",
		       t->kind->head_table, t->kind->head_key,
		       t->kind->is_outbox ? ", order_id, endpoint" : "",
		       t->kind->is_outbox ? ", i, 'kuper'" : "");
	fixture_sql(t->f, sql);
	after = cost_of_a_claim(t);
	assert_memory_equal(&after, &before, sizeof(after));
}

static const struct stmt *statement(const char *name)
{
	const struct stmt *first = stmt_first();

	for (size_t i = 0; i < stmt_count(); i++)
		if (strcmp(first[i].name, name) == 0)
			return &first[i];
	fail_msg("there is no statement %s", name);
	return NULL;
}

static int64_t steps_of_a_pick(struct test *t)
{
	return steps_of(t, statement("outbox_pick_head"),
			(const char *[]){"kuper", "0", "1000100"}, 3);
}

static void ready_heads_of_another_endpoint_cost_nothing(void **state)
{
	struct test *t = *state;
	int64_t before;

	add(t, 1, "first", T0);
	before = steps_of_a_pick(t);
	fixture_sql(t->f, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL"
			  " SELECT i + 1 FROM n WHERE i <= 10000)"
			  " INSERT INTO outbox_head (order_id, endpoint,"
			  " last_seq, state, due_ms)"
			  " SELECT i, 'erp', 1, 1, 1 FROM n");
	assert_int_equal(steps_of_a_pick(t), before);
}

#define ALL(kind)                                                \
	ON(a_backlog_behind_a_blocked_head_costs_nothing, kind), \
		ON(ten_thousand_idle_heads_cost_nothing, kind)

int main(void)
{
	const struct CMUnitTest inbox[] = {ALL(inbox_kind)};
	const struct CMUnitTest outbox[] = {
		ALL(outbox_kind),
		ON(ready_heads_of_another_endpoint_cost_nothing, outbox_kind)};
	int failed = cmocka_run_group_tests_name("cost of the inbox", inbox,
						 NULL, NULL);

	return failed + cmocka_run_group_tests_name("cost of the outbox",
						    outbox, NULL, NULL);
}

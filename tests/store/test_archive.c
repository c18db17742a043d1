/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/queue/archive.h"
#include "store/queue/inbox.h"
#include "store/queue/outbox.h"
#include "store/repair/verify.h"
#include "store_fixture.h"

enum {
	BEFORE = 100000 /* what is older goes */
};

struct act {
	const struct archive_step *step;
	int limit;
	struct archive_walk walk;
};

static int next(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct act *act = context;

	(void)now_ms;
	return archive_next(db, act->step, BEFORE, act->limit, &act->walk, e);
}

/* Walk to the end; the number of rows that went. */
static int walk(struct fixture *f, const struct archive_step *step, int limit)
{
	struct act act = {.step = step, .limit = limit};
	int total = 0;

	for (int i = 0; !act.walk.finished; i++) {
		struct err e = {0};
		int rc = fixture_write(f, next, &act, &e);

		if (rc < 0 || i > 1000)
			fail_msg("step %d: %s", i, e.text);
		assert_true(rc <= limit);
		total += rc;
	}
	return total;
}

static void add_messages(struct fixture *f, int from, int count, int state,
			 int made, int updated)
{
	char sql[1024];

	(void)snprintf(
		sql, sizeof(sql),
		"WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1"
		" FROM n WHERE i < %d) INSERT INTO inbox (id, message_id,"
		" channel, external_id, event_type, order_id, order_seq,"
		" event_ms, state, outcome, due_ms, created_ms, updated_ms,"
		" body) SELECT i, 'm' || i, 'kuper', 'H' || i, 'order.paid',"
		" i, 1, 5, %d, 'ok', 6, %d, %d, '{\"n\":' || i || '}' FROM n",
		from, from + count - 1, state, made, updated);
	fixture_sql(f, sql);
	(void)snprintf(
		sql, sizeof(sql),
		"INSERT INTO outbox (id, message_id, head_id, endpoint,"
		" channel, external_id, event_type, order_id, order_seq,"
		" state, outcome, http_status, due_ms, created_ms,"
		" updated_ms, body) SELECT id, message_id, id, 'kuper',"
		" channel, external_id, event_type, order_id, order_seq,"
		" state, outcome, 202, due_ms, created_ms, updated_ms, body"
		" FROM inbox WHERE id BETWEEN %d AND %d",
		from, from + count - 1);
	fixture_sql(f, sql);
}

static void only_done_and_old_messages_move(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		int state, made, updated;
		bool want;
	} rows[] = {
		{"done and old", 3, 1, BEFORE - 1, true},
		{"done just now", 3, 1, BEFORE, false},
		{"created", 1, 1, 1, false},
		{"taken", 2, 1, 1, false},
		{"failed", 4, 1, 1, false},
		{"done and old behind all of these", 3, 2, 2, true},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		add_messages(f, (int)i + 1, 1, rows[i].state, rows[i].made,
			     rows[i].updated);
	assert_int_equal(walk(f, &archive_inbox, 4), 2);
	assert_int_equal(walk(f, &archive_outbox, 4), 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char sql[400];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT (SELECT count(*) FROM inbox_archive"
			       " WHERE id = %zu) + (SELECT count(*) FROM"
			       " outbox_archive WHERE id = %zu AND"
			       " http_status = 202 AND body = '{\"n\":%zu}')"
			       " + 10 * (SELECT count(*) FROM inbox"
			       " WHERE id = %zu)",
			       i + 1, i + 1, i + 1, i + 1);
		if (fixture_i64(f, sql) != (rows[i].want ? 2 : 10))
			fail_msg("%s", rows[i].name);
	}
}

static void a_moved_row_is_whole(void **state)
{
	struct fixture *f = *state;
	char before[8192];

	add_messages(f, 1, 1, 3, 1, 1);
	(void)text_copy(before, sizeof(before),
			fixture_text(f, "SELECT json_array(id, message_id,"
					" channel, external_id, event_type,"
					" order_id, order_seq, event_ms,"
					" state, outcome, due_ms, created_ms,"
					" updated_ms, body) FROM inbox"));
	assert_int_equal(walk(f, &archive_inbox, 500), 1);
	assert_string_equal(
		fixture_text(f, "SELECT json_array(id, message_id, channel,"
				" external_id, event_type, order_id,"
				" order_seq, event_ms, state, outcome, due_ms,"
				" created_ms, updated_ms, body)"
				" FROM inbox_archive"),
		before);
}

static void a_walk_goes_in_batches_and_ends_at_what_is_new(void **state)
{
	struct fixture *f = *state;
	struct act act = {.step = &archive_inbox, .limit = 100};

	add_messages(f, 1, 250, 3, 1, 1);
	add_messages(f, 251, 50, 1, 1, 1);
	add_messages(f, 301, 500, 3, BEFORE, BEFORE);
	assert_int_equal(fixture_write(f, next, &act, NULL), 100);
	assert_false(act.walk.finished);
	assert_int_equal(fixture_write(f, next, &act, NULL), 100);
	assert_int_equal(fixture_write(f, next, &act, NULL), 50);
	assert_false(act.walk.finished);
	assert_int_equal(fixture_write(f, next, &act, NULL), 0);
	assert_true(act.walk.finished);
	assert_int_equal(act.walk.after_id, 400);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM inbox"), 550);
}

static void old_rows_go_for_good(void **state)
{
	struct fixture *f = *state;

	fixture_sql(f,
		    "INSERT INTO job_runs (job, slot_ms, started_ms, ended_ms,"
		    " outcome, trigger, term) VALUES"
		    " ('j', 1, 1, 1, 'ok', 's', 1),"
		    " ('j', 2, 1, 1, 'failed', 's', 1),"
		    " ('j', 3, 1, 1, 'skipped', 's', 1),"
		    " ('j', 4, 1, NULL, 'running', 's', 1),"
		    " ('j', 5, 100000, 100000, 'ok', 's', 1)");
	assert_int_equal(walk(f, &archive_old_quiet_runs, 2), 2);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(slot_ms) FROM job_runs"),
		"2,4,5");
	assert_int_equal(walk(f, &archive_old_runs, 2), 1);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(slot_ms) FROM job_runs"),
		"4,5");
	fixture_sql(f,
		    "INSERT INTO alerts (rule, subject, severity, state, chat,"
		    " text, since_ms, resolved_ms) VALUES"
		    " ('r', '1', 'info', 'firing', '', '', 1, NULL),"
		    " ('r', '2', 'info', 'resolved', '', '', 1, 1),"
		    " ('r', '3', 'info', 'resolved', '', '', 1, 100000)");
	assert_int_equal(walk(f, &archive_old_alerts, 500), 1);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(subject) FROM alerts"),
		"1,3");
	add_messages(f, 1, 2, 3, 1, 1);
	assert_int_equal(walk(f, &archive_inbox, 500), 2);
	assert_int_equal(walk(f, &archive_outbox, 500), 2);
	assert_int_equal(walk(f, &archive_old_inbox, 500), 2);
	assert_int_equal(walk(f, &archive_old_outbox, 500), 2);
	fixture_sql(f,
		    "INSERT INTO telegram_archive (id, message_id, chat,"
		    " event_type, order_seq, alert_id, severity, text, state,"
		    " outcome, attempts, error, created_ms, sent_ms,"
		    " telegram_message_id) VALUES"
		    " (1, 'm', 'c', 'fire', 1, NULL, 'info', '', 3, 'ok', 1,"
		    "  NULL, 1, 1, 1),"
		    " (2, 'm', 'c', 'fire', 1, NULL, 'info', '', 3, 'ok', 1,"
		    "  NULL, 100000, 1, 1)");
	assert_int_equal(walk(f, &archive_old_telegram, 500), 1);
}

static void attempts_go_with_their_message(void **state)
{
	struct fixture *f = *state;

	add_messages(f, 1, 2, 3, 1, 1);
	add_messages(f, 3, 1, 4, 1, 1);
	fixture_sql(f, "INSERT INTO message_attempts SELECT 'outbox', id, 1,"
		       " 'send', 5, 6, 503, 'retry', 'busy', 'n' FROM outbox");
	fixture_sql(f, "INSERT INTO message_attempts VALUES"
		       " ('inbox', 2, 1, 'apply', 5, 6, NULL, 'retry', '', ''),"
		       " ('telegram', 1, 1, 'send', 5, 6, 1, 'retry', '', '')");
	assert_int_equal(walk(f, &archive_outbox, 500), 2);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(queue || message) FROM"
				" (SELECT * FROM message_attempts"
				" ORDER BY queue, message) q"),
		"inbox2,outbox3,telegram1");
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(queue || message || answer"
				" || http_status) FROM"
				" message_attempts_archive"),
		"outbox1busy503,outbox2busy503");
	assert_int_equal(walk(f, &archive_old_outbox, 1), 2);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM"
					" message_attempts_archive"),
			 0);
}

static void add_head(struct fixture *f, int order_id, int last_seq,
		     const char *order_state, int updated)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO inbox_head (order_id, last_seq, state,"
		       " due_ms) VALUES (%d, %d, 0, 0)",
		       order_id, last_seq);
	fixture_sql(f, sql);
	if (order_state == NULL)
		return;
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO stores (id, name, time_zone,"
		       " opening_hours, telegram_chat, integration_type,"
		       " imported, created_ms, updated_ms) VALUES ('s', '', '',"
		       " '', '', 3, 1, 0, 0) ON CONFLICT DO NOTHING;"
		       "INSERT INTO orders (id, channel, external_id, number,"
		       " store_id, state, version, event_ms, snapshot_ms,"
		       " created_ms, updated_ms) VALUES (%d, 'kuper', 'H%d',"
		       " '1-%d', 's', '%s', 1, 0, 0, 0, %d)",
		       order_id, order_id, order_id, order_state, updated);
	fixture_sql(f, sql);
}

static void heads_of_orders_that_are_over_are_put_away(void **state)
{
	struct fixture *f = *state;

	add_head(f, 1, 4, "delivered", BEFORE - 1);
	add_head(f, 2, 4, "delivered", BEFORE);
	add_head(f, 3, 4, "assembling", 1);
	add_head(f, 4, 4, NULL, 0);
	add_head(f, 5, 1, "canceled", 1);
	add_messages(f, 5, 1, 4, 1, 1); /* it waits for a person */
	add_head(f, 6, 4, "canceled", 1);
	assert_int_equal(walk(f, &archive_idle_heads, 2), 3);
	assert_string_equal(fixture_text(f, "SELECT group_concat(order_id) FROM"
					    " inbox_head"),
			    "2,3,5");
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(order_id || ':' ||"
				" last_seq) FROM inbox_head_idle"),
		"1:4,4:4,6:4");
}

static void old_orders_go_when_nothing_else_is_kept_of_them(void **state)
{
	struct fixture *f = *state;
	static const char *const tables[] = {
		"orders",        "order_customers", "order_lines",
		"order_history", "order_identity",  "inbox_head"};

	add_head(f, 1, 4, "delivered", BEFORE - 1);
	add_head(f, 2, 4, "delivered", BEFORE);
	add_head(f, 3, 4, "assembling", 1);
	add_head(f, 4, 1, "canceled", 1);
	add_messages(f, 4, 1, 3, 1, 1);
	fixture_sql(
		f, "INSERT INTO order_customers (order_id, name, phone,"
		   " address) SELECT id, '', '', '' FROM orders;"
		   "INSERT INTO order_history (order_id, at_ms, kind, actor,"
		   " detail) SELECT id, 0, '', '', '' FROM orders;"
		   "INSERT INTO order_identity SELECT channel, external_id,"
		   " id, number FROM orders;"
		   "INSERT INTO order_lines (order_id, line_no, sku,"
		   " qty_ordered_milli, qty_milli, price_minor,"
		   " discount_price_minor, total_minor, discount_total_minor,"
		   " state) SELECT id, 1, '', 0, 0, 0, 0, 0, 0, '' FROM orders;"
		   "INSERT INTO documents (kind, series, number, order_id,"
		   " revision, store_id, business_date, total_minor,"
		   " vat_minor, state, body, created_ms) VALUES"
		   " ('sale', 'A', 1, 1, 1, 's', '', 5, 1, 'made', '', 0)");
	assert_int_equal(walk(f, &archive_old_orders, 2), 1);
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		char sql[100];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT group_concat(%s) FROM %s",
			       i == 0 ? "id" : "order_id", tables[i]);
		assert_string_equal(fixture_text(f, sql), "2,3,4");
	}
	assert_int_equal(fixture_i64(f, "SELECT total_minor FROM documents"),
			 5);
	/* The archive of its messages comes first. */
	assert_int_equal(walk(f, &archive_inbox, 500), 1);
	assert_int_equal(walk(f, &archive_outbox, 500), 1);
	assert_int_equal(walk(f, &archive_old_orders, 2), 0);
	assert_int_equal(walk(f, &archive_old_inbox, 500), 1);
	assert_int_equal(walk(f, &archive_old_outbox, 500), 1);
	assert_int_equal(walk(f, &archive_old_orders, 2), 1);
	assert_string_equal(fixture_text(f, "SELECT group_concat(id) FROM"
					    " orders"),
			    "2,3");
}

/* A message of an order in the archive (or the queue), as old as `made`. */
static void add_one(struct fixture *f, const char *table, int order_id,
		    int order_seq, int state, int made)
{
	char sql[700];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO %s (id, message_id, head_id, endpoint,"
		       " channel, external_id, event_type, order_id, order_seq,"
		       " state, outcome, hold, attempts, due_ms, lease_epoch,"
		       " lease_until_ms, created_ms, updated_ms, body) VALUES"
		       " (%d, 'm', %d, 'kuper', 'kuper', 'H', 'x%d', %d, %d,"
		       " %d, 'ok', 'none', 1, 0, 1, 0, %d, %d, '{}')",
		       table, 10 * order_id + order_seq, order_id, order_seq,
		       order_id, order_seq, state, made, made);
	fixture_sql(f, sql);
}

static int64_t gaps(struct fixture *f)
{
	int64_t found = 0;

	for (const struct verify_check *c = verify_checks; c->name != NULL; c++)
		if (strstr(c->name, "sequences") != NULL) {
			int64_t breaches = 0;

			assert_int_equal(verify_run(f->db, c, &breaches, NULL),
					 0);
			found += breaches;
		}
	return found;
}

static void what_is_kept_of_a_sequence_has_no_hole(void **state)
{
	struct fixture *f = *state;

	/* Order 1 waits for a person; of order 2 the clock was set back. */
	fixture_sql(f, "INSERT INTO outbox_head (head_id, order_id, endpoint,"
		       " last_seq, state, due_ms) VALUES"
		       " (1, 1, 'kuper', 3, 0, 0), (2, 2, 'kuper', 3, 0, 0)");
	add_one(f, "outbox_archive", 1, 1, 3, 1);
	add_one(f, "outbox", 1, 2, 4, 1);
	add_one(f, "outbox_archive", 1, 3, 3, 1);
	add_one(f, "outbox_archive", 2, 1, 3, 1);
	add_one(f, "outbox_archive", 2, 2, 3, BEFORE);
	add_one(f, "outbox_archive", 2, 3, 3, 2);
	assert_int_equal(gaps(f), 0);
	assert_int_equal(walk(f, &archive_old_outbox, 500), 1);
	assert_int_equal(gaps(f), 0);
	fixture_sql(f, "UPDATE outbox SET state = 3, outcome = 'skipped'");
	assert_int_equal(walk(f, &archive_outbox, 500), 1);
	assert_int_equal(walk(f, &archive_old_outbox, 500), 3);
	assert_int_equal(gaps(f), 0);
	assert_string_equal(fixture_text(f, "SELECT group_concat(id) FROM"
					    " outbox_archive"),
			    "22,23");
}

static int add_again(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	const struct outbox_message *m = context;

	return outbox_add(db, m, now_ms, e);
}

static void heads_of_the_outbox_are_put_away_and_come_back(void **state)
{
	struct fixture *f = *state;
	struct outbox_message m = {.endpoint = "kuper",
				   .channel = "kuper",
				   .external_id = "H",
				   .event_type = "order.canceled",
				   .order_id = 1,
				   .body = "{}"};

	add_head(f, 1, 4, "delivered", BEFORE - 1);
	add_head(f, 2, 4, "delivered", BEFORE);
	add_head(f, 3, 4, "delivered", 1);
	add_head(f, 4, 4, "canceled", 1);
	fixture_sql(f, "INSERT INTO outbox_head (head_id, order_id, endpoint,"
		       " last_seq, state, due_ms) SELECT order_id, order_id,"
		       " 'kuper', last_seq, state, due_ms FROM inbox_head");
	if ((db_caps(f->path) & DB_CAP_FILE) == 0)
		fixture_sql(f, "SELECT setval('outbox_head_head_id_seq', 4)");
	for (int seq = 1; seq <= 4; seq++)
		for (int order_id = 1; order_id <= 4; order_id++)
			add_one(f,
				seq == 2 && order_id == 3 ? "outbox"
							  : "outbox_archive",
				order_id, seq,
				seq == 2 && order_id == 3 ? 4 : 3, BEFORE);
	/* 2: not yet; 3: a message waits; 4: ids are counted from it. */
	assert_int_equal(walk(f, &archive_idle_outbox_heads, 2), 1);
	assert_string_equal(fixture_text(f, "SELECT group_concat(head_id) FROM"
					    " outbox_head"),
			    "2,3,4");
	assert_int_equal(gaps(f), 0);
	if (!fixture_is_sqlite()) /* it does not look at what we put in */
		fixture_sql(f, "SELECT setval('outbox_head_head_id_seq', 3)");
	for (int i = 0; i < 2; i++)
		assert_int_equal(fixture_write(f, add_again, &m, NULL), 0);
	m.order_id = 9;
	assert_int_equal(fixture_write(f, add_again, &m, NULL), 0);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(head_id || ':' || order_id"
				" || ':' || order_seq) FROM outbox"
				" WHERE state = 1"),
		"1:1:5,1:1:6,5:9:1");
	assert_int_equal(gaps(f), 0);
	/* Put away again, with what has been added since. */
	fixture_sql(f, "DELETE FROM outbox; UPDATE outbox_head SET state = 0");
	assert_int_equal(walk(f, &archive_idle_outbox_heads, 2), 3);
	assert_string_equal(fixture_text(f, "SELECT group_concat(head_id || ':'"
					    " || last_seq) FROM"
					    " outbox_head_idle"),
			    "1:6,3:4,4:4");
}

static void what_nobody_could_read_goes_once_it_is_empty(void **state)
{
	struct fixture *f = *state;

	fixture_sql(f, "INSERT INTO quarantine (received_ms, channel, reason,"
		       " raw) VALUES (1, '', 'erased', x''),"
		       " (1, '', 'not JSON', x'31'),"
		       " (100000, '', 'erased', x'')");
	assert_int_equal(walk(f, &archive_old_quarantine, 500), 1);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(id) FROM quarantine"),
		"2,3");
}

static int arrive(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct inbox_arrival arrival = {.channel = "kuper",
					.external_id = "H1",
					.alias = "",
					.event_type = "order.paid",
					.body = "{}"};
	struct identity identity;

	(void)context;
	return inbox_add(db, &arrival, now_ms, &identity, e);
}

static void a_late_event_goes_on_where_the_sequence_was(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i <= 3; i++) {
		assert_int_equal(fixture_write(f, arrive, NULL, NULL), 0);
		fixture_sql(f, "UPDATE inbox SET state = 3, updated_ms = 1;"
			       "UPDATE inbox_head SET state = 0");
		assert_int_equal(walk(f, &archive_inbox, 500), 1);
		assert_int_equal(walk(f, &archive_idle_heads, 500), 1);
	}
	assert_string_equal(fixture_text(f,
					 "SELECT group_concat(order_seq) FROM"
					 " inbox_archive"),
			    "1,2,3");
	assert_int_equal(fixture_i64(f, "SELECT last_seq FROM inbox_head_idle"),
			 3);
}

static void old_answers_go(void **state)
{
	struct fixture *f = *state;

	fixture_sql(
		f,
		"INSERT INTO api_requests (key, body_hash, answer, created_ms)"
		" VALUES ('d', '', '', 1), ('c', '', '', 2),"
		" ('b', '', '', 3), ('a', '', '', 100000),"
		" ('e', '', '', 100001)");
	assert_int_equal(walk(f, &archive_answers, 2), 3);
	assert_string_equal(
		fixture_text(f,
			     "SELECT group_concat(key) FROM"
			     " (SELECT key FROM api_requests ORDER BY key) q"),
		"a,e");
	assert_int_equal(walk(f, &archive_answers, 2), 0);
}

static int join(const struct archive_expired *expired, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	(void)snprintf(text + used, 256 - used, "%lld %lld %s %s %s;",
		       (long long)expired->inbox_id,
		       (long long)expired->order_id, expired->event_type,
		       expired->external_id, expired->number);
	return 0;
}

static void expired_events_know_their_order_if_there_is_one(void **state)
{
	struct fixture *f = *state;
	char text[256] = "";

	add_messages(f, 1, 1, 3, 1, 1);
	add_messages(f, 2, 1, 3, BEFORE, BEFORE);
	(void)walk(f, &archive_inbox, 500);
	fixture_sql(f, "INSERT INTO stores VALUES ('s', '', '', '', '', 3, 1, "
		       "0, 0) ON CONFLICT DO NOTHING;"
		       "INSERT INTO orders (id, channel, external_id, number,"
		       " store_id, state, version, event_ms, snapshot_ms,"
		       " created_ms, updated_ms) VALUES"
		       " (9, 'kuper', 'H9', '1-9', 's', 'new', 1, 0, 0, 0, 0);"
		       "INSERT INTO parked_events VALUES"
		       " (1, 1, 'order.paid', 0, 100, 'kuper', '{}'),"
		       " (2, 2, 'order.paid', 0, 99, 'kuper', '{}'),"
		       " (3, 9, 'order.delivered', 0, 98, 'kuper', '{}'),"
		       " (4, 9, 'order.delivered', 0, 101, 'kuper', '{}')");
	assert_int_equal(
		archive_expired_events(f->db, 100, 10, join, text, NULL), 3);
	assert_string_equal(text, "3 9 order.delivered H9 1-9;"
				  "2 2 order.paid H2 ;1 1 order.paid H1 ;");
}

#define STORE_TEST(function)                                     \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(only_done_and_old_messages_move),
		STORE_TEST(a_moved_row_is_whole),
		STORE_TEST(a_walk_goes_in_batches_and_ends_at_what_is_new),
		STORE_TEST(old_rows_go_for_good),
		STORE_TEST(attempts_go_with_their_message),
		STORE_TEST(heads_of_orders_that_are_over_are_put_away),
		STORE_TEST(a_late_event_goes_on_where_the_sequence_was),
		STORE_TEST(what_is_kept_of_a_sequence_has_no_hole),
		STORE_TEST(heads_of_the_outbox_are_put_away_and_come_back),
		STORE_TEST(what_nobody_could_read_goes_once_it_is_empty),
		STORE_TEST(old_orders_go_when_nothing_else_is_kept_of_them),
		STORE_TEST(old_answers_go),
		STORE_TEST(expired_events_know_their_order_if_there_is_one),
	};
	return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What a copy becomes before it is the store again.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/document/documents.h"
#include "store/engine/db.h"
#include "store/queue/inbox.h"
#include "store/queue/outbox.h"
#include "store/repair/restore.h"
#include "store_fixture.h"

enum {
	BACKUP_MS = 777000
};

static int arrive(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct inbox_arrival arrival = {.channel = "kuper",
					.external_id = context,
					.alias = "",
					.event_type = "order.created",
					.body = "{}"};
	struct identity identity;

	return inbox_add(db, &arrival, now_ms, &identity, e);
}

static int notify(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct outbox_message m = {.order_id = *(const int *)context,
				   .channel = "kuper",
				   .external_id = "H1",
				   .endpoint = "kuper",
				   .event_type = "order.in_work",
				   .body = "{}"};

	return outbox_add(db, &m, now_ms, e);
}

struct mark {
	int64_t epoch_at_least;
	struct restore restore;
};

static int run_mark(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct mark *mark = context;

	return restore_mark(db, "copy.db", mark->epoch_at_least, now_ms,
			    &mark->restore, e);
}

static struct restore mark(struct fixture *f, int64_t epoch_at_least)
{
	struct mark m = {.epoch_at_least = epoch_at_least};
	struct err e = {0};

	if (fixture_write(f, run_mark, &m, &e) < 0)
		fail_msg("%s", e.text);
	return m.restore;
}

static void add_notifications(struct fixture *f)
{
	static const struct {
		int state;
		const char *hold;
		const char *sending;
	} rows[] = {{1, "none", "NULL"},
		    {1, "blocked", "NULL"},
		    {2, "none", "555"},
		    {3, "none", "NULL"},
		    {4, "none", "NULL"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char sql[200];
		int order = (int)i + 1;

		assert_int_equal(fixture_write(f, notify, &order, NULL), 0);
		(void)snprintf(sql, sizeof(sql),
			       "UPDATE outbox SET state = %d, hold = '%s',"
			       " sending_since_ms = %s, lease_owner = 'x'"
			       " WHERE order_id = %d",
			       rows[i].state, rows[i].hold, rows[i].sending,
			       order);
		fixture_sql(f, sql);
	}
	fixture_sql(f, "UPDATE outbox_head SET state = 2, lease_owner = 'x'"
		       " WHERE order_id = 3;"
		       "UPDATE store_meta SET backup_ms = 777000");
}

static void what_was_unsent_may_have_been_sent(void **state)
{
	struct fixture *f = *state;
	struct restore r;

	add_notifications(f);
	r = mark(f, 0);
	assert_int_equal(r.outbox_uncertain, 3);
	assert_int_equal(r.backup_ms, BACKUP_MS);
	assert_false(r.backup_guessed);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(state || hold ||"
				" coalesce(CAST(sending_since_ms AS TEXT), ''),"
				" ' ') FROM (SELECT * FROM outbox ORDER BY id)"
				" q"),
		"1uncertain777000 1blocked777000 1uncertain555 3none"
		" 4none777000");
	assert_string_equal(fixture_text(f, "SELECT group_concat(state)"
					    " FROM outbox_head"),
			    "1,1,1,1,1");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM outbox"
					" WHERE state = 1 AND"
					" lease_owner IS NOT NULL"),
			 0);
}

static int claim_blocked(struct db *db, int64_t now_ms, void *context,
			 struct err *e)
{
	struct outbox_context *seen = context;
	struct outbox_pick pick = {.endpoint = "kuper"};
	struct queue_lease lease = {.owner = "me", .until_ms = now_ms + 1000};
	struct queue_message m = {0};
	int rc = outbox_claim(db, &pick, now_ms, &lease, &m, seen, e);

	queue_message_clear(&m);
	return rc;
}

static void what_is_blocked_is_asked_about_too(void **state)
{
	struct fixture *f = *state;
	struct outbox_context seen = {0};

	add_notifications(f);
	fixture_sql(f, "DELETE FROM outbox_head WHERE order_id <> 2");
	(void)mark(f, 0);
	assert_int_equal(fixture_write(f, claim_blocked, &seen, NULL), 1);
	assert_true(seen.uncertain);
	assert_true(seen.held_back);
}

static void numbers_begin_a_new_epoch(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int64_t at_least, epoch;
		const char *number;
	} rows[] = {
		{0, 2, "2-000001"}, {9, 10, "10-000002"}, {3, 11, "11-000003"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char name[8];

		assert_int_equal(mark(f, rows[i].at_least).epoch,
				 rows[i].epoch);
		(void)snprintf(name, sizeof(name), "H%zu", i);
		assert_int_equal(fixture_write(f, arrive, name, NULL), 0);
		assert_string_equal(
			fixture_text(f, "SELECT number FROM order_identity"
					" ORDER BY order_id DESC LIMIT 1"),
			rows[i].number);
	}
}

static void old_news_are_dropped_and_taken_events_go_again(void **state)
{
	struct fixture *f = *state;
	struct restore r;
	char name[] = "H1";

	assert_int_equal(fixture_write(f, arrive, name, NULL), 0);
	fixture_sql(f, "UPDATE inbox SET state = 2, lease_owner = 'x';"
		       "UPDATE inbox_head SET state = 2, lease_owner = 'x';"
		       "INSERT INTO telegram_head (chat, last_seq, state,"
		       " due_ms) VALUES ('-1', 2, 2, 0);"
		       "INSERT INTO telegram_queue (message_id, head_id, chat,"
		       " event_type, order_seq, severity, state, due_ms,"
		       " created_ms, updated_ms, text) VALUES"
		       " ('a', 1, '-1', 'fire', 1, 'info', 2, 0, 1, 1, 'x'),"
		       " ('b', 1, '-1', 'fire', 2, 'info', 1, 0, 1, 1, 'y')");
	r = mark(f, 0);
	assert_int_equal(r.inbox_returned, 1);
	assert_int_equal(r.telegram_expired, 2);
	assert_string_equal(fixture_text(f, "SELECT state || hold FROM inbox"),
			    "1none");
	assert_string_equal(fixture_text(f, "SELECT group_concat(outcome) FROM"
					    " telegram_archive"),
			    "obsolete,obsolete");
	assert_true(r.backup_guessed);
	assert_int_equal(r.backup_ms,
			 fixture_i64(f, "SELECT created_ms FROM inbox"));
}

struct number {
	int rc;
	int64_t number;
	struct err err;
};

static int take_number(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	struct number *n = context;

	(void)now_ms;
	(void)e;
	n->rc = documents_next_number(db, "A", &n->number, &n->err);
	return 0;
}

static struct number next_number(struct fixture *f)
{
	struct number n = {0};

	assert_int_equal(fixture_write(f, take_number, &n, NULL), 0);
	return n;
}

static int advance(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	return restore_advance_series(db, "A", *(const int *)context, "anna",
				      "the ERP has 8", now_ms, e);
}

static void a_series_waits_until_it_is_advanced(void **state)
{
	struct fixture *f = *state;
	int back = 1;
	int eight = 8;

	assert_int_equal(next_number(f).number, 1);
	assert_int_equal(next_number(f).number, 2);
	(void)mark(f, 0);
	assert_int_equal(next_number(f).rc, ERR_STATE);
	assert_int_equal(fixture_write(f, advance, &back, NULL), ERR_INVALID);
	assert_int_equal(fixture_write(f, advance, &eight, NULL), 0);
	assert_int_equal(next_number(f).number, 9);
	assert_string_equal(
		fixture_text(f, "SELECT from_number || '-' || to_number ||"
				" actor FROM document_series_jumps"),
		"3-8anna");
}

struct release {
	bool without_pull;
};

static int run_release(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	const struct release *release = context;

	return restore_release(db, "anna", "all is read back",
			       release->without_pull, now_ms, e);
}

static int run_pulled(struct db *db, int64_t now_ms, void *context,
		      struct err *e)
{
	return restore_pull_listed(db, now_ms + *(const int *)context, now_ms,
				   e);
}

static void
it_is_held_until_the_pull_has_ended_and_a_person_says_so(void **state)
{
	struct fixture *f = *state;
	struct release release = {0};
	int64_t since_ms = 0;
	int before = -60000;
	int after = 1;

	assert_int_equal(restore_is_held(f->db, NULL), 0);
	assert_int_equal(fixture_write(f, run_release, &release, NULL),
			 ERR_STATE);
	fixture_sql(f, "UPDATE store_meta SET backup_ms = 777000");
	fixture_sql(f, "INSERT INTO pull_cursors VALUES ('kuper', 999000, 5,"
		       " 'page', 0), ('other', 5, 0, '', 0)");
	(void)mark(f, 0);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(since_ms || page_token ||"
				" listing_ms) FROM pull_cursors"),
		"7770000,50");
	assert_int_equal(restore_is_held(f->db, NULL), 1);
	assert_int_equal(restore_pull_wanted(f->db, &since_ms, NULL), 1);
	assert_int_equal(since_ms, BACKUP_MS);
	assert_int_equal(fixture_write(f, run_release, &release, NULL),
			 ERR_STATE);
	/* A listing that began before the restore is none of it. */
	assert_int_equal(fixture_write(f, run_pulled, &before, NULL), 0);
	assert_int_equal(fixture_write(f, run_pulled, &after, NULL), 1);
	fixture_sql(f, "INSERT INTO pull_queue (channel, external_id, found_ms)"
		       " VALUES ('kuper', 'H1', 1)");
	assert_int_equal(restore_pull_wanted(f->db, &since_ms, NULL), 1);
	fixture_sql(f, "DELETE FROM pull_queue");
	assert_int_equal(restore_pull_wanted(f->db, &since_ms, NULL), 0);
	assert_int_equal(fixture_write(f, run_release, &release, NULL), 0);
	assert_int_equal(restore_is_held(f->db, NULL), 0);
	assert_string_equal(fixture_text(f, "SELECT released_by || reason"
					    " FROM restores"),
			    "annaall is read back");
}

static void without_the_pull_it_is_released_only_on_purpose(void **state)
{
	struct fixture *f = *state;
	struct release release = {.without_pull = true};

	(void)mark(f, 0);
	assert_int_equal(fixture_write(f, run_release, &release, NULL), 0);
	assert_int_equal(restore_is_held(f->db, NULL), 0);
	assert_int_equal(restore_pull_wanted(f->db, &(int64_t){0}, NULL), 0);
}

static void the_scheduler_begins_anew(void **state)
{
	struct fixture *f = *state;

	fixture_sql(f,
		    "INSERT INTO leases VALUES ('s', 'x', 3, 99999999999999);"
		    "INSERT INTO job_runs (job, started_ms, outcome, trigger,"
		    " term) VALUES ('j', 1, 'running', 'schedule', 1)");
	(void)mark(f, 0);
	assert_int_equal(fixture_i64(f, "SELECT until_ms FROM leases"), 0);
	assert_string_equal(fixture_text(f, "SELECT outcome FROM job_runs"),
			    "lost");
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_was_unsent_may_have_been_sent),
		STORE_TEST(what_is_blocked_is_asked_about_too),
		STORE_TEST(numbers_begin_a_new_epoch),
		STORE_TEST(old_news_are_dropped_and_taken_events_go_again),
		STORE_TEST(a_series_waits_until_it_is_advanced),
		STORE_TEST(
			it_is_held_until_the_pull_has_ended_and_a_person_says_so),
		STORE_TEST(without_the_pull_it_is_released_only_on_purpose),
		STORE_TEST(the_scheduler_begins_anew),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}

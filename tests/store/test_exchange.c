/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "domain/order/order.h"
#include "store/document/documents.h"
#include "store/engine/db.h"
#include "store/exchange/feed.h"
#include "store/exchange/push.h"
#include "store/exchange/uploads.h"
#include "store/exchange/verdicts.h"
#include "store/queue/archive.h"
#include "store_fixture.h"

enum {
	RESTORED_MS = 3000000
};

struct act { /* one argument for all of the calls below */
	int64_t id, revision;
	const char *word, *reason;
	struct verdict verdict;
	bool fails_afterwards;
	struct upload upload;
};

static void add_order(struct fixture *f)
{
	fixture_sql(f, "INSERT INTO stores VALUES ('7', '', 'UTC', '', '', 3,"
		       " 1, 0, 0);"
		       "INSERT INTO orders (id, channel, external_id, number,"
		       " store_id, state, version, event_ms, snapshot_ms,"
		       " created_ms, updated_ms) VALUES (5, 'kuper', 'H5',"
		       " '1-5', '7', 'delivered', 4, 0, 0, 0, 0)");
}

static int add_document(struct db *db, int64_t now_ms, void *context,
			struct err *e)
{
	struct act *act = context;
	struct document d = {.kind = act->word,
			     .series = "OG",
			     .number = act->revision,
			     .store_id = "7",
			     .business_date = "2026-03-15",
			     .body = "{\"a\":1}",
			     .order_id = 5,
			     .revision = act->revision,
			     .total_minor = 100,
			     .vat_minor = 18};
	int rc = documents_add(db, &d, now_ms, e);

	if (rc == 0 && act->fails_afterwards)
		rc = err_set(e, ERR_BUSY, "on purpose");
	return rc;
}

static void document(struct fixture *f, const char *kind, int64_t revision)
{
	struct act act = {.word = kind, .revision = revision};

	assert_int_equal(fixture_write(f, add_document, &act, NULL), 0);
}

static int add_event(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	const struct act *act = context;
	struct order order = {.id = 5, .state = ORDER_READY, .version = 9};

	return feed_add_order(db, &order, act->word, now_ms, e);
}

static int print_entry(const struct feed_entry *entry, void *context,
		       struct err *e)
{
	(void)e;
	if (strcmp(entry->kind, "document") == 0)
		buf_printf(context, "%lld %s %s %s%lld %s\n",
			   (long long)entry->id, entry->event,
			   entry->document_kind, entry->series,
			   (long long)entry->document_number, entry->body);
	else
		buf_printf(context, "%lld %s %s %s v%lld\n",
			   (long long)entry->id, entry->event, entry->number,
			   entry->state, (long long)entry->version);
	return 0;
}

static void expect_page(struct fixture *f,
			int (*page)(struct db *db, int64_t after_id, int max,
				    feed_visit *each, void *context,
				    struct err *e),
			int64_t after_id, int max, const char *want)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(4096);

	assert_true(page(f->db, after_id, max, print_entry, &out, NULL) >= 0);
	assert_string_equal(buf_text(&out), want);
}

/* The id of the nth entry: what was rolled back may have taken some. */
static int64_t id_of(struct fixture *f, int n)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT id FROM erp_feed ORDER BY id LIMIT 1 OFFSET %d",
		       n - 1);
	return fixture_i64(f, sql);
}

static void a_page_is_the_same_whatever_comes_later(void **state)
{
	struct fixture *f = *state;
	struct act failing = {
		.word = "sale", .revision = 1, .fails_afterwards = true};
	struct act event = {.word = "state"};
	char sale[64], order[64], correction[64];

	add_order(f);
	assert_int_equal(fixture_write(f, add_document, &failing, NULL),
			 ERR_BUSY);
	if (!fixture_is_sqlite()) /* what was undone has used numbers up */
		fixture_sql(f, "ALTER SEQUENCE erp_feed_id_seq RESTART");
	expect_page(f, feed_documents, 0, 9, "");
	document(f, "sale", 1);
	assert_int_equal(fixture_write(f, add_event, &event, NULL), 0);
	(void)snprintf(sale, sizeof(sale), "%lld made sale OG1 {\"a\":1}\n",
		       (long long)id_of(f, 1));
	expect_page(f, feed_documents, 0, 9, sale);
	document(f, "correction", 2);
	(void)snprintf(correction, sizeof(correction),
		       "%lld made correction OG2 {\"a\":1}\n",
		       (long long)id_of(f, 3));
	expect_page(f, feed_documents, 0, 1, sale);
	expect_page(f, feed_documents, id_of(f, 1), 9, correction);
	expect_page(f, feed_documents, id_of(f, 3), 9, "");
	(void)snprintf(order, sizeof(order), "%lld state 1-5 ready v9\n",
		       (long long)id_of(f, 2));
	expect_page(f, feed_orders, 0, 9, order);
}

static int jump(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)context;
	(void)now_ms;
	return feed_jump(db, RESTORED_MS, e);
}

static int read_on(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	return feed_read_on(db, act->word, act->id, now_ms, e);
}

static void a_restored_store_counts_beyond_what_was_read(void **state)
{
	struct fixture *f = *state;

	add_order(f);
	document(f, "sale", 1);
	assert_int_equal(fixture_write(f, jump, NULL, NULL), 0);
	assert_int_equal(fixture_write(f, jump, NULL, NULL), 0);
	document(f, "correction", 2);
	expect_page(f, feed_documents, 1, 9,
		    "3000000002 made correction OG2 {\"a\":1}\n");
}

static void a_reader_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct act act = {.word = FEED_ORDERS, .id = 7};
	int64_t after = -1;
	int64_t read_ms = -1;

	assert_int_equal(
		feed_reader(f->db, FEED_ORDERS, &after, &read_ms, NULL), 0);
	assert_int_equal(fixture_write(f, read_on, &act, NULL), 0);
	act.id = 4; /* it may go back */
	assert_int_equal(fixture_write(f, read_on, &act, NULL), 0);
	assert_int_equal(
		feed_reader(f->db, FEED_ORDERS, &after, &read_ms, NULL), 1);
	assert_int_equal(after, 4);
	assert_true(read_ms > 0);
}

static int give(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct act *act = context;

	return verdicts_give(db, act->id, act->word, act->reason, now_ms,
			     &act->verdict, e);
}

static int offer(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct act *act = context;

	return verdicts_offer(db, act->id, "ann", act->reason, now_ms, e);
}

static void expect_verdict(struct fixture *f, int64_t id, const char *word,
			   const char *reason, const char *want)
{
	struct act act = {.id = id, .word = word, .reason = reason};
	char text[VERDICT_STATE_BYTES + VERDICT_REASON_BYTES];

	assert_int_equal(fixture_write(f, give, &act, NULL), 1);
	(void)snprintf(text, sizeof(text), "%s %s", act.verdict.state,
		       act.verdict.reason);
	assert_string_equal(text, want);
}

static void a_verdict_is_given_once(void **state)
{
	struct fixture *f = *state;
	struct act unknown = {.id = 99, .word = VERDICT_REFUSED, .reason = ""};

	add_order(f);
	document(f, "sale", 1);
	document(f, "correction", 2);
	assert_int_equal(fixture_write(f, give, &unknown, NULL), 0);
	expect_verdict(f, 1, VERDICT_REFUSED, "no contract",
		       "refused no contract");
	expect_verdict(f, 1, VERDICT_REFUSED, "another", "refused no contract");
	expect_verdict(f, 1, VERDICT_ACKNOWLEDGED, "", "refused no contract");
	expect_verdict(f, 2, VERDICT_ACKNOWLEDGED, "", "acknowledged ");
	/* What came later stands for it. */
	expect_verdict(f, 1, VERDICT_REFUSED, "", "replaced no contract");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM order_history"
					" WHERE kind = 'erp'"),
			 2);
}

static void a_refused_document_is_offered_again(void **state)
{
	struct fixture *f = *state;
	struct act act = {.id = 1, .reason = "contract was made"};

	add_order(f);
	document(f, "sale", 1);
	assert_int_equal(fixture_write(f, offer, &act, NULL), 0);
	expect_verdict(f, 1, VERDICT_REFUSED, "no", "refused no");
	assert_int_equal(fixture_write(f, offer, &act, NULL), 1);
	expect_page(f, feed_documents, 1, 9, "2 offered sale OG1 {\"a\":1}\n");
	assert_int_equal(fixture_i64(f, "SELECT changed FROM audit_log"
					" WHERE action = 'erp offer'"),
			 1);
	expect_verdict(f, 1, VERDICT_ACKNOWLEDGED, "", "acknowledged ");
	assert_int_equal(fixture_write(f, offer, &act, NULL), 0);
}

static int upload(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct act *act = context;

	return strcmp(act->word, "add") == 0
		       ? uploads_add(db, act->reason, "catalog", 10, now_ms, e)
	       : strcmp(act->word, "progress") == 0
		       ? uploads_progress(db, act->id, 1000, e)
	       : strcmp(act->word, "end") == 0
		       ? uploads_end(db, &act->upload, now_ms, e)
		       : uploads_forget(db, now_ms + 1, 9, e);
}

static void an_upload_is_worked_on_until_it_is_over(void **state)
{
	struct fixture *f = *state;
	struct act act = {.word = "add", .reason = "a"};
	CLEANUP(upload_clear) struct upload one = {0};
	CLEANUP(upload_clear) struct upload next = {0};

	assert_int_equal(fixture_write(f, upload, &act, NULL), 0);
	act.reason = "b";
	assert_int_equal(fixture_write(f, upload, &act, NULL), 0);
	assert_int_equal(uploads_next(f->db, &one, NULL), 1);
	assert_string_equal(one.name, "a");
	assert_string_equal(one.state, "waiting");
	act.word = "progress";
	act.id = one.id;
	assert_int_equal(fixture_write(f, upload, &act, NULL), 0);
	/* Its process died: it is still the next one. */
	upload_clear(&one);
	assert_int_equal(uploads_next(f->db, &one, NULL), 1);
	assert_string_equal(one.state, "running");
	act.word = "end";
	act.upload = (struct upload){.id = one.id, .state = "done", .rows = 3};
	assert_int_equal(fixture_write(f, upload, &act, NULL), 0);
	assert_int_equal(uploads_next(f->db, &next, NULL), 1);
	assert_string_equal(next.name, "b");
	upload_clear(&one);
	assert_int_equal(uploads_get(f->db, "a", &one, NULL), 1);
	assert_string_equal(one.state, "done");
	assert_string_equal(one.faults, "[]");
	act.word = "forget";
	assert_int_equal(fixture_write(f, upload, &act, NULL), 1);
	upload_clear(&one);
	assert_int_equal(uploads_get(f->db, "a", &one, NULL), 0);
}

static int compact(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct archive_walk *walk = context;

	(void)now_ms;
	return archive_next(db, &archive_overtaken_steps, 1000, 2, walk, e);
}

/* Of what is older than 1000; the number of rows that went. */
static int compact_all(struct fixture *f)
{
	struct archive_walk walk = {0};
	int total = 0;

	while (!walk.finished) {
		int rc = fixture_write(f, compact, &walk, NULL);

		assert_true(rc >= 0);
		total += rc;
	}
	return total;
}

static void an_old_step_goes_when_a_later_one_is_there(void **state)
{
	struct fixture *f = *state;

	add_order(f);
	fixture_sql(f, "INSERT INTO erp_feed (id, kind, ref_id, event, state,"
		       " at_ms) VALUES (1, 'order', 5, 'state', 'new', 1),"
		       " (2, 'order', 6, 'state', 'new', 2),"
		       " (3, 'document', 5, 'made', '', 3),"
		       " (4, 'order', 5, 'lines', 'new', 4),"
		       " (5, 'document', 5, 'offered', '', 5),"
		       " (6, 'order', 5, 'state', 'ready', 999),"
		       " (7, 'order', 6, 'state', 'canceled', 1000)");
	assert_int_equal(compact_all(f), 3); /* 1, 2 and 4 */
	expect_page(f, feed_orders, 0, 9,
		    "6 state 1-5 ready v0\n7 state  canceled v0\n");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM erp_feed"), 4);
	assert_int_equal(compact_all(f), 0);
	/* It goes on behind what it has seen: 6 is not looked at again. */
	fixture_sql(f, "INSERT INTO erp_feed (id, kind, ref_id, event, state,"
		       " at_ms) VALUES (8, 'order', 5, 'state', 'delivered',"
		       " 1), (9, 'order', 5, 'state', 'delivered', 1),"
		       " (10, 'order', 7, 'state', 'new', 2000)");
	fixture_sql(f, "UPDATE erp_feed SET at_ms = 9 WHERE id = 7");
	assert_int_equal(compact_all(f), 1);
	expect_page(f, feed_orders, 0, 9,
		    "6 state 1-5 ready v0\n7 state  canceled v0\n"
		    "9 state 1-5 delivered v0\n10 state  new v0\n");
}

struct pushing {
	int max, moved;
	bool fails_afterwards;
};

static int push(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct pushing *pushing = context;

	pushing->moved = push_entries(db, pushing->max, now_ms, e);
	if (pushing->moved < 0 || !pushing->fails_afterwards)
		return pushing->moved < 0 ? pushing->moved : 0;
	return err_set(e, ERR_BUSY, "on purpose");
}

static int push_some(struct fixture *f, int max)
{
	struct pushing pushing = {.max = max};

	assert_int_equal(fixture_write(f, push, &pushing, NULL), 0);
	return pushing.moved;
}

static void an_entry_becomes_one_message(void **state)
{
	struct fixture *f = *state;
	struct act event = {.word = "state"};
	struct pushing failing = {.max = 9, .fails_afterwards = true};
	int64_t after = 0;
	int64_t read_ms = 0;

	add_order(f);
	assert_int_equal(push_is_due(f->db, NULL), 0);
	assert_int_equal(push_some(f, 9), 0);
	assert_int_equal(fixture_write(f, add_event, &event, NULL), 0);
	document(f, "sale", 1);
	assert_int_equal(push_is_due(f->db, NULL), 1);
	assert_int_equal(fixture_write(f, push, &failing, NULL), ERR_BUSY);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(push_some(f, 1), 1);
	assert_int_equal(push_some(f, 9), 1);
	assert_int_equal(push_some(f, 9), 0);
	assert_int_equal(push_is_due(f->db, NULL), 0);
	assert_int_equal(feed_reader(f->db, FEED_PUSH, &after, &read_ms, NULL),
			 1);
	assert_int_equal(after, 2);
	/* One head, in the sequence of the feed, each with its number. */
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM outbox WHERE order_id = 5"
			       " AND endpoint = 'erp' AND (order_seq = 1 AND"
			       " event_type = 'order' AND body LIKE"
			       " '{\"seq\":1,%' OR order_seq = 2 AND event_type"
			       " = 'document' AND body LIKE '{\"seq\":2,%')"),
		2);
	assert_int_equal(
		fixture_i64(f, "SELECT count(DISTINCT head_id) FROM outbox"),
		1);
}

static int go_on_after(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	struct act *act = context;

	act->revision = push_go_on_after(db, act->id, now_ms, e);
	return act->revision < 0 ? (int)act->revision : 0;
}

static int acknowledge(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	struct act *act = context;
	int rc = verdicts_give(db, act->id, VERDICT_ACKNOWLEDGED, "", now_ms,
			       &act->verdict, e);

	return rc < 0 ? rc : 0;
}

static int64_t pushed_of(struct fixture *f, const char *kind)
{
	char sql[96];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM outbox WHERE event_type = '%s'",
		       kind);
	return fixture_i64(f, sql);
}

/* Five documents, and a step after the second one. */
static void fill_feed(struct fixture *f)
{
	struct act event = {.word = "state"};

	add_order(f);
	for (int revision = 1; revision <= 5; revision++) {
		document(f, "sale", revision);
		if (revision == 2)
			assert_int_equal(
				fixture_write(f, add_event, &event, NULL), 0);
	}
}

static void pushing_goes_on_where_the_erp_has_pulled_to(void **state)
{
	struct fixture *f = *state;
	struct act documents = {.word = FEED_DOCUMENTS, .id = 2};
	struct act orders = {.word = FEED_ORDERS, .id = 6};
	struct act last_page = {.id = 3};
	struct act again = {.id = 0};

	fill_feed(f);
	assert_int_equal(fixture_write(f, read_on, &documents, NULL), 0);
	assert_int_equal(fixture_write(f, read_on, &orders, NULL), 0);
	assert_int_equal(fixture_write(f, acknowledge, &last_page, NULL), 0);
	while (push_some(f, 2) > 0)
		;
	assert_int_equal(pushed_of(f, PUSH_ORDER), 0);
	assert_int_equal(pushed_of(f, PUSH_DOCUMENT), 2);
	/* It has lost them all: a person knows better. */
	assert_int_equal(fixture_write(f, go_on_after, &again, NULL), 0);
	assert_int_equal(push_some(f, 9), 6);
	assert_int_equal(pushed_of(f, PUSH_ORDER), 1);
	assert_int_equal(pushed_of(f, PUSH_DOCUMENT), 2 + 5);
}

static void what_was_never_pulled_is_pushed_from_the_beginning(void **state)
{
	struct fixture *f = *state;
	struct act documents = {.word = FEED_DOCUMENTS, .id = 5};

	fill_feed(f);
	assert_int_equal(fixture_write(f, read_on, &documents, NULL), 0);
	while (push_some(f, 9) > 0)
		;
	assert_int_equal(pushed_of(f, PUSH_ORDER), 1);
	assert_int_equal(pushed_of(f, PUSH_DOCUMENT), 1);
}

static void nobody_goes_on_after_what_has_not_come_yet(void **state)
{
	struct fixture *f = *state;
	struct act act = {.id = 2};

	add_order(f);
	document(f, "sale", 1);
	assert_int_equal(fixture_write(f, go_on_after, &act, NULL),
			 ERR_INVALID);
	act.id = -1;
	assert_int_equal(fixture_write(f, go_on_after, &act, NULL), 0);
	assert_int_equal(act.revision, 1);
	assert_int_equal(push_some(f, 9), 0);
	document(f, "sale", 2);
	assert_int_equal(push_some(f, 9), 1);
}

static void what_is_too_long_keeps_nobody_back(void **state)
{
	struct fixture *f = *state;

	add_order(f);
	document(f, "sale", 1);
	for (int i = 0; i < 22; i++) /* 28 MiB */
		fixture_sql(f, "UPDATE documents SET body = body || body");
	document(f, "sale", 2);
	assert_int_equal(push_some(f, 9), 2);
	assert_int_equal(push_some(f, 9), 0);
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM outbox WHERE body LIKE"
			       " '{\"seq\":2,%'"),
		1);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM outbox"), 1);
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM erp_verdicts AS v"
			       " JOIN documents AS d ON d.id = v.document_id"
			       " WHERE d.number = 1 AND v.state = 'refused'"),
		1);
}

int main(void)
{
#define IN_STORE(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		IN_STORE(an_old_step_goes_when_a_later_one_is_there),
		IN_STORE(an_entry_becomes_one_message),
		IN_STORE(pushing_goes_on_where_the_erp_has_pulled_to),
		IN_STORE(what_was_never_pulled_is_pushed_from_the_beginning),
		IN_STORE(nobody_goes_on_after_what_has_not_come_yet),
		IN_STORE(what_is_too_long_keeps_nobody_back),
		IN_STORE(a_page_is_the_same_whatever_comes_later),
		IN_STORE(a_restored_store_counts_beyond_what_was_read),
		IN_STORE(a_reader_is_remembered),
		IN_STORE(a_verdict_is_given_once),
		IN_STORE(a_refused_document_is_offered_again),
		IN_STORE(an_upload_is_worked_on_until_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

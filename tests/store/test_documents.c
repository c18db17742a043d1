/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/document/batches.h"
#include "store/document/documents.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store_fixture.h"

enum {
	NOW = 50000000,
	DUE_MAX = 8,
	RACERS = 2,
	RACE_ORDERS = 60,
	SQL_BYTES = 512
};

/* One argument for all of the calls below. */
struct act {
	int64_t order_id, number, revision;
	const char *series, *kind, *state, *reason;
	bool fails_afterwards;
};

/* As ordergate-invoicing does it: the order, the number, the document. */
static int make_document(struct db *db, int64_t now_ms, void *context,
			 struct err *e)
{
	struct act *act = context;
	struct document d = {.kind = act->kind,
			     .series = act->series,
			     .store_id = "1207",
			     .business_date = "2025-03-15",
			     .body = "{}",
			     .order_id = act->order_id,
			     .revision = act->revision,
			     .batch_id = 7,
			     .total_minor = 27439,
			     .vat_minor = 4573};
	int rc = documents_set_order(db, act->order_id, "done", "", e);

	if (rc <= 0)
		return rc;
	rc = documents_next_number(db, act->series, &d.number, e);
	act->number = d.number;
	if (rc == 0)
		rc = documents_add(db, &d, now_ms, e);
	if (rc == 0 && act->fails_afterwards)
		rc = err_set(e, ERR_BUSY, "on purpose");
	return rc < 0 ? rc : 1;
}

/* The document alone, whatever the order says. */
static int add_document(struct db *db, int64_t now_ms, void *context,
			struct err *e)
{
	struct act *act = context;
	struct document d = {.kind = act->kind,
			     .series = act->series,
			     .store_id = "1207",
			     .business_date = "2025-03-15",
			     .body = "{}",
			     .order_id = act->order_id,
			     .revision = act->revision};
	int rc = documents_next_number(db, act->series, &d.number, e);

	act->number = d.number;
	return rc < 0 ? rc : documents_add(db, &d, now_ms, e);
}

static int set_order(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	struct act *act = context;

	(void)now_ms;
	return documents_set_order(db, act->order_id, act->state, act->reason,
				   e);
}

static int export(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	struct document_mark mark = {.batch_id = 7,
				     .after_id = act->number - 1,
				     .up_to_id = act->number,
				     .file_name = "documents-000007.json",
				     .hash = "abcd"};

	return documents_exported(db, &mark, now_ms, e);
}

static struct act sale(int64_t order_id)
{
	return (struct act){.order_id = order_id,
			    .revision = 1,
			    .series = "OG",
			    .kind = "sale"};
}

static void add_order(struct fixture *f, int64_t id, const char *state,
		      int64_t delivered_ms, const char *invoice_state)
{
	char sql[SQL_BYTES];

	(void)snprintf(
		sql, sizeof(sql),
		"INSERT INTO stores VALUES ('1207', '', "
		"'Asia/Yekaterinburg', '', '', 3, 1, 0, 0) ON CONFLICT DO "
		"NOTHING;"
		"INSERT INTO orders (id, channel, external_id, number,"
		" store_id, state, version, event_ms, snapshot_ms,"
		" delivered_ms, invoice_state, created_ms, updated_ms) VALUES"
		" (%lld, 'kuper', 'H%lld', '1-%lld', '1207', '%s', 1, 0, 0,"
		" %lld, '%s', 0, 0)",
		(long long)id, (long long)id, (long long)id, state,
		(long long)delivered_ms, invoice_state);
	fixture_sql(f, sql);
}

static void setup_orders(struct fixture *f, int count)
{
	for (int id = 1; id <= count; id++)
		add_order(f, id, "delivered", NOW, "none");
}

static const char *documents(struct fixture *f)
{
	return fixture_text(f, "SELECT group_concat(series || number || ' ' ||"
			       " order_id || ' ' || state, ', ') FROM"
			       " (SELECT * FROM documents ORDER BY id) q");
}

static void delivered_orders_without_a_document_are_due(void **state)
{
	static const struct {
		int64_t id;
		const char *state;
		int64_t delivered_ms;
		const char *invoice_state;
	} orders[] = {
		{1, "delivered", NOW + 5, "none"},
		{2, "delivered", NOW, "blocked"},
		{3, "delivered", NOW, "none"},
		{4, "delivered", NOW, "done"},
		{5, "delivered", NOW, "empty"},
		{6, "canceled", NOW, "none"},
		{7, "received", 0, "none"},
		{8, "delivered", NOW - 1, "none"},
	};
	static const struct {
		const char *name;
		int64_t after_ms, after_id;
		int max, want_count;
		int64_t want_ids[4];
	} rows[] = {
		{"the oldest delivery first", 0, 0, 8, 4, {8, 2, 3, 1}},
		{"a page", 0, 0, 2, 2, {8, 2, 0, 0}},
		{"the page after it", NOW, 2, 2, 2, {3, 1, 0, 0}},
		{"and nothing after the last", NOW + 5, 1, 2, 0, {0, 0, 0, 0}},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(orders); i++)
		add_order(f, orders[i].id, orders[i].state,
			  orders[i].delivered_ms, orders[i].invoice_state);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct document_due due[DUE_MAX] = {0};
		int count =
			documents_due(f->db, rows[i].after_ms, rows[i].after_id,
				      due, rows[i].max, NULL);

		if (count != rows[i].want_count)
			fail_msg("%s: %d", rows[i].name, count);
		for (int k = 0; k < count; k++)
			if (due[k].order_id != rows[i].want_ids[k])
				fail_msg("%s: %lld at %d", rows[i].name,
					 (long long)due[k].order_id, k);
		if (count > 0)
			assert_string_equal(due[0].time_zone,
					    "Asia/Yekaterinburg");
	}
}

static void a_series_counts_without_a_gap(void **state)
{
	struct fixture *f = *state;
	struct act act;

	setup_orders(f, 5);
	for (int id = 1; id <= 5; id++) {
		act = sale(id);
		act.series = id == 4 ? "B" : "OG";
		/* The number of a transaction that fails is used again. */
		act.fails_afterwards = true;
		assert_int_equal(fixture_write(f, make_document, &act, NULL),
				 ERR_BUSY);
		act.fails_afterwards = false;
		assert_int_equal(fixture_write(f, make_document, &act, NULL),
				 1);
	}
	assert_string_equal(documents(f),
			    "OG1 1 made, OG2 2 made, OG3 3 made, B1 4 made, "
			    "OG4 5 made");
	assert_int_equal(
		fixture_i64(f,
			    "SELECT last FROM document_series WHERE name='OG'"),
		4);
}

static void an_order_has_no_second_document(void **state)
{
	struct fixture *f = *state;
	struct act act = sale(1);
	struct err e = {0};

	setup_orders(f, 2);
	assert_int_equal(fixture_write(f, make_document, &act, NULL), 1);
	/* The job runs again, or two of them at once. */
	assert_int_equal(fixture_write(f, make_document, &act, NULL), 0);
	/* Even if nobody asked the order: and no number is lost. */
	assert_int_equal(fixture_write(f, add_document, &act, &e), ERR_INVALID);
	act.series = "B";
	assert_int_equal(fixture_write(f, add_document, &act, &e), ERR_INVALID);
	act = sale(2);
	assert_int_equal(fixture_write(f, make_document, &act, NULL), 1);
	assert_string_equal(documents(f), "OG1 1 made, OG2 2 made");
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM document_series"),
			 1);
}

static void another_kind_or_revision_is_another_document(void **state)
{
	struct fixture *f = *state;
	struct act act = sale(1);

	setup_orders(f, 1);
	assert_int_equal(fixture_write(f, make_document, &act, NULL), 1);
	act.kind = "return";
	assert_int_equal(fixture_write(f, add_document, &act, NULL), 0);
	act.kind = "correction";
	for (act.revision = 1; act.revision <= 2; act.revision++)
		assert_int_equal(fixture_write(f, add_document, &act, NULL), 0);
	assert_string_equal(documents(f), "OG1 1 made, OG2 1 made, OG3 1 made, "
					  "OG4 1 made");
}

static void an_order_is_settled_by_its_table(void **state)
{
	static const struct {
		const char *name, *state, *from, *to, *want;
		int want_rc;
	} rows[] = {
		{"done", "delivered", "none", "done", "done:", 1},
		{"nothing to invoice", "delivered", "none", "empty",
		 "empty:", 1},
		{"blocked, with the reason", "delivered", "none", "blocked",
		 "blocked:blocked because", 1},
		{"repaired", "delivered", "blocked", "done", "done:", 1},
		{"still blocked", "delivered", "blocked", "blocked",
		 "blocked:blocked because", 1},
		{"done stays done", "delivered", "done", "blocked", "done:", 0},
		{"so does empty", "delivered", "empty", "done", "empty:", 0},
		{"canceled meanwhile", "canceled", "none", "done", "none:", 0},
		{"not there yet", "received", "none", "done", "none:", 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool blocks = strcmp(rows[i].to, "blocked") == 0;
		struct act act = {.order_id = (int64_t)i + 1,
				  .state = rows[i].to,
				  .reason = blocks ? "blocked because" : ""};
		char sql[SQL_BYTES];
		const char *text;
		int rc;

		add_order(f, act.order_id, rows[i].state, NOW, rows[i].from);
		rc = fixture_write(f, set_order, &act, NULL);
		(void)snprintf(sql, sizeof(sql),
			       "SELECT invoice_state || ':' || invoice_reason"
			       " FROM orders WHERE id = %lld",
			       (long long)act.order_id);
		text = fixture_text(f, sql);
		if (rc != rows[i].want_rc || strcmp(text, rows[i].want) != 0)
			fail_msg("%s: rc %d, %s", rows[i].name, rc, text);
	}
}

static void a_blocked_order_gets_its_document_once_it_is_repaired(void **state)
{
	struct fixture *f = *state;
	struct act blocked = {.order_id = 1,
			      .state = "blocked",
			      .reason = "line 1 (100001) has no VAT rate"};
	struct act act = sale(1);
	struct document_due due[DUE_MAX];

	setup_orders(f, 1);
	assert_int_equal(fixture_write(f, set_order, &blocked, NULL), 1);
	assert_int_equal(documents_due(f->db, 0, 0, due, DUE_MAX, NULL), 1);
	assert_int_equal(fixture_write(f, make_document, &act, NULL), 1);
	assert_int_equal(documents_due(f->db, 0, 0, due, DUE_MAX, NULL), 0);
	assert_string_equal(
		fixture_text(f, "SELECT invoice_state || invoice_reason"
				" FROM orders"),
		"done");
	assert_string_equal(documents(f), "OG1 1 made");
}

struct seen {
	int64_t ids[DUE_MAX];
	int count, stop_at, stop_with;
};

static int see(const struct document_body *document, void *context,
	       struct err *e)
{
	struct seen *seen = context;

	(void)e;
	assert_string_equal(document->body, "{}");
	seen->ids[seen->count++] = document->id;
	return seen->count == seen->stop_at ? seen->stop_with : 0;
}

static void a_document_is_made_until_it_is_marked(void **state)
{
	struct fixture *f = *state;
	struct act act;

	setup_orders(f, 3);
	for (int id = 1; id <= 3; id++) {
		act = sale(id);
		assert_int_equal(fixture_write(f, make_document, &act, NULL),
				 1);
	}
	act.number = 1; /* the first row */
	assert_int_equal(fixture_write(f, export, &act, NULL), 1);
	assert_int_equal(fixture_write(f, export, &act, NULL), 0);
	assert_string_equal(documents(f),
			    "OG1 1 exported, OG2 2 made, OG3 3 made");
	assert_string_equal(fixture_text(f, "SELECT file_name || file_hash"
					    " FROM documents WHERE id = 1"),
			    "documents-000007.jsonabcd");
}

static void documents_of_a_batch_are_read_in_pages(void **state)
{
	static const struct {
		const char *name;
		int64_t batch_id, after_id;
		int max, stop_at, stop_with, want_rc, want_seen;
	} rows[] = {
		{"all", 7, 0, 10, 0, 0, 4, 4},
		{"a page", 7, 0, 3, 0, 0, 3, 3},
		{"the rest", 7, 3, 3, 0, 0, 1, 1},
		{"another batch", 6, 0, 10, 0, 0, 0, 0},
		{"enough", 7, 0, 10, 2, 1, 2, 2},
		{"an error", 7, 0, 10, 2, ERR_IO, ERR_IO, 2},
	};
	struct fixture *f = *state;

	setup_orders(f, 4);
	for (int id = 1; id <= 4; id++) {
		struct act act = sale(id);

		assert_int_equal(fixture_write(f, make_document, &act, NULL),
				 1);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct seen seen = {.stop_at = rows[i].stop_at,
				    .stop_with = rows[i].stop_with};
		int rc = documents_of_batch(f->db, rows[i].batch_id,
					    rows[i].after_id, rows[i].max, see,
					    &seen, NULL);

		if (rc != rows[i].want_rc || seen.count != rows[i].want_seen)
			fail_msg("%s: rc %d, seen %d", rows[i].name, rc,
				 seen.count);
	}
}

struct joining {
	int64_t batch_id;
	bool fails;
};

static int join(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct joining *joining = context;
	int rc = batches_join(db, &joining->batch_id, now_ms, e);

	if (rc == 0 && joining->fails)
		rc = err_set(e, ERR_BUSY, "on purpose");
	return rc;
}

static int seal(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct batch_options options = {.formats = "json csv",
					.decimal_comma = true,
					.upd_version = "5.03"};

	return batches_seal(db, *(int64_t *)context, &options, now_ms, e);
}

static int finish(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	return batches_done(db, *(int64_t *)context, now_ms, e);
}

static void a_sealed_batch_takes_no_more_documents(void **state)
{
	struct fixture *f = *state;
	struct joining run = {0};
	struct batch_row row = {0};
	int64_t id = 0;
	int64_t next = 0;

	/* What was undone is not joined: the next one begins anew. */
	run.fails = true;
	assert_int_equal(fixture_write(f, join, &run, NULL), ERR_BUSY);
	run.fails = false;
	for (int i = 0; i < 3; i++)
		assert_int_equal(fixture_write(f, join, &run, NULL), 0);
	id = run.batch_id;
	assert_int_equal(fixture_write(f, seal, &id, NULL), 1);
	assert_int_equal(fixture_write(f, seal, &id, NULL), 0);
	assert_int_equal(fixture_write(f, join, &run, NULL), 0);
	assert_true(run.batch_id > id);
	assert_int_equal(batches_get(f->db, id, &row, NULL), 1);
	assert_int_equal(row.document_count, 3);
	assert_string_equal(row.state, "sealed");
	assert_string_equal(row.options.formats, "json csv");
	assert_true(row.options.decimal_comma);
	assert_int_equal(batches_next(f->db, 0, &next, NULL), 1);
	assert_int_equal(next, id);
	assert_int_equal(fixture_write(f, finish, &id, NULL), 1);
	assert_int_equal(batches_next(f->db, 0, &next, NULL), 1);
	assert_int_equal(next, run.batch_id);
	assert_int_equal(batches_next(f->db, run.batch_id, &next, NULL), 0);
}

struct racer {
	pthread_t thread;
	struct writer *writer;
	int made, refused;
};

struct race_unit {
	struct unit unit;
	struct act act;
};

static int run_race(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct race_unit *r = CONTAINER_OF(u, struct race_unit, unit);

	return make_document(db, now_ms, &r->act, e);
}

/* Every order, and every third transaction fails at first. */
static void *race(void *context)
{
	struct racer *racer = context;

	for (int id = 1; id <= RACE_ORDERS; id++) {
		struct race_unit r = {.unit.run = run_race, .act = sale(id)};
		int rc;

		r.act.fails_afterwards = id % 3 == 0;
		rc = writer_call(racer->writer, &r.unit, NULL);
		if (rc == ERR_BUSY) {
			r = (struct race_unit){.unit.run = run_race,
					       .act = sale(id)};
			rc = writer_call(racer->writer, &r.unit, NULL);
		}
		racer->made += rc == 1;
		racer->refused += rc == 0;
	}
	return NULL;
}

static void two_jobs_at_once_make_every_document_once(void **state)
{
	struct fixture *f = *state;
	struct writer_options options = {.path = f->path,
					 .checkpoint_pages = 1000};
	struct racer racers[RACERS] = {{.writer = f->writer}};
	struct writer *second = NULL;

	setup_orders(f, RACE_ORDERS);
	assert_int_equal(writer_start(&options, &second, NULL), 0);
	racers[1].writer = second;
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race,
						&racers[i]),
				 0);
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
	writer_stop(second);
	assert_int_equal(racers[0].made + racers[1].made, RACE_ORDERS);
	assert_int_equal(racers[0].refused + racers[1].refused, RACE_ORDERS);
	assert_string_equal(
		fixture_text(f, "SELECT count(*) || ' ' || min(number) || ' '"
				" || max(number) || ' ' ||"
				" count(DISTINCT order_id) FROM documents"),
		"60 1 60 60");
}

#define STORE_TEST(function)                                     \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(delivered_orders_without_a_document_are_due),
		STORE_TEST(a_series_counts_without_a_gap),
		STORE_TEST(an_order_has_no_second_document),
		STORE_TEST(another_kind_or_revision_is_another_document),
		STORE_TEST(an_order_is_settled_by_its_table),
		STORE_TEST(
			a_blocked_order_gets_its_document_once_it_is_repaired),
		STORE_TEST(a_document_is_made_until_it_is_marked),
		STORE_TEST(documents_of_a_batch_are_read_in_pages),
		STORE_TEST(a_sealed_batch_takes_no_more_documents),
		STORE_TEST(two_jobs_at_once_make_every_document_once),
	};
	return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What nobody waits for: it has run in its order when somebody looks, and its
 * failure is that of its own unit.
 */
#include "cmocka_all.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store_fixture.h"

enum {
	MANY = 300, /* more than go into one message */
	WAIT_MS = 20000,
	AGAIN_MS = 20
};

static const char no_row[] = "there is no such counter";

STMT(post_read, "SELECT value FROM counters WHERE name = $1");
STMT(post_count,
     "INSERT INTO counters (name, value) VALUES ($1, 1)"
     " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1");
STMT(post_twice, "INSERT INTO counters (name, value) VALUES ('order', 1)");
STMT(post_change, "UPDATE counters SET value = value + 1 WHERE name = $1");
STMT_ARRAYS(post_end_me, "SELECT pg_terminate_backend(pg_backend_pid())");

struct step {
	struct unit unit;
	const struct stmt *stmt;
	const char *name, *why_none;
	int times;
	int64_t seen; /* of the counter, when all were posted */
};

static int64_t value_of(struct db *db, const char *name)
{
	CLEANUP_QUERY struct query *q = query_start(db, &post_read);
	int64_t value = 0;

	query_text(q, 1, name);
	return query_one_i64(q, &value, NULL) < 0 ? -1 : value;
}

static int post(struct db *db, const struct step *step, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, step->stmt);

	if (step->name != NULL)
		query_text(q, 1, step->name);
	return query_post(q, step->why_none, e);
}

static int run_step(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);
	int rc = 0;

	(void)now_ms;
	for (int i = 0; i < step->times && rc == 0; i++)
		rc = post(db, step, e);
	return rc;
}

static int run_and_look(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);
	int rc = run_step(u, db, now_ms, e);

	step->seen = value_of(db, step->name);
	return rc;
}

static void what_was_posted_has_run_when_somebody_looks(void **state)
{
	struct fixture *f = *state;
	struct step step = {.unit.run = run_and_look,
			    .stmt = &post_count,
			    .name = "x",
			    .times = MANY};

	assert_int_equal(writer_call(f->writer, &step.unit, NULL), 0);
	assert_int_equal(step.seen, MANY);
	assert_int_equal(value_of(f->db, "x"), MANY);
}

static void who_posts_what_fails_fails_alone(void **state)
{
	static const struct {
		struct step bad;
		enum err_code code;
	} rows[] = {
		{{.unit.run = run_step, .stmt = &post_twice, .times = 1},
		 ERR_INVALID},
		{{.unit.run = run_step,
		  .stmt = &post_change,
		  .name = "nobody",
		  .why_none = no_row,
		  .times = 1},
		 ERR_STATE},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct step a = {.unit.run = run_step,
				 .stmt = &post_count,
				 .name = "a",
				 .times = 2};
		struct step b = {.unit.run = run_step,
				 .stmt = &post_count,
				 .name = "b",
				 .times = 2};
		struct step bad = rows[i].bad;
		struct unit *units[] = {&a.unit, &bad.unit, &b.unit};

		/* In the middle, and as the last one. */
		writer_call_all(f->writer, units, COUNT_OF(units));
		assert_int_equal(a.unit.rc, 0);
		assert_int_equal(bad.unit.rc, rows[i].code);
		assert_int_equal(b.unit.rc, 0);
		assert_int_equal(writer_call(f->writer, &bad.unit, NULL),
				 rows[i].code);
		if (rows[i].code == ERR_STATE)
			assert_string_equal(bad.unit.err.text, no_row);
	}
	assert_int_equal(value_of(f->db, "a"), 2 * COUNT_OF(rows));
	assert_int_equal(value_of(f->db, "b"), 2 * COUNT_OF(rows));
	assert_int_equal(value_of(f->db, "order"), 0);
	assert_false(writer_stats(f->writer).broken);
}

static void nothing_is_committed_of_what_has_failed(void **state)
{
	struct fixture *f = *state;
	struct step good = {.stmt = &post_count, .name = "x"};
	struct step bad = {
		.stmt = &post_change, .name = "nobody", .why_none = no_row};
	struct db *db = NULL;

	if (fixture_is_sqlite())
		skip();
	assert_int_equal(db_open(f->path, DB_WRITE, &db, NULL), 0);
	assert_int_equal(db_begin_write(db, NULL), 0);
	assert_int_equal(post(db, &good, NULL), 0);
	assert_int_equal(post(db, &bad, NULL), 0);
	assert_true(db_in_transaction(db));
	assert_int_equal(db_settle(db, NULL), ERR_STATE);
	assert_true(db_is_failed(db));
	assert_int_equal(post(db, &good, NULL), ERR_STATE);
	assert_int_equal(db_commit(db, NULL), ERR_STATE);
	assert_false(db_in_transaction(db));
	assert_int_equal(value_of(db, "x"), 0);
	/* Nothing of it is left to the next one, or to a savepoint. */
	assert_int_equal(db_begin_write(db, NULL), 0);
	assert_int_equal(post(db, &good, NULL), 0);
	assert_int_equal(db_savepoint(db, NULL), 0);
	assert_int_equal(post(db, &good, NULL), 0);
	assert_int_equal(post(db, &bad, NULL), 0);
	assert_int_equal(db_savepoint_rollback(db, NULL), 0);
	assert_int_equal(post(db, &good, NULL), 0);
	assert_int_equal(db_commit(db, NULL), 0);
	assert_int_equal(value_of(db, "x"), 2);
	db_close(db);
}

static int write_until(struct fixture *f, struct step *step)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	int rc = writer_call(f->writer, &step->unit, NULL);

	while (rc == ERR_BUSY && clock_mono_ms() < until_ms) {
		(void)poll(NULL, 0, AGAIN_MS);
		rc = writer_call(f->writer, &step->unit, NULL);
	}
	return rc;
}

static int forget_statements(struct unit *u, struct db *db, int64_t now_ms,
			     struct err *e)
{
	(void)u;
	(void)now_ms;
	return db_script(db, "DEALLOCATE ALL", e);
}

static void a_connection_or_a_plan_that_is_gone_comes_back(void **state)
{
	struct fixture *f = *state;
	struct step count = {.unit.run = run_step,
			     .stmt = &post_count,
			     .name = "x",
			     .times = 3};
	struct step end = {
		.unit.run = run_step, .stmt = &post_end_me, .times = 2};
	struct unit forget = {.run = forget_statements};

	if (fixture_is_sqlite())
		skip();
	assert_int_equal(writer_call(f->writer, &count.unit, NULL), 0);
	assert_int_equal(writer_call(f->writer, &end.unit, NULL), ERR_BUSY);
	assert_int_equal(write_until(f, &count), 0);
	assert_int_equal(value_of(f->db, "x"), 6);
	assert_int_equal(writer_call(f->writer, &forget, NULL), 0);
	assert_int_equal(write_until(f, &count), 0);
	assert_int_equal(value_of(f->db, "x"), 9);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_was_posted_has_run_when_somebody_looks),
		STORE_TEST(who_posts_what_fails_fails_alone),
		STORE_TEST(nothing_is_committed_of_what_has_failed),
		STORE_TEST(a_connection_or_a_plan_that_is_gone_comes_back),
	};

	return cmocka_run_group_tests_name("posted statements", tests, NULL,
					   NULL);
}

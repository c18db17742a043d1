/* SPDX-License-Identifier: MIT
 *
 * What only a server does: it ends connections, refuses to go on after a failed
 * statement, and carries bells.
 */
#include "cmocka_all.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "app/service/far_bell.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "net/doorbell.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store_fixture.h"

enum {
	WAIT_MS = 20000,
	AGAIN_MS = 20
};

static char x[] = "x", a[] = "a", b[] = "b";

static const char end_connections[] =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
	" datname = current_database() AND pid <> pg_backend_pid()";

STMT(test_read, "SELECT value FROM counters WHERE name = $1");
STMT(test_bad, "INSERT INTO counters (name, value) VALUES ('order', 1)");
STMT(test_count,
     "INSERT INTO counters (name, value) VALUES ($1, $2)"
     " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1");
STMT_ARRAYS(test_settings,
	    "SELECT current_setting('jit') || ' '"
	    " || current_setting('statement_timeout') || ' '"
	    " || current_setting('idle_in_transaction_session_timeout')");
STMT(test_types, "SELECT $1 + 0, CAST($2 AS TEXT), CAST($3 AS BIGINT)");

static int count_up(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &test_count);

	(void)now_ms;
	query_text(q, 1, context);
	query_i64(q, 2, 1);
	return query_exec(q, e);
}

static int64_t value_of(struct fixture *f, const char *name, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(f->db, &test_read);
	int64_t value = -1;
	int rc;

	query_text(q, 1, name);
	rc = query_one_i64(q, &value, e);
	return rc < 0 ? rc : value;
}

static void numbers_are_exact_and_null_is_null(void **state)
{
	struct fixture *f = *state;
	CLEANUP_QUERY struct query *q = query_start(f->db, &test_types);

	query_i64(q, 1, INT64_MIN);
	query_text(q, 2, "Ж'\\x41");
	query_null(q, 3);
	assert_int_equal(query_next(q, NULL), 1);
	assert_int_equal(query_col_i64(q, 0), INT64_MIN);
	assert_string_equal(query_col_text(q, 1), "Ж'\\x41");
	assert_true(query_col_is_null(q, 2));
	assert_string_equal(query_col_text(q, 2), "");
}

static void connections_that_were_ended_come_back(void **state)
{
	struct fixture *f = *state;
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	struct err e = {0};
	int rc = ERR_BUSY;

	if (fixture_is_sqlite())
		skip();
	assert_int_equal(fixture_write(f, count_up, x, &e), 1);
	assert_int_equal(value_of(f, "x", &e), 1);
	assert_true(fixture_i64(f, end_connections) >= 2);
	while (rc == ERR_BUSY && clock_mono_ms() < until_ms) {
		rc = fixture_write(f, count_up, x, &e);
		if (rc == ERR_BUSY)
			(void)poll(NULL, 0, AGAIN_MS);
	}
	assert_int_equal(rc, 1);
	assert_int_equal(value_of(f, "x", &e), 2);
	assert_false(writer_stats(f->writer).broken);
}

static int keep_now(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)db;
	(void)e;
	*(int64_t *)context = now_ms;
	return 0;
}

/* Machines that share a store agree about when a lease is over, whatever their
 * own clocks say. */
static void time_is_what_the_server_says(void **state)
{
	static const char now[] = "SELECT CAST(extract(epoch FROM"
				  " clock_timestamp()) * 1000 AS BIGINT)";
	struct fixture *f = *state;
	int64_t told_ms = 0;
	int64_t before_ms;

	if (fixture_is_sqlite())
		skip();
	before_ms = fixture_i64(f, now);
	clock_fake(before_ms + 3600000, clock_mono_ms());
	assert_int_equal(fixture_write(f, keep_now, &told_ms, NULL), 0);
	clock_fake(-1, 0);
	assert_in_range(told_ms, before_ms, fixture_i64(f, now));
}

struct step {
	struct unit unit;
	bool bad;
	char *name;
};

/* The bad one does not look at what it is told. */
static int run_step(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	if (step->bad) {
		CLEANUP_QUERY struct query *q = query_start(db, &test_bad);

		assert_int_equal(query_exec(q, NULL), ERR_INVALID);
		return 0;
	}
	return MIN_OF(count_up(db, now_ms, step->name, e), 0);
}

static void who_goes_on_after_a_failure_fails_alone(void **state)
{
	struct fixture *f = *state;
	struct step steps[] = {{.unit.run = run_step, .name = a},
			       {.unit.run = run_step, .bad = true},
			       {.unit.run = run_step, .name = b}};
	struct unit *units[] = {&steps[0].unit, &steps[1].unit, &steps[2].unit};
	struct err e = {0};

	writer_call_all(f->writer, units, COUNT_OF(units));
	assert_int_equal(steps[0].unit.rc, 0);
	assert_int_equal(steps[1].unit.rc, fixture_is_sqlite() ? 0 : ERR_STATE);
	assert_int_equal(steps[2].unit.rc, 0);
	assert_int_equal(value_of(f, "a", &e), 1);
	assert_int_equal(value_of(f, "b", &e), 1);
}

static void a_reader_does_not_write(void **state)
{
	struct fixture *f = *state;
	CLEANUP_QUERY struct query *q = query_start(f->db, &test_count);

	query_text(q, 1, "x");
	query_i64(q, 2, 1);
	assert_true(query_exec(q, NULL) < 0);
}

static void what_one_transaction_reads_is_of_one_moment(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	assert_int_equal(fixture_write(f, count_up, x, &e), 1);
	assert_int_equal(db_begin_read(f->db, &e), 0);
	assert_int_equal(value_of(f, "x", &e), 1);
	assert_int_equal(fixture_write(f, count_up, x, &e), 1);
	assert_int_equal(value_of(f, "x", &e), 1);
	assert_int_equal(db_commit(f->db, &e), 0);
	assert_int_equal(value_of(f, "x", &e), 2);
}

/* Learns a type in a transaction that has failed. */
static int run_and_bind_anew(struct unit *u, struct db *db, int64_t now_ms,
			     struct err *e)
{
	(void)u;
	(void)now_ms;
	for (int i = 0; i < 2; i++) {
		CLEANUP_QUERY struct query *q = query_start(db, &test_types);
		int rc;

		query_i64(q, 1, 1);
		if (i == 0)
			query_null(q, 2);
		else
			query_text(q, 2, "x");
		query_null(q, 3);
		rc = query_next(q, e);
		if (i == 0 && rc < 0)
			return rc;
		if (i == 0) {
			CLEANUP_QUERY struct query *bad =
				query_start(db, &test_bad);

			(void)query_exec(bad, NULL);
		}
	}
	return 0;
}

static void a_type_learned_too_late_is_learned_again(void **state)
{
	struct fixture *f = *state;
	struct unit u = {.run = run_and_bind_anew};
	struct unit again = {.run = run_and_bind_anew};

	(void)writer_call(f->writer, &u, NULL);
	(void)writer_call(f->writer, &again, NULL);
	assert_false(writer_stats(f->writer).broken);
}

STMT(test_end_me, "SELECT pg_terminate_backend(pg_backend_pid())");

static int end_my_connection(struct unit *u, struct db *db, int64_t now_ms,
			     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &test_end_me);

	(void)u;
	(void)now_ms;
	return MIN_OF(query_next(q, e), 0);
}

static void who_fails_with_his_transaction_is_told_so(void **state)
{
	struct fixture *f = *state;
	struct step good = {.unit.run = run_step, .name = a};
	struct unit killer = {.run = end_my_connection};
	struct unit *units[] = {&good.unit, &killer};
	struct unit alone = {.run = run_and_bind_anew};

	if (fixture_is_sqlite())
		skip();
	writer_call_all(f->writer, units, COUNT_OF(units));
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		assert_int_equal(units[i]->rc, ERR_BUSY);
		assert_true(units[i]->lost);
	}
	(void)writer_call(f->writer, &alone, NULL);
	assert_false(alone.lost);
}

/* As a server does it: once, the victim is undone and may come again. A
 * sequence remembers what is undone. */
static const char deadlocks[] =
	"CREATE SEQUENCE tries;"
	"CREATE FUNCTION meet() RETURNS bigint LANGUAGE plpgsql AS $$"
	" DECLARE n bigint := nextval('tries'); BEGIN"
	" IF n = 1 THEN RAISE EXCEPTION 'met' USING ERRCODE = '40P01'; END IF;"
	" RETURN n; END $$";
STMT(test_meet, "SELECT meet()");

static int meet_another(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &test_meet);
	int rc = query_next(q, e);

	(void)u;
	return rc < 0 ? rc : MIN_OF(count_up(db, now_ms, x, e), 0);
}

static void who_meets_a_deadlock_is_run_again(void **state)
{
	struct fixture *f = *state;
	struct step before = {.unit.run = run_step, .name = a};
	struct unit victim = {.run = meet_another};
	struct unit *units[] = {&before.unit, &victim};
	struct err e = {0};

	if (fixture_is_sqlite())
		skip();
	fixture_sql(f, deadlocks);
	writer_call_all(f->writer, units, COUNT_OF(units));
	fixture_sql(f, "DROP FUNCTION meet; DROP SEQUENCE tries");
	assert_int_equal(before.unit.rc, 0);
	assert_int_equal(victim.rc, 0);
	assert_int_equal(value_of(f, "a", &e), 1);
	assert_int_equal(value_of(f, "x", &e), 1);
}

/* A trigger that runs when COMMIT does. */
static const char end_at_commit[] =
	"CREATE FUNCTION end_me() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	" PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
	"CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON counters"
	" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_me()";

static void a_connection_lost_at_commit_is_uncertain(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	if (fixture_is_sqlite())
		skip();
	fixture_sql(f, end_at_commit);
	assert_int_equal(fixture_write(f, count_up, x, &e), ERR_UNCERTAIN);
	fixture_sql(f, "DROP TRIGGER at_commit ON counters;"
		       " DROP FUNCTION end_me");
	assert_false(writer_stats(f->writer).broken);
}

static const char refusals[] =
	"CREATE FUNCTION refuse() RETURNS integer LANGUAGE plpgsql AS"
	" 'BEGIN RAISE EXCEPTION ''no''; END'";
STMT(test_refused, "SELECT refuse()");
STMT(test_two_rows, "SELECT (SELECT 1 FROM generate_series(1, 2))");

static void what_one_value_does_is_no_fault_of_the_server(void **state)
{
	struct fixture *f = *state;
	static const struct stmt *const rows[] = {&test_refused,
						  &test_two_rows};

	if (fixture_is_sqlite())
		return;
	fixture_sql(f, refusals);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP_QUERY struct query *q = query_start(f->db, rows[i]);

		assert_int_equal(query_next(q, NULL), ERR_INVALID);
	}
}

/* A pooler drops what was set for the session. Without an index to go by, a
 * writer's plan looks so dear that the server would compile it. */
static void a_transaction_brings_its_settings_along(void **state)
{
	struct fixture *f = *state;
	int (*const begin[])(struct db * db, struct err * e) = {db_begin_write,
								db_begin_read};
	CLEANUP_DB struct db *db = NULL;
	char url[256];

	if (fixture_is_sqlite())
		skip();
	(void)snprintf(url, sizeof(url),
		       "%s&options=-cjit%%3Don%%20-cstatement_timeout%%3D0",
		       f->path);
	assert_int_equal(db_open(url, DB_WRITE, &db, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(begin); i++) {
		CLEANUP_QUERY struct query *q = query_start(db, &test_settings);

		assert_int_equal(begin[i](db, NULL), 0);
		assert_int_equal(query_next(q, NULL), 1);
		assert_string_equal(query_col_text(q, 0), "off 5s 2s");
		db_rollback(db);
	}
}

static int ring_notifier(struct unit *u, struct db *db, int64_t now_ms,
			 struct err *e)
{
	u->bells = BELL_NOTIFIER;
	return MIN_OF(count_up(db, now_ms, x, e), 0);
}

static bool is_rung(int fd, int wait_ms)
{
	struct pollfd bell = {.fd = fd, .events = POLLIN};

	return poll(&bell, 1, wait_ms) > 0 && doorbell_drain(fd) > 0;
}

static void a_commit_rings_the_bells_of_other_machines(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FD int fd = doorbell_open(f->dir, "notifier", "n-1", NULL);
	struct unit u = {.run = ring_notifier};
	struct far_bell *bell = NULL;

	assert_true(fd >= 0);
	assert_int_equal(far_bell_open(f->path, BELL_NOTIFIER, fd, &bell, NULL),
			 0);
	if (fixture_is_sqlite()) {
		assert_null(bell);
		return;
	}
	assert_true(is_rung(fd, WAIT_MS)); /* it begins with a look */
	assert_int_equal(writer_call(f->writer, &u, NULL), 0);
	assert_true(is_rung(fd, WAIT_MS));
	assert_true(fixture_i64(f, end_connections) >= 3);
	assert_true(is_rung(fd, WAIT_MS)); /* and looks when it is back */
	far_bell_close(bell);
}

static void a_label_shows_no_password(void **state)
{
	static const struct {
		const char *location, *label;
	} rows[] = {
		{"/var/x@y?z.db", "/var/x@y?z.db"},
		{"postgresql://u:p@h:1/d?sslmode=x", "postgresql://u@h:1/d"},
		{"postgresql://u:p/p@h,i/d", "postgresql://u@h,i/d"},
		{"postgresql://h/d?password=p", "postgresql://h/d"},
		{"postgresql://u:p@/d?host=/run", "postgresql://u@/d"},
		{"postgresql:///d", "postgresql:///d"},
		{"postgresql:///d?password=a@b", "postgresql:///d"},
		{"postgresql://u@h/d?password=a@b", "postgresql://u@h/d"},
		{"postgresql://u:p?q@h/d", "postgresql://u"},
		{"postgresql://h:1/d?sslmode=x", "postgresql://h:1/d"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char label[80];

		db_label(rows[i].location, label, sizeof(label));
		if (strcmp(label, rows[i].label) != 0)
			fail_msg("%s: %s", rows[i].location, label);
	}
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(numbers_are_exact_and_null_is_null),
		STORE_TEST(connections_that_were_ended_come_back),
		STORE_TEST(time_is_what_the_server_says),
		STORE_TEST(who_goes_on_after_a_failure_fails_alone),
		STORE_TEST(a_reader_does_not_write),
		STORE_TEST(what_one_transaction_reads_is_of_one_moment),
		STORE_TEST(a_type_learned_too_late_is_learned_again),
		STORE_TEST(what_one_value_does_is_no_fault_of_the_server),
		STORE_TEST(who_meets_a_deadlock_is_run_again),
		STORE_TEST(a_connection_lost_at_commit_is_uncertain),
		STORE_TEST(who_fails_with_his_transaction_is_told_so),
		STORE_TEST(a_transaction_brings_its_settings_along),
		STORE_TEST(a_commit_rings_the_bells_of_other_machines),
		cmocka_unit_test(a_label_shows_no_password),
	};

	return cmocka_run_group_tests_name("postgres", tests, NULL, NULL);
}

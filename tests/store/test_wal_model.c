/* SPDX-License-Identifier: MIT
 *
 * Two connections do at random what processes do to a store: transactions that
 * outgrow the cache, savepoints, rollbacks, checkpoints. A database in memory
 * does the same, and after every step both connections agree with it.
 */
#include "cmocka_all.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store_fixture.h"

enum {
	SEEDS = 8,
	ROUNDS = 60,
	STEPS_MAX = 30,
	SQL_BYTES = 160
};

STMT(test_sum, "SELECT count(*) + coalesce(sum(id * length(v) + k % 1009), 0)"
	       " FROM model");

struct world {
	struct db *stores[2];
	sqlite3 *model;
	unsigned seed;
	int savepoints;
};

static int pick(struct world *w, int below)
{
	return (int)((unsigned)rand_r(&w->seed) % (unsigned)below);
}

/* On one store and on the model, with the same result. */
static void both(const struct world *w, int which, const char *sql)
{
	struct err e = {0};
	bool store_ok = db_script(w->stores[which], sql, &e) == 0;
	bool model_ok =
		sqlite3_exec(w->model, sql, NULL, NULL, NULL) == SQLITE_OK;

	if (store_ok != model_ok)
		fail_msg("%s: %s", sql, e.text);
}

static void make_step(struct world *w, char sql[SQL_BYTES])
{
	int id = pick(w, 400);

	switch (pick(w, 8)) {
	case 0:
	case 1:
	case 2:
		(void)snprintf(sql, SQL_BYTES,
			       "INSERT OR REPLACE INTO model VALUES"
			       " (%d, %d, zeroblob(%d))",
			       id, pick(w, 100000), pick(w, 20000));
		break;
	case 3:
		(void)snprintf(sql, SQL_BYTES,
			       "UPDATE model SET v = zeroblob(%d)"
			       " WHERE id BETWEEN %d AND %d",
			       pick(w, 9000), id, id + pick(w, 20));
		break;
	case 4:
		(void)snprintf(sql, SQL_BYTES,
			       "DELETE FROM model WHERE id BETWEEN %d AND %d",
			       id, id + pick(w, 10));
		break;
	case 5: /* may break the unique key half way */
		(void)snprintf(sql, SQL_BYTES,
			       "UPDATE model SET k = k + 1 WHERE id > %d", id);
		break;
	case 6:
		w->savepoints++;
		(void)snprintf(sql, SQL_BYTES, "SAVEPOINT u");
		break;
	default:
		(void)snprintf(sql, SQL_BYTES, "%s",
			       w->savepoints > 0 ? "ROLLBACK TO u"
						 : "SELECT sum(k) FROM model");
		break;
	}
}

static void run_transaction(struct world *w)
{
	int which = pick(w, 2);
	char sql[SQL_BYTES];

	w->savepoints = 0;
	both(w, which, "BEGIN IMMEDIATE");
	for (int i = pick(w, STEPS_MAX); i >= 0; i--) {
		make_step(w, sql);
		both(w, which, sql);
	}
	both(w, which, pick(w, 4) > 0 ? "COMMIT" : "ROLLBACK");
	if (pick(w, 6) == 0)
		assert_int_equal(db_checkpoint(w->stores[pick(w, 2)],
					       pick(w, 2) == 0, NULL, NULL),
				 0);
}

static int64_t model_sum(const struct world *w)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value;

	(void)sqlite3_prepare_v2(w->model, test_sum.sql, -1, &stmt, NULL);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return value;
}

static void check_sums(struct world *w, unsigned first_seed, int round)
{
	int64_t want = model_sum(w);

	for (int i = 0; i < 2; i++) {
		CLEANUP_QUERY struct query *q =
			query_start(w->stores[i], &test_sum);
		int64_t value = -1;
		struct err e = {0};

		if (query_one_i64(q, &value, &e) < 0 || value != want)
			fail_msg("seed %u, round %d, store %d: %s", first_seed,
				 round, i, e.text);
	}
}

static void run_seed(struct fixture *f, unsigned seed)
{
	struct world w = {.seed = seed};

	assert_int_equal(sqlite3_open(":memory:", &w.model), SQLITE_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(db_open(f->path, DB_WRITE, &w.stores[i], NULL),
				 0);
		assert_int_equal(
			db_script(w.stores[i], "PRAGMA cache_size=8", NULL), 0);
	}
	both(&w, 0,
	     "CREATE TABLE model (id INTEGER PRIMARY KEY, k INTEGER UNIQUE,"
	     " v BLOB)");
	for (int round = 0; round < ROUNDS; round++) {
		run_transaction(&w);
		check_sums(&w, seed, round);
	}
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
	for (int i = 0; i < 2; i++)
		db_close(w.stores[i]);
	(void)sqlite3_close(w.model);
}

static void
whatever_two_processes_do_the_store_is_what_it_should_be(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct fixture *f = NULL;

		assert_int_equal(fixture_setup((void **)&f), 0);
		run_seed(f, seed);
		assert_int_equal(fixture_teardown((void **)&f), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			whatever_two_processes_do_the_store_is_what_it_should_be),
	};

	return cmocka_run_group_tests_name("wal_model", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * store_fixture.h - a fresh store in a folder of its own for one test.
 *
 * It is SQLite's, or, when ORDERGATE_TEST_STORE is the URL of a PostgreSQL
 *server
 * ("postgresql://USER@/postgres?host=FOLDER"), a database of its own there.
 *
 *	static int setup(void **state) { return fixture_setup(state); }
 *	struct fixture *f = *state;   f->db, f->writer, f->dir
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct unit;
struct writer;
struct err;
struct fixture_engine;

struct fixture {
	char dir[64];   /* removed by fixture_teardown() */
	char path[112]; /* of the store: its location (db.h) */
	const struct fixture_engine *engine;
	struct db *db; /* reader */
	struct writer *writer;
};

/* cmocka setup and teardown; made from the real migrations. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* End the writer and close the reader early. A test that forks calls it first:
 * a child may have neither their threads nor their connections. */
void fixture_close(struct fixture *f);

/* Run one function inside a write transaction of the fixture's writer. */
int fixture_write(struct fixture *f,
		  int (*run)(struct db *db, int64_t now_ms, void *context,
			     struct err *e),
		  void *context, struct err *e);

/* False in a run on PostgreSQL, where what only a file has is not tested. */
bool fixture_is_sqlite(void);

/* First column of the first row of any SQL text, -1 when there is none; a
 * failing text fails the test. */
int64_t fixture_i64(struct fixture *f, const char *sql);
/* The same as text, in a static buffer. */
const char *fixture_text(struct fixture *f, const char *sql);
/* What SQLite is going to do: the lines of EXPLAIN QUERY PLAN; borrowed until
 * the next call. */
const char *fixture_plan(struct fixture *f, const char *sql);
/* Run SQL against the store, outside of our code. */
void fixture_sql(struct fixture *f, const char *sql);

#endif

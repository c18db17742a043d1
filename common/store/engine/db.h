/* SPDX-License-Identifier: MIT
 *
 * db.h - one connection to the store, whichever engine it is.
 *
 * A connection belongs to one thread. Statements are named constants next to
 * the aggregate that uses them (STMT), prepared once per connection and kept.
 * A bind returns nothing: a bad one comes out of the next query_next().
 *
 * Writing is the business of writer.h; here are the means. Reading takes a
 * connection of its own and never waits for a writer.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct db;
struct query;
struct err;

/* One SQL text. Parameters are $1, $2, ...: PostgreSQL's form, and names for
 * SQLite, which numbers them by first appearance; so they are bound by name.
 * Every STMT of a program is known to db.c, and a test prepares each of them on
 * each engine. */
struct stmt {
	const char *name; /* for errors and metrics */
	const char *sql;
	const char *pg; /* PostgreSQL's text where it gains, else NULL */
};
#define STMT_ATTRIBUTES __attribute__((section("og_stmts"), used, aligned(8)))
#define STMT(symbol, text) \
	static const struct stmt symbol STMT_ATTRIBUTES = {#symbol, text, NULL}
/* The reason why PostgreSQL has a text of its own stands beside it. */
#define STMT_PG(symbol, text, pg_text)                                    \
	static const struct stmt symbol STMT_ATTRIBUTES = {#symbol, text, \
							   pg_text}
/* Over arrays: only with DB_CAP_ARRAYS, whose text it is. Elsewhere it finds
 * nothing. */
#define STMT_ARRAYS(symbol, text)                           \
	static const struct stmt symbol STMT_ATTRIBUTES = { \
		#symbol, "SELECT 1 WHERE 0 = 1", text}

enum db_mode {
	DB_READ,  /* refuses to write */
	DB_SERVE, /* as DB_READ, for answers that somebody waits for: what
		     takes longer than seconds fails */
	DB_WRITE, /* the writer's connection */
	DB_CREATE /* as DB_WRITE; makes the file and switches WAL on */
};

/* What a store can do, and what must be done for it; bits. */
enum db_cap {
	/* It is a file of this machine: its processes queue for the lock, sync
	 * the log and checkpoint it themselves (turn.h), and a copy of the file
	 * is a backup. Otherwise a server does all that. */
	DB_CAP_FILE = 1 << 0,
	/* A connection that was lost comes back by itself: what ran on it
	 * fails with ERR_BUSY, what follows may succeed. */
	DB_CAP_RECONNECTS = 1 << 1,
	/* It carries bells between machines: db_ring(), db_hear(). */
	DB_CAP_BELLS = 1 << 2,
	/* Each statement is a way to the server and back, and one can carry
	 * arrays: many rows in one statement are the cheaper way. */
	DB_CAP_ARRAYS = 1 << 3
};

/* Where a store is: the path of a file (SQLite), or a URL "postgresql://...",
 * whose form picks the engine. */
unsigned db_caps(const char *location);
unsigned db_caps_of(const struct db *db);
/* The location as people may see it: without password and settings. */
void db_label(const char *location, char *ret_text, size_t bytes);

/* Before the first db_open() of a process that works all the time: its
 * connections keep room for the pages of a usual transaction (some 256 KiB
 * each, with SQLite). No thread yet. */
void db_expect_load(void);

/* Could it be one, as far as can be told without opening it? 0, ERR_INVALID. */
int db_check(const char *location, struct err *e);

/* *ret_db is the caller's, ended by db_close(). 0; ERR_NOTFOUND (no such store:
 * run init); ERR_REMOTE (the server is away); ERR_DENIED (password, rights);
 * ERR_STATE (the server is too old, or not as we need it); ERR_INVALID (no
 * URL); ERR_IO; ERR_NOMEM. */
int db_open(const char *location, enum db_mode mode, struct db **ret_db,
	    struct err *e);
void db_close(struct db *db); /* NULL allowed */
CLEANUP_DEFINE(struct db *, db_close)
#define CLEANUP_DB CLEANUP(db_closep)

/* Run texts that are not kept: migrations, maintenance, tests. */
int db_script(struct db *db, const char *sql, struct err *e);

/* Start a run of a statement: never NULL, borrowed, given back by query_end().
 * One run of a statement at a time. */
struct query *query_start(struct db *db, const struct stmt *stmt);
void query_end(struct query *q);
CLEANUP_DEFINE(struct query *, query_end)
#define CLEANUP_QUERY CLEANUP(query_endp)

/* A statement that is made at run time: its tables are known only then
 * (store/move). NULL when out of memory; freed by query_free(). stmt is
 * borrowed until then, and query_restart() starts a run as query_start() does.
 */
struct query *query_new(struct db *db, const struct stmt *stmt);
void query_free(struct query *q); /* NULL allowed; before db_close() */
void query_restart(struct query *q);

/* Bind $n (from 1). Texts and blobs are borrowed until query_end(). A NULL
 * text or blob binds null. */
void query_i64(struct query *q, int n, int64_t value);
void query_text(struct query *q, int n, const char *value);
void query_blob(struct query *q, int n, const void *data, size_t bytes);
void query_null(struct query *q, int n);
/* The same for an array; values is copied, and a NULL text is a null in it.
 * Only with DB_CAP_ARRAYS. */
void query_i64_array(struct query *q, int n, const int64_t *values,
		     size_t count);
void query_text_array(struct query *q, int n, const char *const *values,
		      size_t count);

/* 1: a row is there. 0: no more. < 0: ERR_BUSY (lock; also ERR_STATE when the
 * engine rolled the transaction back), ERR_INVALID (a constraint), ERR_IO
 * (disk, full, corrupt), ERR_NOMEM. */
int query_next(struct query *q, struct err *e);
/* Run to the end, ignoring rows. Number of rows changed, or as query_next(). */
int query_exec(struct query *q, struct err *e);
/* Run it to the end, in a write transaction, when nobody waits for what it
 * says: where each statement is a way to a server and back, it goes along with
 * the next one. 0; < 0, which may be that of a statement posted before, or
 * come out of a later query_next(), of db_settle() or db_commit(). Until it is
 * undone then, the transaction is failed (db_is_failed()). why_none, a text
 * that lives on (NULL allowed): ERR_STATE with it when no row was changed. */
int query_post(struct query *q, const char *why_none, struct err *e);
/* Wait for what was posted: 0, < 0. */
int db_settle(struct db *db, struct err *e);

/* Column of the current row, from 0. Texts are never NULL ("" for null) and
 * borrowed until the next query_next() or query_end(). */
int64_t query_col_i64(struct query *q, int column);
const char *query_col_text(struct query *q, int column);
const void *query_col_blob(struct query *q, int column, size_t *ret_bytes);
bool query_col_is_null(struct query *q, int column);
/* Number of columns and their names, for views that print what they get. */
int query_columns(struct query *q);
bool query_col_is_number(struct query *q, int column);
bool query_col_is_blob(struct query *q, int column);
const char *query_col_name(struct query *q, int column);

/* Copy of a text column; "" for null. NULL when out of memory. */
char *query_col_copy(struct query *q, int column);
/* The same into an array, cut to fit (text_copy()). */
void query_col_copy_to(struct query *q, int column, char *target, size_t bytes);
#define QUERY_COL_COPY(q, column, array) \
	query_col_copy_to(q, column, array, sizeof(array))

/* One value of one row: SELECT count(*) and the like. 1, 0 (no row), < 0. */
int query_one_i64(struct query *q, int64_t *ret_value, struct err *e);

/* Transactions. A write transaction takes the engine's write lock at once: a
 * read that is upgraded later can fail at once, whatever the time-out. */
int db_begin_write(struct db *db, struct err *e);
int db_begin_read(struct db *db, struct err *e);
/* The clock that the whole installation goes by, when the transaction of now
 * began: the server's; of a file this machine's, read at each call. */
int64_t db_now_ms(struct db *db);
/* Visible to every connection, but on the disk only after db_sync(); with a
 * server it is there when this returns. < 0: the outcome is unknown. */
int db_commit(struct db *db, struct err *e);
/* Wait until all commits up to this connection's last one are on the disk; also
 * those of other processes, whose place in the log is before it. Needs no lock.
 * ERR_IO: what was committed may be lost; the process should end. */
int db_sync(struct db *db, struct err *e);
void db_rollback(struct db *db); /* NULL allowed */
int db_savepoint(struct db *db, struct err *e);
int db_savepoint_release(struct db *db, struct err *e);
int db_savepoint_rollback(struct db *db, struct err *e);
/* False when the engine has ended the transaction on its own (disk full, I/O
 * error and out of memory may roll back all of it; the server is gone). */
bool db_in_transaction(struct db *db);
/* True when a statement has failed and the engine takes no other before the
 * transaction, or its savepoint, is undone. Never with SQLite. What was posted
 * is known only after db_settle(). */
bool db_is_failed(struct db *db);

/* Bells between machines: bits that mean nothing to the store. db_ring(), in no
 * transaction, tells everybody who hears; it may be lost or doubled, so whoever
 * hears also looks by himself. db_hear() waits up to wait_ms: 0 and the bits
 * that were rung (all of them when some may have been missed), or ERR_BUSY. */
void db_ring(struct db *db, unsigned bells);
int db_hear(struct db *db, int wait_ms, unsigned *ret_bells, struct err *e);

/* Write-ahead log: frames in it after this connection's last commit, and its
 * size on disk. This and what follows is for DB_CAP_FILE; 0 without it. */
int64_t db_wal_pages(const struct db *db);
int64_t db_wal_bytes(const struct db *db);
/* Copy what is in the log into the store's file; the log is synced before, the
 * store is not: that is db_sync_store(), which needs no lock, or the business
 * of whoever begins the log anew. restart = false never waits and copies what
 * no reader needs; true waits up to 100 ms for readers. *ret_pages (NULL
 * allowed) is how many pages of the log have been copied so far. The caller
 * holds the write lock; the connection is in no transaction. */
int db_checkpoint(struct db *db, bool restart, int64_t *ret_pages,
		  struct err *e);
/* ERR_IO: what was copied may be lost while it stands in the log, too. */
int db_sync_store(struct db *db, struct err *e);

#endif

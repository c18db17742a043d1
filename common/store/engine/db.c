/* SPDX-License-Identifier: MIT
 *
 * db.c - what all engines share: the list of statements, one prepared copy of
 * each per connection, and transactions.
 */
#include "store/engine/db.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "store/engine/db_private.h"
#include "store/engine/migrate.h"

/* The linker gathers every STMT of the program between these two. */
extern const struct stmt stmts_start[] __asm__("__start_og_stmts");
extern const struct stmt stmts_stop[] __asm__("__stop_og_stmts");

const struct stmt *stmt_first(void)
{
	return stmts_start;
}

size_t stmt_count(void)
{
	return ((uintptr_t)stmts_stop - (uintptr_t)stmts_start) /
	       sizeof(struct stmt);
}

struct query *db_query(struct db *db, const struct stmt *stmt)
{
	return &db->queries[stmt - stmts_start];
}

static const struct {
	const char *prefix;
	const struct db_driver *driver;
} engines[] = {
	{"postgresql://", &db_postgres},
	{"", &db_sqlite},
};

static const struct db_driver *engine_of(const char *location)
{
	size_t i = 0;

	while (strncmp(location, engines[i].prefix,
		       strlen(engines[i].prefix)) != 0)
		i++;
	return engines[i].driver;
}

unsigned db_caps(const char *location)
{
	return engine_of(location)->caps;
}

unsigned db_caps_of(const struct db *db)
{
	return db->driver->caps;
}

/* A password may hold any sign, also those that should be encoded, and may
 * stand among the settings. */
void db_label(const char *location, char *ret_text, size_t bytes)
{
	size_t scheme = strlen("postgresql://");
	size_t shown = strlen(location);
	size_t user, at;

	if (db_caps(location) & DB_CAP_FILE) {
		(void)snprintf(ret_text, bytes, "%s", location);
		return;
	}
	user = scheme + strcspn(location + scheme, ":@?");
	shown = scheme + strcspn(location + scheme, "?");
	at = shown;
	while (at > scheme && location[at] != '@')
		at--;
	if (at == scheme) {
		at = shown;
		if (strchr(location + shown, '@') != NULL)
			at = shown = user;
		user = at;
	}
	(void)snprintf(ret_text, bytes, "%.*s%.*s", (int)user, location,
		       (int)(shown - at), location + at);
}

const struct migration *db_migrations(const struct db *db)
{
	return db->driver->migrations;
}

int db_check(const char *location, struct err *e)
{
	const struct db_driver *driver = engine_of(location);

	return driver->check != NULL ? driver->check(location, e) : 0;
}

int db_open(const char *location, enum db_mode mode, struct db **ret_db,
	    struct err *e)
{
	return engine_of(location)->open(location, mode, ret_db, e);
}

int db_init(struct db *db, const struct db_driver *driver, struct err *e)
{
	db->driver = driver;
	db->queries = calloc(stmt_count(), sizeof(*db->queries));
	if (db->queries == NULL)
		return err_set(e, ERR_NOMEM, "open store: out of memory");
	for (size_t i = 0; i < stmt_count(); i++)
		db->queries[i] = (struct query){
			.db = db, .stmt = &stmts_start[i], .number = i};
	return 0;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; db->queries != NULL && i < stmt_count(); i++)
		db->driver->finalize(&db->queries[i]);
	free(db->queries);
	db->driver->close(db);
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	return db->driver->script(db, sql, e);
}

void query_restart(struct query *q)
{
	assert(!q->running);
	q->running = true;
	/* A failed prepare shows in query_next(), which tries again and then
	 * reports why. */
	q->bind_failed =
		q->prepared == NULL && q->db->driver->prepare(q, NULL) < 0;
}

struct query *query_start(struct db *db, const struct stmt *stmt)
{
	struct query *q = db_query(db, stmt);

	query_restart(q);
	return q;
}

struct query *query_new(struct db *db, const struct stmt *stmt)
{
	struct query *q = calloc(1, sizeof(*q));

	if (q != NULL)
		*q = (struct query){.db = db,
				    .stmt = stmt,
				    .number = stmt_count() + db->made++};
	return q;
}

void query_free(struct query *q)
{
	if (q == NULL)
		return;
	query_end(q);
	q->db->driver->finalize(q);
	free(q);
}

void query_end(struct query *q)
{
	if (q == NULL)
		return;
	if (q->prepared != NULL)
		q->db->driver->reset(q);
	q->running = false;
}

void query_i64(struct query *q, int n, int64_t value)
{
	if (!q->bind_failed)
		q->bind_failed = q->db->driver->bind_i64(q, n, value) < 0;
}

void query_text(struct query *q, int n, const char *value)
{
	if (!q->bind_failed)
		q->bind_failed = q->db->driver->bind_text(q, n, value) < 0;
}

void query_blob(struct query *q, int n, const void *data, size_t bytes)
{
	if (!q->bind_failed)
		q->bind_failed =
			q->db->driver->bind_blob(q, n, data, bytes) < 0;
}

void query_null(struct query *q, int n)
{
	query_text(q, n, NULL);
}

void query_i64_array(struct query *q, int n, const int64_t *values,
		     size_t count)
{
	if (!q->bind_failed)
		q->bind_failed =
			q->db->driver->bind_i64_array(q, n, values, count) < 0;
}

void query_text_array(struct query *q, int n, const char *const *values,
		      size_t count)
{
	if (!q->bind_failed)
		q->bind_failed =
			q->db->driver->bind_text_array(q, n, values, count) < 0;
}

int query_next(struct query *q, struct err *e)
{
	int rc;

	if (q->bind_failed && q->prepared == NULL) {
		rc = q->db->driver->prepare(q, e);
		return rc < 0 ? rc
			      : err_set(e, ERR_BUSY, "%s: prepared too late",
					q->stmt->name);
	}
	if (q->bind_failed)
		return err_set(e, ERR_INVALID, "%s: a value could not be bound",
			       q->stmt->name);
	return q->db->driver->step(q, e);
}

int query_exec(struct query *q, struct err *e)
{
	int rc;

	do
		rc = query_next(q, e);
	while (rc > 0);
	return rc < 0 ? rc : q->db->driver->changes(q);
}

int query_post(struct query *q, const char *why_none, struct err *e)
{
	const struct db_driver *driver = q->db->driver;
	int rc;

	if (driver->post != NULL && !q->bind_failed && driver->can_post(q->db))
		return driver->post(q, why_none, e);
	rc = query_exec(q, e);
	if (rc == 0 && why_none != NULL)
		return err_set(e, ERR_STATE, "%s", why_none);
	return rc < 0 ? rc : 0;
}

int db_settle(struct db *db, struct err *e)
{
	return db->driver->settle != NULL ? db->driver->settle(db, e) : 0;
}

int64_t query_col_i64(struct query *q, int column)
{
	return q->db->driver->col_i64(q, column);
}

const char *query_col_text(struct query *q, int column)
{
	return q->db->driver->col_text(q, column);
}

const void *query_col_blob(struct query *q, int column, size_t *ret_bytes)
{
	return q->db->driver->col_blob(q, column, ret_bytes);
}

bool query_col_is_null(struct query *q, int column)
{
	return q->db->driver->col_is_null(q, column);
}

int query_columns(struct query *q)
{
	return q->prepared != NULL ? q->db->driver->columns(q) : 0;
}

bool query_col_is_number(struct query *q, int column)
{
	return q->db->driver->col_is_number(q, column);
}

bool query_col_is_blob(struct query *q, int column)
{
	return q->db->driver->col_is_blob(q, column);
}

const char *query_col_name(struct query *q, int column)
{
	return q->db->driver->col_name(q, column);
}

char *query_col_copy(struct query *q, int column)
{
	return strdup(query_col_text(q, column));
}

void query_col_copy_to(struct query *q, int column, char *target, size_t bytes)
{
	(void)text_copy(target, bytes, query_col_text(q, column));
}

int query_one_i64(struct query *q, int64_t *ret_value, struct err *e)
{
	int rc = query_next(q, e);

	if (rc > 0)
		*ret_value = query_col_i64(q, 0);
	return rc;
}

int64_t db_now_ms(struct db *db)
{
	return db->driver->now_ms != NULL ? db->driver->now_ms(db)
					  : clock_wall_ms();
}

int db_begin_write(struct db *db, struct err *e)
{
	return db->driver->tx(db, DB_TX_BEGIN_WRITE, e);
}

int db_begin_read(struct db *db, struct err *e)
{
	return db->driver->tx(db, DB_TX_BEGIN_READ, e);
}

int db_commit(struct db *db, struct err *e)
{
	return db->driver->tx(db, DB_TX_COMMIT, e);
}

void db_rollback(struct db *db)
{
	if (db != NULL)
		(void)db->driver->tx(db, DB_TX_ROLLBACK, NULL);
}

int db_sync(struct db *db, struct err *e)
{
	return db->driver->sync != NULL ? db->driver->sync(db, e) : 0;
}

int db_savepoint(struct db *db, struct err *e)
{
	return db->driver->tx(db, DB_TX_SAVEPOINT, e);
}

int db_savepoint_release(struct db *db, struct err *e)
{
	return db->driver->tx(db, DB_TX_RELEASE, e);
}

int db_savepoint_rollback(struct db *db, struct err *e)
{
	int rc = db->driver->tx(db, DB_TX_UNDO, e);

	return rc < 0 ? rc : db_savepoint_release(db, e);
}

bool db_in_transaction(struct db *db)
{
	return db->driver->tx_state(db) != DB_TX_NONE;
}

bool db_is_failed(struct db *db)
{
	return db->driver->tx_state(db) == DB_TX_FAILED;
}

void db_ring(struct db *db, unsigned bells)
{
	if (db->driver->ring != NULL)
		db->driver->ring(db, bells);
}

int db_hear(struct db *db, int wait_ms, unsigned *ret_bells, struct err *e)
{
	return db->driver->hear(db, wait_ms, ret_bells, e);
}

int64_t db_wal_pages(const struct db *db)
{
	return db->driver->wal_pages != NULL ? db->driver->wal_pages(db) : 0;
}

int64_t db_wal_bytes(const struct db *db)
{
	return db->driver->wal_bytes != NULL ? db->driver->wal_bytes(db) : 0;
}

int db_checkpoint(struct db *db, bool restart, int64_t *ret_pages,
		  struct err *e)
{
	return db->driver->checkpoint(db, restart, ret_pages, e);
}

int db_sync_store(struct db *db, struct err *e)
{
	return db->driver->sync_store(db, e);
}

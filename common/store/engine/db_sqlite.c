/* SPDX-License-Identifier: MIT
 *
 * db_sqlite.c - the SQLite engine behind db.h; the only file that sees it.
 *
 * Settings and their reasons: docs/decisions/003-store.md.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db_private.h"
#include "store/engine/migrate.h"
#include "store/engine/wal_file.h"

enum {
	BUSY_TIMEOUT_MS = 5000, /* second net: write_lock.h is the first */
	RESTART_TIMEOUT_MS = 100,
	BUSY_CACHE_KIB = 256 /* 58 pages: a batch of taps, a list of a store */
};

struct prepared {
	sqlite3_stmt *stmt;
	unsigned char position[DB_PARAMETERS_MAX + 1]; /* of $n; 0: not used */
};

struct db_sqlite {
	struct db db;
	sqlite3 *handle;
	char *wal_path;
	int64_t wal_pages;
};

STMT(tx_begin_read, "BEGIN");
STMT(tx_begin_write, "BEGIN IMMEDIATE");
STMT(tx_commit, "COMMIT");
STMT(tx_rollback, "ROLLBACK");
STMT(tx_savepoint, "SAVEPOINT unit");
STMT(tx_release, "RELEASE unit");
STMT(tx_undo, "ROLLBACK TO unit");
static const struct stmt *const tx_stmts[] = {
	[DB_TX_BEGIN_READ] = &tx_begin_read,
	[DB_TX_BEGIN_WRITE] = &tx_begin_write,
	[DB_TX_COMMIT] = &tx_commit,
	[DB_TX_ROLLBACK] = &tx_rollback,
	[DB_TX_SAVEPOINT] = &tx_savepoint,
	[DB_TX_RELEASE] = &tx_release,
	[DB_TX_UNDO] = &tx_undo,
};

static const char *vfs_name; /* NULL: out of memory */
static bool is_busy;         /* db_expect_load() */

static sqlite3 *handle_of(const struct db *db)
{
	return ((const struct db_sqlite *)(const void *)db)->handle;
}

/* NULL before the connection's first transaction: it has written nothing. */
static sqlite3_file *log_of(const struct db *db)
{
	sqlite3_file *log = NULL;

	(void)sqlite3_file_control(handle_of(db), "main",
				   SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
	return log != NULL && log->pMethods != NULL ? log : NULL;
}

/* SQLite's result classes and what the caller may do about them. */
static const struct {
	int primary;
	enum err_code code;
} code_rows[] = {
	{SQLITE_BUSY, ERR_BUSY},
	{SQLITE_LOCKED, ERR_BUSY},
	{SQLITE_CONSTRAINT, ERR_INVALID},
	{SQLITE_MISMATCH, ERR_INVALID},
	{SQLITE_TOOBIG, ERR_INVALID},
	{SQLITE_READONLY, ERR_IO},
	{SQLITE_NOMEM, ERR_NOMEM},
	{SQLITE_FULL, ERR_BUSY}, /* space may come back: retry later */
	{SQLITE_ABORT, ERR_BUSY},
	{SQLITE_INTERRUPT, ERR_BUSY},
};

/* The message belongs to the connection and the next call replaces it, so it
 * is copied before anything else happens. */
static int fail(struct err *e, sqlite3 *handle, int rc, const char *what)
{
	enum err_code code = ERR_IO;

	for (size_t i = 0; i < COUNT_OF(code_rows); i++)
		if (code_rows[i].primary == (rc & 0xff))
			code = code_rows[i].code;
	return err_set(e, code, "%s: %s (%d)", what,
		       handle != NULL ? sqlite3_errmsg(handle)
				      : sqlite3_errstr(rc),
		       rc);
}

static int sqlite_script(struct db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(handle_of(db), sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(e, handle_of(db), rc, "script");
}

static void sqlite_close(struct db *db)
{
	struct db_sqlite *self = (struct db_sqlite *)(void *)db;

	(void)sqlite3_close(self->handle);
	free(self->wal_path);
	free(self);
}

/* WAL is switched on once, when the store is made: several processes that
 * switch at the same time get SQLITE_BUSY in spite of any time-out. */
static int configure(struct db *db, enum db_mode mode, struct err *e)
{
	int rc = sqlite_script(db,
			       "PRAGMA synchronous=FULL;" /* wal_file.h */
			       "PRAGMA foreign_keys=ON;"
			       "PRAGMA temp_store=MEMORY;"
			       "PRAGMA secure_delete=OFF;"
			       "PRAGMA journal_size_limit=67108864;"
			       "PRAGMA trusted_schema=OFF;",
			       e);

	if (rc == 0 && (mode == DB_READ || mode == DB_SERVE))
		rc = sqlite_script(db, "PRAGMA query_only=ON", e);
	if (rc == 0 && mode == DB_WRITE)
		rc = sqlite_script(db, "PRAGMA cache_size=-8000", e);
	if (rc == 0 && mode == DB_CREATE)
		rc = sqlite_script(db, "PRAGMA journal_mode=WAL", e);
	return rc;
}

/* SQLite calls this after each commit of this connection. */
static int count_wal_pages(void *context, sqlite3 *handle, const char *name,
			   int pages)
{
	(void)handle;
	(void)name;
	struct db_sqlite *self = context;

	self->wal_pages = pages;
	return SQLITE_OK;
}

/* And this after each rollback, also one that it decides on by itself. */
static void forget_log(void *context)
{
	sqlite3_file *log = log_of(context);

	if (log != NULL)
		wal_file_forget(log);
}

/* SQLite counts every allocation under one mutex unless told otherwise: about a
 * quarter of the processor time of a small insert. */
static void set_up_library(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (is_busy)
		(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0,
				     -BUSY_CACHE_KIB);
	vfs_name = wal_file_vfs();
}

/* A cache is emptied at each commit of another process; with room of its own it
 * does not ask malloc() for every page again. */
void db_expect_load(void)
{
	is_busy = true;
}

static int sqlite_open(const char *path, enum db_mode mode, struct db **ret_db,
		       struct err *e)
{
	struct db_sqlite *self = calloc(1, sizeof(*self));
	/* A reader opens for writing too: it may have to make the -shm file.
	 * query_only keeps it from writing. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc;

	(void)pthread_once(&once, set_up_library);
	if (self != NULL)
		self->wal_path = text_printf("%s-wal", path);
	if (self == NULL || self->wal_path == NULL || vfs_name == NULL) {
		free(self);
		return err_set(e, ERR_NOMEM, "open store: out of memory");
	}
	rc = db_init(&self->db, &db_sqlite, e);
	if (rc < 0) {
		sqlite_close(&self->db);
		return rc;
	}
	if (mode == DB_CREATE)
		flags |= SQLITE_OPEN_CREATE;
	rc = sqlite3_open_v2(path, &self->handle, flags, vfs_name);
	if (rc != SQLITE_OK) {
		rc = (rc & 0xff) == SQLITE_CANTOPEN && access(path, F_OK) != 0
			     ? err_set(e, ERR_NOTFOUND,
				       "there is no store at %s: run "
				       "'ordergatectl init'",
				       path)
			     : fail(e, self->handle, rc, path);
		db_close(&self->db);
		return rc;
	}
	(void)sqlite3_busy_timeout(self->handle, BUSY_TIMEOUT_MS);
	/* Or the last close would checkpoint outside the write lock. */
	(void)sqlite3_db_config(self->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
				1, NULL);
	rc = configure(&self->db, mode, e);
	if (rc == 0) /* the one that must not fail for want of memory */
		rc = db_sqlite.prepare(db_query(&self->db, &tx_rollback), e);
	if (rc < 0) {
		db_close(&self->db);
		return err_wrap(e, rc, "%s", path);
	}
	/* Replaces automatic checkpoints: the writer does them, where it can
	 * time them and holds the write lock. */
	(void)sqlite3_wal_hook(self->handle, count_wal_pages, self);
	(void)sqlite3_rollback_hook(self->handle, forget_log, &self->db);
	*ret_db = &self->db;
	return 0;
}

static sqlite3_stmt *stmt_of(const struct query *q)
{
	return ((const struct prepared *)q->prepared)->stmt;
}

static int sqlite_prepare(struct query *q, struct err *e)
{
	struct prepared *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory",
			       q->stmt->name);
	rc = sqlite3_prepare_v3(handle_of(q->db), q->stmt->sql, -1,
				SQLITE_PREPARE_PERSISTENT, &p->stmt, NULL);
	if (rc != SQLITE_OK) {
		free(p);
		return fail(e, handle_of(q->db), rc, q->stmt->name);
	}
	/* SQLite numbers "$2, $1" by appearance; the name says which is which.
	 */
	for (int i = 1; i <= sqlite3_bind_parameter_count(p->stmt); i++) {
		const char *name = sqlite3_bind_parameter_name(p->stmt, i);
		long n = name != NULL ? strtol(name + 1, NULL, 10) : 0;

		if (n >= 1 && n <= DB_PARAMETERS_MAX)
			p->position[n] = (unsigned char)i;
	}
	q->prepared = p;
	return 0;
}

static void sqlite_reset(struct query *q)
{
	(void)sqlite3_reset(stmt_of(q));
	(void)sqlite3_clear_bindings(stmt_of(q));
}

static void sqlite_finalize(struct query *q)
{
	if (q->prepared == NULL)
		return;
	(void)sqlite3_finalize(stmt_of(q));
	free(q->prepared);
	q->prepared = NULL;
}

static int position_of(const struct query *q, int n)
{
	const struct prepared *p = q->prepared;

	return n >= 1 && n <= DB_PARAMETERS_MAX ? p->position[n] : 0;
}

static int bound(int rc)
{
	return rc == SQLITE_OK ? 0 : ERR_INVALID;
}

static int sqlite_bind_i64(struct query *q, int n, int64_t value)
{
	return bound(sqlite3_bind_int64(stmt_of(q), position_of(q, n), value));
}

static int sqlite_bind_text(struct query *q, int n, const char *value)
{
	return bound(sqlite3_bind_text(stmt_of(q), position_of(q, n), value, -1,
				       SQLITE_STATIC));
}

static int sqlite_bind_blob(struct query *q, int n, const void *data,
			    size_t bytes)
{
	return bound(sqlite3_bind_blob64(stmt_of(q), position_of(q, n), data,
					 bytes, SQLITE_STATIC));
}

static int sqlite_step(struct query *q, struct err *e)
{
	int rc = sqlite3_step(stmt_of(q));

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return fail(e, handle_of(q->db), rc, q->stmt->name);
}

static int sqlite_changes(struct query *q)
{
	return sqlite3_changes(handle_of(q->db));
}

static int64_t sqlite_col_i64(struct query *q, int column)
{
	return sqlite3_column_int64(stmt_of(q), column);
}

static const char *sqlite_col_text(struct query *q, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt_of(q), column);

	return text != NULL ? (const char *)text : "";
}

static const void *sqlite_col_blob(struct query *q, int column,
				   size_t *ret_bytes)
{
	const void *data = sqlite3_column_blob(stmt_of(q), column);

	*ret_bytes = (size_t)sqlite3_column_bytes(stmt_of(q), column);
	return data;
}

static bool sqlite_col_is_null(struct query *q, int column)
{
	return sqlite3_column_type(stmt_of(q), column) == SQLITE_NULL;
}

static int sqlite_columns(struct query *q)
{
	return sqlite3_column_count(stmt_of(q));
}

static bool sqlite_col_is_number(struct query *q, int column)
{
	return sqlite3_column_type(stmt_of(q), column) == SQLITE_INTEGER;
}

static bool sqlite_col_is_blob(struct query *q, int column)
{
	return sqlite3_column_type(stmt_of(q), column) == SQLITE_BLOB;
}

static const char *sqlite_col_name(struct query *q, int column)
{
	return sqlite3_column_name(stmt_of(q), column);
}

static enum db_tx_state sqlite_tx_state(struct db *db)
{
	return sqlite3_get_autocommit(handle_of(db)) == 0 ? DB_TX_OPEN
							  : DB_TX_NONE;
}

static int sqlite_tx(struct db *db, enum db_tx what, struct err *e)
{
	int rc;

	if (what == DB_TX_ROLLBACK && sqlite_tx_state(db) == DB_TX_NONE)
		return 0;
	CLEANUP_QUERY struct query *q = query_start(db, tx_stmts[what]);

	rc = query_next(q, e);
	return rc < 0 ? rc : 0;
}

/* In WAL mode a commit is durable when the log is on the disk. SQLite asks for
 * that inside COMMIT, while everybody else waits for the write lock; done here,
 * after the lock has been given up, it overlaps with the next process's
 * transaction. It is done whether this connection has written or not: the
 * commits of others are in the same log. */
static int sqlite_sync(struct db *db, struct err *e)
{
	sqlite3_file *log = log_of(db);
	int rc = log != NULL ? wal_file_sync(log) : SQLITE_OK;

	return rc == SQLITE_OK ? 0
			       : err_set(e, ERR_IO, "sync of the log: %s (%d)",
					 sqlite3_errstr(rc), rc);
}

static int64_t sqlite_wal_bytes(const struct db *db)
{
	const struct db_sqlite *self =
		(const struct db_sqlite *)(const void *)db;
	struct stat st;

	return stat(self->wal_path, &st) == 0 ? st.st_size : 0;
}

static int64_t sqlite_wal_pages(const struct db *db)
{
	return ((const struct db_sqlite *)(const void *)db)->wal_pages;
}

static int copy_log(struct db *db, bool restart, int *ret_pages, struct err *e)
{
	int rc;

	if (restart)
		(void)sqlite3_busy_timeout(handle_of(db), RESTART_TIMEOUT_MS);
	rc = sqlite3_wal_checkpoint_v2(handle_of(db), NULL,
				       restart ? SQLITE_CHECKPOINT_RESTART
					       : SQLITE_CHECKPOINT_PASSIVE,
				       NULL, ret_pages);
	(void)sqlite3_busy_timeout(handle_of(db), BUSY_TIMEOUT_MS);
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
		return 0;
	return fail(e, handle_of(db), rc, "checkpoint");
}

/* With its own sync SQLite would put the store on the disk right after copying,
 * under the write lock. */
static int sqlite_checkpoint(struct db *db, bool restart, int64_t *ret_pages,
			     struct err *e)
{
	int pages = -1;
	int rc = sqlite_sync(db, e);

	if (rc < 0)
		return rc;
	rc = sqlite_script(db, "PRAGMA synchronous=OFF", e);
	if (rc == 0)
		rc = copy_log(db, restart, &pages, e);
	/* Also when the first has failed, as it may have been done. Without
	 * this one no commit would be written in time. */
	if (sqlite_script(db, "PRAGMA synchronous=FULL", NULL) < 0)
		return err_set(e, ERR_IO, "the store must be opened anew");
	if (rc == 0 && ret_pages != NULL)
		*ret_pages = MAX_OF(pages, 0);
	return rc;
}

static int sqlite_sync_store(struct db *db, struct err *e)
{
	sqlite3_file *store = NULL;
	int rc =
		sqlite3_file_control(handle_of(db), "main",
				     SQLITE_FCNTL_FILE_POINTER, (void *)&store);

	if (rc == SQLITE_OK && store != NULL && store->pMethods != NULL)
		rc = store->pMethods->xSync(store, SQLITE_SYNC_NORMAL);
	else
		rc = SQLITE_IOERR_FSYNC;
	return rc == SQLITE_OK
		       ? 0
		       : err_set(e, ERR_IO, "sync of the store: %s (%d)",
				 sqlite3_errstr(rc), rc);
}

const struct db_driver db_sqlite = {
	.name = "sqlite",
	.caps = DB_CAP_FILE,
	.migrations = migrations_sqlite,
	.open = sqlite_open,
	.close = sqlite_close,
	.script = sqlite_script,
	.prepare = sqlite_prepare,
	.reset = sqlite_reset,
	.finalize = sqlite_finalize,
	.bind_i64 = sqlite_bind_i64,
	.bind_text = sqlite_bind_text,
	.bind_blob = sqlite_bind_blob,
	.step = sqlite_step,
	.changes = sqlite_changes,
	.col_i64 = sqlite_col_i64,
	.col_text = sqlite_col_text,
	.col_blob = sqlite_col_blob,
	.col_is_null = sqlite_col_is_null,
	.columns = sqlite_columns,
	.col_is_number = sqlite_col_is_number,
	.col_is_blob = sqlite_col_is_blob,
	.col_name = sqlite_col_name,
	.sync = sqlite_sync,
	.tx = sqlite_tx,
	.tx_state = sqlite_tx_state,
	.wal_pages = sqlite_wal_pages,
	.wal_bytes = sqlite_wal_bytes,
	.checkpoint = sqlite_checkpoint,
	.sync_store = sqlite_sync_store,
};

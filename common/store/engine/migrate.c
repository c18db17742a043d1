/* SPDX-License-Identifier: MIT */
#include "store/engine/migrate.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "store/engine/db.h"
#include "store/engine/turn.h"

STMT(meta_versions, "SELECT version, min_reader FROM store_meta WHERE id = 1");
STMT(meta_set_version, "UPDATE store_meta SET version = $1 WHERE id = 1");
STMT(meta_set_identity,
     "UPDATE store_meta SET installation_id = $1, created_ms = $2"
     " WHERE id = 1 AND installation_id = ''");
STMT(meta_log_migration,
     "INSERT INTO store_migrations (version, name, applied_ms)"
     " VALUES ($1, $2, $3)");
STMT(meta_move, "SELECT role FROM store_move");
STMT_PG(meta_exists,
	"SELECT count(*) FROM sqlite_master WHERE name = 'store_meta'",
	"SELECT count(*) FROM pg_class WHERE oid = to_regclass('store_meta')");

int migrate_version_built(void)
{
	int version = 0;

	for (const struct migration *m = migrations_sqlite; m->sql != NULL; m++)
		version = m->version;
	return version;
}

static int read_versions(struct db *db, int *ret_version, int *ret_min_reader,
			 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &meta_versions);
	int rc = query_next(q, e);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(e, ERR_IO, "the store has no version row");
	*ret_version = (int)query_col_i64(q, 0);
	*ret_min_reader = (int)query_col_i64(q, 1);
	return 0;
}

int migrate_version_of(struct db *db, int *ret_version, struct err *e)
{
	int64_t exists = 0;
	int min_reader;
	int rc;

	{
		CLEANUP_QUERY struct query *q = query_start(db, &meta_exists);

		rc = query_one_i64(q, &exists, e);
	}
	if (rc < 0)
		return rc;
	if (exists == 0) {
		*ret_version = 0;
		return 0;
	}
	return read_versions(db, ret_version, &min_reader, e);
}

/* A store that is on its way, or has gone, is nobody's. */
static int check_move(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &meta_move);
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc;
	return strcmp(query_col_text(q, 0), "source") == 0
		       ? err_set(e, ERR_STATE,
				 "the store has moved to another place: set "
				 "store.url, or open it again by "
				 "'ordergatectl store reopen'")
		       : err_set(e, ERR_STATE,
				 "the store is the target of a move that has "
				 "not ended: run 'ordergatectl store move' "
				 "again");
}

int migrate_check(struct db *db, struct err *e)
{
	int built = migrate_version_built();
	int version = 0;
	int min_reader = 0;
	int rc = migrate_version_of(db, &version, e);

	if (rc == 0 && version > 0)
		rc = read_versions(db, &version, &min_reader, e);
	if (rc < 0)
		return rc;
	if (version < built)
		return err_set(e, ERR_STATE,
			       "the store has schema version %d, this program "
			       "needs %d: run 'ordergatectl migrate'",
			       version, built);
	if (built < min_reader)
		return err_set(e, ERR_STATE,
			       "the store was written by a newer Ordergate "
			       "(schema %d needs programs of at least %d, this "
			       "one has %d): install the newer version",
			       version, min_reader, built);
	return check_move(db, e);
}

static int apply(struct db *db, const struct migration *m, struct err *e)
{
	char id[ID_TEXT_BYTES];
	int64_t now_ms = clock_wall_ms();
	int rc = db_script(db, m->sql, e);

	if (rc < 0)
		return rc;
	id_make(now_ms, id);
	{
		CLEANUP_QUERY struct query *q =
			query_start(db, &meta_set_version);
		query_i64(q, 1, m->version);
		rc = query_exec(q, e);
	}
	if (rc >= 0) {
		CLEANUP_QUERY struct query *q =
			query_start(db, &meta_set_identity);
		query_text(q, 1, id);
		query_i64(q, 2, now_ms);
		rc = query_exec(q, e);
	}
	if (rc >= 0) {
		CLEANUP_QUERY struct query *q =
			query_start(db, &meta_log_migration);
		query_i64(q, 1, m->version);
		query_text(q, 2, m->name);
		query_i64(q, 3, now_ms);
		rc = query_exec(q, e);
	}
	return rc < 0 ? rc : 0;
}

/* 1: applied. 0: somebody else has, who had the write lock before us. */
static int apply_in_transaction(struct db *db, const struct migration *m,
				struct err *e)
{
	int version = 0;
	int rc = db_begin_write(db, e);

	if (rc == 0)
		rc = migrate_version_of(db, &version, e);
	if (rc == 0 && version >= m->version) {
		db_rollback(db);
		return 0;
	}
	if (rc == 0)
		rc = apply(db, m, e);
	if (rc == 0)
		rc = db_commit(db, e);
	if (rc == 0)
		rc = db_sync(db, e);
	if (rc < 0) {
		db_rollback(db);
		return err_wrap(e, rc, "migration %d (%s)", m->version,
				m->name);
	}
	return 1;
}

/* A database without our tables is as little a store as a missing file. */
static int must_exist(const char *location, struct err *e)
{
	CLEANUP_DB struct db *db = NULL;
	int version = 0;
	int rc = db_open(location, DB_READ, &db, e);

	if (rc == 0)
		rc = migrate_version_of(db, &version, e);
	if (rc == 0 && version == 0)
		rc = err_set(e, ERR_NOTFOUND,
			     "there is no store yet: run 'ordergatectl init'");
	return rc;
}

static int apply_all(struct db *db,
		     void (*progress)(int version, const char *name,
				      void *context),
		     void *context, struct err *e)
{
	int version = 0;
	int applied = 0;
	int rc = migrate_version_of(db, &version, e);

	if (rc < 0)
		return rc;
	if (version > migrate_version_built())
		return migrate_check(db, e) < 0 ? ERR_STATE : 0;
	for (const struct migration *m = db_migrations(db); m->sql != NULL;
	     m++) {
		if (m->version <= version)
			continue;
		if (progress != NULL)
			progress(m->version, m->name, context);
		rc = apply_in_transaction(db, m, e);
		if (rc < 0)
			return rc;
		applied += rc;
	}
	return applied;
}

int migrate_run(const char *location, int create,
		void (*progress)(int version, const char *name, void *context),
		void *context, struct err *e)
{
	CLEANUP(turn_closep) struct turn *turn = NULL;
	CLEANUP_DB struct db *db = NULL;
	int rc = create ? 0 : must_exist(location, e);

	if (rc == 0)
		rc = turn_open(location, &turn, e);
	if (rc == 0)
		rc = turn_take(turn, e);
	if (rc == 0)
		rc = db_open(location, DB_CREATE, &db, e);
	return rc < 0 ? rc : apply_all(db, progress, context, e);
}

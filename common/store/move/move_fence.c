/* SPDX-License-Identifier: MIT */
#include "store/move/move_fence.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"

enum {
	TEXT_BYTES_MAX = 2048
};

/* ? is a table, where there is one. */
struct fence {
	const char *before, *put, *remove, *after;
};

#define MOVED "the store has moved"
#define SQLITE_PUT(what)                                     \
	"CREATE TRIGGER store_moved_" what "_? BEFORE " what \
	" ON \"?\" BEGIN SELECT RAISE(ABORT, '" MOVED "'); END; "
#define SQLITE_REMOVE(what) "DROP TRIGGER store_moved_" what "_?; "

static const struct fence on_sqlite = {
	"",
	SQLITE_PUT("insert") SQLITE_PUT("update") SQLITE_PUT("delete"),
	SQLITE_REMOVE("insert") SQLITE_REMOVE("update") SQLITE_REMOVE("delete"),
	"",
};
/* 25006: as if it were read only. */
static const struct fence on_postgresql = {
	"CREATE FUNCTION store_moved() RETURNS trigger LANGUAGE plpgsql AS"
	" 'BEGIN RAISE EXCEPTION ''" MOVED "'' USING ERRCODE = ''25006'';"
	" END'",
	"CREATE TRIGGER store_moved BEFORE INSERT OR UPDATE OR DELETE"
	" ON \"?\" FOR EACH STATEMENT EXECUTE FUNCTION store_moved()",
	"DROP TRIGGER store_moved ON \"?\"",
	"DROP FUNCTION store_moved()",
};

static const struct fence *fence_of(unsigned caps)
{
	return (caps & DB_CAP_FILE) != 0 ? &on_sqlite : &on_postgresql;
}

static void add_named(struct buf *sql, const char *text, const char *table)
{
	for (; *text != '\0'; text++) {
		if (*text == '?')
			buf_add_text(sql, table);
		else
			buf_add_char(sql, *text);
	}
}

static int on_each(struct db *db, const char *text,
		   const struct move_tables *tables, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < tables->count && rc == 0; i++) {
		CLEANUP(buf_clear) struct buf sql = BUF_MAX(TEXT_BYTES_MAX);

		add_named(&sql, text, tables->names[i]);
		rc = buf_finish(&sql, e);
		if (rc == 0)
			rc = db_script(db, buf_text(&sql), e);
	}
	return rc;
}

int move_fence_put(struct db *db, unsigned caps,
		   const struct move_tables *tables, struct err *e)
{
	const struct fence *fence = fence_of(caps);
	int rc = db_script(db, fence->before, e);

	return rc < 0 ? rc : on_each(db, fence->put, tables, e);
}

int move_fence_remove(struct db *db, unsigned caps,
		      const struct move_tables *tables, struct err *e)
{
	const struct fence *fence = fence_of(caps);
	int rc = on_each(db, fence->remove, tables, e);

	return rc < 0 ? rc : db_script(db, fence->after, e);
}

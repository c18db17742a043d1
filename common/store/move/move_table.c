/* SPDX-License-Identifier: MIT */
#include "store/move/move_table.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

enum {
	TEXT_BYTES_MAX = 256
};

/* What both engines know of their tables, each in its own words. */
STMT_PG(move_tables,
	"SELECT name FROM sqlite_schema WHERE type = 'table'"
	" AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
	" AND name NOT IN ('store_migrations', 'store_move') ORDER BY rowid",
	"SELECT CAST(relname AS TEXT) FROM pg_class WHERE relkind = 'r'"
	" AND relnamespace = CAST(current_schema() AS regnamespace)"
	" AND relname NOT IN ('store_migrations', 'store_move') ORDER BY oid");
STMT_PG(move_columns, "SELECT name, pk FROM pragma_table_info($1) ORDER BY cid",
	"SELECT CAST(a.attname AS TEXT), coalesce(array_position("
	"CAST(i.indkey AS int2[]), a.attnum) + 1, 0) FROM pg_attribute AS a"
	" JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary"
	" WHERE a.attrelid = to_regclass($1) AND a.attnum > 0"
	" AND NOT a.attisdropped ORDER BY a.attnum");
/* $1 table, $2 its key, $3 the last id */
STMT_PG(move_sequence_get,
	"SELECT coalesce(max(seq), 0) FROM sqlite_sequence"
	" WHERE name = $1 AND $2 <> ''",
	"SELECT coalesce(pg_sequence_last_value(CAST("
	"pg_get_serial_sequence($1, $2) AS regclass)), 0)");
STMT_PG(move_sequence_forget,
	"DELETE FROM sqlite_sequence WHERE name = $1 AND $2 <> ''",
	"SELECT CAST($1 AS TEXT) = $2");
STMT_PG(move_sequence_set,
	"INSERT INTO sqlite_sequence (name, seq) SELECT $1, $3"
	" FROM sqlite_schema WHERE name = $1 AND $2 <> ''"
	" AND sql LIKE '%AUTOINCREMENT%'",
	"SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS regclass), $3)");

int move_tables_list(struct db *db, struct move_tables *ret_tables,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &move_tables);
	int rc;

	ret_tables->count = 0;
	while ((rc = query_next(q, e)) > 0) {
		if (ret_tables->count == MOVE_TABLES_MAX)
			return err_set(e, ERR_STATE, "more than %d tables",
				       MOVE_TABLES_MAX);
		(void)text_copy(ret_tables->names[ret_tables->count++],
				MOVE_NAME_BYTES, query_col_text(q, 0));
	}
	return rc;
}

static int add_column(struct move_table *table, const char *name, int64_t key,
		      struct err *e)
{
	if (table->column_count == MOVE_COLUMNS_MAX || key > MOVE_KEYS_MAX)
		return err_set(e, ERR_STATE, "%s has too many columns",
			       table->name);
	if (key > 0) {
		table->keys[key - 1] = table->column_count;
		table->key_count++;
	}
	(void)text_copy(table->columns[table->column_count++], MOVE_NAME_BYTES,
			name);
	return 0;
}

int move_table_describe(struct db *db, const char *name,
			struct move_table *ret_table, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &move_columns);
	int rc;

	*ret_table = (struct move_table){.name = name};
	query_text(q, 1, name);
	while ((rc = query_next(q, e)) > 0) {
		rc = add_column(ret_table, query_col_text(q, 0),
				query_col_i64(q, 1), e);
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && ret_table->key_count == 0)
		rc = err_set(e, ERR_STATE, "%s has no key", name);
	return rc;
}

int move_table_clear(struct db *db, const char *name, struct err *e)
{
	CLEANUP(buf_clear) struct buf sql = BUF_MAX(TEXT_BYTES_MAX);

	buf_printf(&sql, "DELETE FROM \"%s\"", name);
	return db_script(db, buf_text(&sql), e);
}

static int exec(struct db *db, const struct stmt *stmt, const char *table,
		const char *key, int64_t last, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	query_text(q, 1, table);
	query_text(q, 2, key);
	if (last > 0)
		query_i64(q, 3, last);
	return query_exec(q, e);
}

int move_sequence(struct db *from, struct db *to,
		  const struct move_table *table, int64_t last_id,
		  struct err *e)
{
	const char *key = table->columns[table->keys[0]];
	int64_t last = 0;
	int rc;

	{
		CLEANUP_QUERY struct query *q =
			query_start(from, &move_sequence_get);

		query_text(q, 1, table->name);
		query_text(q, 2, key);
		rc = query_one_i64(q, &last, e);
	}
	last = MAX_OF(last, last_id);
	if (rc < 0 || last <= 0)
		return rc < 0 ? rc : 0;
	rc = exec(to, &move_sequence_forget, table->name, key, 0, e);
	if (rc >= 0)
		rc = exec(to, &move_sequence_set, table->name, key, last, e);
	return rc < 0 ? rc : 0;
}

/* SPDX-License-Identifier: MIT */
#include "store/move/move_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/move/move_table.h"

enum {
	TEXT_BYTES_MAX = 16384,
	VALUE_BYTES_MAX = 64 * 1024 * 1024,
	HEAD_BYTES = 32
};

enum kind {
	KIND_NULL = 'n',
	KIND_NUMBER = 'i',
	KIND_TEXT = 't',
	KIND_BLOB = 'b'
};

struct value {
	enum kind kind;
	int64_t number;
	struct buf bytes; /* NUL-terminated */
};

/* A statement on this table. */
struct made {
	struct stmt stmt;
	struct buf text;
	struct query *query;
};

struct move_walk {
	struct db *db;
	const struct move_table *table;
	struct made first, next;  /* rows from the start, or after a key */
	struct made last, insert; /* on the other connection */
	bool has_place;
	struct value place[MOVE_KEYS_MAX];
	struct value row[MOVE_COLUMNS_MAX];
	int64_t repaired;
};

/* "a", "b", each followed by `after` and, but for the last, by a comma. */
static void add_keys(struct buf *sql, const struct move_table *table,
		     const char *after)
{
	for (int i = 0; i < table->key_count; i++)
		buf_printf(sql, "%s\"%s\"%s", i > 0 ? ", " : "",
			   table->columns[table->keys[i]], after);
}

static void add_columns(struct buf *sql, const struct move_table *table)
{
	for (int i = 0; i < table->column_count; i++)
		buf_printf(sql, "%s\"%s\"", i > 0 ? ", " : "",
			   table->columns[i]);
}

static void add_parameters(struct buf *sql, int count)
{
	for (int i = 0; i < count; i++)
		buf_printf(sql, "%s$%d", i > 0 ? ", " : "", i + 1);
}

static void add_rows(struct buf *sql, const struct move_table *table,
		     bool after)
{
	buf_add_text(sql, "SELECT ");
	add_columns(sql, table);
	buf_printf(sql, " FROM \"%s\"", table->name);
	if (after) {
		buf_add_text(sql, " WHERE (");
		add_keys(sql, table, "");
		buf_add_text(sql, ") > (");
		add_parameters(sql, table->key_count);
		buf_add_text(sql, ")");
	}
	buf_add_text(sql, " ORDER BY ");
	add_keys(sql, table, "");
	buf_printf(sql, " LIMIT %d", MOVE_BATCH_ROWS);
}

static void write_texts(struct move_walk *walk)
{
	const struct move_table *table = walk->table;
	struct buf *last = &walk->last.text;
	struct buf *insert = &walk->insert.text;

	add_rows(&walk->first.text, table, false);
	add_rows(&walk->next.text, table, true);
	buf_add_text(last, "SELECT ");
	add_keys(last, table, "");
	buf_printf(last, " FROM \"%s\" ORDER BY ", table->name);
	add_keys(last, table, " DESC");
	buf_add_text(last, " LIMIT 1");
	buf_printf(insert, "INSERT INTO \"%s\" (", table->name);
	add_columns(insert, table);
	buf_add_text(insert, ") VALUES (");
	add_parameters(insert, table->column_count);
	buf_add_text(insert, ")");
}

/* The statement on that connection; a walk uses each on one only. */
static struct query *run(struct made *made, struct db *db, struct err *e)
{
	if (made->query == NULL) {
		if (buf_finish(&made->text, e) < 0)
			return NULL;
		made->stmt.sql = buf_text(&made->text);
		made->query = query_new(db, &made->stmt);
	}
	if (made->query == NULL)
		(void)err_set(e, ERR_NOMEM, "move: out of memory");
	else
		query_restart(made->query);
	return made->query;
}

int move_walk_open(struct db *db, const struct move_table *table,
		   struct move_walk **ret_walk, struct err *e)
{
	struct move_walk *walk = calloc(1, sizeof(*walk));
	struct made *made[] = {&walk->first, &walk->next, &walk->last,
			       &walk->insert};

	if (walk == NULL)
		return err_set(e, ERR_NOMEM, "move: out of memory");
	walk->db = db;
	walk->table = table;
	for (size_t i = 0; i < COUNT_OF(made); i++) {
		made[i]->stmt.name = table->name;
		made[i]->text = BUF_MAX(TEXT_BYTES_MAX);
	}
	for (int i = 0; i < MOVE_COLUMNS_MAX; i++)
		walk->row[i].bytes = BUF_MAX(VALUE_BYTES_MAX);
	for (int i = 0; i < MOVE_KEYS_MAX; i++)
		walk->place[i].bytes = BUF_MAX(VALUE_BYTES_MAX);
	write_texts(walk);
	*ret_walk = walk;
	return 0;
}

static void forget(struct made *made)
{
	query_free(made->query);
	buf_clear(&made->text);
}

void move_walk_close(struct move_walk *walk)
{
	if (walk == NULL)
		return;
	forget(&walk->first);
	forget(&walk->next);
	forget(&walk->last);
	forget(&walk->insert);
	for (int i = 0; i < MOVE_COLUMNS_MAX; i++)
		buf_clear(&walk->row[i].bytes);
	for (int i = 0; i < MOVE_KEYS_MAX; i++)
		buf_clear(&walk->place[i].bytes);
	free(walk);
}

int64_t move_walk_repaired(const struct move_walk *walk)
{
	return walk->repaired;
}

int64_t move_walk_last_id(const struct move_walk *walk)
{
	const struct value *key = &walk->place[0];

	return walk->has_place && walk->table->key_count == 1 &&
			       key->kind == KIND_NUMBER
		       ? key->number
		       : 0;
}

/* What SQLite takes for a text and PostgreSQL does not. */
static bool add_repaired(struct buf *target, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	bool is_good =
		text_is_utf8(text, bytes) && memchr(text, '\0', bytes) == NULL;

	if (is_good)
		buf_add(target, text, bytes);
	while (!is_good && text < end) {
		size_t step = *text != '\0' ? text_utf8_sequence(text, end) : 0;

		if (step == 0)
			buf_add_text(target, "\xEF\xBF\xBD");
		else
			buf_add(target, text, step);
		text += MAX_OF(step, (size_t)1);
	}
	return !is_good;
}

static int read_value(struct query *q, int column, struct value *ret_value,
		      int64_t *repaired, struct err *e)
{
	const char *data;
	size_t bytes;

	buf_reset(&ret_value->bytes);
	ret_value->kind = KIND_NULL;
	if (query_col_is_null(q, column))
		return 0;
	if (query_col_is_number(q, column)) {
		ret_value->kind = KIND_NUMBER;
		ret_value->number = query_col_i64(q, column);
		return 0;
	}
	ret_value->kind = query_col_is_blob(q, column) ? KIND_BLOB : KIND_TEXT;
	data = query_col_blob(q, column, &bytes);
	if (bytes == 0)
		return 0;
	if (ret_value->kind == KIND_BLOB)
		buf_add(&ret_value->bytes, data, bytes);
	else if (add_repaired(&ret_value->bytes, data, bytes))
		++*repaired;
	return buf_finish(&ret_value->bytes, e);
}

static void bind_value(struct query *q, int n, const struct value *value)
{
	switch (value->kind) {
	case KIND_NULL:
		query_null(q, n);
		break;
	case KIND_NUMBER:
		query_i64(q, n, value->number);
		break;
	case KIND_TEXT:
		query_text(q, n, buf_text(&value->bytes));
		break;
	case KIND_BLOB:
		query_blob(q, n, buf_text(&value->bytes),
			   value->bytes.used_bytes);
		break;
	}
}

static int keep_place(struct move_walk *walk, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < walk->table->key_count && rc == 0; i++) {
		const struct value *from = &walk->row[walk->table->keys[i]];
		struct value *to = &walk->place[i];

		to->kind = from->kind;
		to->number = from->number;
		buf_reset(&to->bytes);
		buf_add(&to->bytes, buf_text(&from->bytes),
			from->bytes.used_bytes);
		rc = buf_finish(&to->bytes, e);
	}
	walk->has_place = true;
	return rc;
}

int move_walk_skip(struct move_walk *walk, struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = run(&walk->last, db, e);
	int64_t repaired = 0;
	int rc = q != NULL ? query_next(q, e) : ERR_NOMEM;

	if (rc <= 0)
		return rc;
	rc = 0;
	for (int i = 0; i < walk->table->key_count && rc == 0; i++)
		rc = read_value(q, i, &walk->place[i], &repaired, e);
	walk->has_place = true;
	return rc;
}

static int read_row(struct move_walk *walk, struct query *q, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < walk->table->column_count && rc == 0; i++)
		rc = read_value(q, i, &walk->row[i], &walk->repaired, e);
	return rc;
}

static int walk_batch(struct move_walk *walk,
		      int (*use)(struct move_walk *walk, void *context,
				 struct err *e),
		      void *context, struct err *e)
{
	struct query *q =
		run(walk->has_place ? &walk->next : &walk->first, walk->db, e);
	int rows = 0;
	int rc = 0;

	if (q == NULL)
		return ERR_NOMEM;
	for (int i = 0; walk->has_place && i < walk->table->key_count; i++)
		bind_value(q, i + 1, &walk->place[i]);
	while (rc >= 0 && (rc = query_next(q, e)) > 0) {
		rc = read_row(walk, q, e);
		if (rc == 0)
			rc = use(walk, context, e);
		rows++;
	}
	query_end(q);
	if (rc >= 0 && rows > 0)
		rc = keep_place(walk, e);
	return rc < 0 ? err_wrap(e, rc, "%s", walk->table->name) : rows;
}

static int insert_row(struct move_walk *walk, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = run(&walk->insert, context, e);

	if (q == NULL)
		return ERR_NOMEM;
	for (int i = 0; i < walk->table->column_count; i++)
		bind_value(q, i + 1, &walk->row[i]);
	return query_exec(q, e);
}

int move_walk_copy(struct move_walk *walk, struct db *to, struct err *e)
{
	return walk_batch(walk, insert_row, to, e);
}

/* Kind, then the number or the length and the bytes: no two rows look alike. */
static int digest_row(struct move_walk *walk, void *context, struct err *e)
{
	char head[HEAD_BYTES];

	(void)e;
	for (int i = 0; i < walk->table->column_count; i++) {
		const struct value *v = &walk->row[i];
		int64_t n = v->kind == KIND_NUMBER
				    ? v->number
				    : (int64_t)v->bytes.used_bytes;
		int bytes = snprintf(head, sizeof(head), "%c%" PRId64 ":",
				     (char)v->kind, n);

		digest_add(context, head, (size_t)bytes);
		digest_add(context, buf_text(&v->bytes), v->bytes.used_bytes);
	}
	return 0;
}

int move_walk_digest(struct move_walk *walk, struct digest *digest,
		     struct err *e)
{
	return walk_batch(walk, digest_row, digest, e);
}

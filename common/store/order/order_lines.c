/* SPDX-License-Identifier: MIT */
#include "store/order/order_lines.h"

#include "base/err.h"
#include "domain/order/order.h"
#include "store/engine/db.h"

enum {
	ROWS = 4,    /* of lines_insert_rows */
	COLUMNS = 17 /* of each, beside the order's id */
};

#define LINE_COLUMNS                                                          \
	"line_no, sku, name, qty_ordered_milli, qty_milli, qty_picked_milli," \
	" weight_g, weight_picked_g, price_minor, discount_price_minor,"      \
	" total_minor, discount_total_minor, state, reason, replaced_by,"     \
	" replaces, version"
#define INSERT_LINES \
	"INSERT INTO order_lines (order_id, " LINE_COLUMNS ") VALUES"
#define INSERT_LINE                                               \
	INSERT_LINES " ($18, $1, $2, $3, $4, $5, $6, $7, $8, $9," \
		     " $10, $11, $12, $13, $14, $15, $16, $17)"

STMT(lines_select, "SELECT " LINE_COLUMNS " FROM order_lines"
		   " WHERE order_id = $1 ORDER BY line_no");
/* Lines of a new order: SQLite sets up more for an upsert, and for each run of
 * a statement, than a row costs. */
STMT(lines_insert, INSERT_LINE);
STMT(lines_insert_rows, INSERT_LINES
     " ($69, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
     " $13, $14, $15, $16, $17),"
     " ($69, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,"
     " $29, $30, $31, $32, $33, $34),"
     " ($69, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45,"
     " $46, $47, $48, $49, $50, $51),"
     " ($69, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62,"
     " $63, $64, $65, $66, $67, $68)");
STMT(lines_put, INSERT_LINE
     " ON CONFLICT (order_id, line_no) DO UPDATE SET name = $3,"
     " qty_milli = $5, qty_picked_milli = $6, weight_g = $7,"
     " weight_picked_g = $8,"
     " price_minor = $9, discount_price_minor = $10, total_minor = $11,"
     " discount_total_minor = $12, state = $13, reason = $14,"
     " replaced_by = $15, replaces = $16, version = $17");
STMT(lines_put_picked,
     "UPDATE order_lines SET qty_picked_milli = $3, weight_picked_g = $4,"
     " state = $5, reason = $6, version = $7"
     " WHERE order_id = $1 AND line_no = $2");

static int64_t weight(struct query *q, int column)
{
	return query_col_is_null(q, column) ? -1 : query_col_i64(q, column);
}

/* Columns in the order of LINE_COLUMNS. */
static void read_line(struct query *q, struct order_line *l)
{
	l->line_no = (int)query_col_i64(q, 0);
	QUERY_COL_COPY(q, 1, l->sku);
	QUERY_COL_COPY(q, 2, l->name);
	l->qty_ordered_milli = query_col_i64(q, 3);
	l->qty_milli = query_col_i64(q, 4);
	l->qty_picked_milli = query_col_i64(q, 5);
	l->weight_g = weight(q, 6);
	l->weight_picked_g = weight(q, 7);
	l->price_minor = query_col_i64(q, 8);
	l->discount_price_minor = query_col_i64(q, 9);
	l->total_minor = query_col_i64(q, 10);
	l->discount_total_minor = query_col_i64(q, 11);
	l->state = line_state_from_name(query_col_text(q, 12));
	QUERY_COL_COPY(q, 13, l->reason);
	l->replaced_by = (int)query_col_i64(q, 14);
	l->replaces = (int)query_col_i64(q, 15);
	l->version = query_col_i64(q, 16);
}

int order_lines_load(struct db *db, struct order *order, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &lines_select);
	int rc;

	query_i64(q, 1, order->id);
	while ((rc = query_next(q, e)) > 0) {
		struct order_line *line =
			order_line_add(&order->lines, &order->line_count);

		if (line == NULL)
			return err_set(e, ERR_NOMEM, "lines: out of memory");
		read_line(q, line);
	}
	return rc;
}

static void bind_weight(struct query *q, int n, int64_t weight_g)
{
	if (weight_g >= 0)
		query_i64(q, n, weight_g);
	else
		query_null(q, n);
}

/* As the n-th row of the statement, from 0. */
static void bind_line(struct query *q, int n, const struct order_line *l)
{
	int p = n * COLUMNS;

	query_i64(q, p + 1, l->line_no);
	query_text(q, p + 2, l->sku);
	query_text(q, p + 3, l->name);
	query_i64(q, p + 4, l->qty_ordered_milli);
	query_i64(q, p + 5, l->qty_milli);
	query_i64(q, p + 6, l->qty_picked_milli);
	bind_weight(q, p + 7, l->weight_g);
	bind_weight(q, p + 8, l->weight_picked_g);
	query_i64(q, p + 9, l->price_minor);
	query_i64(q, p + 10, l->discount_price_minor);
	query_i64(q, p + 11, l->total_minor);
	query_i64(q, p + 12, l->discount_total_minor);
	query_text(q, p + 13, line_state_name(l->state));
	query_text(q, p + 14, l->reason);
	query_i64(q, p + 15, l->replaced_by);
	query_i64(q, p + 16, l->replaces);
	query_i64(q, p + 17, l->version);
}

static int save_rows(struct db *db, const struct stmt *stmt, int64_t order_id,
		     const struct order_line *lines, int count, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	for (int n = 0; n < count; n++)
		bind_line(q, n, &lines[n]);
	query_i64(q, count * COLUMNS + 1, order_id);
	return query_post(q, NULL, e);
}

int order_lines_save(struct db *db, const struct order *o, struct err *e)
{
	const struct stmt *one = o->is_new ? &lines_insert : &lines_put;
	size_t i = 0;
	int rc = 0;

	for (; o->is_new && i + ROWS <= o->line_count && rc == 0; i += ROWS)
		rc = save_rows(db, &lines_insert_rows, o->id, &o->lines[i],
			       ROWS, e);
	for (; i < o->line_count && rc == 0; i++)
		rc = save_rows(db, one, o->id, &o->lines[i], 1, e);
	return rc;
}

int order_lines_save_picked(struct db *db, int64_t order_id,
			    const struct order_line *l, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &lines_put_picked);

	query_i64(q, 1, order_id);
	query_i64(q, 2, l->line_no);
	query_i64(q, 3, l->qty_picked_milli);
	bind_weight(q, 4, l->weight_picked_g);
	query_text(q, 5, line_state_name(l->state));
	query_text(q, 6, l->reason);
	query_i64(q, 7, l->version);
	return query_post(q, NULL, e);
}

/* SPDX-License-Identifier: MIT */
#include "store/order/marking_codes.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

enum {
	/* "01", GTIN, "21", and so much of the serial that few units share it
	 */
	STEM_BYTES = 2 + 14 + 2 + 3
};

STMT(marking_codes_select, "SELECT line_no, unit, code FROM order_marking_codes"
			   " WHERE order_id = $1 ORDER BY line_no, position");
STMT(marking_codes_delete, "DELETE FROM order_marking_codes"
			   " WHERE order_id = $1 AND line_no = $2");
STMT(marking_codes_delete_all,
     "DELETE FROM order_marking_codes WHERE order_id = $1");
STMT(marking_codes_insert,
     "INSERT INTO order_marking_codes (order_id, line_no, position, unit, code)"
     " VALUES ($1, $2, $3, $4, $5)");
/* One of the two may be longer by what follows a separator that was lost
 * (barcode_same_unit). '~' is the last character that a unit may have. */
STMT(marking_codes_other,
     "SELECT o.number FROM order_marking_codes c"
     " JOIN orders o ON o.id = c.order_id"
     " WHERE c.unit >= $1 AND c.unit <= $2 || '~~' AND c.order_id <> $3"
     " AND (substr($2, 1, length(c.unit)) = c.unit"
     "      OR substr(c.unit, 1, length($2)) = $2)"
     " AND o.state NOT IN ('delivered', 'canceled') LIMIT 1");

int marking_codes_load(struct db *db, struct order *order, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &marking_codes_select);
	int rc;

	query_i64(q, 1, order->id);
	while ((rc = query_next(q, e)) > 0) {
		rc = order_code_add(order, (int)query_col_i64(q, 0),
				    query_col_text(q, 1), query_col_text(q, 2),
				    e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int delete (struct db *db, int64_t order_id, int line_no, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, line_no != 0 ? &marking_codes_delete
					     : &marking_codes_delete_all);

	query_i64(q, 1, order_id);
	if (line_no != 0)
		query_i64(q, 2, line_no);
	return query_exec(q, e);
}

static int insert(struct db *db, int64_t order_id, int64_t position,
		  const struct order_code *code, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &marking_codes_insert);

	query_i64(q, 1, order_id);
	query_i64(q, 2, code->line_no);
	query_i64(q, 3, position);
	query_text(q, 4, code->unit);
	query_text(q, 5, code->code);
	return query_exec(q, e);
}

int marking_codes_save(struct db *db, const struct order *order, int line_no,
		       struct err *e)
{
	int rc = delete (db, order->id, line_no, e);

	for (size_t i = 0; i < order->code_count && rc >= 0; i++)
		if (line_no == 0 || order->codes[i].line_no == line_no)
			rc = insert(db, order->id, (int64_t)i + 1,
				    &order->codes[i], e);
	return rc < 0 ? rc : 0;
}

int marking_codes_find(struct db *db, const char *unit, int64_t order_id,
		       char ret_number[ORDER_NUMBER_BYTES], struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &marking_codes_other);
	char stem[STEM_BYTES + 1];
	int rc;

	(void)snprintf(stem, sizeof(stem), "%.*s", STEM_BYTES, unit);
	query_text(q, 1, stem);
	query_text(q, 2, unit);
	query_i64(q, 3, order_id);
	rc = query_next(q, e);
	if (rc > 0)
		(void)text_copy(ret_number, ORDER_NUMBER_BYTES,
				query_col_text(q, 0));
	return rc;
}

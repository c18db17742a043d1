/* SPDX-License-Identifier: MIT */
#include "store/order/later_changes.h"

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(later_changes_insert,
     "INSERT INTO order_later_changes (order_id, event_ms, total_minor, body,"
     " state, created_ms) SELECT $1, $2, $3, $4,"
     " CASE WHEN $4 = '' THEN 'nothing' ELSE 'due' END, $5"
     " WHERE NOT EXISTS (SELECT 1 FROM order_later_changes AS n"
     "  WHERE n.order_id = $1 AND n.event_ms > $2)");
STMT(later_changes_insert_told,
     "INSERT INTO order_later_changes (order_id, event_ms, total_minor, body,"
     " state, reason, created_ms) SELECT $1, $2, -1, '', 'told', $3, $4"
     " WHERE NOT EXISTS (SELECT 1 FROM order_later_changes AS n"
     "  WHERE n.order_id = $1 AND n.event_ms = $2)");
#define CHANGES                                                             \
	"SELECT c.id, c.order_id, c.event_ms, c.total_minor, c.body, s.id," \
	" s.time_zone, (SELECT count(*) FROM order_later_changes AS b"      \
	"  WHERE b.order_id = c.order_id AND b.id < c.id AND b.body <> '')" \
	" FROM order_later_changes AS c JOIN orders AS o"                   \
	" ON o.id = c.order_id JOIN stores AS s ON s.id = o.store_id"
STMT(later_changes_select,
     CHANGES " WHERE c.state = 'due' AND c.id > $1 AND o.invoice_state = 'done'"
	     " ORDER BY c.id LIMIT 1");
STMT(later_changes_select_of_order,
     CHANGES " WHERE c.order_id = $1 AND c.event_ms <= $2"
	     " ORDER BY c.event_ms DESC, c.id DESC LIMIT 1");
STMT(later_changes_set_sold,
     "UPDATE order_later_changes SET state = 'done'"
     " WHERE order_id = $1 AND event_ms <= $2 AND state = 'due'");
STMT(later_changes_set, "UPDATE order_later_changes SET state = $2, reason = $3"
			" WHERE id = $1 AND state = 'due'");
STMT(later_changes_set_settled,
     "UPDATE order_later_changes SET state = 'settled'"
     " WHERE order_id = $1 AND state = 'told'");

int later_changes_add(struct db *db, int64_t order_id, int64_t event_ms,
		      int64_t total_minor, const char *body, int64_t now_ms,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &later_changes_insert);
	int rc;

	query_i64(q, 1, order_id);
	query_i64(q, 2, event_ms);
	query_i64(q, 3, total_minor);
	query_text(q, 4, body);
	query_i64(q, 5, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int later_changes_tell(struct db *db, int64_t order_id, int64_t event_ms,
		       const char *reason, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &later_changes_insert_told);
	int rc;

	query_i64(q, 1, order_id);
	query_i64(q, 2, event_ms);
	query_text(q, 3, reason);
	query_i64(q, 4, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static int read_row(struct query *q, struct later_row *to, struct err *e)
{
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc;
	*to = (struct later_row){.id = query_col_i64(q, 0),
				 .order_id = query_col_i64(q, 1),
				 .event_ms = query_col_i64(q, 2),
				 .total_minor = query_col_i64(q, 3),
				 .earlier = query_col_i64(q, 7),
				 .body = query_col_copy(q, 4)};
	(void)text_copy(to->store_id, sizeof(to->store_id),
			query_col_text(q, 5));
	(void)text_copy(to->time_zone, sizeof(to->time_zone),
			query_col_text(q, 6));
	if (to->body == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return 1;
}

int later_changes_next(struct db *db, int64_t after_id,
		       struct later_row *ret_row, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &later_changes_select);

	query_i64(q, 1, after_id);
	return read_row(q, ret_row, e);
}

int later_changes_until(struct db *db, int64_t order_id, int64_t until_ms,
			struct later_row *ret_row, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &later_changes_select_of_order);

	query_i64(q, 1, order_id);
	query_i64(q, 2, until_ms);
	return read_row(q, ret_row, e);
}

int later_changes_sold(struct db *db, int64_t order_id, int64_t until_ms,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &later_changes_set_sold);

	query_i64(q, 1, order_id);
	query_i64(q, 2, until_ms);
	return query_exec(q, e);
}

int later_changes_end(struct db *db, int64_t id, const char *state,
		      const char *reason, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &later_changes_set);

	query_i64(q, 1, id);
	query_text(q, 2, state);
	query_text(q, 3, reason);
	return query_exec(q, e);
}

int later_changes_settle(struct db *db, int64_t order_id, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &later_changes_set_settled);

	query_i64(q, 1, order_id);
	return query_exec(q, e);
}

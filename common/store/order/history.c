/* SPDX-License-Identifier: MIT */
#include "store/order/history.h"

#include "base/err.h"
#include "store/engine/db.h"

STMT(history_insert,
     "INSERT INTO order_history (order_id, at_ms, kind, actor, detail, after)"
     " VALUES ($1, $2, $3, $4, $5, $6)");
STMT(history_moments_select,
     "SELECT at_ms, after FROM order_history WHERE order_id = $1"
     " AND at_ms <= $2 AND after <> '' ORDER BY id");
STMT(history_moments_select_back,
     "SELECT actor, after FROM order_history WHERE order_id = $1"
     " AND after <> '' ORDER BY id DESC");

int history_add_moment(struct db *db, const struct history_entry *entry,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &history_insert);

	query_i64(q, 1, entry->order_id);
	query_i64(q, 2, entry->at_ms);
	query_text(q, 3, entry->kind);
	query_text(q, 4, entry->actor);
	query_text(q, 5, entry->detail);
	query_text(q, 6, entry->after);
	return query_post(q, NULL, e);
}

int history_moments(struct db *db, int64_t order_id, int64_t until_ms,
		    int (*each)(int64_t at_ms, const char *after, void *context,
				struct err *e),
		    void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &history_moments_select);
	int count = 0;
	int rc;

	query_i64(q, 1, order_id);
	query_i64(q, 2, until_ms);
	while ((rc = query_next(q, e)) > 0) {
		rc = each(query_col_i64(q, 0), query_col_text(q, 1), context,
			  e);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int history_moments_back(struct db *db, int64_t order_id,
			 int (*each)(const char *actor, const char *after,
				     void *context, struct err *e),
			 void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &history_moments_select_back);
	int count = 0;
	int rc;

	query_i64(q, 1, order_id);
	while ((rc = query_next(q, e)) > 0) {
		rc = each(query_col_text(q, 0), query_col_text(q, 1), context,
			  e);
		if (rc < 0)
			return rc;
		count++;
		if (rc > 0)
			break;
	}
	return rc < 0 ? rc : count;
}

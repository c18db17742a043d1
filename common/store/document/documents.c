/* SPDX-License-Identifier: MIT */
#include "store/document/documents.h"

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/engine/sql_text.h"
#include "store/exchange/feed.h"

STMT(documents_select_due,
     "SELECT o.id, o.delivered_ms, s.time_zone, s.id FROM orders o"
     " JOIN stores s ON s.id = o.store_id"
     " WHERE o.state = 'delivered' AND o.invoice_state IN ('none', 'blocked')"
     " AND (o.delivered_ms > $1 OR (o.delivered_ms = $1 AND o.id > $2))"
     " ORDER BY o.delivered_ms, o.id LIMIT $3");
STMT(documents_take_number,
     "INSERT INTO document_series (name, last) VALUES ($1, 1)"
     " ON CONFLICT (name) DO UPDATE SET last = document_series.last + 1"
     " WHERE document_series.held = 0 RETURNING last");
STMT(documents_insert,
     "INSERT INTO documents (kind, series, number, order_id, revision,"
     " store_id, business_date, total_minor, vat_minor, state, body,"
     " created_ms, batch_id, reason, actor) VALUES ($1, $2, $3, $4, $5, $6, $7,"
     " $8, $9, 'made', $10, $11, $12, $13, $14) RETURNING id");
STMT(documents_mark_order,
     "UPDATE orders SET invoice_state = $2, invoice_reason = $3"
     " WHERE id = $1 AND state = 'delivered'"
     " AND invoice_state IN ('none', 'blocked')");
STMT(documents_select_page,
     "SELECT id, body FROM documents WHERE batch_id = $1 AND id > $2"
     " ORDER BY id LIMIT $3");
STMT(documents_select_order,
     "SELECT id, body FROM documents WHERE order_id = $1 ORDER BY id");
STMT(documents_select_one, "SELECT id, body FROM documents WHERE id = $1");
STMT(documents_select_batch,
     "SELECT batch_id FROM documents WHERE id = " AS_NUMBER("$1"));
STMT(documents_mark_exported,
     "UPDATE documents SET state = 'exported', file_name = $4, file_hash = $5,"
     " exported_ms = $6 WHERE batch_id = $1 AND id > $2 AND id <= $3"
     " AND state = 'made'");

int documents_due(struct db *db, int64_t after_ms, int64_t after_id,
		  struct document_due *ret_due, int max, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &documents_select_due);
	int count = 0;
	int rc;

	query_i64(q, 1, after_ms);
	query_i64(q, 2, after_id);
	query_i64(q, 3, max);
	while ((rc = query_next(q, e)) > 0 && count < max) {
		struct document_due *due = &ret_due[count++];

		due->order_id = query_col_i64(q, 0);
		due->delivered_ms = query_col_i64(q, 1);
		(void)text_copy(due->time_zone, sizeof(due->time_zone),
				query_col_text(q, 2));
		(void)text_copy(due->store_id, sizeof(due->store_id),
				query_col_text(q, 3));
	}
	return rc < 0 ? rc : count;
}

int documents_next_number(struct db *db, const char *series,
			  int64_t *ret_number, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &documents_take_number);
	int rc;

	query_text(q, 1, series);
	rc = query_one_i64(q, ret_number, e);
	if (rc == 0)
		return err_set(e, ERR_STATE,
			       "series %.40s is held since a restore: "
			       "ordergatectl series advance",
			       series);
	return MIN_OF(rc, 0);
}

int documents_add(struct db *db, const struct document *d, int64_t now_ms,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &documents_insert);
	int64_t id = 0;
	int rc;

	query_text(q, 1, d->kind);
	query_text(q, 2, d->series);
	query_i64(q, 3, d->number);
	query_i64(q, 4, d->order_id);
	query_i64(q, 5, d->revision);
	query_text(q, 6, d->store_id);
	query_text(q, 7, d->business_date);
	query_i64(q, 8, d->total_minor);
	query_i64(q, 9, d->vat_minor);
	query_text(q, 10, d->body);
	query_i64(q, 11, now_ms);
	query_i64(q, 12, d->batch_id);
	query_text(q, 13, d->reason != NULL ? d->reason : "");
	query_text(q, 14, d->actor != NULL ? d->actor : "");
	rc = query_one_i64(q, &id, e);
	return rc < 0 ? rc : feed_add_document(db, id, "made", now_ms, e);
}

int documents_set_order(struct db *db, int64_t order_id, const char *state,
			const char *reason, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &documents_mark_order);

	query_i64(q, 1, order_id);
	query_text(q, 2, state);
	query_text(q, 3, reason);
	return query_exec(q, e);
}

static int visit(struct query *q, documents_visit *each, void *context,
		 struct err *e)
{
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct document_body body = {.id = query_col_i64(q, 0),
					     .body = query_col_text(q, 1)};

		rc = each(&body, context, e);
		if (rc < 0)
			return rc;
		count++;
		if (rc > 0)
			return count;
	}
	return rc < 0 ? rc : count;
}

int documents_of_batch(struct db *db, int64_t batch_id, int64_t after_id,
		       int max, documents_visit *each, void *context,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &documents_select_page);

	query_i64(q, 1, batch_id);
	query_i64(q, 2, after_id);
	query_i64(q, 3, max);
	return visit(q, each, context, e);
}

int documents_of_order(struct db *db, int64_t order_id, documents_visit *each,
		       void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &documents_select_order);

	query_i64(q, 1, order_id);
	return visit(q, each, context, e);
}

int documents_get(struct db *db, int64_t id, documents_visit *each,
		  void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &documents_select_one);

	query_i64(q, 1, id);
	return visit(q, each, context, e);
}

int documents_batch_of(struct db *db, const char *id, int64_t *ret_batch_id,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &documents_select_batch);

	query_text(q, 1, id);
	return query_one_i64(q, ret_batch_id, e);
}

int documents_exported(struct db *db, const struct document_mark *mark,
		       int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &documents_mark_exported);

	query_i64(q, 1, mark->batch_id);
	query_i64(q, 2, mark->after_id);
	query_i64(q, 3, mark->up_to_id);
	query_text(q, 4, mark->file_name);
	query_text(q, 5, mark->hash);
	query_i64(q, 6, now_ms);
	return query_exec(q, e);
}

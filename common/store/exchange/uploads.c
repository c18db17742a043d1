/* SPDX-License-Identifier: MIT */
#include "store/exchange/uploads.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(uploads_insert,
     "INSERT INTO erp_uploads (name, kind, state, bytes, created_ms)"
     " VALUES ($1, $2, 'waiting', $3, $4)");
STMT(uploads_set_rows, "UPDATE erp_uploads SET state = 'running', rows = $2"
		       " WHERE id = $1 AND state IN ('waiting', 'running')");
STMT(uploads_set_end,
     "UPDATE erp_uploads SET state = $2, rows = $3, changed = $4,"
     " fault_count = $5, faults = $6, message = $7, ended_ms = $8"
     " WHERE id = $1 AND state IN ('waiting', 'running')");
STMT(uploads_delete,
     "DELETE FROM erp_uploads WHERE id IN (SELECT id FROM erp_uploads"
     " WHERE ended_ms > 0 AND ended_ms < $1 ORDER BY ended_ms LIMIT $2)");
#define UPLOAD_COLUMNS                                                 \
	"SELECT id, name, kind, state, message, bytes, rows, changed," \
	" fault_count, created_ms, ended_ms, faults FROM erp_uploads WHERE "
STMT(uploads_select, UPLOAD_COLUMNS "name = $1");
STMT(uploads_select_open,
     UPLOAD_COLUMNS "state IN ('waiting', 'running') ORDER BY id LIMIT 1");

void upload_clear(struct upload *upload)
{
	free(upload->faults);
	upload->faults = NULL;
}

int uploads_add(struct db *db, const char *name, const char *kind,
		int64_t bytes, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &uploads_insert);
	int rc;

	query_text(q, 1, name);
	query_text(q, 2, kind);
	query_i64(q, 3, bytes);
	query_i64(q, 4, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int uploads_progress(struct db *db, int64_t id, int64_t rows, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &uploads_set_rows);
	int rc;

	query_i64(q, 1, id);
	query_i64(q, 2, rows);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int uploads_end(struct db *db, const struct upload *upload, int64_t now_ms,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &uploads_set_end);
	int rc;

	query_i64(q, 1, upload->id);
	query_text(q, 2, upload->state);
	query_i64(q, 3, upload->rows);
	query_i64(q, 4, upload->changed);
	query_i64(q, 5, upload->fault_count);
	query_text(q, 6, upload->faults != NULL ? upload->faults : "[]");
	query_text(q, 7, upload->message);
	query_i64(q, 8, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int uploads_forget(struct db *db, int64_t before_ms, int max, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &uploads_delete);

	query_i64(q, 1, before_ms);
	query_i64(q, 2, max);
	return query_exec(q, e);
}

static int read_one(struct query *q, struct upload *u, struct err *e)
{
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc;
	*u = (struct upload){
		.id = query_col_i64(q, 0),
		.bytes = query_col_i64(q, 5),
		.rows = query_col_i64(q, 6),
		.changed = query_col_i64(q, 7),
		.fault_count = query_col_i64(q, 8),
		.created_ms = query_col_i64(q, 9),
		.ended_ms = query_col_i64(q, 10),
		.faults = query_col_copy(q, 11),
	};
	(void)text_copy(u->name, sizeof(u->name), query_col_text(q, 1));
	(void)text_copy(u->kind, sizeof(u->kind), query_col_text(q, 2));
	(void)text_copy(u->state, sizeof(u->state), query_col_text(q, 3));
	(void)text_copy(u->message, sizeof(u->message), query_col_text(q, 4));
	if (u->faults == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return 1;
}

int uploads_get(struct db *db, const char *name, struct upload *ret_upload,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &uploads_select);

	query_text(q, 1, name);
	return read_one(q, ret_upload, e);
}

int uploads_next(struct db *db, struct upload *ret_upload, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &uploads_select_open);

	return read_one(q, ret_upload, e);
}

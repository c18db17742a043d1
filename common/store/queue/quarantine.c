/* SPDX-License-Identifier: MIT */
#include "store/queue/quarantine.h"

#include "base/err.h"
#include "store/engine/db.h"

STMT(quarantine_insert,
     "INSERT INTO quarantine (received_ms, channel, reason, raw)"
     " VALUES ($1, $2, $3, $4)");
STMT(quarantine_get, "SELECT channel, reason, raw, closed_ms FROM quarantine"
		     " WHERE id = $1");
STMT(quarantine_end, "UPDATE quarantine SET closed_ms = $2, outcome = $3"
		     " WHERE id = $1 AND closed_ms = 0");
/* PostgreSQL casts no text to bytes. */
#define KEEP_ORIGINAL(bytes)                                          \
	"INSERT INTO quarantine (received_ms, channel, reason, raw,"  \
	" closed_ms, outcome) SELECT created_ms, channel, 'message '" \
	" || id || ': ' || coalesce(error, ''), " bytes ", $2,"       \
	" 'corrected' FROM inbox WHERE id = $1 AND state = 4"
STMT_PG(quarantine_keep_original, KEEP_ORIGINAL("CAST(body AS BLOB)"),
	KEEP_ORIGINAL("convert_to(body, 'UTF8')"));
STMT(quarantine_put_body, "UPDATE inbox SET body = $2, updated_ms = $3"
			  " WHERE id = $1 AND state = 4");

int quarantine_add(struct db *db, const char *channel, const char *reason,
		   const void *raw, size_t bytes, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &quarantine_insert);
	int rc;

	query_i64(q, 1, now_ms);
	query_text(q, 2, channel);
	query_text(q, 3, reason);
	query_blob(q, 4, raw, bytes);
	rc = query_next(q, e);
	return rc < 0 ? rc : 0;
}

int quarantine_read(struct db *db, int64_t id, struct quarantined *ret_one,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &quarantine_get);
	const void *raw;
	size_t bytes = 0;
	int rc;

	query_i64(q, 1, id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	QUERY_COL_COPY(q, 0, ret_one->channel);
	QUERY_COL_COPY(q, 1, ret_one->reason);
	ret_one->closed = query_col_i64(q, 3) != 0;
	raw = query_col_blob(q, 2, &bytes);
	buf_clear(&ret_one->raw);
	buf_add(&ret_one->raw, raw, bytes);
	rc = buf_finish(&ret_one->raw, e);
	return rc < 0 ? rc : 1;
}

int quarantine_close(struct db *db, int64_t id, const char *outcome,
		     int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &quarantine_end);

	query_i64(q, 1, id);
	query_i64(q, 2, now_ms);
	query_text(q, 3, outcome);
	return query_exec(q, e);
}

int quarantine_correct(struct db *db, int64_t inbox_id, const char *body,
		       int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *keep =
		query_start(db, &quarantine_keep_original);
	int rc;

	query_i64(keep, 1, inbox_id);
	query_i64(keep, 2, now_ms);
	rc = query_next(keep, e);
	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *put = query_start(db, &quarantine_put_body);

	query_i64(put, 1, inbox_id);
	query_text(put, 2, body);
	query_i64(put, 3, now_ms);
	return query_exec(put, e);
}

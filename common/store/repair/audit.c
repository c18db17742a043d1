/* SPDX-License-Identifier: MIT */
#include "store/repair/audit.h"

#include "base/err.h"
#include "store/engine/db.h"

STMT(audit_insert,
     "INSERT INTO audit_log (at_ms, actor, action, filter, reason)"
     " VALUES ($1, $2, $3, $4, $5) RETURNING id");
STMT(audit_insert_message,
     "INSERT INTO audit_messages (audit_id, queue, message, changed, copy)"
     " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING");
STMT(audit_count, "UPDATE audit_log SET matched = matched + $2,"
		  " changed = changed + $3 WHERE id = $1");

int audit_begin(struct db *db, const struct audit_entry *entry, int64_t now_ms,
		int64_t *ret_audit_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &audit_insert);
	int rc;

	query_i64(q, 1, now_ms);
	query_text(q, 2, entry->actor);
	query_text(q, 3, entry->action);
	query_text(q, 4, entry->filter);
	query_text(q, 5, entry->reason);
	rc = query_one_i64(q, ret_audit_id, e);
	return rc < 0 ? rc : 0;
}

int audit_message(struct db *db, int64_t audit_id, const char *queue,
		  int64_t message_id, bool changed, int64_t copy_id,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &audit_insert_message);
	int rc;

	query_i64(q, 1, audit_id);
	query_text(q, 2, queue);
	query_i64(q, 3, message_id);
	query_i64(q, 4, changed ? 1 : 0);
	if (copy_id != 0)
		query_i64(q, 5, copy_id);
	else
		query_null(q, 5);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int audit_add(struct db *db, int64_t audit_id, int64_t matched, int64_t changed,
	      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &audit_count);
	int rc;

	query_i64(q, 1, audit_id);
	query_i64(q, 2, matched);
	query_i64(q, 3, changed);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

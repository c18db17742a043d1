/* SPDX-License-Identifier: MIT */
#include "store/monitor/measures.h"

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"

/* Rows of the inbox that one transaction reads. */
#define COUNT_AT_ONCE "1000"
/* Older hours than the four weeks of a comparison, and one more. */
#define KEPT_MS "3024000000"

STMT(measures_upsert,
     "INSERT INTO measures (name, subject, value, detail, at_ms)"
     " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name, subject) DO UPDATE SET"
     " value = excluded.value, detail = excluded.detail,"
     " at_ms = excluded.at_ms");
STMT(measures_value,
     "SELECT value FROM measures WHERE name = $1 AND subject = $2"
     " AND at_ms >= $3");
STMT(measures_delete, "DELETE FROM measures WHERE name = $1 AND at_ms < $2");
/* $1 from: the last message that is counted already. */
STMT(intake_upto, "SELECT coalesce(max(n.id), $1) FROM (SELECT id FROM inbox"
		  " WHERE id > $1 ORDER BY id LIMIT " COUNT_AT_ONCE ") AS n");
STMT(intake_add,
     "INSERT INTO intake_hours (channel, hour_ms, messages)"
     " SELECT channel, created_ms / 3600000 * 3600000, count(*) FROM inbox"
     " WHERE id > $1 AND id <= $2"
     " GROUP BY channel, created_ms / 3600000 * 3600000"
     " ON CONFLICT (channel, hour_ms) DO UPDATE SET"
     " messages = intake_hours.messages + excluded.messages");
STMT(intake_last,
     "INSERT INTO measures (name, subject, value, detail, at_ms)"
     " SELECT 'last-message', channel, max(created_ms), '', $3 FROM inbox"
     " WHERE id > $1 AND id <= $2 GROUP BY channel"
     " ON CONFLICT (name, subject) DO UPDATE SET value = excluded.value,"
     " at_ms = excluded.at_ms");
STMT(intake_forget, "DELETE FROM intake_hours WHERE hour_ms < $1 - " KEPT_MS);
STMT(store_made, "SELECT created_ms FROM store_meta");

int measures_put(struct db *db, const char *name, const char *subject,
		 int64_t value, const char *detail, int64_t now_ms,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &measures_upsert);
	int rc;

	query_text(q, 1, name);
	query_text(q, 2, subject);
	query_i64(q, 3, value);
	query_text(q, 4, detail);
	query_i64(q, 5, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int measures_recent(struct db *db, const char *name, const char *subject,
		    int64_t since_ms, int64_t *ret_value, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &measures_value);

	query_text(q, 1, name);
	query_text(q, 2, subject);
	query_i64(q, 3, since_ms);
	return query_one_i64(q, ret_value, e);
}

int measures_get(struct db *db, const char *name, const char *subject,
		 int64_t *ret_value, struct err *e)
{
	return measures_recent(db, name, subject, 0, ret_value, e);
}

int measures_forget(struct db *db, const char *name, int64_t before_ms,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &measures_delete);
	int rc;

	query_text(q, 1, name);
	query_i64(q, 2, before_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static int count_range(struct db *db, int64_t from_id, int64_t to_id,
		       int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *hours = query_start(db, &intake_add);
	CLEANUP_QUERY struct query *last = query_start(db, &intake_last);
	int rc;

	query_i64(hours, 1, from_id);
	query_i64(hours, 2, to_id);
	rc = query_exec(hours, e);
	if (rc < 0)
		return rc;
	query_i64(last, 1, from_id);
	query_i64(last, 2, to_id);
	query_i64(last, 3, now_ms);
	return MIN_OF(query_exec(last, e), 0);
}

int intake_hours_count(struct db *db, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *upto = query_start(db, &intake_upto);
	CLEANUP_QUERY struct query *old = query_start(db, &intake_forget);
	int64_t from_id = 0;
	int64_t to_id = 0;
	int rc = measures_get(db, "last-message-id", "inbox", &from_id, e);

	if (rc < 0)
		return rc;
	query_i64(upto, 1, from_id);
	rc = query_one_i64(upto, &to_id, e);
	if (rc >= 0 && to_id > from_id)
		rc = count_range(db, from_id, to_id, now_ms, e);
	if (rc >= 0)
		rc = measures_put(db, "last-message-id", "inbox", to_id, "",
				  now_ms, e);
	if (rc < 0)
		return rc;
	query_i64(old, 1, now_ms);
	rc = query_exec(old, e);
	if (rc < 0)
		return rc;
	return to_id > from_id ? 1 : 0;
}

int measures_store_made(struct db *db, int64_t *ret_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &store_made);

	return query_one_i64(q, ret_ms, e);
}

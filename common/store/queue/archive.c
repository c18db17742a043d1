/* SPDX-License-Identifier: MIT */
#include "store/queue/archive.h"

#include "base/err.h"
#include "store/engine/db.h"

struct archive_step {
	const struct stmt *window, *copy, *remove; /* copy NULL: none */
};

/* The rows after $1: the last id of the next $2, and when the last of them was
 * made. Later rows were made later, so a walk ends there. */
#define WINDOW(table, made)                                               \
	"SELECT max(w.id), max(w.made) FROM (SELECT id, " made " AS made" \
	" FROM " table " WHERE id > $1 ORDER BY id LIMIT $2) AS w"
/* $1 after, $2 up to, $3 before */
#define OLD(condition) " WHERE id > $1 AND id <= $2 AND " condition " < $3"

#define INBOX_COLUMNS                                                         \
	"id, message_id, channel, external_id, event_type, order_id,"         \
	" order_seq, event_ms, state, outcome, hold, attempts, due_ms,"       \
	" lease_owner, lease_epoch, lease_until_ms, sending_since_ms, error," \
	" created_ms, updated_ms, body"
#define OUTBOX_COLUMNS                                                         \
	"id, message_id, head_id, endpoint, channel, external_id, event_type," \
	" order_id, order_seq, state, outcome, hold, attempts, due_ms,"        \
	" lease_owner, lease_epoch, lease_until_ms, sending_since_ms,"         \
	" http_status, error, created_ms, updated_ms, body"

#define MOVE(symbol, table, columns)                                         \
	STMT(symbol##_window, WINDOW(table, "created_ms"));                  \
	STMT(symbol##_copy, "INSERT INTO " table "_archive (" columns ")"    \
			    " SELECT " columns                               \
			    " FROM " table OLD("state = 3 AND updated_ms")); \
	STMT(symbol##_remove,                                                \
	     "DELETE FROM " table OLD("state = 3 AND updated_ms"));          \
	const struct archive_step symbol = {                                 \
		.window = &symbol##_window,                                  \
		.copy = &symbol##_copy,                                      \
		.remove = &symbol##_remove,                                  \
	}
#define REMOVE(symbol, table, made, condition)                      \
	STMT(symbol##_window, WINDOW(table, made));                 \
	STMT(symbol##_remove, "DELETE FROM " table OLD(condition)); \
	const struct archive_step symbol = {                        \
		.window = &symbol##_window,                         \
		.remove = &symbol##_remove,                         \
	}

MOVE(archive_inbox, "inbox", INBOX_COLUMNS);
MOVE(archive_outbox, "outbox", OUTBOX_COLUMNS);
REMOVE(archive_old_inbox, "inbox_archive", "created_ms", "updated_ms");
REMOVE(archive_old_outbox, "outbox_archive", "created_ms", "updated_ms");
REMOVE(archive_old_telegram, "telegram_archive", "created_ms", "created_ms");
REMOVE(archive_old_alerts, "alerts", "since_ms",
       "state = 'resolved' AND resolved_ms");
REMOVE(archive_old_quiet_runs, "job_runs", "started_ms",
       "outcome IN ('ok', 'skipped') AND ended_ms");
REMOVE(archive_old_runs, "job_runs", "started_ms",
       "ended_ms IS NOT NULL AND ended_ms");

STMT(archive_answers,
     "DELETE FROM api_requests WHERE key IN (SELECT key FROM api_requests"
     " WHERE created_ms < $1 ORDER BY created_ms LIMIT $2)");
STMT(archive_expired_list,
     "SELECT p.inbox_id, p.order_id, p.event_type,"
     " coalesce(o.external_id,"
     "  (SELECT i.external_id FROM inbox AS i WHERE i.id = p.inbox_id),"
     "  (SELECT i.external_id FROM inbox_archive AS i"
     "   WHERE i.id = p.inbox_id), ''),"
     " coalesce(o.number, '') FROM parked_events AS p"
     " LEFT JOIN orders AS o ON o.id = p.order_id"
     " WHERE p.expires_ms <= $1 ORDER BY p.expires_ms LIMIT $2");

/* 1 and the end of the window, 0 when there are no more rows, < 0. */
static int look(struct db *db, const struct archive_step *step, int limit,
		const struct archive_walk *walk, int64_t *ret_last,
		int64_t *ret_made_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, step->window);
	int rc;

	query_i64(q, 1, walk->after_id);
	query_i64(q, 2, limit);
	rc = query_next(q, e);
	if (rc <= 0 || query_col_is_null(q, 0))
		return rc < 0 ? rc : 0;
	*ret_last = query_col_i64(q, 0);
	*ret_made_ms = query_col_i64(q, 1);
	return 1;
}

static int apply(struct db *db, const struct stmt *stmt, int64_t after_id,
		 int64_t last_id, int64_t before_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	query_i64(q, 1, after_id);
	query_i64(q, 2, last_id);
	query_i64(q, 3, before_ms);
	return query_exec(q, e);
}

int archive_next(struct db *db, const struct archive_step *step,
		 int64_t before_ms, int limit, struct archive_walk *walk,
		 struct err *e)
{
	int64_t last_id = 0;
	int64_t made_ms = 0;
	int rc = look(db, step, limit, walk, &last_id, &made_ms, e);

	if (rc == 0)
		walk->finished = true;
	if (rc <= 0)
		return rc;
	if (step->copy != NULL)
		rc = apply(db, step->copy, walk->after_id, last_id, before_ms,
			   e);
	if (rc >= 0)
		rc = apply(db, step->remove, walk->after_id, last_id, before_ms,
			   e);
	if (rc < 0)
		return rc;
	*walk = (struct archive_walk){.after_id = last_id,
				      .finished = made_ms >= before_ms};
	return rc;
}

int archive_old_answers(struct db *db, int64_t before_ms, int limit,
			struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &archive_answers);

	query_i64(q, 1, before_ms);
	query_i64(q, 2, limit);
	return query_exec(q, e);
}

int archive_expired_events(struct db *db, int64_t now_ms, int limit,
			   int (*each)(const struct archive_expired *expired,
				       void *context),
			   void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &archive_expired_list);
	int count = 0;
	int rc;

	query_i64(q, 1, now_ms);
	query_i64(q, 2, limit);
	while ((rc = query_next(q, e)) > 0) {
		struct archive_expired expired = {
			.inbox_id = query_col_i64(q, 0),
			.order_id = query_col_i64(q, 1),
			.event_type = query_col_text(q, 2),
			.external_id = query_col_text(q, 3),
			.number = query_col_text(q, 4),
		};

		rc = each(&expired, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

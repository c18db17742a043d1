/* SPDX-License-Identifier: MIT */
#include "store/queue/archive.h"

#include "base/err.h"
#include "store/engine/db.h"
#include "store/engine/position.h"

struct archive_step {
	const struct stmt *window, *copy, *remove; /* copy NULL: none */
	/* Attempts of what has gone, after it has. NULL: none. */
	const struct stmt *follow_copy, *follow_remove;
	/* Before `remove`: rows that belong to what goes. Ends with NULL. */
	const struct stmt *const *parts;
	/* Rows stay behind the walk: it goes on from here the next time. NULL:
	 * it begins anew (store/engine/position.h). */
	const char *position;
};

/* The rows after $1: the last id of the next $2, and when the last of them was
 * made. Later rows were made later, so a walk ends there. */
#define WINDOW_BY(number, table, made)                                       \
	"SELECT max(w.id), max(w.made) FROM (SELECT " number " AS id, " made \
	" AS made FROM " table " WHERE " number " > $1 ORDER BY " number     \
	" LIMIT $2) AS w"
#define WINDOW(table, made) WINDOW_BY("id", table, made)
/* $1 after, $2 up to, $3 before */
#define OLD(condition) " WHERE id > $1 AND id <= $2 AND " condition " < $3"

#define INBOX_COLUMNS                                                         \
	"id, message_id, channel, external_id, event_type, order_id,"         \
	" order_seq, event_ms, state, outcome, hold, attempts, due_ms,"       \
	" lease_owner, lease_epoch, lease_until_ms, sending_since_ms, error," \
	" created_ms, updated_ms, copy_of, body"
#define OUTBOX_COLUMNS                                                         \
	"id, message_id, head_id, endpoint, channel, external_id, event_type," \
	" order_id, order_seq, state, outcome, hold, attempts, due_ms,"        \
	" lease_owner, lease_epoch, lease_until_ms, sending_since_ms,"         \
	" http_status, error, created_ms, updated_ms, copy_of, body"
#define ATTEMPT_COLUMNS                                              \
	"queue, message, attempt_no, kind, started_ms, duration_ms," \
	" http_status, class, answer, worker"
/* $1 after, $2 up to: attempts at messages that are not in the table. */
#define ORPHANS(queue, table)                                           \
	" WHERE queue = '" queue "' AND message > $1 AND message <= $2" \
	" AND NOT EXISTS (SELECT 1 FROM " table " AS m WHERE m.id = message)"

#define MOVE(symbol, table, columns)                                         \
	STMT(symbol##_window, WINDOW(table, "created_ms"));                  \
	STMT(symbol##_copy, "INSERT INTO " table "_archive (" columns ")"    \
			    " SELECT " columns                               \
			    " FROM " table OLD("state = 3 AND updated_ms")); \
	STMT(symbol##_remove,                                                \
	     "DELETE FROM " table OLD("state = 3 AND updated_ms"));          \
	STMT(symbol##_follow_copy,                                           \
	     "INSERT INTO message_attempts_archive (" ATTEMPT_COLUMNS ")"    \
	     " SELECT " ATTEMPT_COLUMNS                                      \
	     " FROM message_attempts" ORPHANS(table, table));                \
	STMT(symbol##_follow_remove,                                         \
	     "DELETE FROM message_attempts" ORPHANS(table, table));          \
	const struct archive_step symbol = {                                 \
		.window = &symbol##_window,                                  \
		.copy = &symbol##_copy,                                      \
		.remove = &symbol##_remove,                                  \
		.follow_copy = &symbol##_follow_copy,                        \
		.follow_remove = &symbol##_follow_remove,                    \
	}
/* What is old goes, with its attempts, which are in the table `from`. */
#define FORGET(symbol, table, from, queue, made, condition)         \
	STMT(symbol##_window, WINDOW(table, made));                 \
	STMT(symbol##_remove, "DELETE FROM " table OLD(condition)); \
	STMT(symbol##_follow_remove,                                \
	     "DELETE FROM " from ORPHANS(queue, table));            \
	const struct archive_step symbol = {                        \
		.window = &symbol##_window,                         \
		.remove = &symbol##_remove,                         \
		.follow_remove = &symbol##_follow_remove,           \
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
/* Of an archived message: nothing of its head is in the queue (one that waits
 * for a person keeps what was around it), and what came before it goes too. So
 * what is left of a sequence never has a hole. */
#define NOT_NEEDED(table, address)                                           \
	"NOT EXISTS (SELECT 1 FROM " table " AS q WHERE q.order_id = " table \
	"_archive.order_id) AND NOT EXISTS (SELECT 1 FROM " table            \
	"_archive AS b WHERE b.order_id = " table "_archive.order_id"        \
	" AND b.order_seq < " table "_archive.order_seq" address             \
	" AND b.created_ms >= $3) AND created_ms"
FORGET(archive_old_inbox, "inbox_archive", "message_attempts_archive", "inbox",
       "created_ms", NOT_NEEDED("inbox", ""));
FORGET(archive_old_outbox, "outbox_archive", "message_attempts_archive",
       "outbox", "created_ms",
       NOT_NEEDED("outbox", " AND b.head_id = outbox_archive.head_id"));
FORGET(archive_old_telegram, "telegram_archive", "message_attempts_archive",
       "telegram", "created_ms", "created_ms");
FORGET(archive_old_mail, "mail_archive", "message_attempts_archive", "mail",
       "created_ms", "created_ms");
REMOVE(archive_old_alerts, "alerts", "since_ms",
       "state = 'resolved' AND resolved_ms");
/* What nobody could read is kept as long as its body (personal_days). */
REMOVE(archive_old_quarantine, "quarantine", "received_ms",
       "reason = 'erased' AND received_ms");
REMOVE(archive_old_quiet_runs, "job_runs", "started_ms",
       "outcome IN ('ok', 'skipped') AND ended_ms");
REMOVE(archive_old_runs, "job_runs", "started_ms",
       "ended_ms IS NOT NULL AND ended_ms");

/* Heads of orders that are over. Their number goes on where it was when
 * something comes all the same (inbox.c, outbox.c). */
#define ORDER_IS_OVER(head)                               \
	" AND NOT EXISTS (SELECT 1 FROM orders AS o"      \
	"  WHERE o.id = " head ".order_id"                \
	"  AND (o.state NOT IN ('delivered', 'canceled')" \
	"   OR o.updated_ms >= $3))"
#define INBOX_OVER                                                 \
	" WHERE order_id > $1 AND order_id <= $2 AND state = 0"    \
	" AND NOT EXISTS (SELECT 1 FROM inbox AS i"                \
	"  WHERE i.order_id = inbox_head.order_id)"                \
	" AND NOT EXISTS (SELECT 1 FROM parked_events AS p"        \
	"  WHERE p.order_id = inbox_head.order_id)" ORDER_IS_OVER( \
		"inbox_head")
/* The newest stays: the next id is counted from it, and one that was put away
 * must not be given to another order. */
#define NOT_NEWEST \
	" AND head_id < (SELECT max(n.head_id) FROM outbox_head AS n)"
#define OUTBOX_OVER                                                          \
	" WHERE head_id > $1 AND head_id <= $2 AND state = 0"                \
	" AND NOT EXISTS (SELECT 1 FROM outbox AS b"                         \
	"  WHERE b.head_id = outbox_head.head_id)" NOT_NEWEST ORDER_IS_OVER( \
		"outbox_head")
#define PUT_AWAY(symbol, table, key, columns, names, over)                \
	STMT(symbol##_window,                                             \
	     "SELECT max(w." key "), 0 FROM (SELECT " key " FROM " table  \
	     " WHERE " key " > $1 ORDER BY " key " LIMIT $2) AS w");      \
	STMT(symbol##_copy,                                               \
	     "INSERT INTO " table "_idle (" columns ") SELECT " columns   \
	     " FROM " table over " ON CONFLICT (" names ") DO UPDATE SET" \
	     " last_seq = CASE WHEN " table "_idle.last_seq"              \
	     " > excluded.last_seq THEN " table "_idle.last_seq"          \
	     " ELSE excluded.last_seq END");                              \
	STMT(symbol##_remove, "DELETE FROM " table over);                 \
	const struct archive_step symbol = {                              \
		.window = &symbol##_window,                               \
		.copy = &symbol##_copy,                                   \
		.remove = &symbol##_remove,                               \
	}
PUT_AWAY(archive_idle_heads, "inbox_head", "order_id", "order_id, last_seq",
	 "order_id", INBOX_OVER);
PUT_AWAY(archive_idle_outbox_heads, "outbox_head", "head_id",
	 "order_id, endpoint, head_id, last_seq", "order_id, endpoint",
	 OUTBOX_OVER);

/* Orders that are long over and of which no message is kept any more, with all
 * that is theirs but the documents: those are the accountant's. */
#define DOOMED                                                                \
	"(SELECT o.id FROM orders AS o WHERE o.id > $1 AND o.id <= $2"        \
	" AND o.state IN ('delivered', 'canceled') AND o.updated_ms < $3"     \
	" AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.order_id = o.id)"  \
	" AND NOT EXISTS (SELECT 1 FROM inbox_archive AS i"                   \
	"  WHERE i.order_id = o.id)"                                          \
	" AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.order_id = o.id)" \
	" AND NOT EXISTS (SELECT 1 FROM outbox_archive AS b"                  \
	"  WHERE b.order_id = o.id))"
#define PART(name, table)                                            \
	STMT(archive_##name, "DELETE FROM " table " WHERE order_id " \
			     "IN " DOOMED)
PART(customers, "order_customers");
PART(codes, "order_marking_codes");
PART(lines, "order_lines");
PART(history, "order_history");
PART(parked, "parked_events");
PART(later, "order_later_changes");
/* By its key, because there is no index of order_id: each new order would have
 * to write it. */
STMT(archive_identity,
     "DELETE FROM order_identity WHERE channel IN"
     " (SELECT n.channel FROM orders AS n WHERE n.id IN " DOOMED ")"
     " AND external_id IN (SELECT n.external_id FROM orders AS n"
     "  WHERE n.id IN " DOOMED " UNION ALL SELECT n.order_uuid"
     "  FROM orders AS n WHERE n.id IN " DOOMED ")"
     " AND order_id IN " DOOMED);
PART(inbox_heads, "inbox_head");
PART(idle_heads_of, "inbox_head_idle");
STMT(archive_feed, "DELETE FROM erp_feed WHERE kind = 'order'"
		   " AND ref_id IN " DOOMED);
STMT(archive_outbox_heads,
     "DELETE FROM outbox_head WHERE order_id IN " DOOMED NOT_NEWEST);
PART(idle_outbox_heads_of, "outbox_head_idle");
STMT(archive_orders_window, WINDOW("orders", "created_ms"));
STMT(archive_orders_remove, "DELETE FROM orders WHERE id IN " DOOMED);
static const struct stmt *const order_parts[] = {&archive_customers,
						 &archive_codes,
						 &archive_lines,
						 &archive_history,
						 &archive_parked,
						 &archive_later,
						 &archive_identity,
						 &archive_inbox_heads,
						 &archive_idle_heads_of,
						 &archive_outbox_heads,
						 &archive_feed,
						 &archive_idle_outbox_heads_of,
						 NULL};
const struct archive_step archive_old_orders = {
	.window = &archive_orders_window,
	.remove = &archive_orders_remove,
	.parts = order_parts,
};

/* Whoever reads the feed late finds the last step of each order. */
STMT(archive_overtaken_steps_window, WINDOW("erp_feed", "at_ms"));
STMT(archive_overtaken_steps_remove,
     "DELETE FROM erp_feed" OLD("kind = 'order' AND EXISTS (SELECT 1"
				" FROM erp_feed AS l WHERE l.ref_id"
				" = erp_feed.ref_id AND l.kind = 'order'"
				" AND l.id > erp_feed.id) AND at_ms"));
const struct archive_step archive_overtaken_steps = {
	.window = &archive_overtaken_steps_window,
	.remove = &archive_overtaken_steps_remove,
	.position = "overtaken.feed",
};

/* With SQLite an index of their times would be a page more at every tap, and
 * the numbers of its rows are in the order of their making anyway. */
#define OLD_BY(number) \
	" WHERE " number " > $1 AND " number " <= $2 AND created_ms < $3"
STMT_PG(archive_answers_window,
	WINDOW_BY("rowid", "api_requests", "created_ms"),
	WINDOW_BY("created_ms", "api_requests", "created_ms"));
STMT_PG(archive_answers_remove, "DELETE FROM api_requests" OLD_BY("rowid"),
	"DELETE FROM api_requests" OLD_BY("created_ms"));
const struct archive_step archive_answers = {
	.window = &archive_answers_window,
	.remove = &archive_answers_remove,
};

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

/* Attempts go where their messages went. */
static int follow(struct db *db, const struct stmt *stmt, int64_t after_id,
		  int64_t last_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = NULL;

	if (stmt == NULL)
		return 0;
	q = query_start(db, stmt);
	query_i64(q, 1, after_id);
	query_i64(q, 2, last_id);
	return query_exec(q, e);
}

static int move_window(struct db *db, const struct archive_step *step,
		       int64_t after_id, int64_t last_id, int64_t before_ms,
		       struct err *e)
{
	int moved;
	int rc = 0;

	for (const struct stmt *const *part = step->parts;
	     part != NULL && *part != NULL && rc >= 0; part++)
		rc = apply(db, *part, after_id, last_id, before_ms, e);
	if (rc >= 0 && step->copy != NULL)
		rc = apply(db, step->copy, after_id, last_id, before_ms, e);
	if (rc >= 0)
		rc = apply(db, step->remove, after_id, last_id, before_ms, e);
	moved = rc;
	if (rc > 0)
		rc = follow(db, step->follow_copy, after_id, last_id, e);
	if (moved > 0 && rc >= 0)
		rc = follow(db, step->follow_remove, after_id, last_id, e);
	return rc < 0 ? rc : moved;
}

static int begin_walk(struct db *db, const struct archive_step *step,
		      struct archive_walk *walk, struct err *e)
{
	if (step->position == NULL || walk->after_id != 0)
		return 0;
	return position_get(db, step->position, &walk->after_id, e);
}

static int keep_position(struct db *db, const struct archive_step *step,
			 int64_t id, struct err *e)
{
	return step->position == NULL ? 0
				      : position_set(db, step->position, id, e);
}

int archive_next(struct db *db, const struct archive_step *step,
		 int64_t before_ms, int limit, struct archive_walk *walk,
		 struct err *e)
{
	int64_t last_id = 0;
	int64_t made_ms = 0;
	int kept;
	int rc = begin_walk(db, step, walk, e);

	if (rc == 0)
		rc = look(db, step, limit, walk, &last_id, &made_ms, e);
	if (rc == 0)
		walk->finished = true;
	if (rc <= 0)
		return rc;
	rc = move_window(db, step, walk->after_id, last_id, before_ms, e);
	kept = rc < 0 || made_ms >= before_ms
		       ? rc
		       : keep_position(db, step, last_id, e);
	if (kept < 0)
		return kept;
	*walk = (struct archive_walk){.after_id = last_id,
				      .finished = made_ms >= before_ms};
	return rc;
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

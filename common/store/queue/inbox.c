/* SPDX-License-Identifier: MIT */
#include "store/queue/inbox.h"

#include "base/err.h"
#include "base/id.h"
#include "store/queue/queue_sql.h"

QUEUE_STATEMENTS(inbox, "inbox", "inbox_head", "order_id", "body",
		 "order_id, channel, external_id, ''", NO_STATUS, "apply",
		 "order_seq", QUEUE_DUE_MAX_MS);

/* $1 order, $2 1 when it makes the head ready, $3 due: of a new order */
STMT(inbox_head_first,
     "INSERT INTO inbox_head (order_id, last_seq, state, due_ms)"
     " VALUES ($1, 1, $2, $3)");
/* The same of an order that was known: when its head was put away it goes on
 * from where it was. A blocked head is looked at again. */
STMT(inbox_head_next,
     "INSERT INTO inbox_head (order_id, last_seq, state, due_ms)"
     " VALUES ($1, 1 + coalesce((SELECT r.last_seq FROM inbox_head_idle AS r"
     "  WHERE r.order_id = $1), 0), $2, $3)"
     " ON CONFLICT (order_id) DO UPDATE SET"
     " last_seq = inbox_head.last_seq + 1,"
     " due_ms = CASE WHEN inbox_head.state IN (0, 4) THEN excluded.due_ms"
     "  ELSE inbox_head.due_ms END,"
     " state = CASE WHEN inbox_head.state = 0"
     "  OR inbox_head.state = 4 AND excluded.state = 1 THEN excluded.state"
     "  ELSE inbox_head.state END"
     " RETURNING last_seq");
STMT(inbox_insert,
     "INSERT INTO inbox (message_id, channel, external_id, event_type,"
     " order_id, order_seq, event_ms, state, outcome, error, due_ms,"
     " created_ms, updated_ms, body)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12)");
/* $1 id */
#define OVER(columns)                                      \
	"(SELECT " columns " FROM inbox WHERE id = $1"     \
	" AND state IN (3, 4) AND body <> ''"              \
	" UNION ALL SELECT " columns " FROM inbox_archive" \
	" WHERE id = $1 AND body <> '') AS m"
STMT(inbox_over_order, "SELECT m.order_id FROM " OVER("order_id"));
/* $1 id, $2 message_id, $3 seq, $4 now */
STMT(inbox_insert_copy,
     "INSERT INTO inbox (message_id, channel, external_id, event_type,"
     " order_id, order_seq, event_ms, state, due_ms, created_ms, updated_ms,"
     " copy_of, body) SELECT $2, m.channel, m.external_id, m.event_type,"
     " m.order_id, $3, m.event_ms, 1, $4, $4, $4, m.id, m.body FROM " OVER(
	     "id, channel, external_id, event_type, order_id, event_ms,"
	     " body") " RETURNING id");
STMT(inbox_set_blocking, "UPDATE inbox SET hold = 'blocked', event_type = $2"
			 " WHERE id = $1 AND state = 4");
STMT(inbox_blocking_types,
     "SELECT i.event_type FROM inbox AS i"
     " LEFT JOIN orders AS o ON o.id = i.order_id"
     " WHERE i.order_id = $1 AND i.state = 4 AND i.hold = 'blocked'"
     " AND NOT (i.event_type = 'order.created' AND o.id IS NOT NULL)"
     " AND NOT (i.event_type = 'order.updated'"
     "  AND coalesce(o.snapshot_ms, 0) > i.event_ms)");
STMT(inbox_head_waits, "SELECT 1 FROM inbox_head"
		       " WHERE order_id = $1 AND state IN (1, 2)");
STMT(inbox_first_due, "SELECT due_ms FROM inbox_head WHERE state = 1"
		      " ORDER BY due_ms LIMIT 1");
STMT(inbox_block_head,
     "UPDATE inbox_head SET state = 4 WHERE order_id = $1 AND state = 1");

/* The first message of a new order saves SQLite an upsert and a RETURNING, half
 * of the cost of its head. */
static int next_seq(struct db *db, const struct stmt *stmt, int64_t order_id,
		    enum head_state state, int64_t now_ms, int64_t *ret_seq,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc;

	query_i64(q, 1, order_id);
	query_i64(q, 2, state);
	query_i64(q, 3, now_ms);
	rc = query_one_i64(q, ret_seq, e);
	return rc < 0 ? rc : 0;
}

const char *inbox_name_of(const struct inbox_arrival *arrival)
{
	return arrival->external_id[0] != '\0' ? arrival->external_id
					       : arrival->alias;
}

static int insert(struct db *db, const struct inbox_arrival *arrival,
		  int64_t order_id, int64_t seq, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_insert);
	bool quarantined = arrival->quarantine_reason != NULL;
	char message_id[ID_TEXT_BYTES];

	id_make(now_ms, message_id);
	query_text(q, 1, message_id);
	query_text(q, 2, arrival->channel);
	query_text(q, 3, inbox_name_of(arrival));
	query_text(q, 4, arrival->event_type);
	query_i64(q, 5, order_id);
	query_i64(q, 6, seq);
	query_i64(q, 7, arrival->event_ms);
	query_i64(q, 8, quarantined ? QUEUE_FAILED : QUEUE_CREATED);
	query_text(q, 9,
		   queue_outcome_name(quarantined ? OUTCOME_QUARANTINED
						  : OUTCOME_NONE));
	query_text(q, 10, arrival->quarantine_reason);
	query_i64(q, 11, now_ms);
	query_text(q, 12, arrival->body);
	return query_post(q, NULL, e);
}

int inbox_add(struct db *db, const struct inbox_arrival *arrival,
	      int64_t now_ms, struct identity *ret_identity, struct err *e)
{
	enum head_state state =
		arrival->quarantine_reason != NULL ? HEAD_IDLE : HEAD_READY;
	int64_t seq = 1;
	int rc = identity_resolve(db, arrival->channel, arrival->external_id,
				  arrival->alias, ret_identity, e);

	if (rc >= 0)
		rc = next_seq(db, rc > 0 ? &inbox_head_first : &inbox_head_next,
			      ret_identity->order_id, state, now_ms, &seq, e);
	if (rc == 0)
		rc = insert(db, arrival, ret_identity->order_id, seq, now_ms,
			    e);
	return rc;
}

int inbox_copy(struct db *db, int64_t message_id, int64_t now_ms,
	       int64_t *ret_copy_id, struct err *e)
{
	CLEANUP_QUERY struct query *over = query_start(db, &inbox_over_order);
	CLEANUP_QUERY struct query *copy = query_start(db, &inbox_insert_copy);
	char new_id[ID_TEXT_BYTES];
	int64_t order_id = 0;
	int64_t seq = 0;
	int rc;

	query_i64(over, 1, message_id);
	rc = query_one_i64(over, &order_id, e);
	if (rc <= 0)
		return rc;
	rc = next_seq(db, &inbox_head_next, order_id, HEAD_READY, now_ms, &seq,
		      e);
	if (rc < 0)
		return rc;
	id_make(now_ms, new_id);
	query_i64(copy, 1, message_id);
	query_text(copy, 2, new_id);
	query_i64(copy, 3, seq);
	query_i64(copy, 4, now_ms);
	return query_one_i64(copy, ret_copy_id, e);
}

int inbox_keep_back(struct db *db, int64_t message_id,
		    enum order_event_type type, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_set_blocking);

	query_i64(q, 1, message_id);
	query_text(q, 2, order_event_name(type));
	return query_post(q, NULL, e);
}

static int number_of(const char *type)
{
	return (int)order_event_from_name(type);
}

int inbox_blockers(struct db *db, int64_t order_id, unsigned *ret_events,
		   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_blocking_types);

	query_i64(q, 1, order_id);
	return queue_types_of(q, number_of, ret_events, e);
}

int inbox_block(struct db *db, const struct queue_message *m, const char *why,
		int64_t now_ms, struct err *e)
{
	struct queue_retry retry = {
		.due_ms = now_ms,
		.hold = HOLD_BLOCKED,
		.error = why,
		.refund = true,
	};
	int rc = queue_retry(db, &queue_inbox, m, &retry, now_ms, e);

	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_block_head);

	query_i64(q, 1, m->head_id);
	return query_post(q, NULL, e);
}

int inbox_waits(struct db *db, int64_t order_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_head_waits);

	query_i64(q, 1, order_id);
	return query_next(q, e);
}

int inbox_oldest_due(struct db *db, int64_t *ret_due_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_first_due);

	return query_one_i64(q, ret_due_ms, e);
}

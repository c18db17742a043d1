/* SPDX-License-Identifier: MIT */
#include "store/queue/outbox.h"

#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "domain/order/order.h"
#include "store/queue/queue_sql.h"

enum {
	EMPTY_HEADS_MAX = 16 /* put to rest in one claim */
};

QUEUE_STATEMENTS(outbox, "outbox", "outbox_head", "head_id", "body",
		 "order_id, channel, external_id, endpoint", KEEP_STATUS,
		 "send", "order_seq", QUEUE_DUE_MAX_MS);

/* $1 order, $2 endpoint, $3 now. A blocked head becomes ready: the new message
 * need not depend on the one that failed. A head that was put away goes on from
 * where it was. */
#define HEAD_NEXT(head)                                                     \
	"INSERT INTO outbox_head (head_id, order_id, endpoint, last_seq,"   \
	" state, due_ms) SELECT " head ", $1, $2,"                          \
	" 1 + coalesce(r.last_seq, 0), 1, $3"                               \
	" FROM (SELECT 1 AS one) AS u LEFT JOIN outbox_head_idle AS r"      \
	"  ON r.order_id = $1 AND r.endpoint = $2 AND NOT EXISTS (SELECT 1" \
	"   FROM outbox_head AS l WHERE l.order_id = $1"                    \
	"   AND l.endpoint = $2)"                                           \
	" WHERE u.one = 1"                                                  \
	" ON CONFLICT (order_id, endpoint) DO UPDATE SET"                   \
	" last_seq = outbox_head.last_seq + 1,"                             \
	" due_ms = CASE WHEN outbox_head.state IN (0, 4)"                   \
	"  THEN excluded.due_ms ELSE outbox_head.due_ms END,"               \
	" state = CASE WHEN outbox_head.state IN (0, 4) THEN 1"             \
	"  ELSE outbox_head.state END"                                      \
	" RETURNING head_id, last_seq"
/* SQLite makes an id of null; PostgreSQL only of what is left out. */
STMT_PG(outbox_head_next, HEAD_NEXT("r.head_id"),
	HEAD_NEXT("coalesce(r.head_id, (SELECT g.head_id FROM outbox_head AS g"
		  " WHERE g.order_id = $1 AND g.endpoint = $2),"
		  " nextval('outbox_head_head_id_seq'))"));
STMT(outbox_insert,
     "INSERT INTO outbox (message_id, head_id, endpoint, channel, external_id,"
     " event_type, order_id, order_seq, state, hold, due_ms, created_ms,"
     " updated_ms, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1,"
     " CASE WHEN EXISTS (SELECT 1 FROM outbox f WHERE f.head_id = $2"
     "  AND f.state = 4 AND f.hold = 'blocked') THEN 'blocked' ELSE 'none' END,"
     " $9, $9, $9, $10)");

/* $1 id */
#define OVER(columns)                                                   \
	"(SELECT " columns " FROM outbox WHERE id = $1"                 \
	" AND state IN (3, 4) AND body <> '' UNION ALL SELECT " columns \
	" FROM outbox_archive WHERE id = $1 AND body <> '') AS m"
STMT(outbox_over_head,
     "SELECT m.order_id, m.endpoint FROM " OVER("order_id, endpoint"));
/* $1 id, $2 message_id, $3 head, $4 seq, $5 now */
STMT(outbox_insert_copy,
     "INSERT INTO outbox (message_id, head_id, endpoint, channel, external_id,"
     " event_type, order_id, order_seq, state, hold, due_ms, created_ms,"
     " updated_ms, copy_of, body) SELECT $2, $3, m.endpoint, m.channel,"
     " m.external_id, m.event_type, m.order_id, $4, 1,"
     " CASE WHEN EXISTS (SELECT 1 FROM outbox f WHERE f.head_id = $3"
     "  AND f.state = 4 AND f.hold = 'blocked') THEN 'blocked' ELSE 'none' END,"
     " $5, $5, $5, m.id, m.body FROM " OVER(
	     "id, endpoint, channel, external_id, event_type, order_id,"
	     " body") " RETURNING id");

/* $1 endpoint, $2 due from, $3 now. The inner query looks at one row of the
 * index of ready heads; all the rest is found by key. */
STMT(outbox_pick_head,
     "SELECT h.head_id, h.due_ms, coalesce(o.state, ''),"
     " coalesce(s.integration_type, 3), coalesce(m.http_status, 0),"
     " CASE WHEN m.hold = 'uncertain' OR m.hold = 'blocked'"
     "  AND m.sending_since_ms IS NOT NULL THEN 1 ELSE 0 END,"
     " CASE WHEN m.hold = 'blocked' THEN 1 ELSE 0 END"
     " FROM (SELECT head_id, order_id, due_ms FROM outbox_head"
     "  WHERE state = 1 AND endpoint = $1 AND due_ms BETWEEN $2 AND $3"
     "  ORDER BY due_ms, head_id LIMIT 1) h"
     " LEFT JOIN outbox m ON m.id = (SELECT n.id FROM outbox n"
     "  WHERE n.head_id = h.head_id AND n.state = 1"
     "  ORDER BY n.order_seq LIMIT 1)"
     " LEFT JOIN orders o ON o.id = h.order_id"
     " LEFT JOIN stores s ON s.id = o.store_id");
STMT(outbox_blocking_types,
     "SELECT event_type FROM outbox WHERE head_id = $1 AND state = 4"
     " AND hold = 'blocked'");
STMT(outbox_set_blocking,
     "UPDATE outbox SET hold = 'blocked' WHERE id = $1 AND state = 4"
     " OR head_id = $2 AND state = 1 AND hold = 'none'");
STMT(outbox_block_head,
     "UPDATE outbox_head SET state = 4 WHERE head_id = $1 AND state = 1");
/* Of the marketplace; what the ERP refuses, a person still has to look at. */
STMT(outbox_forgive_refused,
     "UPDATE outbox SET state = 3, outcome = 'obsolete', hold = 'none',"
     " updated_ms = $3 WHERE order_id = $1 AND state = 4"
     " AND endpoint = channel AND outcome = 'rejected' AND event_type <> $2");
STMT(outbox_wake_heads, "UPDATE outbox_head SET state = 1, due_ms = $2"
			" WHERE order_id = $1 AND state = 4");
STMT(outbox_list_holders,
     "SELECT lease_owner, min(lease_until_ms) FROM outbox_head"
     " WHERE state = 2 GROUP BY lease_owner LIMIT $1");
STMT(outbox_first_due,
     "SELECT due_ms FROM outbox_head WHERE state = 1 AND endpoint = $1"
     " ORDER BY due_ms, head_id LIMIT 1");

static int next_seq(struct db *db, int64_t order_id, const char *endpoint,
		    int64_t now_ms, int64_t *ret_head, int64_t *ret_seq,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_head_next);
	int rc;

	query_i64(q, 1, order_id);
	query_text(q, 2, endpoint);
	query_i64(q, 3, now_ms);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(e, ERR_IO, "no outbox head");
	*ret_head = query_col_i64(q, 0);
	*ret_seq = query_col_i64(q, 1);
	return 0;
}

int outbox_add(struct db *db, const struct outbox_message *m, int64_t now_ms,
	       struct err *e)
{
	char message_id[ID_TEXT_BYTES];
	int64_t head_id = 0;
	int64_t seq = 0;
	int rc = next_seq(db, m->order_id, m->endpoint, now_ms, &head_id, &seq,
			  e);

	if (rc < 0)
		return rc;
	id_make(now_ms, message_id);
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_insert);

	query_text(q, 1, message_id);
	query_i64(q, 2, head_id);
	query_text(q, 3, m->endpoint);
	query_text(q, 4, m->channel);
	query_text(q, 5, m->external_id);
	query_text(q, 6, m->event_type);
	query_i64(q, 7, m->order_id);
	query_i64(q, 8, seq);
	query_i64(q, 9, now_ms);
	query_text(q, 10, m->body);
	return query_post(q, NULL, e);
}

int outbox_copy(struct db *db, int64_t message_id, int64_t now_ms,
		int64_t *ret_copy_id, struct err *e)
{
	CLEANUP_QUERY struct query *over = query_start(db, &outbox_over_head);
	CLEANUP_QUERY struct query *copy = query_start(db, &outbox_insert_copy);
	char new_id[ID_TEXT_BYTES];
	int64_t head_id = 0;
	int64_t seq = 0;
	int rc;

	query_i64(over, 1, message_id);
	rc = query_next(over, e);
	if (rc <= 0)
		return rc;
	rc = next_seq(db, query_col_i64(over, 0), query_col_text(over, 1),
		      now_ms, &head_id, &seq, e);
	if (rc < 0)
		return rc;
	id_make(now_ms, new_id);
	query_i64(copy, 1, message_id);
	query_text(copy, 2, new_id);
	query_i64(copy, 3, head_id);
	query_i64(copy, 4, seq);
	query_i64(copy, 5, now_ms);
	return query_one_i64(copy, ret_copy_id, e);
}

/* 1 and the head with its context, 0 when none is due. */
static int pick_head(struct db *db, const struct outbox_pick *pick,
		     int64_t now_ms, int64_t *ret_head,
		     struct outbox_context *ret_context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_pick_head);
	int rc;

	query_text(q, 1, pick->endpoint);
	query_i64(q, 2, pick->due_from_ms);
	query_i64(q, 3, now_ms);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_head = query_col_i64(q, 0);
	ret_context->waited_ms = now_ms - query_col_i64(q, 1);
	ret_context->order_state = order_state_from_name(query_col_text(q, 2));
	ret_context->integration_type = (int)query_col_i64(q, 3);
	ret_context->http_status = (int)query_col_i64(q, 4);
	ret_context->uncertain = query_col_i64(q, 5) != 0;
	ret_context->held_back = query_col_i64(q, 6) != 0;
	return 1;
}

int outbox_claim(struct db *db, const struct outbox_pick *pick, int64_t now_ms,
		 const struct queue_lease *lease,
		 struct queue_message *ret_message,
		 struct outbox_context *ret_context, struct err *e)
{
	int rc = 1;

	for (int i = 0; i < EMPTY_HEADS_MAX && rc > 0; i++) {
		struct outbox_context context = {0};
		int64_t head_id = 0;

		rc = pick_head(db, pick, now_ms, &head_id, &context, e);
		if (rc <= 0)
			return rc;
		rc = queue_seize(db, &queue_outbox, head_id, now_ms, lease,
				 ret_message, e);
		if (rc > 0) {
			*ret_context = context;
			return 1;
		}
		rc = rc < 0 ? rc : 1; /* 0: it was empty and is at rest now */
	}
	return rc < 0 ? rc : 0;
}

static int number_of(const char *type)
{
	return (int)notice_from_name(type);
}

int outbox_blockers(struct db *db, int64_t head_id, unsigned *ret_notices,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_blocking_types);

	query_i64(q, 1, head_id);
	return queue_types_of(q, number_of, ret_notices, e);
}

int outbox_keep_back(struct db *db, const struct queue_message *m,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_set_blocking);

	query_i64(q, 1, m->id);
	query_i64(q, 2, m->head_id);
	return query_post(q, NULL, e);
}

int outbox_block(struct db *db, const struct queue_message *m, const char *why,
		 int64_t now_ms, struct err *e)
{
	struct queue_retry retry = {
		.due_ms = now_ms,
		.hold = HOLD_BLOCKED,
		.error = why,
		.keep_uncertain = m->sending_since_ms != 0,
		.refund = true,
	};
	int rc = queue_retry(db, &queue_outbox, m, &retry, now_ms, e);

	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_block_head);

	query_i64(q, 1, m->head_id);
	return query_post(q, NULL, e);
}

int outbox_forgive(struct db *db, int64_t order_id, const char *spared,
		   int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &outbox_forgive_refused);

	query_i64(q, 1, order_id);
	query_text(q, 2, spared);
	query_i64(q, 3, now_ms);
	return query_exec(q, e);
}

int outbox_wake(struct db *db, int64_t order_id, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_wake_heads);

	query_i64(q, 1, order_id);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

int outbox_holders(struct db *db, struct outbox_holder *ret_holders, int max,
		   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_list_holders);
	int count = 0;
	int rc;

	query_i64(q, 1, max);
	while ((rc = query_next(q, e)) > 0 && count < max) {
		struct outbox_holder *holder = &ret_holders[count++];

		(void)text_copy(holder->owner, sizeof(holder->owner),
				query_col_text(q, 0));
		holder->lease_until_ms = query_col_i64(q, 1);
	}
	return rc < 0 ? rc : count;
}

int outbox_oldest_due(struct db *db, const char *endpoint, int64_t *ret_due_ms,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &outbox_first_due);

	query_text(q, 1, endpoint);
	return query_one_i64(q, ret_due_ms, e);
}

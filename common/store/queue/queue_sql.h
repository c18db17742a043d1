/* SPDX-License-Identifier: MIT
 *
 * queue_sql.h - the statements of queue.c, made once per queue.
 *
 * The three queues have the same columns under the same names but for a few,
 * which are the macro's parameters. Only the queues' own files include this.
 */
#ifndef STORE_QUEUE_SQL_H
#define STORE_QUEUE_SQL_H

#include "store/engine/db.h"
#include "store/queue/queue.h"

/* The types in the first column of what q finds, as bits of their numbers; 0 is
 * that of an unknown type, and left out. In queue.c. */
int queue_types_of(struct query *q, int (*number_of)(const char *type),
		   unsigned *ret_types, struct err *e);

/* Whoever sends a message again by hand does not know either whether an earlier
 * sending arrived. */
#define DOUBT                                            \
	"CASE WHEN sending_since_ms IS NULL THEN 'none'" \
	" ELSE 'uncertain' END"

#define KEEP_STATUS(n) ", http_status = " n
#define NO_STATUS(n) ""

/* Chosen first and leased by its key then: SQLite makes a table for each
 * RETURNING, which cost more than both. */
#define DUE_HEAD(head, key)                      \
	"SELECT " key ", lease_epoch FROM " head \
	" WHERE state = 1 AND due_ms <= $1 ORDER BY due_ms, " key " LIMIT 1"
#define LIVE_HEAD(head, key)                                   \
	"SELECT " key ", lease_epoch FROM " head " WHERE " key \
	" = $1 AND state IN (1, 2)"
#define MESSAGE_COLUMNS(body, extra)                       \
	"id, order_seq, attempts, event_type, created_ms," \
	" coalesce(sending_since_ms, 0), " body ", " extra ", losses"

/* table, head table, the head's key column, the body column, and four columns
 * (or literals) that a taken message returns: order_id, channel, external_id,
 * address. set_status is what a result does with the HTTP status, the last
 * parameter (which is bound only when it is used); kind names an attempt of
 * which nothing else is known; sequence is the order of the messages of a head;
 * due_max the longest wait, in ms. */
#define QUEUE_STATEMENTS(q, table, head, key, body, extra, set_status, kind,   \
			 sequence, due_max)                                    \
	/* $1 now, $2 due after, $3 limit */                                   \
	STMT(q##_near_heads,                                                   \
	     "UPDATE " head " SET due_ms = $1 WHERE " key " IN (SELECT " key   \
	     " FROM " head " WHERE state = 1 AND due_ms > $2"                  \
	     " ORDER BY due_ms DESC LIMIT $3)");                               \
	/* $1 now; each owner takes another one */                             \
	STMT_PG(q##_due_head, DUE_HEAD(head, key),                             \
		DUE_HEAD(head, key) " FOR UPDATE SKIP LOCKED");                \
	/* $1 head */                                                          \
	STMT_PG(q##_live_head, LIVE_HEAD(head, key),                           \
		LIVE_HEAD(head, key) " FOR UPDATE");                           \
	/* $1 head, $2 owner, $3 epoch, $4 lease_until */                      \
	STMT(q##_lease_head,                                                   \
	     "UPDATE " head " SET state = 2, lease_owner = $2,"                \
	     " lease_epoch = $3, lease_until_ms = $4 WHERE " key " = $1");     \
	/* $1 head */                                                          \
	STMT(q##_oldest_message,                                               \
	     "SELECT " MESSAGE_COLUMNS(                                        \
		     body, extra) " FROM " table " WHERE " key                 \
				  " = $1 AND state = 1 ORDER BY " sequence     \
				  " LIMIT 1");                                 \
	/* $1 id, $2 now, $3 owner, $4 epoch, $5 lease_until, $6 sending */    \
	STMT(q##_take_message,                                                 \
	     "UPDATE " table " SET state = 2, attempts = attempts + 1,"        \
	     " lease_owner = $3, lease_epoch = $4, lease_until_ms = $5,"       \
	     " hold = 'none', updated_ms = $2,"                                \
	     " sending_since_ms = coalesce(sending_since_ms, $6)"              \
	     " WHERE id = $1");                                                \
	/* $1 id, $2 epoch, $3 state, $4 outcome, $5 error, $6 now,            \
	 * $7 keep_uncertain, $8 status */                                     \
	STMT(q##_finish_message,                                               \
	     "UPDATE " table " SET state = $3, outcome = $4, error = $5,"      \
	     " hold = 'none', lease_owner = NULL, lease_until_ms = 0,"         \
	     " losses = 0, updated_ms = $6, sending_since_ms ="                \
	     " CASE WHEN $7 = 1 THEN sending_since_ms END" set_status(         \
		     "$8") " WHERE id = $1 AND state = 2 AND lease_epoch = "   \
			   "$2");                                              \
	/* $1 head */                                                          \
	STMT(q##_next_pending,                                                 \
	     "SELECT due_ms FROM " table " WHERE " key " = $1 AND state = 1"   \
	     " ORDER BY " sequence " LIMIT 1");                                \
	/* $1 head, $2 epoch, $3 state, $4 due */                              \
	STMT(q##_settle_head, "UPDATE " head " SET state = $3, due_ms = $4,"   \
			      " lease_owner = NULL, lease_until_ms = 0"        \
			      " WHERE " key " = $1 AND lease_epoch = $2");     \
	/* $1 head, $2 epoch: the same by what is pending, in one way */       \
	STMT_ARRAYS(q##_settle_by_pending,                                     \
		    "UPDATE " head " SET lease_owner = NULL,"                  \
		    " lease_until_ms = 0, due_ms = coalesce(p.due_ms, 0),"     \
		    " state = CASE WHEN p.due_ms IS NULL THEN 0 ELSE 1 END"    \
		    " FROM (SELECT (SELECT m.due_ms FROM " table " AS m"       \
		    " WHERE m." key " = $1 AND m.state = 1 ORDER BY " sequence \
		    " LIMIT 1) AS due_ms) AS p"                                \
		    " WHERE " head "." key " = $1 AND " head                   \
		    ".lease_epoch = $2");                                      \
	/* $1 now, $2 limit, $3 owner, $4 lease_until, $5 sending. Keys in     \
	 * arrays, as a plan is made without knowing that they are few. */     \
	STMT_ARRAYS(                                                           \
		q##_claim_many,                                                \
		"WITH due AS (SELECT " key " AS head, lease_epoch + 1 AS"      \
		" epoch FROM " head " WHERE state = 1 AND due_ms <= $1"        \
		" ORDER BY due_ms, " key " LIMIT $2"                           \
		" FOR UPDATE SKIP LOCKED),"                                    \
		" leased AS (UPDATE " head " SET state = 2,"                   \
		" lease_owner = $3, lease_epoch = lease_epoch + 1,"            \
		" lease_until_ms = $4"                                         \
		" WHERE " key " = ANY (ARRAY(SELECT head FROM due))),"         \
		" found AS (SELECT d.head, d.epoch, m.* FROM due AS d"         \
		" LEFT JOIN LATERAL (SELECT " MESSAGE_COLUMNS(                 \
			body,                                                  \
			extra) " FROM " table " WHERE " key                    \
			       " = d.head AND state = 1 ORDER BY " sequence    \
			       " LIMIT 1)"                                     \
			       " AS m ON 0 = 0),"                              \
			       " taken AS (UPDATE " table " SET state = 2,"    \
			       " attempts = attempts + 1, lease_owner = $3,"   \
			       " lease_epoch = (SELECT f.epoch FROM found AS " \
			       "f"                                             \
			       "  WHERE f.id = " table                         \
			       ".id), lease_until_ms = $4,"                    \
			       " hold = 'none', updated_ms = $1,"              \
			       " sending_since_ms = "                          \
			       "coalesce(sending_since_ms, $5)"                \
			       " WHERE id = ANY (ARRAY(SELECT id FROM "        \
			       "found)))"                                      \
			       " SELECT * FROM found");                        \
	/* $1 id, $2 epoch, $3 due, $4 hold, $5 error, $6 now,                 \
	 * $7 keep_uncertain, $8 refund, $9 more losses, or -1: none,          \
	 * $10 status */                                                       \
	STMT(q##_retry_message,                                                \
	     "UPDATE " table " SET state = 1, due_ms = $3, hold = $4,"         \
	     " error = $5, lease_owner = NULL, lease_until_ms = 0,"            \
	     " attempts = attempts - $8, updated_ms = $6,"                     \
	     " losses = CASE WHEN $9 >= 0 THEN losses + $9 ELSE 0 END,"        \
	     " sending_since_ms ="                                             \
	     " CASE WHEN $7 = 1 THEN sending_since_ms END" set_status(         \
		     "$10") " WHERE id = $1 AND state = 2 AND lease_epoch = "  \
			    "$2");                                             \
	STMT(q##_leased_heads,                                                 \
	     "SELECT " key ", lease_owner, lease_until_ms FROM " head          \
	     " WHERE state = 2 ORDER BY lease_until_ms LIMIT $1");             \
	/* $1 head */                                                          \
	STMT(q##_taken_message,                                                \
	     "SELECT id, updated_ms, lease_owner FROM " table " WHERE " key    \
	     " = $1 AND state = 2");                                           \
	/* $1 head, $2 now, $3 1 when its worker died; sending_since_ms stays: \
	 * it may have been sent */                                            \
	STMT(q##_untake_message,                                               \
	     "UPDATE " table " SET state = 1, lease_owner = NULL,"             \
	     " losses = losses + $3, lease_until_ms = 0, updated_ms = $2,"     \
	     " hold ="                                                         \
	     " CASE WHEN sending_since_ms IS NULL THEN 'none'"                 \
	     " ELSE 'uncertain' END WHERE " key " = $1 AND state = 2");        \
	/* $1 head, $2 due; a new epoch, so that the old owner is shut out */  \
	STMT(q##_ready_head,                                                   \
	     "UPDATE " head " SET state = 1, due_ms = $2, lease_owner = NULL," \
	     " lease_epoch = lease_epoch + 1, lease_until_ms = 0"              \
	     " WHERE " key " = $1 AND state = 2");                             \
	/* $1 head, $2 limit */                                                \
	STMT(q##_peek_messages,                                                \
	     "SELECT " MESSAGE_COLUMNS(                                        \
		     body,                                                     \
		     extra) " FROM " table " WHERE " key                       \
			    " = $1 AND state IN (1, 2) ORDER BY " sequence     \
			    " LIMIT $2");                                      \
	/* Operators: $1 id, $2 now */                                         \
	STMT(q##_operator_retry,                                               \
	     "UPDATE " table " SET state = 1, outcome = '', hold = " DOUBT "," \
	     " attempts = 0, losses = 0, error = NULL, due_ms = $2,"           \
	     " updated_ms = $2 WHERE id = $1 AND state = 4 RETURNING " key);   \
	STMT(q##_operator_skip,                                                \
	     "UPDATE " table " SET state = 3, outcome = 'skipped',"            \
	     " hold = 'none', updated_ms = $2"                                 \
	     " WHERE id = $1 AND state IN (1, 4) RETURNING " key);             \
	STMT(q##_operator_release,                                             \
	     "UPDATE " table " SET hold = " DOUBT ", losses = 0, due_ms = $2," \
	     " updated_ms = $2 WHERE id = $1 AND state = 1 RETURNING " key);   \
	/* $1 head, $2 now */                                                  \
	STMT(q##_resettle_head,                                                \
	     "UPDATE " head " SET due_ms = $2, state = CASE WHEN EXISTS"       \
	     " (SELECT 1 FROM " table " WHERE " key " = $1 AND state = 1)"     \
	     " THEN 1 ELSE 0 END WHERE " key " = $1 AND state <> 2");          \
	const struct queue queue_##q = {                                       \
		.name = #q,                                                    \
		.loss_kind = (kind),                                           \
		.has_status = sizeof(set_status("")) > 1,                      \
		.due_max_ms = (due_max),                                       \
		.near_heads = &q##_near_heads,                                 \
		.due_head = &q##_due_head,                                     \
		.live_head = &q##_live_head,                                   \
		.lease_head = &q##_lease_head,                                 \
		.oldest_message = &q##_oldest_message,                         \
		.take_message = &q##_take_message,                             \
		.finish_message = &q##_finish_message,                         \
		.next_pending = &q##_next_pending,                             \
		.settle_head = &q##_settle_head,                               \
		.settle_by_pending = &q##_settle_by_pending,                   \
		.claim_many = &q##_claim_many,                                 \
		.retry_message = &q##_retry_message,                           \
		.leased_heads = &q##_leased_heads,                             \
		.taken_message = &q##_taken_message,                           \
		.untake_message = &q##_untake_message,                         \
		.ready_head = &q##_ready_head,                                 \
		.peek_messages = &q##_peek_messages,                           \
		.operator_steps = {&q##_operator_retry, &q##_operator_skip,    \
				   &q##_operator_release},                     \
		.resettle_head = &q##_resettle_head,                           \
	}

#endif

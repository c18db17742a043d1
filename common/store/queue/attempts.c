/* SPDX-License-Identifier: MIT */
#include "store/queue/attempts.h"

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/queue/queue.h"

STMT(attempts_insert,
     "INSERT INTO message_attempts (queue, message, attempt_no, kind,"
     " started_ms, duration_ms, http_status, class, answer, worker)"
     " SELECT $1, $2, coalesce(max(attempt_no), 0) + 1, $3, $4, $5, $6, $7,"
     " $8, $9 FROM message_attempts WHERE queue = $1 AND message = $2"
     " RETURNING attempt_no");
STMT(attempts_forget,
     "DELETE FROM message_attempts"
     " WHERE queue = $1 AND message = $2 AND attempt_no <= $3");

static int insert(struct db *db, const struct queue *queue, int64_t message_id,
		  const struct attempt *attempt, int64_t *ret_number,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &attempts_insert);
	char answer[ATTEMPT_ANSWER_BYTES];

	(void)text_copy(answer, sizeof(answer),
			attempt->answer != NULL ? attempt->answer : "");
	query_text(q, 1, queue->name);
	query_i64(q, 2, message_id);
	query_text(q, 3, attempt->kind);
	query_i64(q, 4, attempt->started_ms);
	if (attempt->duration_ms != ATTEMPT_UNKNOWN_MS)
		query_i64(q, 5, attempt->duration_ms);
	else
		query_null(q, 5);
	if (attempt->http_status != 0)
		query_i64(q, 6, attempt->http_status);
	else
		query_null(q, 6);
	query_text(q, 7, attempt->class);
	query_text(q, 8, answer);
	query_text(q, 9, attempt->worker != NULL ? attempt->worker : "");
	return query_one_i64(q, ret_number, e);
}

int attempts_add(struct db *db, const struct queue *queue, int64_t message_id,
		 const struct attempt *attempt, struct err *e)
{
	int64_t number = 0;
	int rc = insert(db, queue, message_id, attempt, &number, e);

	if (rc < 0 || number <= ATTEMPTS_KEPT_MAX)
		return rc < 0 ? rc : 0;
	CLEANUP_QUERY struct query *q = query_start(db, &attempts_forget);

	query_text(q, 1, queue->name);
	query_i64(q, 2, message_id);
	query_i64(q, 3, number - ATTEMPTS_KEPT_MAX);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

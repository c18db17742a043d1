/* SPDX-License-Identifier: MIT */
#include "store/queue/mail_queue.h"

#include "base/err.h"
#include "base/macros.h"
#include "store/queue/queue_sql.h"

/* A server may ask for patience for an hour (greylisting). */
QUEUE_STATEMENTS(mail, "mail_queue", "mail_head", "head_id",
		 "subject || '\n' || text", "0, severity, message_id, address",
		 NO_STATUS, "send", "order_seq", QUEUE_CHAT_DUE_MAX_MS);

/* $1 address, $2 due */
STMT(mail_head_next,
     "INSERT INTO mail_head (address, last_seq, state, due_ms)"
     " VALUES ($1, 1, 1, $2)"
     " ON CONFLICT (address) DO UPDATE SET last_seq = mail_head.last_seq + 1,"
     " due_ms = CASE WHEN mail_head.state = 0 THEN excluded.due_ms"
     "  ELSE mail_head.due_ms END,"
     " state = CASE WHEN mail_head.state = 0 THEN 1 ELSE mail_head.state END"
     " RETURNING head_id, last_seq");
STMT(mail_insert,
     "INSERT INTO mail_queue (message_id, head_id, address, event_type,"
     " order_seq, severity, state, due_ms, created_ms, updated_ms, subject,"
     " text, copy_of) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $7, $8, $9,"
     " $10) RETURNING id");
#define ARCHIVE(state, outcome, error, sent)                                   \
	"INSERT INTO mail_archive (id, message_id, address, event_type,"       \
	" order_seq, severity, subject, text, state, outcome, attempts,"       \
	" error, created_ms, copy_of, sent_ms) SELECT id, message_id, "        \
	"address,"                                                             \
	" event_type, order_seq, severity, subject, text, " state ", " outcome \
	", attempts, " error ", created_ms, copy_of, " sent " FROM mail"       \
	"_queue WHERE "
/* $1 id, $2 sent */
STMT(mail_archive_one, ARCHIVE("state", "outcome", "error", "$2") "id = $1");
STMT(mail_delete, "DELETE FROM mail_queue WHERE id = $1");
STMT(mail_archive_attempts,
     "INSERT INTO message_attempts_archive SELECT * FROM message_attempts"
     " WHERE queue = 'mail' AND message = $1");
STMT(mail_delete_attempts, "DELETE FROM message_attempts"
			   " WHERE queue = 'mail' AND message = $1");
/* $1 made before, $2 limit */
#define EXPIRED                                            \
	"id IN (SELECT id FROM mail_queue WHERE state = 1" \
	" AND created_ms < $1 ORDER BY id LIMIT $2)"
STMT(mail_archive_expired, ARCHIVE("3", "'obsolete'", "error", "NULL") EXPIRED);
STMT(mail_delete_expired, "DELETE FROM mail_queue WHERE " EXPIRED);
#define OVER_ALREADY                                                       \
	"id IN (SELECT q.id FROM mail_queue AS q WHERE q.state = 1"        \
	" AND q.event_type <> 'over' AND q.sending_since_ms IS NULL"       \
	" AND q.created_ms < $1"                                           \
	" AND NOT EXISTS (SELECT 1 FROM alert_mails AS m JOIN alerts AS a" \
	"  ON a.id = m.alert_id WHERE m.closed = 0"                        \
	"  AND m.message_id = q.message_id AND a.state <> 'resolved')"     \
	" ORDER BY q.id LIMIT $2)"
STMT(mail_archive_over, ARCHIVE("3", "'obsolete'", "'over before it was sent'",
				"NULL") OVER_ALREADY);
STMT(mail_delete_over, "DELETE FROM mail_queue WHERE " OVER_ALREADY);
/* $1 id */
#define ENDED(columns)                                            \
	"(SELECT " columns " FROM mail_queue WHERE id = $1"       \
	" AND state = 4 AND text <> '' UNION ALL SELECT " columns \
	" FROM mail_archive WHERE id = $1 AND text <> '') AS m"
STMT(mail_ended, "SELECT m.message_id, m.event_type, m.severity, m.subject,"
		 " m.text, m.address FROM " ENDED(
			 "message_id, event_type, severity, subject, text,"
			 " address"));
/* $1 now */
STMT(mail_release, "UPDATE mail_queue SET hold = 'none', due_ms = $1"
		   " WHERE state = 1 AND hold = 'auth'");
STMT(mail_release_heads, "UPDATE mail_head SET due_ms = $1 WHERE state = 1"
			 " AND due_ms > $1");
STMT(mail_settle_ready,
     "UPDATE mail_head SET"
     " state = CASE WHEN EXISTS (SELECT 1 FROM mail_queue AS q"
     "  WHERE q.head_id = mail_head.head_id AND q.state = 1)"
     "  THEN 1 ELSE 0 END WHERE state = 1");
STMT(mail_latest,
     "SELECT coalesce(max(t.made_ms), 0) FROM (SELECT max(created_ms)"
     " AS made_ms FROM mail_queue WHERE event_type = $1 UNION ALL"
     " SELECT max(created_ms) FROM mail_archive WHERE event_type = $1) AS t");
STMT(mail_count_waiting,
     "SELECT count(*) FROM mail_queue WHERE state IN (1, 2)");

static int put(struct db *db, const struct mail_draft *mail,
	       const char *address, int64_t copy_of, int64_t now_ms,
	       int64_t *ret_id, struct err *e)
{
	CLEANUP_QUERY struct query *head = query_start(db, &mail_head_next);
	CLEANUP_QUERY struct query *q = query_start(db, &mail_insert);
	int rc;

	query_text(head, 1, address);
	query_i64(head, 2, now_ms);
	rc = query_next(head, e);
	if (rc <= 0)
		return rc;
	query_text(q, 1, mail->message_id);
	query_i64(q, 2, query_col_i64(head, 0));
	query_text(q, 3, address);
	query_text(q, 4, mail->kind);
	query_i64(q, 5, query_col_i64(head, 1));
	query_text(q, 6, mail->severity);
	query_i64(q, 7, now_ms);
	query_text(q, 8, mail->subject);
	query_text(q, 9, mail->text);
	if (copy_of != 0)
		query_i64(q, 10, copy_of);
	else
		query_null(q, 10);
	return query_one_i64(q, ret_id, e);
}

int mail_queue_put(struct db *db, const struct mail_draft *mail,
		   const char *address, int64_t now_ms, struct err *e)
{
	int64_t id;

	return MIN_OF(put(db, mail, address, 0, now_ms, &id, e), 0);
}

int mail_copy(struct db *db, int64_t message_id, int64_t now_ms,
	      int64_t *ret_copy_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &mail_ended);
	struct mail_draft copy;
	int rc;

	query_i64(q, 1, message_id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	copy = (struct mail_draft){
		.message_id = query_col_text(q, 0),
		.kind = query_col_text(q, 1),
		.severity = query_col_text(q, 2),
		.subject = query_col_text(q, 3),
		.text = query_col_text(q, 4),
	};
	return put(db, &copy, query_col_text(q, 5), message_id, now_ms,
		   ret_copy_id, e);
}

static int run_for(struct db *db, const struct stmt *stmt, int64_t value,
		   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	query_i64(q, 1, value);
	return MIN_OF(query_exec(q, e), 0);
}

static int archive(struct db *db, int64_t id, int64_t now_ms, struct err *e)
{
	static const struct stmt *const moves[] = {
		&mail_delete, &mail_archive_attempts, &mail_delete_attempts};
	CLEANUP_QUERY struct query *copy = query_start(db, &mail_archive_one);
	int rc;

	query_i64(copy, 1, id);
	query_i64(copy, 2, now_ms);
	rc = query_exec(copy, e);
	for (size_t i = 0; i < COUNT_OF(moves) && rc >= 0; i++)
		rc = run_for(db, moves[i], id, e);
	return MIN_OF(rc, 0);
}

int mail_queue_sent(struct db *db, const struct queue_message *m,
		    const char *note, int64_t now_ms, struct err *e)
{
	struct queue_result result = {
		.state = QUEUE_DONE,
		.outcome = OUTCOME_OK,
		.error = note,
	};
	int rc = queue_finish(db, &queue_mail, m, &result, now_ms, e);

	return rc < 0 ? rc : archive(db, m->id, now_ms, e);
}

/* Into the archive, and the heads that lost their mail to rest. */
static int move(struct db *db, const struct stmt *copy, const struct stmt *gone,
		int64_t before_ms, int limit, struct err *e)
{
	const struct stmt *const steps[] = {copy, gone};
	CLEANUP_QUERY struct query *settle =
		query_start(db, &mail_settle_ready);
	int moved = 0;

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		CLEANUP_QUERY struct query *q = query_start(db, steps[i]);

		query_i64(q, 1, before_ms);
		query_i64(q, 2, limit);
		moved = query_exec(q, e);
		if (moved <= 0)
			return moved;
	}
	return query_exec(settle, e) < 0 ? (int)ERR_IO : moved;
}

int mail_queue_expire(struct db *db, int64_t made_before_ms, int limit,
		      struct err *e)
{
	return move(db, &mail_archive_expired, &mail_delete_expired,
		    made_before_ms, limit, e);
}

int mail_queue_withdraw(struct db *db, int64_t made_before_ms, int limit,
			struct err *e)
{
	return move(db, &mail_archive_over, &mail_delete_over, made_before_ms,
		    limit, e);
}

int mail_queue_release(struct db *db, int64_t now_ms, struct err *e)
{
	int rc = run_for(db, &mail_release, now_ms, e);

	return rc < 0 ? rc : run_for(db, &mail_release_heads, now_ms, e);
}

int mail_queue_latest(struct db *db, const char *kind, int64_t *ret_ms,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &mail_latest);

	query_text(q, 1, kind);
	return MIN_OF(query_one_i64(q, ret_ms, e), 0);
}

int mail_queue_waiting(struct db *db, int64_t *ret_count, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &mail_count_waiting);

	return MIN_OF(query_one_i64(q, ret_count, e), 0);
}

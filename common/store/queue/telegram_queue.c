/* SPDX-License-Identifier: MIT */
#include "store/queue/telegram_queue.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/macros.h"
#include "codec/html_part.h"
#include "store/queue/queue_sql.h"

enum {
	PACE_WINDOW_MS = 60 * 1000,
	PART_BYTES_MAX = HTML_PART_BYTES_MAX + 64
};

#define ELLIPSIS "\xE2\x80\xA6" /* U+2026 */

QUEUE_STATEMENTS(telegram, "telegram_queue", "telegram_head", "head_id", "text",
		 "coalesce(alert_id, 0), severity,"
		 " coalesce(CAST(reply_to AS TEXT), ''),"
		 " coalesce((SELECT nullif(h.send_to, '') FROM telegram_head"
		 " AS h WHERE h.head_id = telegram_queue.head_id), chat)",
		 NO_STATUS, "send",
		 "CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1"
		 " ELSE 2 END, order_seq",
		 QUEUE_CHAT_DUE_MAX_MS);

/* $1 chat, $2 due. An idle chat keeps the time before which it may not be
 * written to (telegram_pace). */
STMT(telegram_head_next,
     "INSERT INTO telegram_head (chat, last_seq, state, due_ms)"
     " VALUES ($1, 1, 1, $2)"
     " ON CONFLICT (chat) DO UPDATE SET last_seq = telegram_head.last_seq + 1,"
     " due_ms = CASE WHEN telegram_head.state = 0"
     "  AND telegram_head.due_ms < excluded.due_ms"
     "  THEN excluded.due_ms ELSE telegram_head.due_ms END,"
     " state = CASE WHEN telegram_head.state = 0 THEN 1"
     "  ELSE telegram_head.state END"
     " RETURNING head_id, last_seq");
STMT(telegram_insert,
     "INSERT INTO telegram_queue (message_id, head_id, chat, event_type,"
     " order_seq, alert_id, severity, state, due_ms, created_ms, updated_ms,"
     " text, reply_to) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8, $8, $9,"
     " $10) RETURNING id");
#define ARCHIVE_COLUMNS                                                    \
	"id, message_id, chat, event_type, order_seq, alert_id, severity," \
	" text, state, outcome, attempts, error, created_ms, copy_of,"     \
	" sent_ms, telegram_message_id"
/* $1 id, $2 chat, $3 sent, $4 Telegram's id */
STMT(telegram_archive_one,
     "INSERT INTO telegram_archive (" ARCHIVE_COLUMNS ")"
     " SELECT id, message_id, $2, event_type, order_seq, alert_id, severity,"
     " text, state, outcome, attempts, error, created_ms, copy_of, $3, $4"
     " FROM telegram_queue WHERE id = $1");
/* $1 id */
#define OVER(columns)                                             \
	"(SELECT " columns " FROM telegram_queue WHERE id = $1"   \
	" AND state = 4 AND text <> '' UNION ALL SELECT " columns \
	" FROM telegram_archive WHERE id = $1 AND text <> '') AS m"
STMT(telegram_over_chat, "SELECT m.chat FROM " OVER("chat"));
/* $1 id, $2 message_id, $3 head, $4 seq, $5 now */
STMT(telegram_insert_copy,
     "INSERT INTO telegram_queue (message_id, head_id, chat, event_type,"
     " order_seq, alert_id, severity, state, due_ms, created_ms, updated_ms,"
     " copy_of, text) SELECT $2, $3, m.chat, m.event_type, $4, m.alert_id,"
     " m.severity, 1, $5, $5, $5, m.id, m.text FROM " OVER(
	     "id, chat, event_type, alert_id, severity, text") " RETURNING id");
STMT(telegram_delete, "DELETE FROM telegram_queue WHERE id = $1");
STMT(telegram_archive_attempts,
     "INSERT INTO message_attempts_archive SELECT * FROM message_attempts"
     " WHERE queue = 'telegram' AND message = $1");
STMT(telegram_delete_attempts, "DELETE FROM message_attempts"
			       " WHERE queue = 'telegram' AND message = $1");
/* $1 chat, $2 since, $3 messages per window - 1, $4 now: what a wrong clock has
 * sent later than that does not count */
STMT(telegram_window_start,
     "SELECT sent_ms FROM telegram_archive WHERE chat = $1 AND sent_ms > $2"
     " AND sent_ms <= $4 ORDER BY sent_ms DESC LIMIT 1 OFFSET $3");
/* $1 head, $2 not before */
STMT(telegram_pace,
     "UPDATE telegram_head SET due_ms = $2 WHERE head_id = $1 AND due_ms < $2");
/* $1 made before, $2 limit, $3 severity */
#define EXPIRED                                                            \
	"(SELECT id FROM telegram_queue WHERE state = 1"                   \
	" AND ($3 = '' OR severity = $3) AND created_ms < $1 ORDER BY id " \
	"LIMIT $2)"
STMT(telegram_archive_expired,
     "INSERT INTO telegram_archive (" ARCHIVE_COLUMNS ")"
     " SELECT id, message_id, chat, event_type, order_seq, alert_id, severity,"
     " text, 3, 'obsolete', attempts, error, created_ms, copy_of, NULL, NULL"
     " FROM telegram_queue WHERE id IN " EXPIRED);
STMT(telegram_delete_expired,
     "DELETE FROM telegram_queue WHERE id IN " EXPIRED);
/* Heads that may have lost their messages: to rest without any. When the chat
 * may be written to again stays as it is. */
STMT(telegram_settle_ready,
     "UPDATE telegram_head SET"
     " state = CASE WHEN EXISTS (SELECT 1 FROM telegram_queue AS q"
     "  WHERE q.head_id = telegram_head.head_id AND q.state = 1)"
     "  THEN 1 ELSE 0 END WHERE state = 1");
STMT(telegram_fate_queued,
     "SELECT state, attempts, coalesce(sending_since_ms, 0)"
     " FROM telegram_queue WHERE id = $1");
STMT(telegram_fate_archived,
     "SELECT outcome = 'ok', coalesce(telegram_message_id, 0)"
     " FROM telegram_archive WHERE id = $1");
#define UNTRIED "state = 1 AND attempts = 0 AND sending_since_ms IS NULL"
STMT(telegram_archive_withdrawn,
     "INSERT INTO telegram_archive (" ARCHIVE_COLUMNS ")"
     " SELECT id, message_id, chat, event_type, order_seq, alert_id, severity,"
     " text, 3, 'obsolete', attempts, 'over before it was sent', created_ms,"
     " copy_of, NULL, NULL FROM telegram_queue WHERE id = $1 AND " UNTRIED
     " AND alert_id IS NOT NULL AND event_type = 'fire' AND created_ms < $2");
STMT(telegram_move_chat,
     "UPDATE telegram_head SET send_to = $2 WHERE head_id = $1");
/* $1 head, $2 reason, $3 now, $4 not before */
STMT(telegram_block,
     "UPDATE telegram_head SET blocked_ms = CASE WHEN blocked_ms = 0 THEN $3"
     " ELSE blocked_ms END, block_reason = $2, due_ms = $4"
     " WHERE head_id = $1");
STMT(telegram_unblock, "UPDATE telegram_head SET blocked_ms = 0,"
		       " block_reason = '', due_ms = CASE WHEN due_ms > $2"
		       " THEN $2 ELSE due_ms END"
		       " WHERE chat = $1 AND blocked_ms <> 0");
STMT(telegram_unblock_head,
     "UPDATE telegram_head SET blocked_ms = 0, block_reason = ''"
     " WHERE head_id = $1 AND blocked_ms <> 0");
/* $1 now, $2 later than anything but Telegram puts off */
STMT(telegram_wake,
     "UPDATE telegram_head SET due_ms = $1 WHERE state = 1 AND due_ms > $2"
     " AND NOT EXISTS (SELECT 1 FROM telegram_queue AS q"
     "  WHERE q.head_id = telegram_head.head_id AND q.state = 1"
     "   AND q.due_ms > $2 AND q.updated_ms <= $1)");
STMT(telegram_count_waiting,
     "SELECT count(*) FROM telegram_queue WHERE state IN (1, 2)");

static int next_seq(struct db *db, const char *chat, int64_t now_ms,
		    int64_t *ret_head, int64_t *ret_seq, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_head_next);
	int rc;

	query_text(q, 1, chat);
	query_i64(q, 2, now_ms);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_head = query_col_i64(q, 0);
	*ret_seq = query_col_i64(q, 1);
	return 0;
}

int telegram_queue_add(struct db *db, const struct telegram_message *message,
		       int64_t now_ms, struct err *e)
{
	int64_t id;

	return telegram_queue_put(db, message, now_ms, &id, e);
}

static int put_one(struct db *db, const struct telegram_message *message,
		   int64_t now_ms, int64_t *ret_id, struct err *e)
{
	char message_id[ID_TEXT_BYTES];
	int64_t head_id = 0;
	int64_t seq = 0;
	int rc;

	rc = next_seq(db, message->chat, now_ms, &head_id, &seq, e);
	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_insert);

	id_make(now_ms, message_id);
	query_text(q, 1, message_id);
	query_i64(q, 2, head_id);
	query_text(q, 3, message->chat);
	query_text(q, 4, message->kind);
	query_i64(q, 5, seq);
	if (message->alert_id != 0)
		query_i64(q, 6, message->alert_id);
	else
		query_null(q, 6);
	query_text(q, 7, message->severity);
	query_i64(q, 8, now_ms);
	query_text(q, 9, message->text);
	if (message->reply_to != 0)
		query_i64(q, 10, message->reply_to);
	else
		query_null(q, 10);
	rc = query_one_i64(q, ret_id, e);
	return rc < 0 ? rc : 0;
}

static size_t count_parts(const char *text)
{
	struct html_parts parts = html_parts_of(text);
	size_t count = 0;

	while (count < TELEGRAM_PARTS_MAX &&
	       html_parts_next(&parts, TELEGRAM_PART_POINTS, NULL))
		count++;
	return MAX_OF(count, (size_t)1);
}

struct parts {
	struct html_parts html;
	size_t number, count; /* of the next one */
};

static int put_part(struct db *db, const struct telegram_message *message,
		    struct parts *parts, int64_t now_ms, int64_t *ret_id,
		    struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(PART_BYTES_MAX);
	struct telegram_message one = *message;
	int rc;

	(void)html_parts_next(&parts->html, TELEGRAM_PART_POINTS, &text);
	if (parts->number == parts->count && *parts->html.rest != '\0')
		buf_add_text(&text, ELLIPSIS);
	buf_printf(&text, "\n%zu/%zu", parts->number, parts->count);
	rc = buf_finish(&text, e);
	if (rc < 0)
		return rc;
	one.text = buf_text(&text);
	if (parts->number > 1)
		one.alert_id = one.reply_to = 0;
	return put_one(db, &one, now_ms, ret_id, e);
}

int telegram_queue_put(struct db *db, const struct telegram_message *message,
		       int64_t now_ms, int64_t *ret_id, struct err *e)
{
	struct parts parts = {html_parts_of(message->text), 1, 1};
	int rc = 0;

	*ret_id = 0;
	if (message->chat[0] == '\0')
		return 0;
	parts.count = count_parts(message->text);
	if (parts.count == 1)
		return put_one(db, message, now_ms, ret_id, e);
	for (; parts.number <= parts.count && rc == 0; parts.number++) {
		int64_t id = 0;

		rc = put_part(db, message, &parts, now_ms, &id, e);
		if (rc == 0 && parts.number == 1)
			*ret_id = id;
	}
	return rc;
}

int telegram_copy(struct db *db, int64_t message_id, int64_t now_ms,
		  int64_t *ret_copy_id, struct err *e)
{
	CLEANUP_QUERY struct query *over = query_start(db, &telegram_over_chat);
	CLEANUP_QUERY struct query *copy =
		query_start(db, &telegram_insert_copy);
	char new_id[ID_TEXT_BYTES];
	int64_t head_id = 0;
	int64_t seq = 0;
	int rc;

	query_i64(over, 1, message_id);
	rc = query_next(over, e);
	if (rc <= 0)
		return rc;
	rc = next_seq(db, query_col_text(over, 0), now_ms, &head_id, &seq, e);
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

static int archive_attempts(struct db *db, int64_t id, struct err *e)
{
	CLEANUP_QUERY struct query *copy =
		query_start(db, &telegram_archive_attempts);
	CLEANUP_QUERY struct query *gone =
		query_start(db, &telegram_delete_attempts);
	int rc;

	query_i64(copy, 1, id);
	query_i64(gone, 1, id);
	rc = query_exec(copy, e);
	return rc <= 0 ? rc : query_exec(gone, e);
}

static enum telegram_fate fate_in_queue(int64_t state, int64_t attempts,
					int64_t sending_since_ms)
{
	if (state == QUEUE_FAILED)
		return TELEGRAM_NEVER;
	return state == QUEUE_CREATED && attempts == 0 && sending_since_ms == 0
		       ? TELEGRAM_WAITS
		       : TELEGRAM_DOUBT;
}

int telegram_queue_fate(struct db *db, int64_t id, enum telegram_fate *ret_fate,
			int64_t *ret_telegram_id, struct err *e)
{
	CLEANUP_QUERY struct query *queued =
		query_start(db, &telegram_fate_queued);
	CLEANUP_QUERY struct query *archived =
		query_start(db, &telegram_fate_archived);
	int rc;

	*ret_fate = TELEGRAM_UNKNOWN;
	*ret_telegram_id = 0;
	query_i64(queued, 1, id);
	rc = query_next(queued, e);
	if (rc > 0)
		*ret_fate = fate_in_queue(query_col_i64(queued, 0),
					  query_col_i64(queued, 1),
					  query_col_i64(queued, 2));
	if (rc != 0)
		return MIN_OF(rc, 0);
	query_i64(archived, 1, id);
	rc = query_next(archived, e);
	if (rc > 0) {
		*ret_fate = query_col_i64(archived, 0) != 0 ? TELEGRAM_ARRIVED
							    : TELEGRAM_NEVER;
		*ret_telegram_id = query_col_i64(archived, 1);
	}
	return MIN_OF(rc, 0);
}

static int settle_ready(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_settle_ready);

	return MIN_OF(query_exec(q, e), 0);
}

int telegram_queue_withdraw(struct db *db, int64_t id, int64_t made_before_ms,
			    struct err *e)
{
	const struct stmt *moves[] = {&telegram_archive_withdrawn,
				      &telegram_delete};
	int rc;

	for (size_t i = 0; i < COUNT_OF(moves); i++) {
		CLEANUP_QUERY struct query *q = query_start(db, moves[i]);

		query_i64(q, 1, id);
		if (i == 0)
			query_i64(q, 2, made_before_ms);
		rc = query_exec(q, e);
		if (rc <= 0)
			return rc;
	}
	rc = settle_ready(db, e);
	return rc < 0 ? rc : 1;
}

static int archive(struct db *db, int64_t id, const struct telegram_sent *sent,
		   int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *copy =
		query_start(db, &telegram_archive_one);
	CLEANUP_QUERY struct query *gone = query_start(db, &telegram_delete);
	int rc;

	query_i64(copy, 1, id);
	query_text(copy, 2, sent->chat);
	query_i64(copy, 3, now_ms);
	query_i64(copy, 4, sent->telegram_message_id);
	rc = query_exec(copy, e);
	if (rc < 0)
		return rc;
	query_i64(gone, 1, id);
	rc = query_exec(gone, e);
	return rc < 0 ? rc : archive_attempts(db, id, e);
}

/* Of the last chat_per_minute messages of a chat the first must be a minute
 * old before the next one. */
static int pace(struct db *db, int64_t head_id,
		const struct telegram_sent *sent, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_window_start);
	CLEANUP_QUERY struct query *wait = query_start(db, &telegram_pace);
	int64_t first_ms = 0;
	int rc;

	query_text(q, 1, sent->chat);
	query_i64(q, 2, now_ms - PACE_WINDOW_MS);
	query_i64(q, 3, sent->chat_per_minute - 1);
	query_i64(q, 4, now_ms);
	rc = query_one_i64(q, &first_ms, e);
	if (rc <= 0)
		return rc;
	query_i64(wait, 1, head_id);
	query_i64(wait, 2, first_ms + PACE_WINDOW_MS);
	return query_exec(wait, e);
}

int telegram_queue_sent(struct db *db, const struct queue_message *m,
			const struct telegram_sent *sent, int64_t now_ms,
			struct err *e)
{
	struct queue_result result = {
		.state = QUEUE_DONE,
		.outcome = OUTCOME_OK,
		.error = sent->note,
	};
	int rc = queue_finish(db, &queue_telegram, m, &result, now_ms, e);

	if (rc == 0)
		rc = archive(db, m->id, sent, now_ms, e);
	if (rc >= 0)
		rc = pace(db, m->head_id, sent, now_ms, e);
	if (rc >= 0) {
		CLEANUP_QUERY struct query *q =
			query_start(db, &telegram_unblock_head);

		query_i64(q, 1, m->head_id);
		rc = query_exec(q, e);
	}
	return rc < 0 ? rc : 0;
}

int telegram_queue_expire_class(struct db *db, const char *severity,
				int64_t made_before_ms, int limit,
				struct err *e)
{
	const struct stmt *moves[] = {&telegram_archive_expired,
				      &telegram_delete_expired};
	int moved = 0;
	int rc;

	for (size_t i = 0; i < COUNT_OF(moves); i++) {
		CLEANUP_QUERY struct query *q = query_start(db, moves[i]);

		query_i64(q, 1, made_before_ms);
		query_i64(q, 2, limit);
		query_text(q, 3, severity);
		moved = query_exec(q, e);
		if (moved <= 0)
			return moved;
	}
	rc = settle_ready(db, e);
	return rc < 0 ? rc : moved;
}

int telegram_queue_wake(struct db *db, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_wake);

	query_i64(q, 1, now_ms);
	query_i64(q, 2, now_ms + QUEUE_DUE_MAX_MS);
	return MIN_OF(query_exec(q, e), 0);
}

int telegram_queue_move_chat(struct db *db, int64_t head_id, const char *chat,
			     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_move_chat);
	int rc;

	query_i64(q, 1, head_id);
	query_text(q, 2, chat);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int telegram_queue_expire(struct db *db, int64_t made_before_ms, int limit,
			  struct err *e)
{
	return telegram_queue_expire_class(db, "", made_before_ms, limit, e);
}

int telegram_queue_block(struct db *db, int64_t head_id, const char *reason,
			 int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_block);

	query_i64(q, 1, head_id);
	query_text(q, 2, reason);
	query_i64(q, 3, now_ms);
	query_i64(q, 4, now_ms + TELEGRAM_BLOCKED_PAUSE_MS);
	return MIN_OF(query_exec(q, e), 0);
}

int telegram_queue_unblock(struct db *db, const char *chat, int64_t now_ms,
			   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &telegram_unblock);

	query_text(q, 1, chat);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

int telegram_queue_waiting(struct db *db, int64_t *ret_count, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &telegram_count_waiting);
	int rc = query_one_i64(q, ret_count, e);

	return rc < 0 ? rc : 0;
}

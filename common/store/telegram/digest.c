/* SPDX-License-Identifier: MIT */
#include "store/telegram/digest.h"

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/queue/telegram_queue.h"

/* Not a digest: the count in it would be lost; nor what somebody has asked for.
 */
#define UNTRIED                                                   \
	"state = 1 AND attempts = 0 AND sending_since_ms IS NULL" \
	" AND event_type NOT IN ('digest', 'answer')"
/* $1 head, $2 severity, $3 first, $4 last */
#define OF_DIGEST                                              \
	" FROM telegram_queue WHERE head_id = $1 AND " UNTRIED \
	" AND severity = $2 AND order_seq BETWEEN $3 AND $4"

STMT(digest_crowd,
     "SELECT head_id, min(chat), severity FROM telegram_queue WHERE " UNTRIED
     " GROUP BY head_id, severity HAVING count(*) > $1 + 1"
     " ORDER BY count(*) DESC LIMIT 1");
/* $1 head, $2 severity, $3 how many stay, $4 limit */
STMT(digest_range,
     "SELECT coalesce(min(b.order_seq), 0), coalesce(max(b.order_seq), 0),"
     " count(*) FROM (SELECT order_seq FROM telegram_queue"
     " WHERE head_id = $1 AND " UNTRIED " AND severity = $2"
     " ORDER BY order_seq LIMIT $4 OFFSET $3) AS b");
STMT(digest_read, "SELECT text" OF_DIGEST " ORDER BY order_seq LIMIT $5");
STMT(digest_archive,
     "INSERT INTO telegram_archive (id, message_id, chat, event_type,"
     " order_seq, alert_id, severity, text, state, outcome, attempts, error,"
     " created_ms, copy_of, sent_ms, telegram_message_id) SELECT id,"
     " message_id, chat, event_type, order_seq, alert_id, severity, text, 3,"
     " 'obsolete', attempts, 'told in message ' || $5, created_ms, copy_of,"
     " NULL, NULL" OF_DIGEST);
STMT(digest_alerts, "UPDATE alerts SET told_id = $5 WHERE told_id IN"
		    " (SELECT id" OF_DIGEST ")");
STMT(digest_delete, "DELETE" OF_DIGEST);

static int read_range(struct db *db, int64_t over, struct digest *d,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &digest_range);
	int rc;

	query_i64(q, 1, d->head_id);
	query_text(q, 2, d->severity);
	query_i64(q, 3, over);
	query_i64(q, 4, DIGEST_MESSAGES_MAX);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	d->first_seq = query_col_i64(q, 0);
	d->last_seq = query_col_i64(q, 1);
	d->count = query_col_i64(q, 2);
	return d->count > 1 ? 1 : 0;
}

int digest_find(struct db *db, int64_t over, struct digest *ret_digest,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &digest_crowd);
	int rc;

	query_i64(q, 1, over);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	ret_digest->head_id = query_col_i64(q, 0);
	if (!text_copy(ret_digest->chat, sizeof(ret_digest->chat),
		       query_col_text(q, 1)) ||
	    !text_copy(ret_digest->severity, sizeof(ret_digest->severity),
		       query_col_text(q, 2)))
		return 0;
	return read_range(db, over, ret_digest, e);
}

static void bind(struct query *q, const struct digest *digest)
{
	query_i64(q, 1, digest->head_id);
	query_text(q, 2, digest->severity);
	query_i64(q, 3, digest->first_seq);
	query_i64(q, 4, digest->last_seq);
}

int digest_texts(struct db *db, const struct digest *digest, int limit,
		 digest_visit *each, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &digest_read);
	int count = 0;
	int rc;

	bind(q, digest);
	query_i64(q, 5, limit);
	while ((rc = query_next(q, e)) > 0) {
		rc = each(query_col_text(q, 0), context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int digest_apply(struct db *db, const struct digest *digest, const char *text,
		 int64_t now_ms, struct err *e)
{
	const struct telegram_message message = {
		.chat = digest->chat,
		.kind = "digest",
		.severity = digest->severity,
		.text = text,
	};
	const struct stmt *steps[] = {&digest_archive, &digest_alerts,
				      &digest_delete};
	int64_t id = 0;
	int rc = telegram_queue_put(db, &message, now_ms, &id, e);

	for (size_t i = 0; i < COUNT_OF(steps) && rc >= 0; i++) {
		CLEANUP_QUERY struct query *q = query_start(db, steps[i]);

		bind(q, digest);
		if (steps[i] != &digest_delete)
			query_i64(q, 5, id);
		rc = query_exec(q, e);
		if (rc >= 0 && steps[i] != &digest_alerts &&
		    rc != digest->count)
			return err_set(e, ERR_STATE,
				       "the messages have changed meanwhile");
	}
	return MIN_OF(rc, 0);
}

/* SPDX-License-Identifier: MIT */
#include "store/monitor/alert_mails.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"

static const char *const stage_names[] = {
	[MAIL_TELEGRAM] = "telegram",
	[MAIL_UNACKNOWLEDGED] = "unacknowledged",
	[MAIL_OVER] = "over",
};

/* $1 since */
STMT(alert_mails_failed,
     "SELECT CASE WHEN EXISTS (SELECT 1 FROM telegram_queue"
     "  WHERE state = 1 AND severity = 'critical' AND created_ms <= $1)"
     " OR EXISTS (SELECT 1 FROM telegram_queue"
     "  WHERE state = 1 AND hold = 'auth' AND created_ms <= $1)"
     " OR EXISTS (SELECT 1 FROM jobs AS j WHERE j.name = 'telegram'"
     "  AND j.paused = 0 AND j.expected_ms > 0 AND j.expected_ms <= $1)"
     " THEN 1 ELSE 0 END");

#define SILENCED                                                    \
	"EXISTS (SELECT 1 FROM silences AS x WHERE x.until_ms > $1" \
	" AND x.from_ms <= $1 AND x.rule IN ('', a.rule)"           \
	" AND x.subject IN ('', a.subject)"                         \
	" AND x.store_id IN ('', a.store_id))"
#define IN_MAIL(name)                                                  \
	"EXISTS (SELECT 1 FROM alert_mails AS m WHERE m.alert_id = a." \
	"id AND m.stage = '" name "')"
/* What is neither in the queue nor in the archive is too old to be news. */
#define ARRIVED                                                        \
	"CASE WHEN a.told_id IS NULL THEN 0"                           \
	" WHEN EXISTS (SELECT 1 FROM telegram_queue AS q WHERE q.id"   \
	"  = a.told_id) THEN 0"                                        \
	" WHEN EXISTS (SELECT 1 FROM telegram_archive AS t WHERE t.id" \
	"  = a.told_id AND t.outcome <> 'ok') THEN 0 ELSE 1 END"
/* $1 now, $2 limit */
STMT(alert_mails_candidates,
     "SELECT a.id, a.rule, a.severity, a.fired_ms,"
     " coalesce(a.notified_ms, a.fired_ms), " ARRIVED
     ", " IN_MAIL("telegram") ", " IN_MAIL(
	     "unacknowledged") ", 0"
			       " FROM alerts AS a WHERE a.state <> 'resolved' "
			       "AND a.state = 'firing'"
			       " AND a.acked_ms IS NULL AND NOT " SILENCED
			       " AND NOT (" IN_MAIL("telegram") " AND " IN_MAIL(
				       "unacknowledged") ")"
							 " ORDER BY CASE "
							 "a.severity WHEN "
							 "'critical' THEN 0 "
							 "WHEN 'warning' THEN 1"
							 " ELSE 2 END, "
							 "a.fired_ms, a.id "
							 "LIMIT $2");

/* A mail that was sent, or may have been. */
#define SENT(message_id)                                                \
	"(EXISTS (SELECT 1 FROM mail_archive AS s WHERE s.message_id "  \
	"= " message_id " AND s.outcome = 'ok')"                        \
	" OR EXISTS (SELECT 1 FROM mail_queue AS w WHERE w.message_id " \
	"= " message_id " AND w.sending_since_ms IS NOT NULL))"
#define ENDED                                                    \
	"alert_mails AS o JOIN alerts AS a ON a.id = o.alert_id" \
	" WHERE o.closed = 0 AND o.stage <> 'over'"              \
	" AND a.state = 'resolved' AND a.quiet = 0"              \
	" AND NOT " IN_MAIL("over") " AND " SENT("o.message_id")
/* $1 since, $2 limit */
STMT(alert_mails_ended,
     "SELECT a.id, max(a.rule), max(a.severity), max(a.fired_ms),"
     " max(a.resolved_ms), 1, 0, 0, 0 FROM " ENDED
     " AND a.resolved_ms >= $1 GROUP BY a.id ORDER BY a.id LIMIT $2");
STMT(alert_mails_addresses,
     "SELECT DISTINCT z.address FROM mail_archive AS z WHERE z.outcome = 'ok'"
     " AND z.message_id IN (SELECT o.message_id FROM " ENDED ")"
     " UNION SELECT DISTINCT y.address FROM mail_queue AS y"
     " WHERE y.sending_since_ms IS NOT NULL"
     " AND y.message_id IN (SELECT o.message_id FROM " ENDED ")");
STMT(alert_mails_body, "SELECT text FROM alerts WHERE id = $1");

/* $1 alert, $2 stage, $3 message */
STMT(alert_mails_insert,
     "INSERT INTO alert_mails (alert_id, stage, message_id)"
     " SELECT a.id, $2, $3 FROM alerts AS a WHERE a.id = $1"
     " AND ($2 = 'over' OR (a.state = 'firing' AND a.acked_ms IS NULL))"
     " ON CONFLICT (alert_id, stage) DO NOTHING");
/* Over long ago, without a word, or already told: nothing is to come. $1 */
STMT(alert_mails_shut,
     "UPDATE alert_mails SET closed = 1 WHERE closed = 0 AND (alert_id IN"
     " (SELECT o.alert_id FROM alert_mails AS o LEFT JOIN alerts AS a"
     "  ON a.id = o.alert_id WHERE o.closed = 0 AND (a.id IS NULL"
     "  OR (a.state = 'resolved' AND (a.quiet = 1 OR a.resolved_ms < $1"
     "   OR " IN_MAIL("over") ")))))");

/* Of alerts that are gone. */
STMT(alert_mails_forget, "DELETE FROM alert_mails WHERE alert_id <"
			 " (SELECT min(id) FROM alerts)");

const char *mail_stage_name(enum mail_stage stage)
{
	return stage_names[stage];
}

int alert_mails_telegram_failed(struct db *db, int64_t since_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alert_mails_failed);
	int64_t failed = 0;
	int rc;

	query_i64(q, 1, since_ms);
	rc = query_one_i64(q, &failed, e);
	return rc < 0 ? rc : failed != 0;
}

static int visit(struct query *q, mailable_visit *each, void *context,
		 struct err *e)
{
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct mailable alert = {
			.alert_id = query_col_i64(q, 0),
			.rule = query_col_text(q, 1),
			.severity = query_col_text(q, 2),
			.fired_ms = query_col_i64(q, 3),
			.told_ms = query_col_i64(q, 4),
			.arrived = query_col_i64(q, 5) != 0,
		};

		for (int i = 0; i < MAIL_STAGE_MAX_; i++)
			alert.mailed[i] = query_col_i64(q, 6 + i) != 0;
		rc = each(&alert, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int alert_mails_firing(struct db *db, int64_t now_ms, int limit,
		       mailable_visit *each, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &alert_mails_candidates);

	query_i64(q, 1, now_ms);
	query_i64(q, 2, limit);
	return visit(q, each, context, e);
}

int alert_mails_over(struct db *db, int64_t since_ms, int limit,
		     mailable_visit *each, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alert_mails_ended);

	query_i64(q, 1, since_ms);
	query_i64(q, 2, limit);
	return visit(q, each, context, e);
}

int alert_mails_told(struct db *db, int (*each)(const char *address, void *),
		     void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alert_mails_addresses);
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		rc = each(query_col_text(q, 0), context);
		if (rc < 0)
			return rc;
	}
	return rc;
}

char *alert_mails_text(struct db *db, int64_t alert_id)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alert_mails_body);

	query_i64(q, 1, alert_id);
	return query_next(q, NULL) > 0 ? query_col_copy(q, 0) : strdup("");
}

int alert_mails_mark(struct db *db, int64_t alert_id, enum mail_stage stage,
		     const char *message_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alert_mails_insert);

	query_i64(q, 1, alert_id);
	query_text(q, 2, stage_names[stage]);
	query_text(q, 3, message_id);
	return query_exec(q, e);
}

int alert_mails_close(struct db *db, int64_t resolved_before_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alert_mails_shut);
	CLEANUP_QUERY struct query *gone = query_start(db, &alert_mails_forget);
	int rc;

	query_i64(q, 1, resolved_before_ms);
	rc = query_exec(q, e);
	if (rc >= 0)
		rc = query_exec(gone, e);
	return MIN_OF(rc, 0);
}

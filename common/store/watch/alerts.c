/* SPDX-License-Identifier: MIT */
#include "store/watch/alerts.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/queue/telegram_queue.h"

enum {
	SENT_BY_NOW_MS = 60 * 1000
};

STMT(alerts_live,
     "SELECT id, state, since_ms, coalesce(notified_ms, 0) FROM alerts"
     " WHERE rule = $1 AND subject = $2 AND state <> 'resolved'");
STMT(alerts_by_id,
     "SELECT chat, severity, fired_ms IS NOT NULL, coalesce(told_id, 0)"
     " FROM alerts WHERE id = $1 AND state <> 'resolved'");
/* $1 rule, $2 subject, $3 severity, $4 chat, $5 text, $6 now, $7 store */
STMT(alerts_begin,
     "INSERT INTO alerts (rule, subject, severity, state, chat, text, since_ms,"
     " store_id) VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7) RETURNING id");
/* As above, firing at once; $8 message or null. Nothing when it lives already.
 */
STMT(alerts_begin_firing,
     "INSERT INTO alerts (rule, subject, severity, state, chat, text, since_ms,"
     " store_id, fired_ms, notified_ms, told_id) VALUES ($1, $2, $3, 'firing',"
     " $4, $5, $6, $7, $6, $6, $8) ON CONFLICT DO NOTHING RETURNING id");
STMT(alerts_set_told, "UPDATE alerts SET told_id = $2 WHERE id = $1");
STMT(alerts_set_calm, "UPDATE alerts SET calm_since_ms = $2 WHERE id = $1");
STMT(alerts_unset_calm, "UPDATE alerts SET calm_since_ms = NULL WHERE id = $1");
/* $1 id, $2 who, $3 now */
STMT(alerts_acknowledge,
     "UPDATE alerts SET acked_ms = $3, acked_by = $2 WHERE id = $1"
     " AND state = 'firing' AND acked_ms IS NULL");
#define UNSEEN_OF_MESSAGE \
	"told_id = $1 AND state = 'firing' AND acked_ms IS NULL"
/* $1 message, $2 who, $3 now, $4 limit */
STMT(alerts_acknowledge_told,
     "UPDATE alerts SET acked_ms = $3, acked_by = $2 WHERE id IN (SELECT id"
     " FROM alerts WHERE " UNSEEN_OF_MESSAGE " ORDER BY id LIMIT $4)");
STMT(alerts_of_message,
     "SELECT 1 FROM alerts WHERE " UNSEEN_OF_MESSAGE " LIMIT 1");
/* $1 rule, $2 chat, $3 since */
STMT(alerts_of_chat,
     "SELECT coalesce(sum(CASE WHEN notified_ms > $3 THEN 1 ELSE 0 END), 0),"
     " count(*) FROM alerts WHERE rule = $1 AND chat = $2"
     " AND state <> 'resolved' AND state = 'firing'");
STMT(alerts_since, "UPDATE alerts SET since_ms = $2 WHERE id = $1");
/* $1 id, $2 now, $3 text, $4 severity, $5 chat, $6 message or null */
STMT(alerts_fire,
     "UPDATE alerts SET state = 'firing',"
     " fired_ms = coalesce(fired_ms, $2), notified_ms = $2, text = $3,"
     " severity = $4, chat = $5, told_id = coalesce($6, told_id)"
     " WHERE id = $1");
STMT(alerts_resolve,
     "UPDATE alerts SET state = 'resolved', resolved_ms = $2 WHERE id = $1");
STMT(alerts_set_ending, "UPDATE alerts SET text = $2 WHERE id = $1");
STMT(alerts_set_quiet, "UPDATE alerts SET quiet = 1 WHERE id = $1"
		       " AND state = 'resolved'");
STMT(alerts_forget, "DELETE FROM alerts WHERE id = $1");
STMT(alerts_last_notice,
     "SELECT coalesce(notified_ms, 0) FROM alerts"
     " WHERE rule = $1 AND subject = $2 ORDER BY id DESC LIMIT 1");
STMT(alerts_count_firing, "SELECT count(*) FROM alerts"
			  " WHERE state <> 'resolved' AND state = 'firing'");

struct live {
	int64_t id; /* 0: there is none */
	bool firing;
	int64_t since_ms, notified_ms;
};

static const char *const telling_names[] = {
	[ALERT_NOTHING] = "",
	[ALERT_FIRE] = "fire",
	[ALERT_REPEAT] = "repeat",
	[ALERT_RESOLVE] = "resolve",
};

const char *alert_telling_name(enum alert_telling telling)
{
	return telling_names[telling];
}

static int find_live(struct db *db, const struct alert_finding *finding,
		     struct live *ret_live, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_live);
	int rc;

	query_text(q, 1, finding->rule);
	query_text(q, 2, finding->subject);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_live = (struct live){
		.id = query_col_i64(q, 0),
		.firing = strcmp(query_col_text(q, 1), "firing") == 0,
		.since_ms = query_col_i64(q, 2),
		.notified_ms = query_col_i64(q, 3),
	};
	return 0;
}

static void bind_id(struct query *q, int n, int64_t id)
{
	if (id != 0)
		query_i64(q, n, id);
	else
		query_null(q, n);
}

static void bind_beginning(struct query *q, const struct alert_finding *finding,
			   int64_t now_ms)
{
	query_text(q, 1, finding->rule);
	query_text(q, 2, finding->subject);
	query_text(q, 3, finding->severity);
	query_text(q, 4, finding->chat);
	query_text(q, 5, finding->text);
	query_i64(q, 6, now_ms);
	query_text(q, 7, finding->store_id != NULL ? finding->store_id : "");
}

static int begin(struct db *db, const struct alert_finding *finding,
		 int64_t now_ms, int64_t *ret_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_begin);

	bind_beginning(q, finding, now_ms);
	return MIN_OF(query_one_i64(q, ret_id, e), 0);
}

/* 1 and its id; 0: it lives already. */
static int begin_firing(struct db *db, const struct alert_finding *finding,
			int64_t now_ms, int64_t *ret_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_begin_firing);

	bind_beginning(q, finding, now_ms);
	bind_id(q, 8, finding->told_id);
	return query_one_i64(q, ret_id, e);
}

static int fire(struct db *db, const struct alert_finding *finding, int64_t id,
		int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_fire);
	int rc;

	query_i64(q, 1, id);
	query_i64(q, 2, now_ms);
	query_text(q, 3, finding->text);
	query_text(q, 4, finding->severity);
	query_text(q, 5, finding->chat);
	bind_id(q, 6, finding->told_id);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

/* $1 is an alert; $2, when the statement has one, a moment. */
static int update(struct db *db, const struct stmt *stmt, int64_t id,
		  const int64_t *moment_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc;

	query_i64(q, 1, id);
	if (moment_ms != NULL)
		query_i64(q, 2, *moment_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

/* What is due of an alert whose condition is true. */
static enum alert_telling decide(const struct live *live,
				 const struct alert_finding *finding,
				 int64_t now_ms)
{
	if (finding->silenced)
		return ALERT_NOTHING;
	if (!live->firing)
		return now_ms - live->since_ms >= finding->for_ms
			       ? ALERT_FIRE
			       : ALERT_NOTHING;
	return finding->repeat_ms > 0 &&
			       now_ms - live->notified_ms >= finding->repeat_ms
		       ? ALERT_REPEAT
		       : ALERT_NOTHING;
}

static int mark(struct db *db, const struct alert_finding *finding,
		int64_t now_ms, int64_t *ret_id, struct err *e)
{
	struct live live = {0};
	enum alert_telling telling;
	int rc = 0;

	if (finding->is_new && finding->for_ms == 0 && !finding->silenced)
		rc = begin_firing(db, finding, now_ms, ret_id, e);
	if (rc != 0)
		return rc < 0 ? rc : (int)ALERT_FIRE;
	rc = find_live(db, finding, &live, e);
	if (rc == 0 && live.id == 0) {
		live.since_ms = now_ms;
		rc = begin(db, finding, now_ms, &live.id, e);
	} else if (rc == 0 && !live.firing && live.since_ms > now_ms) {
		/* The clock was set back: wait no longer than `for`. */
		live.since_ms = now_ms;
		rc = update(db, &alerts_since, live.id, &now_ms, e);
	}
	if (rc < 0)
		return rc;
	*ret_id = live.id;
	telling = decide(&live, finding, now_ms);
	if (telling != ALERT_NOTHING)
		rc = fire(db, finding, live.id, now_ms, e);
	return rc < 0 ? rc : (int)telling;
}

int alert_mark(struct db *db, const struct alert_finding *finding,
	       int64_t now_ms, int64_t *ret_id, struct err *e)
{
	return mark(db, finding, now_ms, ret_id, e);
}

int alert_told(struct db *db, int64_t alert_id, int64_t message_id,
	       struct err *e)
{
	return update(db, &alerts_set_told, alert_id, &message_id, e);
}

static int tell(struct db *db, const struct alert_finding *finding,
		int64_t alert_id, const char *kind, int64_t reply_to,
		int64_t now_ms, struct err *e)
{
	struct telegram_message message = {
		.chat = finding->chat,
		.kind = kind,
		.severity = finding->severity,
		.text = finding->text,
		.alert_id = alert_id,
		.reply_to = reply_to,
	};
	int64_t id = 0;
	int rc = telegram_queue_put(db, &message, now_ms, &id, e);

	if (rc < 0 || id == 0)
		return rc;
	return alert_told(db, alert_id, id, e);
}

int alert_found(struct db *db, const struct alert_finding *finding,
		int64_t now_ms, struct err *e)
{
	int64_t id = 0;
	int rc = mark(db, finding, now_ms, &id, e);

	if (rc <= 0)
		return rc;
	return tell(db, finding, id, alert_telling_name((enum alert_telling)rc),
		    0, now_ms, e);
}

int alert_notice(struct db *db, const struct alert_finding *finding,
		 int64_t now_ms, struct err *e)
{
	int64_t last_ms = 0;
	int64_t id = 0;
	int rc;

	{
		CLEANUP_QUERY struct query *q =
			query_start(db, &alerts_last_notice);

		query_text(q, 1, finding->rule);
		query_text(q, 2, finding->subject);
		rc = query_one_i64(q, &last_ms, e);
	}
	if (rc < 0 || (rc > 0 && (finding->repeat_ms <= 0 ||
				  now_ms - last_ms < finding->repeat_ms)))
		return rc < 0 ? rc : 0;
	rc = begin(db, finding, now_ms, &id, e);
	if (rc == 0)
		rc = fire(db, finding, id, now_ms, e);
	if (rc == 0)
		rc = update(db, &alerts_resolve, id, &now_ms, e);
	return rc < 0 ? rc : tell(db, finding, id, "notice", 0, now_ms, e);
}

/* Whether people know of an alert: 1 and the message to answer (0: none). A
 * message about it alone that waits for longer than a healthy sender takes is
 * withdrawn: after an outage nobody needs the beginning and the end of it. */
static int was_told(struct db *db, int64_t told_id, int64_t now_ms,
		    int64_t *ret_reply_to, struct err *e)
{
	enum telegram_fate fate = TELEGRAM_UNKNOWN;
	int rc = told_id == 0 ? 0
			      : telegram_queue_fate(db, told_id, &fate,
						    ret_reply_to, e);

	if (rc == 0 && fate == TELEGRAM_WAITS)
		rc = telegram_queue_withdraw(db, told_id,
					     now_ms - SENT_BY_NOW_MS, e);
	if (rc < 0)
		return rc;
	/* Not withdrawn: it is one about many or a repeat, and will be sent. */
	if (fate == TELEGRAM_WAITS)
		return rc > 0 ? 0 : 1;
	return fate != TELEGRAM_NEVER;
}

static int keep_ending(struct db *db, int64_t alert_id, const char *text,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_set_ending);

	query_i64(q, 1, alert_id);
	query_text(q, 2, text);
	return MIN_OF(query_exec(q, e), 0);
}

/* Ends the alert; *row gets its chat and severity. */
static int end(struct db *db, int64_t alert_id, const char *text,
	       int64_t now_ms, struct query *row, int64_t *ret_reply_to,
	       struct err *e)
{
	int64_t told_id;
	bool fired;
	int rc;

	*ret_reply_to = 0;
	query_i64(row, 1, alert_id);
	rc = query_next(row, e);
	if (rc <= 0)
		return rc;
	fired = query_col_i64(row, 2) != 0;
	told_id = query_col_i64(row, 3);
	/* What never fired was never an alert. */
	rc = fired ? update(db, &alerts_resolve, alert_id, &now_ms, e)
		   : update(db, &alerts_forget, alert_id, NULL, e);
	if (rc == 0 && fired && text[0] != '\0')
		rc = keep_ending(db, alert_id, text, e);
	if (rc == 0 && fired)
		rc = was_told(db, told_id, now_ms, ret_reply_to, e);
	if (rc <= 0)
		return rc;
	return ALERT_RESOLVE;
}

int alert_mark_over(struct db *db, int64_t alert_id, const char *text,
		    int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *row = query_start(db, &alerts_by_id);
	int64_t reply_to;

	return end(db, alert_id, text, now_ms, row, &reply_to, e);
}

int alert_over(struct db *db, int64_t alert_id, const char *text,
	       int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *row = query_start(db, &alerts_by_id);
	int64_t reply_to;
	int rc = end(db, alert_id, text, now_ms, row, &reply_to, e);

	if (rc >= 0 && text[0] == '\0')
		return update(db, &alerts_set_quiet, alert_id, NULL, e);
	if (rc != ALERT_RESOLVE)
		return rc < 0 ? rc : 0;
	struct alert_finding finding = {
		.chat = query_col_text(row, 0),
		.severity = query_col_text(row, 1),
		.text = text,
	};

	return tell(db, &finding, alert_id, alert_telling_name(ALERT_RESOLVE),
		    reply_to, now_ms, e);
}

int alert_calm(struct db *db, int64_t alert_id, bool calm, int64_t now_ms,
	       struct err *e)
{
	return calm ? update(db, &alerts_set_calm, alert_id, &now_ms, e)
		    : update(db, &alerts_unset_calm, alert_id, NULL, e);
}

int alert_ack(struct db *db, int64_t alert_id, const char *who, int64_t now_ms,
	      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_acknowledge);

	query_i64(q, 1, alert_id);
	query_text(q, 2, who);
	query_i64(q, 3, now_ms);
	return query_exec(q, e);
}

int alerts_ack_told(struct db *db, int64_t message_id, const char *who,
		    int limit, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &alerts_acknowledge_told);

	query_i64(q, 1, message_id);
	query_text(q, 2, who);
	query_i64(q, 3, now_ms);
	query_i64(q, 4, limit);
	return query_exec(q, e);
}

int alerts_told_by(struct db *db, int64_t message_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_of_message);

	query_i64(q, 1, message_id);
	return query_next(q, e);
}

int alerts_load(struct db *db, const char *rule, const char *chat,
		int64_t since_ms, struct alert_load *ret_load, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_of_chat);
	int rc;

	query_text(q, 1, rule);
	query_text(q, 2, chat);
	query_i64(q, 3, since_ms);
	rc = query_next(q, e);
	if (rc < 0)
		return rc;
	ret_load->told = query_col_i64(q, 0);
	ret_load->firing = query_col_i64(q, 1);
	return 0;
}

int alerts_firing(struct db *db, int64_t *ret_count, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_count_firing);
	int rc = query_one_i64(q, ret_count, e);

	return rc < 0 ? rc : 0;
}

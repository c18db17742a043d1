/* SPDX-License-Identifier: MIT */
#include "store/watch/alerts.h"

#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/queue/telegram_queue.h"

STMT(alerts_live,
     "SELECT id, state, since_ms, coalesce(notified_ms, 0) FROM alerts"
     " WHERE rule = $1 AND subject = $2 AND state <> 'resolved'");
STMT(alerts_by_id, "SELECT chat, severity, fired_ms IS NOT NULL FROM alerts"
		   " WHERE id = $1 AND state <> 'resolved'");
/* $1 rule, $2 subject, $3 severity, $4 chat, $5 text, $6 now */
STMT(alerts_begin,
     "INSERT INTO alerts (rule, subject, severity, state, chat, text, since_ms)"
     " VALUES ($1, $2, $3, 'pending', $4, $5, $6) RETURNING id");
STMT(alerts_since, "UPDATE alerts SET since_ms = $2 WHERE id = $1");
/* $1 id, $2 now, $3 text, $4 severity, $5 chat */
STMT(alerts_fire,
     "UPDATE alerts SET state = 'firing',"
     " fired_ms = coalesce(fired_ms, $2), notified_ms = $2, text = $3,"
     " severity = $4, chat = $5 WHERE id = $1");
STMT(alerts_resolve,
     "UPDATE alerts SET state = 'resolved', resolved_ms = $2 WHERE id = $1");
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

static int begin(struct db *db, const struct alert_finding *finding,
		 int64_t now_ms, int64_t *ret_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_begin);
	int rc;

	query_text(q, 1, finding->rule);
	query_text(q, 2, finding->subject);
	query_text(q, 3, finding->severity);
	query_text(q, 4, finding->chat);
	query_text(q, 5, finding->text);
	query_i64(q, 6, now_ms);
	rc = query_one_i64(q, ret_id, e);
	return rc < 0 ? rc : 0;
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
	int rc = find_live(db, finding, &live, e);

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
	       int64_t now_ms, struct err *e)
{
	int64_t id;

	return mark(db, finding, now_ms, &id, e);
}

static int tell(struct db *db, const struct alert_finding *finding,
		int64_t alert_id, const char *kind, int64_t now_ms,
		struct err *e)
{
	struct telegram_message message = {
		.chat = finding->chat,
		.kind = kind,
		.severity = finding->severity,
		.text = finding->text,
		.alert_id = alert_id,
	};

	return telegram_queue_add(db, &message, now_ms, e);
}

int alert_found(struct db *db, const struct alert_finding *finding,
		int64_t now_ms, struct err *e)
{
	int64_t id = 0;
	int rc = mark(db, finding, now_ms, &id, e);

	if (rc <= 0)
		return rc;
	return tell(db, finding, id, alert_telling_name((enum alert_telling)rc),
		    now_ms, e);
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
	return rc < 0 ? rc : tell(db, finding, id, "notice", now_ms, e);
}

/* Ends the alert; *ret_row gets its chat and severity. */
static int end(struct db *db, int64_t alert_id, int64_t now_ms,
	       struct query *row, struct err *e)
{
	bool fired;
	int rc;

	query_i64(row, 1, alert_id);
	rc = query_next(row, e);
	if (rc <= 0)
		return rc;
	fired = query_col_i64(row, 2) != 0;
	/* What never fired was never an alert. */
	rc = fired ? update(db, &alerts_resolve, alert_id, &now_ms, e)
		   : update(db, &alerts_forget, alert_id, NULL, e);
	if (rc < 0)
		return rc;
	return fired ? ALERT_RESOLVE : ALERT_NOTHING;
}

int alert_mark_over(struct db *db, int64_t alert_id, int64_t now_ms,
		    struct err *e)
{
	CLEANUP_QUERY struct query *row = query_start(db, &alerts_by_id);

	return end(db, alert_id, now_ms, row, e);
}

int alert_over(struct db *db, int64_t alert_id, const char *text,
	       int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *row = query_start(db, &alerts_by_id);
	int rc = end(db, alert_id, now_ms, row, e);

	if (rc != ALERT_RESOLVE || text[0] == '\0')
		return rc < 0 ? rc : 0;
	struct alert_finding finding = {
		.chat = query_col_text(row, 0),
		.severity = query_col_text(row, 1),
		.text = text,
	};

	return tell(db, &finding, alert_id, alert_telling_name(ALERT_RESOLVE),
		    now_ms, e);
}

int alerts_firing(struct db *db, int64_t *ret_count, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &alerts_count_firing);
	int rc = query_one_i64(q, ret_count, e);

	return rc < 0 ? rc : 0;
}

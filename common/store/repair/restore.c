/* SPDX-License-Identifier: MIT */
#include "store/repair/restore.h"

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/exchange/feed.h"
#include "store/queue/mail_queue.h"
#include "store/queue/telegram_queue.h"

enum {
	EXPIRE_BATCH = 500
};

/* Of a copy that does not say when it was made. */
STMT(restore_newest_trace,
     "SELECT coalesce(max(t.at), 0) FROM ("
     "SELECT max(i.created_ms) AS at FROM inbox AS i UNION ALL "
     "SELECT a.created_ms FROM inbox_archive AS a"
     "  WHERE a.id = (SELECT max(id) FROM inbox_archive) UNION ALL "
     "SELECT h.at_ms FROM order_history AS h"
     "  WHERE h.id = (SELECT max(id) FROM order_history) UNION ALL "
     "SELECT r.started_ms FROM job_runs AS r"
     "  WHERE r.id = (SELECT max(id) FROM job_runs)) AS t");
STMT(restore_meta,
     "SELECT backup_ms, store_epoch FROM store_meta WHERE id = 1");
STMT(restore_set_meta, "UPDATE store_meta SET held = 1, backup_ms = 0,"
		       " store_epoch = $1 WHERE id = 1");
/* Applying an event again changes nothing. */
STMT(restore_inbox,
     "UPDATE inbox SET state = 1, hold = 'none', lease_owner = NULL,"
     " lease_until_ms = 0, sending_since_ms = NULL WHERE state = 2");
#define FREE_HEADS(table)                                     \
	"UPDATE " table " SET state = 1, lease_owner = NULL," \
	" lease_epoch = lease_epoch + 1, lease_until_ms = 0 WHERE state = 2"
STMT(restore_inbox_heads, FREE_HEADS("inbox_head"));
STMT(restore_outbox_heads, FREE_HEADS("outbox_head"));
STMT(restore_telegram_heads, FREE_HEADS("telegram_head"));
/* $1 backup. What waits for another message keeps that, with the doubt. */
STMT(restore_outbox,
     "UPDATE outbox SET state = 1, lease_owner = NULL, lease_until_ms = 0,"
     " sending_since_ms = coalesce(sending_since_ms, $1), hold ="
     " CASE WHEN hold = 'blocked' THEN hold ELSE 'uncertain' END"
     " WHERE state IN (1, 2)");
/* A failed one may have been retried by hand. */
STMT(restore_outbox_failed,
     "UPDATE outbox SET sending_since_ms = coalesce(sending_since_ms, $1)"
     " WHERE state = 4");
STMT(restore_telegram,
     "UPDATE telegram_queue SET state = 1, lease_owner = NULL,"
     " lease_until_ms = 0 WHERE state = 2");
STMT(restore_mail_heads, FREE_HEADS("mail_head"));
STMT(restore_mail, "UPDATE mail_queue SET state = 1, lease_owner = NULL,"
		   " lease_until_ms = 0 WHERE state = 2");
STMT(restore_series, "UPDATE document_series SET held = 1");
STMT(restore_leases, "UPDATE leases SET until_ms = 0");
STMT(restore_runs, "UPDATE job_runs SET ended_ms = $1, outcome = 'lost',"
		   " detail = 'the store was restored'"
		   " WHERE ended_ms IS NULL");
STMT(restore_requests, "UPDATE jobs SET requested_by = ''");
STMT(restore_insert,
     "INSERT INTO restores (restored_ms, backup_ms, file, old_epoch, epoch,"
     " inbox_returned, outbox_uncertain, telegram_expired)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");

STMT(restore_held, "SELECT held FROM store_meta WHERE id = 1");
STMT(restore_wanted,
     "SELECT min(r.backup_ms) FROM restores AS r WHERE r.released_ms IS NULL"
     " AND (r.pulled_ms IS NULL OR EXISTS (SELECT 1 FROM pull_queue))");
STMT(restore_set_pulled,
     "UPDATE restores SET pulled_ms = $2 WHERE pulled_ms IS NULL"
     " AND released_ms IS NULL AND restored_ms <= $1");
STMT(restore_cursors,
     "UPDATE pull_cursors SET listing_ms = 0, page_token = '', since_ms ="
     " CASE WHEN since_ms > $1 THEN $1 ELSE since_ms END");
STMT(restore_unhold, "UPDATE store_meta SET held = 0 WHERE id = 1");
STMT(restore_set_released,
     "UPDATE restores SET released_ms = $1, released_by = $2, reason = $3"
     " WHERE released_ms IS NULL");

STMT(restore_series_last, "SELECT last FROM document_series WHERE name = $1");
STMT(restore_set_series,
     "INSERT INTO document_series (name, last, held) VALUES ($1, $2, 0)"
     " ON CONFLICT (name) DO UPDATE SET last = excluded.last, held = 0");
STMT(restore_insert_jump,
     "INSERT INTO document_series_jumps (series, from_number, to_number, at_ms,"
     " actor, reason) VALUES ($1, $2, $3, $4, $5, $6)");

/* Rows changed; one parameter at most. */
static int64_t change(struct db *db, const struct stmt *stmt,
		      const int64_t *value, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	if (value != NULL)
		query_i64(q, 1, *value);
	return query_exec(q, e);
}

static int read_meta(struct db *db, struct restore *r, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_meta);
	CLEANUP_QUERY struct query *trace =
		query_start(db, &restore_newest_trace);
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc < 0 ? rc : err_set(e, ERR_IO, "no version row");
	r->backup_ms = query_col_i64(q, 0);
	r->old_epoch = query_col_i64(q, 1);
	r->backup_guessed = r->backup_ms == 0;
	if (!r->backup_guessed)
		return 0;
	rc = query_one_i64(trace, &r->backup_ms, e);
	return rc < 0 ? rc : 0;
}

static int expire_telegram(struct db *db, int64_t *ret_count, struct err *e)
{
	int moved = EXPIRE_BATCH;

	for (*ret_count = 0; moved == EXPIRE_BATCH; *ret_count += moved) {
		moved = telegram_queue_expire(db, INT64_MAX, EXPIRE_BATCH, e);
		if (moved < 0)
			return moved;
	}
	return 0;
}

static int expire_mail(struct db *db, struct err *e)
{
	int moved = EXPIRE_BATCH;

	while (moved == EXPIRE_BATCH)
		moved = mail_queue_expire(db, INT64_MAX, EXPIRE_BATCH, e);
	return MIN_OF(moved, 0);
}

static int insert_row(struct db *db, const char *file, const struct restore *r,
		      int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_insert);
	int rc;

	query_i64(q, 1, now_ms);
	query_i64(q, 2, r->backup_ms);
	query_text(q, 3, file);
	query_i64(q, 4, r->old_epoch);
	query_i64(q, 5, r->epoch);
	query_i64(q, 6, r->inbox_returned);
	query_i64(q, 7, r->outbox_uncertain);
	query_i64(q, 8, r->telegram_expired);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int restore_mark(struct db *db, const char *file, int64_t epoch_at_least,
		 int64_t now_ms, struct restore *ret_restore, struct err *e)
{
	struct restore r = {0};
	const struct {
		const struct stmt *stmt;
		const int64_t *value;
		int64_t *changed;
	} steps[] = {
		{&restore_set_meta, &r.epoch, NULL},
		{&restore_inbox, NULL, &r.inbox_returned},
		{&restore_inbox_heads, NULL, NULL},
		{&restore_outbox, &r.backup_ms, &r.outbox_uncertain},
		{&restore_outbox_failed, &r.backup_ms, NULL},
		{&restore_outbox_heads, NULL, NULL},
		{&restore_telegram, NULL, NULL},
		{&restore_telegram_heads, NULL, NULL},
		{&restore_mail, NULL, NULL},
		{&restore_mail_heads, NULL, NULL},
		{&restore_series, NULL, NULL},
		{&restore_leases, NULL, NULL},
		{&restore_runs, &now_ms, NULL},
		{&restore_requests, NULL, NULL},
		{&restore_cursors, &r.backup_ms, NULL},
	};
	int rc = read_meta(db, &r, e);

	r.epoch = MAX_OF(r.old_epoch, epoch_at_least) + 1;
	for (size_t i = 0; i < COUNT_OF(steps) && rc >= 0; i++) {
		int64_t changed = change(db, steps[i].stmt, steps[i].value, e);

		rc = (int)MIN_OF(changed, (int64_t)0);
		if (steps[i].changed != NULL)
			*steps[i].changed = changed;
	}
	if (rc >= 0)
		rc = feed_jump(db, now_ms, e);
	if (rc >= 0)
		rc = expire_telegram(db, &r.telegram_expired, e);
	if (rc >= 0)
		rc = expire_mail(db, e);
	if (rc >= 0)
		rc = insert_row(db, file, &r, now_ms, e);
	if (rc >= 0)
		*ret_restore = r;
	return rc;
}

int restore_epoch(struct db *db, int64_t *ret_epoch, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_meta);
	int rc = query_next(q, e);

	if (rc > 0)
		*ret_epoch = query_col_i64(q, 1);
	return MIN_OF(rc, 0);
}

int restore_is_held(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_held);
	int64_t held = 0;
	int rc = query_one_i64(q, &held, e);

	return rc < 0 ? rc : held != 0;
}

int restore_pull_wanted(struct db *db, int64_t *ret_since_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_wanted);
	int rc = query_next(q, e);

	if (rc <= 0 || query_col_is_null(q, 0))
		return rc < 0 ? rc : 0;
	*ret_since_ms = query_col_i64(q, 0);
	return 1;
}

int restore_pull_listed(struct db *db, int64_t began_ms, int64_t now_ms,
			struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_set_pulled);

	query_i64(q, 1, began_ms);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

int restore_release(struct db *db, const char *actor, const char *reason,
		    bool without_pull, int64_t now_ms, struct err *e)
{
	int64_t since_ms = 0;
	int rc = restore_is_held(db, e);

	if (rc == 0)
		return err_set(e, ERR_STATE, "nothing is held");
	if (rc > 0)
		rc = restore_pull_wanted(db, &since_ms, e);
	if (rc > 0 && !without_pull)
		return err_set(e, ERR_STATE,
			       "the marketplace has not been read since the "
			       "backup was made: wait for job reconcile, or "
			       "add --without-pull");
	if (rc < 0)
		return rc;
	rc = (int)change(db, &restore_unhold, NULL, e);
	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &restore_set_released);

	query_i64(q, 1, now_ms);
	query_text(q, 2, actor);
	query_text(q, 3, reason);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static int set_series(struct db *db, const char *series, int64_t last,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &restore_set_series);
	int rc;

	query_text(q, 1, series);
	query_i64(q, 2, last);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int restore_advance_series(struct db *db, const char *series, int64_t last,
			   const char *actor, const char *reason,
			   int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *find =
		query_start(db, &restore_series_last);
	int64_t ours = 0;
	int rc;

	query_text(find, 1, series);
	rc = query_one_i64(find, &ours, e);
	if (rc >= 0 && last < ours)
		return err_set(e, ERR_INVALID,
			       "the series has reached %lld already",
			       (long long)ours);
	if (rc >= 0)
		rc = set_series(db, series, last, e);
	if (rc < 0 || last == ours)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &restore_insert_jump);

	query_text(q, 1, series);
	query_i64(q, 2, ours + 1);
	query_i64(q, 3, last);
	query_i64(q, 4, now_ms);
	query_text(q, 5, actor);
	query_text(q, 6, reason);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

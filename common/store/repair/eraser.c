/* SPDX-License-Identifier: MIT */
#include "store/repair/eraser.h"

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/engine/position.h"

struct erase_step {
	const char *name; /* also of its counter */
	/* With a window: $1 after, $2 up to, $3 before. Without: $1 before,
	 * $2 limit. */
	const struct stmt *window, *erase, *attempts;
};

STMT(erase_due,
     "SELECT o.id FROM orders AS o WHERE o.state IN ('delivered', 'canceled')"
     " AND o.erased_ms < o.updated_ms AND o.updated_ms < $1"
     " AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.order_id = o.id"
     "  AND i.state IN (1, 2))"
     " AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.order_id = o.id"
     "  AND b.state IN (1, 2))"
     " ORDER BY o.updated_ms, o.id LIMIT $2");

/* An error text may quote what could not be read. */
#define NO_ERROR "error = CASE WHEN error IS NULL THEN NULL ELSE 'erased' END"
#define NO_MESSAGE "body = '', " NO_ERROR
/* $1 order */
STMT(erase_customer,
     "UPDATE order_customers SET name = '', phone = '', address = '',"
     " email = '', inn = '', kpp = '', legal_address = ''"
     " WHERE order_id = $1");
STMT(erase_inbox,
     "UPDATE inbox SET " NO_MESSAGE " WHERE order_id = $1 AND state IN (3, 4)");
STMT(erase_inbox_archive,
     "UPDATE inbox_archive SET " NO_MESSAGE " WHERE order_id = $1");
STMT(erase_outbox, "UPDATE outbox SET " NO_MESSAGE
		   " WHERE order_id = $1 AND state IN (3, 4)");
STMT(erase_outbox_archive,
     "UPDATE outbox_archive SET " NO_MESSAGE " WHERE order_id = $1");
STMT(erase_parked, "UPDATE parked_events SET body = '' WHERE order_id = $1");
/* A moment after a cancellation holds its reason. */
STMT(erase_history,
     "UPDATE order_history SET detail = '{}', after ="
     " CASE WHEN after LIKE '%\"cancelReason\":\"%'"
     "  AND after NOT LIKE '%\"cancelReason\":\"\"%' THEN '' ELSE after END"
     " WHERE order_id = $1");
#define ATTEMPTS_OF_ORDER(queue, table, suffix)                     \
	"UPDATE message_attempts" suffix " SET answer = ''"         \
	" WHERE queue = '" queue "' AND message IN (SELECT id FROM" \
	" " table suffix " WHERE order_id = $1)"
STMT(erase_inbox_attempts, ATTEMPTS_OF_ORDER("inbox", "inbox", ""));
STMT(erase_outbox_attempts, ATTEMPTS_OF_ORDER("outbox", "outbox", ""));
STMT(erase_inbox_attempts_archive,
     ATTEMPTS_OF_ORDER("inbox", "inbox", "_archive"));
STMT(erase_outbox_attempts_archive,
     ATTEMPTS_OF_ORDER("outbox", "outbox", "_archive"));
/* $1 order, $2 now; last, since it takes the order off the list. */
STMT(erase_order, "UPDATE orders SET comment = '', cancel_reason = '',"
		  " erased_ms = $2 WHERE id = $1");

static const struct stmt *const order_steps[] = {
	&erase_customer,
	&erase_inbox,
	&erase_inbox_archive,
	&erase_outbox,
	&erase_outbox_archive,
	&erase_parked,
	&erase_history,
	&erase_inbox_attempts,
	&erase_outbox_attempts,
	&erase_inbox_attempts_archive,
	&erase_outbox_attempts_archive,
};

/* $1 after, $2 limit: the last id of the next rows, and when it was made. */
#define WINDOW(table)                                                     \
	"SELECT max(w.id), max(w.created_ms) FROM (SELECT id, created_ms" \
	" FROM " table " WHERE id > $1 ORDER BY id LIMIT $2) AS w"
#define IN_WINDOW " WHERE id > $1 AND id <= $2 AND created_ms < $3"
/* Its order is erased by itself when its time has come. */
#define NO_LIVE_ORDER(table)                                             \
	" AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = " table \
	".order_id AND o.erased_ms < o.updated_ms)"
#define ATTEMPTS_IN_WINDOW(queue, table, text)                            \
	"UPDATE message_attempts_archive SET answer = '' WHERE queue = "  \
	"'" queue "' AND message > $1 AND message <= $2 AND answer <> ''" \
	" AND NOT EXISTS (SELECT 1 FROM " table " AS m WHERE m.id ="      \
	" message_attempts_archive.message AND m." text " <> '')"

STMT(erase_late_inbox_window, WINDOW("inbox_archive"));
STMT(erase_late_inbox, "UPDATE inbox_archive SET " NO_MESSAGE IN_WINDOW
		       " AND body <> ''" NO_LIVE_ORDER("inbox_archive"));
STMT(erase_late_inbox_attempts,
     ATTEMPTS_IN_WINDOW("inbox", "inbox_archive", "body"));
STMT(erase_late_outbox_window, WINDOW("outbox_archive"));
STMT(erase_late_outbox, "UPDATE outbox_archive SET " NO_MESSAGE IN_WINDOW
			" AND body <> ''" NO_LIVE_ORDER("outbox_archive"));
STMT(erase_late_outbox_attempts,
     ATTEMPTS_IN_WINDOW("outbox", "outbox_archive", "body"));
STMT(erase_telegram_window, WINDOW("telegram_archive"));
STMT(erase_telegram,
     "UPDATE telegram_archive SET text = '', " NO_ERROR IN_WINDOW
     " AND text <> ''");
STMT(erase_telegram_attempts,
     ATTEMPTS_IN_WINDOW("telegram", "telegram_archive", "text"));
STMT(erase_mail_window, WINDOW("mail_archive"));
STMT(erase_mail, "UPDATE mail_archive SET subject = '', text = '',"
		 " " NO_ERROR IN_WINDOW " AND text <> ''");
STMT(erase_mail_attempts, ATTEMPTS_IN_WINDOW("mail", "mail_archive", "text"));

/* Few rows; $1 before, $2 limit. */
STMT(erase_failed_inbox,
     "UPDATE inbox SET " NO_MESSAGE " WHERE id IN (SELECT id FROM inbox"
     " WHERE state = 4 AND created_ms < $1 AND body <> ''" NO_LIVE_ORDER(
	     "inbox") " LIMIT $2)");
STMT(erase_failed_telegram,
     "UPDATE telegram_queue SET text = '', " NO_ERROR " WHERE id IN"
     " (SELECT id FROM telegram_queue WHERE state = 4 AND created_ms < $1"
     "  AND text <> '' LIMIT $2)");
STMT(erase_failed_mail,
     "UPDATE mail_queue SET subject = '', text = '', " NO_ERROR " WHERE id IN"
     " (SELECT id FROM mail_queue WHERE state = 4 AND created_ms < $1"
     "  AND text <> '' LIMIT $2)");
STMT(erase_failed_attempts,
     "UPDATE message_attempts SET answer = '' WHERE (queue, message,"
     " attempt_no) IN (SELECT a.queue, a.message, a.attempt_no"
     " FROM message_attempts AS a WHERE a.queue IN ('inbox', 'telegram', "
     "'mail')"
     "  AND a.answer <> '' AND a.started_ms < $1"
     "  AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE a.queue = 'inbox'"
     "   AND i.id = a.message AND i.body <> '')"
     "  AND NOT EXISTS (SELECT 1 FROM telegram_queue AS t"
     "   WHERE a.queue = 'telegram' AND t.id = a.message AND t.text <> '')"
     "  AND NOT EXISTS (SELECT 1 FROM mail_queue AS l"
     "   WHERE a.queue = 'mail' AND l.id = a.message AND l.text <> '')"
     " LIMIT $2)");
STMT(erase_alerts,
     "UPDATE alerts SET text = '' WHERE id IN (SELECT id FROM alerts"
     " WHERE state = 'resolved' AND resolved_ms < $1 AND text <> '' LIMIT $2)");
STMT(erase_quarantine,
     "UPDATE quarantine SET raw = substr(raw, 1, 0), reason = 'erased'"
     " WHERE id IN (SELECT id FROM quarantine WHERE received_ms < $1"
     " AND reason <> 'erased' LIMIT $2)");
/* By the numbers of SQLite's rows (archive.c), which begin anew when all rows
 * have gone. */
#define ANSWERS_WINDOW(number)                                               \
	"SELECT max(w.id), max(w.created_ms) FROM (SELECT " number " AS id," \
	" created_ms FROM api_requests WHERE " number " > CASE WHEN $1 >"    \
	" (SELECT max(" number ") FROM api_requests) THEN 0 ELSE $1 END"     \
	" ORDER BY " number " LIMIT $2) AS w"
#define ERASE_ANSWERS(number)                                       \
	"UPDATE api_requests SET answer = '' WHERE " number " > $1" \
	" AND " number " <= $2 AND created_ms < $3 AND answer <> ''"
STMT_PG(erase_answers_window, ANSWERS_WINDOW("rowid"),
	ANSWERS_WINDOW("created_ms"));
STMT_PG(erase_answers, ERASE_ANSWERS("rowid"), ERASE_ANSWERS("created_ms"));

static const struct erase_step steps[] = {
	{"erased.inbox", &erase_late_inbox_window, &erase_late_inbox,
	 &erase_late_inbox_attempts},
	{"erased.outbox", &erase_late_outbox_window, &erase_late_outbox,
	 &erase_late_outbox_attempts},
	{"erased.telegram", &erase_telegram_window, &erase_telegram,
	 &erase_telegram_attempts},
	{"erased.mail", &erase_mail_window, &erase_mail, &erase_mail_attempts},
	{"erased.failed_inbox", NULL, &erase_failed_inbox, NULL},
	{"erased.failed_telegram", NULL, &erase_failed_telegram, NULL},
	{"erased.failed_mail", NULL, &erase_failed_mail, NULL},
	{"erased.attempts", NULL, &erase_failed_attempts, NULL},
	{"erased.alerts", NULL, &erase_alerts, NULL},
	{"erased.quarantine", NULL, &erase_quarantine, NULL},
	{"erased.answers", &erase_answers_window, &erase_answers, NULL},
};
const struct erase_step *const erase_steps[] = {
	&steps[0], &steps[1], &steps[2], &steps[3], &steps[4],  &steps[5],
	&steps[6], &steps[7], &steps[8], &steps[9], &steps[10], NULL};

const char *erase_step_name(const struct erase_step *step)
{
	return step->name;
}

/* Freed parts of a file are overwritten with zeroes. A server's autovacuum
 * gives the space of erased rows to new ones. */
static int overwrite(struct db *db, struct err *e)
{
	return (db_caps_of(db) & DB_CAP_FILE) != 0
		       ? db_script(db, "PRAGMA secure_delete=ON", e)
		       : 0;
}

static int erase_order_by(struct db *db, const struct stmt *stmt,
			  int64_t order_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	query_i64(q, 1, order_id);
	return query_exec(q, e);
}

static int erase_one_order(struct db *db, int64_t order_id, int64_t now_ms,
			   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &erase_order);
	int rc = 0;

	for (size_t i = 0; i < COUNT_OF(order_steps) && rc >= 0; i++)
		rc = erase_order_by(db, order_steps[i], order_id, e);
	if (rc < 0)
		return rc;
	query_i64(q, 1, order_id);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

static int find_due(struct db *db, int64_t before_ms,
		    int64_t ret_ids[ERASE_ORDERS_MAX], struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &erase_due);
	int count = 0;
	int rc;

	query_i64(q, 1, before_ms);
	query_i64(q, 2, ERASE_ORDERS_MAX);
	while ((rc = query_next(q, e)) > 0)
		ret_ids[count++] = query_col_i64(q, 0);
	return rc < 0 ? rc : count;
}

int erase_orders(struct db *db, int64_t before_ms, int64_t now_ms,
		 struct err *e)
{
	int64_t ids[ERASE_ORDERS_MAX];
	int count = find_due(db, before_ms, ids, e);
	int rc = count > 0 ? overwrite(db, e) : MIN_OF(count, 0);

	for (int i = 0; i < count && rc >= 0; i++)
		rc = erase_one_order(db, ids[i], now_ms, e);
	return rc < 0 ? rc : count;
}

struct window {
	int64_t after_id, last_id, made_ms;
};

/* 1 and the window, 0 when there are no rows behind the position. */
static int look(struct db *db, const struct erase_step *step,
		struct window *ret_window, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, step->window);
	int rc = position_get(db, step->name, &ret_window->after_id, e);

	if (rc < 0)
		return rc;
	query_i64(q, 1, ret_window->after_id);
	query_i64(q, 2, ERASE_ROWS_MAX);
	rc = query_next(q, e);
	if (rc <= 0 || query_col_is_null(q, 0))
		return MIN_OF(rc, 0);
	ret_window->last_id = query_col_i64(q, 0);
	ret_window->made_ms = query_col_i64(q, 1);
	return 1;
}

static int erase_between(struct db *db, const struct stmt *stmt,
			 const struct window *window, const int64_t *before_ms,
			 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	query_i64(q, 1, window->after_id);
	query_i64(q, 2, window->last_id);
	if (before_ms != NULL)
		query_i64(q, 3, *before_ms);
	return query_exec(q, e);
}

static int erase_window(struct db *db, const struct erase_step *step,
			int64_t before_ms, bool *ret_more, struct err *e)
{
	struct window window = {0};
	int erased;
	int rc = look(db, step, &window, e);

	*ret_more = false;
	if (rc <= 0)
		return rc;
	erased = erase_between(db, step->erase, &window, &before_ms, e);
	rc = erased;
	if (erased > 0 && step->attempts != NULL)
		rc = erase_between(db, step->attempts, &window, NULL, e);
	*ret_more = window.made_ms < before_ms;
	if (rc >= 0 && *ret_more)
		rc = position_set(db, step->name, window.last_id, e);
	return rc < 0 ? rc : erased;
}

int erase_next(struct db *db, const struct erase_step *step, int64_t before_ms,
	       bool *ret_more, struct err *e)
{
	int rc = overwrite(db, e);

	if (rc < 0)
		return rc;
	if (step->window != NULL)
		return erase_window(db, step, before_ms, ret_more, e);
	CLEANUP_QUERY struct query *q = query_start(db, step->erase);

	query_i64(q, 1, before_ms);
	query_i64(q, 2, ERASE_ROWS_MAX);
	rc = query_exec(q, e);
	*ret_more = rc == ERASE_ROWS_MAX;
	return rc;
}

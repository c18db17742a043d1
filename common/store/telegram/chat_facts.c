/* SPDX-License-Identifier: MIT */
#include "store/telegram/chat_facts.h"

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

/* As in the index orders_due (0006_watch.sql). */
#define OPEN_ORDER "o.state NOT IN ('delivered', 'canceled')"
#define ORDER_DUE                                         \
	"CASE WHEN o.deadline_ms <> 0 THEN o.deadline_ms" \
	" ELSE o.slot_to_ms END"
#define NOT_READY "o.state IN ('new', 'accepted', 'assembling', 'assembled')"
#define LATE                                                                 \
	OPEN_ORDER " AND " NOT_READY " AND " ORDER_DUE " > 0 AND " ORDER_DUE \
		   " <= $1"
#define COUNT(table, condition) \
	"(SELECT count(*) FROM " table " WHERE " condition ")"
#define WAITING "state IN (1, 2)"
STMT(chat_status_read,
     "SELECT " COUNT("orders AS o", OPEN_ORDER) ", " COUNT("orders AS o", LATE) ", " COUNT("alerts", "state <> 'resolved' AND state = 'firing'") ", " COUNT(
	     "alerts",
	     "state <> 'resolved' AND state = 'firing'"
	     " AND acked_ms IS NULL") ", " COUNT("inbox",
						 WAITING) ", " COUNT("outbox",
								     WAITING) ", " COUNT("telegram_queue",
											 WAITING) ", " COUNT("inbox",
													     "state = 4") " + " COUNT("outbox",
																      "state = 4") ", " COUNT("endpoints",
																			      "state <> 'closed'") ", " COUNT("jobs",
																							      "paused = 0 AND expected_ms > 0"
																							      " AND expected_ms < $1"));
#define ORDER_COLUMNS                                                       \
	"o.number, o.external_id, s.name, s.time_zone, o.state, " ORDER_DUE \
	", o.created_ms, o.taken_ms, o.assembled_ms, o.ready_ms,"           \
	" o.delivered_ms, o.canceled_ms"
#define ORDER_TABLES " FROM orders AS o JOIN stores AS s ON s.id = o.store_id"
STMT(chat_late_read, "SELECT " ORDER_COLUMNS ", count(*) OVER ()" ORDER_TABLES
		     " WHERE " LATE " ORDER BY " ORDER_DUE ", o.id LIMIT $2");
#define OF_ORDER(table, condition) \
	COUNT(table " AS m", "m.order_id = o.id AND " condition)
STMT(chat_order_read,
     "SELECT " ORDER_COLUMNS
     ", " OF_ORDER("order_lines", "1 = 1") ", " OF_ORDER(
	     "order_lines",
	     "m."
	     "state "
	     "<> "
	     "'pendi"
	     "ng'") ", " OF_ORDER("outbox",
				  "m.state IN (1, 2)") ", " OF_ORDER("outbox",
								     "m.state "
								     "= 4")
	     ORDER_TABLES
     /* Two lookups in indexes: an OR would read every order. */
     " WHERE o.id IN (SELECT n.id FROM orders AS n WHERE n.number = $1"
     " UNION SELECT x.id FROM orders AS x WHERE x.external_id = $1)"
     " ORDER BY o.id DESC LIMIT 1");
#define ALERT_STORES \
	" FROM alerts AS a LEFT JOIN stores AS s ON s.id = a.store_id"
STMT(chat_alert_read,
     "SELECT coalesce(s.time_zone, ''), a.acked_by, coalesce(a.acked_ms, 0),"
     " coalesce(a.resolved_ms, 0), a.text, 1, CASE WHEN a.acked_ms IS NULL"
     " THEN 0 ELSE 1 END" ALERT_STORES " WHERE a.id = $1");
/* $1 message */
STMT(chat_alerts_told_read,
     "SELECT CASE WHEN min(coalesce(s.time_zone, '')) = max(coalesce("
     "s.time_zone, '')) THEN min(coalesce(s.time_zone, '')) ELSE '' END,"
     " coalesce((SELECT b.acked_by FROM alerts AS b WHERE b.told_id = $1"
     "  AND b.acked_ms IS NOT NULL ORDER BY b.acked_ms DESC, b.id DESC"
     "  LIMIT 1), ''), coalesce(max(a.acked_ms), 0),"
     " coalesce(max(a.resolved_ms), 0), coalesce((SELECT m.text"
     "  FROM telegram_archive AS m WHERE m.id = $1), (SELECT w.text"
     "  FROM telegram_queue AS w WHERE w.id = $1), ''), count(*),"
     " count(a.acked_ms)" ALERT_STORES " WHERE a.told_id = $1"
     " HAVING count(*) > 0");

#define COPY(target, q, column) \
	((void)text_copy(target, sizeof(target), query_col_text(q, column)))

int chat_status(struct db *db, int64_t now_ms, struct chat_status *ret_status,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_status_read);
	int64_t *const fields[] = {
		&ret_status->open,     &ret_status->late,
		&ret_status->firing,   &ret_status->unseen,
		&ret_status->inbox,    &ret_status->outbox,
		&ret_status->telegram, &ret_status->failed,
		&ret_status->refused,  &ret_status->jobs_late,
	};
	int rc;

	query_i64(q, 1, now_ms);
	rc = query_next(q, e);
	for (size_t i = 0; i < COUNT_OF(fields) && rc > 0; i++)
		*fields[i] = query_col_i64(q, (int)i);
	return MIN_OF(rc, 0);
}

static void read_order(struct query *q, struct chat_order *order)
{
	*order = (struct chat_order){
		.due_ms = query_col_i64(q, 5),
		.created_ms = query_col_i64(q, 6),
		.taken_ms = query_col_i64(q, 7),
		.assembled_ms = query_col_i64(q, 8),
		.ready_ms = query_col_i64(q, 9),
		.delivered_ms = query_col_i64(q, 10),
		.canceled_ms = query_col_i64(q, 11),
	};
	COPY(order->number, q, 0);
	COPY(order->external_id, q, 1);
	COPY(order->store, q, 2);
	COPY(order->zone, q, 3);
	COPY(order->state, q, 4);
}

int64_t chat_late(struct db *db, int64_t now_ms, int limit,
		  chat_order_visit *each, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_late_read);
	int64_t total = 0;
	int rc;

	query_i64(q, 1, now_ms);
	query_i64(q, 2, limit);
	while ((rc = query_next(q, e)) > 0) {
		struct chat_order order;

		read_order(q, &order);
		total = query_col_i64(q, 12);
		rc = each(&order, context);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : total;
}

int chat_order(struct db *db, const char *name, struct chat_order *ret_order,
	       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_order_read);
	int rc;

	query_text(q, 1, name);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	read_order(q, ret_order);
	ret_order->lines = query_col_i64(q, 12);
	ret_order->picked = query_col_i64(q, 13);
	ret_order->unsent = query_col_i64(q, 14);
	ret_order->failed = query_col_i64(q, 15);
	return 1;
}

static int read_alert(struct db *db, const struct stmt *stmt, int64_t id,
		      struct chat_alert *alert, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc;

	*alert = (struct chat_alert){0};
	query_i64(q, 1, id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	COPY(alert->zone, q, 0);
	COPY(alert->acked_by, q, 1);
	alert->acked_ms = query_col_i64(q, 2);
	alert->resolved_ms = query_col_i64(q, 3);
	COPY(alert->text, q, 4);
	alert->members = query_col_i64(q, 5);
	alert->acked = query_col_i64(q, 6);
	return 1;
}

int chat_alert(struct db *db, int64_t alert_id, struct chat_alert *ret_alert,
	       struct err *e)
{
	return read_alert(db, &chat_alert_read, alert_id, ret_alert, e);
}

int chat_alerts_told(struct db *db, int64_t message_id,
		     struct chat_alert *ret_alert, struct err *e)
{
	return read_alert(db, &chat_alerts_told_read, message_id, ret_alert, e);
}

/* SPDX-License-Identifier: MIT */
#include "store/watch/monitor.h"

#include "base/err.h"
#include "store/engine/db.h"

struct monitor_query {
	const struct stmt *found, *over;
};

/* A rule is a SELECT of subject, rank (the worst is highest), chat, zone,
 * number, external_id, store, detail, reason, at_ms and amount, over $1 (now)
 * and $2 (threshold); and a condition on <alias>.subject that inhibits it.
 *
 * found: $3 for, $4 repeat, $5 limit. over: $3 limit. */
#define RULE(symbol, rule, source, inhibited)                                  \
	STMT(symbol##_found,                                                   \
	     "WITH c AS (" source ")"                                          \
	     " SELECT c.subject, c.chat, coalesce(a.state, ''), c.number,"     \
	     " c.external_id, c.store, c.zone, c.detail, c.reason, c.at_ms,"   \
	     " c.amount, count(*) OVER ()"                                     \
	     " FROM c LEFT JOIN alerts AS a ON a.rule = '" rule "'"            \
	     "  AND a.subject = c.subject AND a.state <> 'resolved'"           \
	     " WHERE (a.id IS NULL OR (a.state = 'pending'"                    \
	     "   AND (a.since_ms <= $1 - $3 OR a.since_ms > $1))"              \
	     "  OR (a.state = 'firing' AND $4 > 0"                             \
	     "   AND a.notified_ms <= $1 - $4))"                               \
	     " AND NOT " inhibited(                                            \
		     "c") " ORDER BY c.rank DESC, c.subject LIMIT $5");        \
	STMT(symbol##_over,                                                    \
	     "WITH c AS (" source ")"                                          \
	     " SELECT a.id, a.chat, a.severity, a.text, a.state = 'firing',"   \
	     " CASE WHEN " inhibited(                                          \
		     "a") " THEN 1 ELSE 0 END"                                 \
			  " FROM alerts AS a"                                  \
			  " WHERE a.rule = '" rule                             \
			  "' AND a.state <> 'resolved'" /* names $1 also where \
							   the source does not \
							 */                    \
			  " AND (a.since_ms <= $1 OR a.since_ms > $1)"         \
			  " AND (a.subject NOT IN (SELECT c.subject FROM c)"   \
			  "  OR " inhibited("a") ")"                           \
						 " ORDER BY a.id LIMIT $3");   \
	const struct monitor_query symbol = {                                  \
		.found = &symbol##_found,                                      \
		.over = &symbol##_over,                                        \
	}

#define NEVER(alias) "(1 = 0)"
#define LATE_ALREADY(alias)                                             \
	"EXISTS (SELECT 1 FROM alerts AS w WHERE w.rule = 'order-late'" \
	" AND w.subject = " alias ".subject AND w.state <> 'resolved'"  \
	" AND w.state = 'firing')"

#define ORDER_COLUMNS                                                        \
	"o.number AS subject, s.telegram_chat AS chat, s.time_zone AS zone," \
	" o.number AS number, o.external_id AS external_id, s.name AS store"
#define NO_ORDER \
	"'' AS chat, '' AS zone, '' AS number, '' AS external_id, '' AS store"
/* As in the index orders_open. */
#define OPEN_ORDER "o.state NOT IN ('delivered', 'canceled')"
#define ORDER_DUE                                         \
	"CASE WHEN o.deadline_ms <> 0 THEN o.deadline_ms" \
	" ELSE o.slot_to_ms END"

RULE(monitor_order_late, "order-late",
     "SELECT " ORDER_COLUMNS ", - (" ORDER_DUE ") AS rank,"
     " o.state AS detail, '' AS reason, " ORDER_DUE " AS at_ms, 0 AS amount"
     " FROM orders AS o JOIN stores AS s ON s.id = o.store_id"
     " WHERE " OPEN_ORDER
     " AND o.state NOT IN ('ready', 'received', 'delivering')"
     " AND " ORDER_DUE " > 0 AND " ORDER_DUE " <= $1 - $2",
     NEVER);
RULE(monitor_order_not_taken, "order-not-taken",
     "SELECT " ORDER_COLUMNS ", - o.created_ms AS rank, o.state AS detail,"
     " '' AS reason, o.created_ms AS at_ms, 0 AS amount"
     " FROM orders AS o JOIN stores AS s ON s.id = o.store_id"
     " WHERE " OPEN_ORDER " AND o.state IN ('new', 'accepted')"
     " AND o.created_ms <= $1 - $2",
     LATE_ALREADY);
/* Not what a cancelled order no longer needs: the refusal may have come a
 * moment before the cancellation that explains it. */
#define NEEDED_NO_MORE                        \
	"(coalesce(o.state, '') = 'canceled'" \
	" AND b.event_type <> 'order.canceled')"
RULE(monitor_notification_failed, "notification-failed",
     "SELECT coalesce(max(o.number), max(b.external_id)) AS subject,"
     " '' AS chat, '' AS zone, coalesce(max(o.number), '') AS number,"
     " max(b.external_id) AS external_id, '' AS store,"
     " max(b.event_type) AS detail, coalesce(max(b.error), '') AS reason,"
     " max(b.updated_ms) AS at_ms, count(*) AS amount,"
     " max(b.updated_ms) AS rank"
     " FROM outbox AS b LEFT JOIN orders AS o ON o.id = b.order_id"
     " WHERE b.state = 4 AND NOT " NEEDED_NO_MORE
     " AND (SELECT count(*) FROM outbox AS n WHERE n.state = 4) >= $2"
     " GROUP BY b.order_id",
     NEVER);
RULE(monitor_breaker_open, "breaker-open",
     "SELECT p.name AS subject, " NO_ORDER ", - p.changed_ms AS rank,"
     " p.state AS detail, p.reason AS reason, p.changed_ms AS at_ms,"
     " p.failures AS amount FROM endpoints AS p WHERE p.state <> 'closed'"
     " AND (SELECT count(*) FROM endpoints AS n WHERE n.state <> 'closed')"
     "  >= $2",
     NEVER);
/* Of the quarantine what came within the last hour, of the last 1000. */
RULE(monitor_inbox_quarantined, "inbox-quarantined",
     "SELECT i.channel || ' ' || i.event_type AS subject, " NO_ORDER ","
     " count(*) AS rank, max(i.outcome) AS detail,"
     " coalesce(max(i.error), '') AS reason, max(i.created_ms) AS at_ms,"
     " count(*) AS amount FROM inbox AS i WHERE i.state = 4"
     " GROUP BY i.channel, i.event_type HAVING count(*) >= $2"
     " UNION ALL"
     " SELECT u.channel AS subject, " NO_ORDER ", count(*) AS rank,"
     " 'unreadable' AS detail, max(u.reason) AS reason,"
     " max(u.received_ms) AS at_ms, count(*) AS amount FROM quarantine AS u"
     " WHERE u.id > (SELECT coalesce(max(n.id), 0) FROM quarantine AS n)"
     "  - 1000 AND u.received_ms > $1 - 3600000"
     " GROUP BY u.channel HAVING count(*) >= $2",
     NEVER);
#define LAST_RUNS                                                            \
	"FROM job_runs AS r WHERE r.job = j.name AND r.ended_ms IS NOT NULL" \
	" AND r.outcome <> 'skipped' ORDER BY r.id DESC LIMIT "
RULE(monitor_job_failing, "job-failing",
     "SELECT j.name AS subject, " NO_ORDER ", 0 AS rank,"
     " (SELECT r.outcome " LAST_RUNS "1) AS detail,"
     " (SELECT r.detail " LAST_RUNS "1) AS reason,"
     " (SELECT r.ended_ms " LAST_RUNS "1) AS at_ms, $2 AS amount"
     " FROM jobs AS j WHERE (SELECT count(*) FROM (SELECT r.outcome"
     "  AS outcome " LAST_RUNS "$2) AS l WHERE l.outcome <> 'ok') >= $2",
     NEVER);
RULE(monitor_telegram_backlog, "telegram-backlog",
     "SELECT 'telegram' AS subject, " NO_ORDER ", 0 AS rank, '' AS detail,"
     " '' AS reason, q.oldest_ms AS at_ms, q.waiting AS amount FROM"
     " (SELECT count(*) AS waiting, coalesce(min(t.created_ms), 0)"
     "  AS oldest_ms FROM telegram_queue AS t WHERE t.state IN (1, 2)) AS q"
     " WHERE q.waiting >= $2",
     NEVER);
/* As in the index orders_to_invoice. */
#define BLOCKED(o)                                \
	o ".state = 'delivered' AND " o           \
	  ".invoice_state IN ('none', 'blocked')" \
	  " AND " o ".invoice_state = 'blocked'"
RULE(monitor_invoice_blocked, "invoice-blocked",
     "SELECT o.number AS subject, '' AS chat, s.time_zone AS zone,"
     " o.number AS number, o.external_id AS external_id, s.name AS store,"
     " - o.delivered_ms AS rank, '' AS detail, o.invoice_reason AS reason,"
     " o.delivered_ms AS at_ms, 0 AS amount"
     " FROM orders AS o JOIN stores AS s ON s.id = o.store_id"
     " WHERE " BLOCKED("o") " AND (SELECT count(*) FROM orders AS n "
			    "WHERE " BLOCKED("n") ") >= $2",
     NEVER);

RULE(monitor_store_unknown, "store-unknown",
     "SELECT s.id AS subject, " NO_ORDER ", - s.created_ms AS rank,"
     " '' AS detail, '' AS reason, s.created_ms AS at_ms, 0 AS amount"
     " FROM stores AS s WHERE s.imported = 0"
     " AND (SELECT count(*) FROM stores AS n WHERE n.imported = 0) >= $2",
     NEVER);

#define STILL_UNKNOWN(u)                                               \
	"NOT EXISTS (SELECT 1 FROM products AS p WHERE p.generation =" \
	" (SELECT generation FROM catalogue_state)"                    \
	" AND p.sku = " u ".sku)"
RULE(monitor_product_unknown, "product-unknown",
     "SELECT u.sku AS subject, '' AS chat, '' AS zone,"
     " coalesce(o.number, '') AS number,"
     " coalesce(o.external_id, '') AS external_id, '' AS store,"
     " - u.seen_ms AS rank, '' AS detail, '' AS reason, u.seen_ms AS at_ms,"
     " 0 AS amount FROM unknown_products AS u"
     " LEFT JOIN orders AS o ON o.id = u.order_id"
     " WHERE " STILL_UNKNOWN("u") " AND (SELECT count(*) FROM"
				  " unknown_products AS n WHERE " STILL_UNKNOWN(
					  "n") ") >= $2",
     NEVER);

STMT(monitor_live_alerts,
     "SELECT id, chat, severity, text, state = 'firing', 1 FROM alerts"
     " WHERE rule = $1 AND state <> 'resolved' ORDER BY id LIMIT $2");

int monitor_found(struct db *db, const struct monitor_query *query,
		  const struct monitor_terms *terms, monitor_found_visit *each,
		  void *context, int64_t *ret_total, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, query->found);
	int count = 0;
	int rc;

	*ret_total = 0;
	query_i64(q, 1, terms->now_ms);
	query_i64(q, 2, terms->threshold);
	query_i64(q, 3, terms->for_ms);
	query_i64(q, 4, terms->repeat_ms);
	query_i64(q, 5, terms->limit);
	while ((rc = query_next(q, e)) > 0) {
		struct monitor_finding finding = {
			.subject = query_col_text(q, 0),
			.chat = query_col_text(q, 1),
			.alert_state = query_col_text(q, 2),
			.number = query_col_text(q, 3),
			.external_id = query_col_text(q, 4),
			.store = query_col_text(q, 5),
			.zone = query_col_text(q, 6),
			.detail = query_col_text(q, 7),
			.reason = query_col_text(q, 8),
			.at_ms = query_col_i64(q, 9),
			.amount = query_col_i64(q, 10),
		};

		*ret_total = query_col_i64(q, 11);
		rc = each(&finding, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

static int visit_ends(struct query *q, monitor_over_visit *each, void *context,
		      struct err *e)
{
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct monitor_end end = {
			.alert_id = query_col_i64(q, 0),
			.chat = query_col_text(q, 1),
			.severity = query_col_text(q, 2),
			.text = query_col_text(q, 3),
			.firing = query_col_i64(q, 4) != 0,
			.inhibited = query_col_i64(q, 5) != 0,
		};

		rc = each(&end, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int monitor_over(struct db *db, const struct monitor_query *query,
		 const struct monitor_terms *terms, monitor_over_visit *each,
		 void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, query->over);

	query_i64(q, 1, terms->now_ms);
	query_i64(q, 2, terms->threshold);
	query_i64(q, 3, terms->limit);
	return visit_ends(q, each, context, e);
}

int monitor_live(struct db *db, const char *rule, int limit,
		 monitor_over_visit *each, void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &monitor_live_alerts);

	query_text(q, 1, rule);
	query_i64(q, 2, limit);
	return visit_ends(q, each, context, e);
}

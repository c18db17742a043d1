/* SPDX-License-Identifier: MIT
 *
 * monitor_orders.c - rules about single orders. Their thresholds are
 * milliseconds; a store may have its own (rule_stores, minutes).
 */
#include "store/monitor/monitor_rule.h"

#define ORDER_COLUMNS                                                         \
	"o.number AS subject, s.telegram_chat AS chat, s.time_zone AS zone,"  \
	" o.number AS number, o.external_id AS external_id, s.name AS store," \
	" o.store_id AS store_id"
#define ORDERS_OF(rule)                                                     \
	" FROM orders AS o JOIN stores AS s ON s.id = o.store_id"           \
	" LEFT JOIN rule_stores AS t ON t.rule = '" rule "' AND t.store_id" \
	" = o.store_id WHERE coalesce(t.enabled, 1) = 1 AND "
/* What has to be exceeded, less the slack of an alert that is live. */
#define LIMIT "(coalesce(t.threshold * 60000, $2) - $6)"
/* As in the index orders_due, which finds what is due before any threshold of
 * a store is looked at. */
#define OPEN_ORDER "o.state NOT IN ('delivered', 'canceled')"
#define ORDER_DUE                                         \
	"CASE WHEN o.deadline_ms <> 0 THEN o.deadline_ms" \
	" ELSE o.slot_to_ms END"
#define DUE_BY(moment) " AND " ORDER_DUE " <= " moment
#define LONGEST(rule)                                                       \
	"(SELECT CASE WHEN coalesce(max(m.threshold), 0) * 60000 > $2 THEN" \
	" max(m.threshold) * 60000 ELSE $2 END FROM rule_stores AS m WHERE" \
	" m.rule = '" rule "')"
#define SHORTEST(rule)                                                       \
	"(SELECT CASE WHEN coalesce(min(m.threshold) * 60000, $2) < $2 THEN" \
	" min(m.threshold) * 60000 ELSE $2 END FROM rule_stores AS m WHERE"  \
	" m.rule = '" rule "')"
#define LATER_OF(a, b) "CASE WHEN " a " > " b " THEN " a " ELSE " b " END"
#define NOT_READY "o.state IN ('new', 'accepted', 'assembling', 'assembled')"

/* The worst first: an order that is told late is not told anything lesser. */
#define LATE_ALREADY(alias) TOLD_BY(alias, "order-late")
#define LATE_OR_NEARLY(alias)                                  \
	"(" TOLD_BY(alias, "order-late") " OR " TOLD_BY(alias, \
							"order-not-ready") ")"
#define TOLD_WORSE(alias) \
	"(" LATE_OR_NEARLY(alias) " OR " TOLD_BY(alias, "assembly-long") ")"

MONITOR_RULE(monitor_order_late, "order-late",
	     "SELECT " ORDER_COLUMNS ", - (" ORDER_DUE ") AS rank,"
	     " o.state AS detail, '' AS reason, " ORDER_DUE " AS at_ms,"
	     " 0 AS amount" ORDERS_OF("order-late") OPEN_ORDER
	     " AND " NOT_READY DUE_BY("$1 + $6") " AND " ORDER_DUE
						 " > 0 AND " ORDER_DUE
						 " <= $1 - " LIMIT,
	     NEVER, NEVER, ALWAYS);

/* Only of orders that came before the moment of the warning: of later ones it
 * would say nothing about the work in the store. It begins before the deadline;
 * after it, order-late has to say something. */
#define WARN_BEFORE "coalesce(t.threshold * 60000, $2)"
#define NEARLY_DUE DUE_BY("$1 + $6 + " LONGEST("order-not-ready"))
#define WARNED_ALREADY                                            \
	"EXISTS (SELECT 1 FROM alerts AS w WHERE w.rule ="        \
	" 'order-not-ready' AND w.subject = o.number AND w.state" \
	" <> 'resolved')"
MONITOR_RULE(monitor_order_not_ready, "order-not-ready",
	     "SELECT " ORDER_COLUMNS ", - (" ORDER_DUE ") AS rank,"
	     " o.state AS detail, '' AS reason, " ORDER_DUE " AS at_ms,"
	     " 0 AS amount" ORDERS_OF("order-not-ready") OPEN_ORDER
	     " AND " NOT_READY NEARLY_DUE " AND " ORDER_DUE " > 0"
	     " AND " ORDER_DUE " <= $1 + " WARN_BEFORE " + $6"
	     " AND o.created_ms <= " ORDER_DUE " - " WARN_BEFORE
	     " AND (" ORDER_DUE " > $1 OR " WARNED_ALREADY ")",
	     LATE_ALREADY, NEVER, ALWAYS);

/* $7 for each line of the order. */
#define LINES "(SELECT count(*) FROM order_lines AS l WHERE l.order_id = o.id)"
MONITOR_RULE(monitor_assembly_long, "assembly-long",
	     "SELECT " ORDER_COLUMNS ", $1 - o.taken_ms AS rank,"
	     " o.picker_id AS detail, '' AS reason, o.taken_ms AS at_ms,"
	     " " LINES " AS amount" ORDERS_OF("assembly-long") OPEN_ORDER
	     " AND o.state = 'assembling' AND o.taken_ms > 0"
	     " AND o.taken_ms <= $1 + $6 - " SHORTEST(
		     "assembly-long") " AND o.taken_ms <= $1 - " LIMIT
				      " AND o.taken_ms <= $1 - " LIMIT
				      " - $7 * " LINES,
	     LATE_OR_NEARLY, NEVER, ALWAYS);

/* An order for a later slot begins to count $7 before its deadline. */
#define COUNTS_FROM                                                   \
	"CASE WHEN " ORDER_DUE " - $7 > o.created_ms THEN " ORDER_DUE \
	" - $7 ELSE o.created_ms END"
MONITOR_RULE(monitor_order_not_taken, "order-not-taken",
	     "SELECT " ORDER_COLUMNS ", - (" COUNTS_FROM ") AS rank,"
	     " o.state AS detail, '' AS reason, o.created_ms AS at_ms,"
	     " 0 AS amount" ORDERS_OF("order-not-taken") OPEN_ORDER
	     " AND o.state IN ('new', 'accepted')" DUE_BY(
		     "$1 + $6 + $7") " AND " COUNTS_FROM " <= $1 - " LIMIT,
	     TOLD_WORSE, NEVER, ALWAYS);

#define READY_AND_DUE LATER_OF("o.ready_ms", "(" ORDER_DUE ")")
MONITOR_RULE(monitor_order_not_picked_up, "order-not-picked-up",
	     "SELECT " ORDER_COLUMNS ", - (" READY_AND_DUE ") AS rank,"
	     " o.state AS detail, '' AS reason, " READY_AND_DUE " AS at_ms,"
	     " 0 AS amount" ORDERS_OF("order-not-picked-up") OPEN_ORDER
	     " AND o.state = 'ready' AND o.ready_ms > 0"
	     " AND " READY_AND_DUE " <= $1 - " LIMIT,
	     NEVER, MARKETPLACE_DOWN, ALWAYS);

#define LEFT_AT                                          \
	"CASE WHEN o.received_ms > 0 THEN o.received_ms" \
	" ELSE o.updated_ms END"
MONITOR_RULE(monitor_order_not_delivered, "order-not-delivered",
	     "SELECT " ORDER_COLUMNS ", - (" LEFT_AT ") AS rank,"
	     " o.state AS detail, '' AS reason, " LEFT_AT " AS at_ms,"
	     " 0 AS amount" ORDERS_OF("order-not-delivered") OPEN_ORDER
	     " AND o.state IN ('received', 'delivering')"
	     " AND " LEFT_AT " <= $1 - " LIMIT,
	     NEVER, MARKETPLACE_DOWN, ALWAYS);

MONITOR_RULE(
	monitor_order_not_paid, "order-not-paid",
	"SELECT " ORDER_COLUMNS ", - o.delivered_ms AS rank,"
	" o.state AS detail, '' AS reason, o.delivered_ms AS at_ms,"
	" 0 AS amount" ORDERS_OF(
		"order-not-paid") " o.state = 'delivered' AND o.paid_ms = 0"
				  " AND o.delivered_ms > $1 - $8"
				  " AND o.delivered_ms <= $1 - " LIMIT,
	NEVER, MARKETPLACE_DOWN, ALWAYS);

/* As in the index orders_to_invoice. */
#define TO_INVOICE(o)                                                 \
	o ".state = 'delivered' AND " o ".invoice_state IN ('none', " \
	  "'blocked')"
#define BLOCKED(o) TO_INVOICE(o) " AND " o ".invoice_state = 'blocked'"
/* A document that is there, but for one of its forms. As in the index
 * document_files_apart. */
#define FORMS_APART                                                        \
	" UNION ALL SELECT o.number || '/' || CAST(f.document_id AS TEXT)" \
	" || '.' || f.format, '', s.time_zone, o.number, o.external_id,"   \
	" s.name, o.store_id, - d.created_ms, '', 'document '"             \
	" || CAST(f.document_id AS TEXT) || ' of batch '"                  \
	" || CAST(f.batch_id AS TEXT) || ' has no ' || f.format || ': '"   \
	" || f.error, d.created_ms, 0 FROM document_files AS f"            \
	" JOIN documents AS d ON d.id = f.document_id"                     \
	" JOIN orders AS o ON o.id = d.order_id"                           \
	" JOIN stores AS s ON s.id = o.store_id WHERE f.error <> ''"
MONITOR_RULE(
	monitor_invoice_blocked, "invoice-blocked",
	"SELECT o.number AS subject, '' AS chat, s.time_zone AS zone,"
	" o.number AS number, o.external_id AS external_id,"
	" s.name AS store, o.store_id AS store_id,"
	" - o.delivered_ms AS rank, '' AS detail,"
	" o.invoice_reason AS reason, o.delivered_ms AS at_ms,"
	" 0 AS amount"
	" FROM orders AS o JOIN stores AS s ON s.id = o.store_id"
	" WHERE " BLOCKED("o") " AND (SELECT count(*) FROM orders AS n "
			       "WHERE " BLOCKED("n") ") >= $2 - $6" FORMS_APART,
	NEVER, NEVER, ALWAYS);
MONITOR_RULE(
	monitor_invoice_missing, "invoice-missing",
	"SELECT o.number AS subject, '' AS chat, s.time_zone AS zone,"
	" o.number AS number, o.external_id AS external_id,"
	" s.name AS store, o.store_id AS store_id,"
	" - o.delivered_ms AS rank, '' AS detail, '' AS reason,"
	" o.delivered_ms AS at_ms, 0 AS amount" ORDERS_OF("invoice-missing")
		TO_INVOICE("o") " AND o.invoice_state = 'none'"
				" AND o.delivered_ms <= $1 - " LIMIT,
	NEVER, NEVER, ALWAYS);
/* The latest reading of a marketplace's report, and files that were none. */
#define REPORTS(outcome, subject, detail, amount)                            \
	"SELECT " subject " AS subject, " NO_ORDER ", r.id AS rank, " detail \
	" AS detail, r.reason AS reason, r.created_ms AS at_ms, " amount     \
	" AS amount FROM market_reports AS r WHERE r.superseded_ms = 0"      \
	" AND r.created_ms > $1 - $8 AND r.outcome " outcome " 'failed'"
#define DIFFERENCES "r.missing + r.extra + r.different + r.duplicate"
MONITOR_RULE(monitor_report_differs, "report-differs",
	     REPORTS("<>",
		     "CASE WHEN r.name <> '' THEN r.name ELSE r.file_name END",
		     "'missing=' || CAST(r.missing AS TEXT) || ' extra='"
		     " || CAST(r.extra AS TEXT) || ' different='"
		     " || CAST(r.different AS TEXT) || ' duplicate='"
		     " || CAST(r.duplicate AS TEXT)",
		     DIFFERENCES) " AND " DIFFERENCES " >= $2 - $6",
	     NEVER, NEVER, ALWAYS);
MONITOR_RULE(monitor_report_refused, "report-refused",
	     REPORTS("=", "r.file_name", "''", "0"), NEVER, NEVER, ALWAYS);
/* What the marketplace said of goods that were sold, and nobody followed. */
MONITOR_RULE(monitor_order_changed, "order-changed",
	     "SELECT o.number AS subject, '' AS chat, s.time_zone AS zone,"
	     " o.number AS number, o.external_id AS external_id,"
	     " s.name AS store, o.store_id AS store_id, - c.id AS rank,"
	     " '' AS detail, c.reason AS reason, c.event_ms AS at_ms,"
	     " 0 AS amount FROM order_later_changes AS c"
	     " JOIN orders AS o ON o.id = c.order_id"
	     " JOIN stores AS s ON s.id = o.store_id WHERE c.state = 'told'"
	     " AND c.id = (SELECT max(l.id) FROM order_later_changes AS l"
	     "  WHERE l.order_id = c.order_id AND l.state = 'told')"
	     " AND (SELECT count(*) FROM order_later_changes AS n"
	     "  WHERE n.state = 'told') >= $2 - $6",
	     NEVER, NEVER, ALWAYS);

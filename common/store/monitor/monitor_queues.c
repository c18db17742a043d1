/* SPDX-License-Identifier: MIT
 *
 * monitor_queues.c - rules about the appliance's own work: queues, endpoints,
 * jobs, chats, and what the monitor measured (measures.h).
 */
#include "store/monitor/measures.h"
#include "store/monitor/monitor_rule.h"

/* Not what a cancelled order no longer needs: the refusal may have come a
 * moment before the cancellation that explains it. */
#define NEEDED_NO_MORE                        \
	"(coalesce(o.state, '') = 'canceled'" \
	" AND b.event_type <> 'order.canceled')"
/* What goes to the ERP has rules of its own (monitor_erp.c): the marketplace's
 * are silent when that one cannot be reached. */
#define TO_MARKETPLACE(m) m ".endpoint <> 'erp'"
/* Messages of the outbox that fit, by order. */
#define OUTBOX_BY_ORDER(condition)                                        \
	"SELECT coalesce(max(o.number), max(b.external_id)) AS subject,"  \
	" '' AS chat, '' AS zone, coalesce(max(o.number), '') AS number," \
	" max(b.external_id) AS external_id, '' AS store,"                \
	" coalesce(max(o.store_id), '') AS store_id,"                     \
	" max(b.event_type) AS detail, coalesce(max(b.error), '')"        \
	" AS reason, max(b.updated_ms) AS at_ms, count(*) AS amount,"     \
	" max(b.updated_ms) AS rank"                                      \
	" FROM outbox AS b LEFT JOIN orders AS o ON o.id = b.order_id"    \
	" WHERE " condition " GROUP BY b.order_id"
MONITOR_RULE(monitor_notification_failed, "notification-failed",
	     OUTBOX_BY_ORDER("b.state = 4 AND " TO_MARKETPLACE(
		     "b") " AND NOT " NEEDED_NO_MORE
			  " AND (SELECT count(*) FROM outbox AS n"
			  " WHERE n.state = 4 AND " TO_MARKETPLACE(
				  "n") ") >= $2 - $6"),
	     NEVER, NEVER, ALWAYS);
MONITOR_RULE(
	monitor_notification_uncertain, "notification-uncertain",
	OUTBOX_BY_ORDER("b.hold = 'uncertain' AND b.state = 1"
			" AND " TO_MARKETPLACE(
				"b") " AND b.created_ms <= $1 - ($2 - $6)"),
	NEVER, MARKETPLACE_DOWN, ALWAYS);
MONITOR_RULE(monitor_breaker_open, "breaker-open",
	     "SELECT p.name AS subject, " NO_ORDER
	     ", - p.changed_ms AS rank, p.state AS detail,"
	     " p.reason AS reason, p.changed_ms AS at_ms, p.failures AS amount"
	     " FROM endpoints AS p WHERE p.state <> 'closed'"
	     " AND p.name <> 'erp'"
	     " AND (SELECT count(*) FROM endpoints AS n WHERE n.state <>"
	     "  'closed' AND n.name <> 'erp') >= $2 - $6",
	     NEVER, NEVER, ALWAYS);
/* One that opened and closed before breaker-open could tell, within the window;
 * what that one told is no news. */
MONITOR_RULE(
	monitor_breaker_opened, "breaker-opened",
	"SELECT n.endpoint AS subject, " NO_ORDER ", count(*) AS rank,"
	" 'open' AS detail, max(n.reason) AS reason, max(n.at_ms)"
	" AS at_ms, count(*) AS amount FROM endpoint_changes AS n"
	" WHERE n.state <> 'closed' AND n.at_ms > $1 - $8"
	" AND " TO_MARKETPLACE(
		"n") " AND EXISTS (SELECT 1 FROM endpoints AS p WHERE p.name"
		     "  = n.endpoint AND p.state = 'closed')"
		     " AND NOT EXISTS (SELECT 1 FROM alerts AS w WHERE w.rule"
		     "  = 'breaker-open' AND w.subject = n.endpoint"
		     "  AND w.fired_ms >= n.at_ms)"
		     " GROUP BY n.endpoint HAVING count(*) >= $2 - $6",
	NEVER, NEVER, ALWAYS);
/* By order, since each that is not understood is one that nobody assembles; of
 * an unreadable body the order is not known. */
MONITOR_RULE(
	monitor_inbox_quarantined, "inbox-quarantined",
	"SELECT i.channel || ' ' || i.event_type || ' ' || max(i.external_id)"
	" AS subject, '' AS chat, '' AS zone, coalesce(max(o.number), '')"
	" AS number, max(i.external_id) AS external_id, '' AS store,"
	" coalesce(max(o.store_id), '') AS store_id, count(*) AS rank,"
	" max(i.outcome) AS detail, coalesce(max(i.error), '') AS reason,"
	" max(i.created_ms) AS at_ms, count(*) AS amount FROM inbox AS i"
	" LEFT JOIN orders AS o ON o.id = i.order_id WHERE i.state = 4"
	" AND (SELECT count(*) FROM inbox AS n WHERE n.state = 4) >= $2 - $6"
	" GROUP BY i.channel, i.event_type, i.order_id"
	" UNION ALL"
	" SELECT u.channel AS subject, " NO_ORDER ", count(*) AS rank,"
	" 'unreadable' AS detail, max(u.reason) AS reason,"
	" max(u.received_ms) AS at_ms, count(*) AS amount"
	" FROM quarantine AS u WHERE u.closed_ms = 0 AND length(u.raw) > 0"
	" GROUP BY u.channel HAVING count(*) >= $2 - $6",
	NEVER, NEVER, ALWAYS);
/* How long the head that has been due longest has waited. */
#define WAITING(name, heads, condition)                                        \
	"SELECT '" name "' AS subject, " NO_ORDER ", 0 AS rank, '' AS detail," \
	" '' AS reason, min(h.due_ms) AS at_ms, count(*) AS amount "           \
	"FROM " heads " AS h WHERE h.state = 1 AND h.due_ms <= $1" condition   \
	" HAVING min(h.due_ms) <= $1 - ($2 - $6)"
MONITOR_RULE(monitor_queue_backlog, "queue-backlog",
	     WAITING("inbox", "inbox_head",
		     "") " UNION ALL " WAITING("outbox", "outbox_head",
					       " AND " TO_MARKETPLACE("h")),
	     NEVER, NEVER, ALWAYS);
#define LAST_RUNS                                                            \
	"FROM job_runs AS r WHERE r.job = j.name AND r.ended_ms IS NOT NULL" \
	" AND r.outcome <> 'skipped' ORDER BY r.id DESC LIMIT "
MONITOR_RULE(monitor_job_failing, "job-failing",
	     "SELECT j.name AS subject, " NO_ORDER ", 0 AS rank,"
	     " (SELECT r.outcome " LAST_RUNS "1) AS detail,"
	     " (SELECT r.detail " LAST_RUNS "1) AS reason,"
	     " (SELECT r.ended_ms " LAST_RUNS "1) AS at_ms, $2 AS amount"
	     " FROM jobs AS j WHERE (SELECT count(*) FROM (SELECT r.outcome"
	     "  AS outcome " LAST_RUNS
	     "$2) AS l WHERE l.outcome <> 'ok') >= $2",
	     NEVER, NEVER, ALWAYS);
/* A good run should have ended by expected_ms (store/watch/jobs.h). */
MONITOR_RULE(monitor_job_late, "job-late",
	     "SELECT j.name AS subject, " NO_ORDER ", - j.expected_ms AS rank,"
	     " coalesce((SELECT r.outcome FROM job_runs AS r WHERE r.job"
	     "  = j.name ORDER BY r.id DESC LIMIT 1), 'none') AS detail,"
	     " '' AS reason, j.expected_ms AS at_ms, 0 AS amount"
	     " FROM jobs AS j WHERE j.paused = 0 AND j.expected_ms > 0"
	     " AND j.expected_ms <= $1 - ($2 - $6)",
	     NEVER, NEVER, ALWAYS);
/* Where machines share a store, one whose processes all are heard of no more. A
 * process that is silent among others is its supervisor's business. */
MONITOR_RULE(monitor_machine_silent, "machine-silent",
	     "SELECT m.host AS subject, " NO_ORDER ", - max(m.seen_ms) AS rank,"
	     " '' AS detail, '' AS reason, max(m.seen_ms) AS at_ms, count(*)"
	     " AS amount FROM processes AS m WHERE (SELECT count(DISTINCT"
	     "  n.host) FROM processes AS n) > 1 GROUP BY m.host"
	     " HAVING max(m.seen_ms) <= $1 - ($2 - $6)",
	     NEVER, NEVER, ALWAYS);
MONITOR_RULE(monitor_telegram_backlog, "telegram-backlog",
	     "SELECT 'telegram' AS subject, " NO_ORDER
	     ", 0 AS rank, '' AS detail, '' AS reason, q.oldest_ms AS at_ms,"
	     " q.waiting AS amount FROM (SELECT count(*) AS waiting,"
	     "  coalesce(min(t.created_ms), 0) AS oldest_ms"
	     "  FROM telegram_queue AS t WHERE t.state IN (1, 2)) AS q"
	     " WHERE q.waiting >= $2 - $6",
	     NEVER, NEVER, ALWAYS);
/* What was refused for good, and what waits for too long. */
MONITOR_RULE(
	monitor_mail_failing, "mail-failing",
	"SELECT 'mail' AS subject, " NO_ORDER ", 0 AS rank, '' AS detail,"
	" coalesce(max(t.error), '') AS reason, coalesce(min(t.created_ms),"
	" 0) AS at_ms, count(*) AS amount FROM mail_queue AS t"
	" WHERE t.state = 4 OR (t.state IN (1, 2)"
	"  AND t.created_ms <= $1 - ($2 - $6)) HAVING count(*) > 0",
	NEVER, NEVER, ALWAYS);
MONITOR_RULE(monitor_chat_blocked, "chat-blocked",
	     "SELECT h.chat AS subject, " NO_ORDER ", - h.blocked_ms AS rank,"
	     " '' AS detail, h.block_reason AS reason, h.blocked_ms AS at_ms,"
	     " 0 AS amount FROM telegram_head AS h WHERE h.blocked_ms > 0",
	     NEVER, NEVER, ALWAYS);
/* A conflict that was not seen for a while is over; a refused token is when
 * another one is taken. */
MONITOR_RULE(monitor_telegram_refused, "telegram-refused",
	     "SELECT t.part AS subject, " NO_ORDER ", 0 AS rank,"
	     " t.kind AS detail, t.reason AS reason, t.since_ms AS at_ms,"
	     " 0 AS amount FROM telegram_troubles AS t"
	     " WHERE t.kind = 'denied' OR t.at_ms > $1 - 600000",
	     NEVER, NEVER, ALWAYS);
MONITOR_RULE(monitor_store_unknown, "store-unknown",
	     "SELECT s.id AS subject, '' AS chat, '' AS zone, '' AS number,"
	     " '' AS external_id, '' AS store, s.id AS store_id,"
	     " - s.created_ms AS rank, '' AS detail, '' AS reason,"
	     " s.created_ms AS at_ms, 0 AS amount"
	     " FROM stores AS s WHERE s.imported = 0"
	     " AND (SELECT count(*) FROM stores AS n WHERE n.imported = 0)"
	     "  >= $2 - $6",
	     NEVER, NEVER, ALWAYS);

#define STILL_UNKNOWN(u)                                               \
	"NOT EXISTS (SELECT 1 FROM products AS p WHERE p.generation =" \
	" (SELECT generation FROM catalogue_state)"                    \
	" AND p.sku = " u ".sku)"
MONITOR_RULE(monitor_product_unknown, "product-unknown",
	     "SELECT u.sku AS subject, '' AS chat, '' AS zone,"
	     " coalesce(o.number, '') AS number, coalesce(o.external_id, '')"
	     " AS external_id, '' AS store, coalesce(o.store_id, '')"
	     " AS store_id, - u.seen_ms AS rank, '' AS detail, '' AS reason,"
	     " u.seen_ms AS at_ms, 0 AS amount FROM unknown_products AS u"
	     " LEFT JOIN orders AS o ON o.id = u.order_id"
	     " WHERE " STILL_UNKNOWN(
		     "u") " AND (SELECT count(*) FROM"
			  " unknown_products AS n WHERE " STILL_UNKNOWN(
				  "n") ") >= $2 - $6",
	     NEVER, NEVER, ALWAYS);

/* At least 3 of the last 4 weeks brought $9 messages or more in this hour and
 * in the one before it; now there are none. An appliance without such a past
 * cannot tell silence from a quiet day: nothing is said. */
#define WEEK "CAST(604800000 AS BIGINT)" /* four do not fit in 32 bits */
#define HOUR(back) "($1 / 3600000 - " back ") * 3600000"
#define LIVELY(back)                                                \
	"(SELECT count(*) FROM intake_hours AS h WHERE h.channel =" \
	" m.subject AND h.messages >= $9 AND h.hour_ms IN (" HOUR(  \
		back) " - " WEEK                                    \
		      ", " HOUR(back) " - 2 * " WEEK ", " HOUR(     \
			      back) " - 3 * " WEEK                  \
				    ", " HOUR(back) " - 4 * " WEEK "))"
/* Silence counts from when the first store opened. While all are closed nothing
 * begins and nothing ends; the measure is missing in a store of before it. */
#define OPEN_SINCE                                         \
	"coalesce((SELECT max(x.value) FROM measures AS x" \
	" WHERE x.name = 'stores-open'), 1)"
#define STORES_CLOSED(alias) "(" OPEN_SINCE " = 0)"
MONITOR_RULE(monitor_hook_silent, "hook-silent",
	     "SELECT m.subject AS subject, " NO_ORDER ", - m.value AS rank,"
	     " '' AS detail, '' AS reason, m.value AS at_ms, 0 AS amount"
	     " FROM measures AS m WHERE m.name = 'last-message'"
	     " AND CASE WHEN m.value > " OPEN_SINCE
	     " THEN m.value ELSE " OPEN_SINCE " END <= $1 - ($2 - $6)"
	     " AND " LIVELY("0") " >= 3 AND " LIVELY("1") " >= 3",
	     NEVER, STORES_CLOSED, ALWAYS);

#define MEASURED(name, wrong)                                                 \
	"SELECT m.subject AS subject, " NO_ORDER ", 0 AS rank, m.detail"      \
	" AS detail, m.detail AS reason, m.at_ms AS at_ms, m.value AS amount" \
	" FROM measures AS m WHERE m.name = '" name "' AND m.value " wrong
#define MEASURE_RULE(symbol, rule, wrong) \
	MONITOR_RULE(symbol, rule, MEASURED(rule, wrong), NEVER, NEVER, ALWAYS)
#define GROWS ">= $2 - $6"
#define FALLS "<= $2 + $6"
MEASURE_RULE(monitor_self_probe, "self-probe", GROWS);
MEASURE_RULE(monitor_disk_low, "disk-low", FALLS);
MEASURE_RULE(monitor_wal_large, "wal-large", GROWS);
MEASURE_RULE(monitor_backup_old, "backup-old", GROWS);
MEASURE_RULE(monitor_certificate_expiry, "certificate-expiry", FALLS);
MEASURE_RULE(monitor_clock_unset, "clock-unset", GROWS);
/* Below 0: nobody knows, which does not end what was wrong. */
#define OFFSET_KNOWN(alias)                                      \
	"NOT EXISTS (SELECT 1 FROM measures AS x WHERE x.name =" \
	" 'clock-offset' AND x.subject = " alias ".subject"      \
	" AND x.value < 0)"
MONITOR_RULE(monitor_clock_offset, "clock-offset",
	     MEASURED("clock-offset", GROWS), NEVER, NEVER, OFFSET_KNOWN);
/* What is measured every minute and was not for long: no data is not "all is
 * well". */
MONITOR_RULE(monitor_measure_missing, "measure-missing",
	     "SELECT m.name || ' ' || m.subject AS subject, " NO_ORDER
	     ", - m.at_ms AS rank, m.detail AS detail, '' AS reason,"
	     " m.at_ms AS at_ms, 0 AS amount FROM measures AS m"
	     " WHERE m.name NOT IN ('last-message', '" MEASURE_CLOCK_SEEN
	     "', '" MEASURE_PROBE_SEEN "') AND m.at_ms <= $1 - ($2 - $6)",
	     NEVER, NEVER, ALWAYS);

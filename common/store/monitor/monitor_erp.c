/* SPDX-License-Identifier: MIT
 *
 * monitor_erp.c - rules about the ERP: what it refuses, and what it does not
 * take.
 */
#include "store/monitor/monitor_rule.h"

/* Documents that it will not book, and steps of orders that it will not take.
 */
#define REFUSED(v) "erp_verdicts AS " v " WHERE " v ".state = 'refused'"
#define REFUSED_STEPS(b) \
	"outbox AS " b " WHERE " b ".state = 4 AND " b ".endpoint = 'erp'"
MONITOR_RULE(
	monitor_erp_refused, "erp-refused",
	"SELECT d.series || d.number AS subject, '' AS chat,"
	" coalesce(s.time_zone, '') AS zone,"
	" coalesce(o.number, '') AS number,"
	" coalesce(o.external_id, '') AS external_id,"
	" coalesce(s.name, '') AS store, d.store_id AS store_id,"
	" - v.at_ms AS rank, '' AS detail, v.reason AS reason,"
	" v.at_ms AS at_ms, 0 AS amount FROM documents AS d"
	" JOIN erp_verdicts AS v ON v.document_id = d.id"
	" LEFT JOIN stores AS s ON s.id = d.store_id"
	" LEFT JOIN orders AS o ON o.id = d.order_id"
	" WHERE v.state = 'refused' AND (SELECT count(*)"
	"  FROM " REFUSED(
		"n") ") >= $2 - $6"
		     " UNION ALL"
		     " SELECT coalesce(max(o.number), max(f.external_id)) AS "
		     "subject,"
		     " '' AS chat, coalesce(max(s.time_zone), '') AS zone,"
		     " coalesce(max(o.number), '') AS number,"
		     " max(f.external_id) AS external_id,"
		     " coalesce(max(s.name), '') AS store,"
		     " coalesce(max(o.store_id), '') AS store_id,"
		     " - max(f.updated_ms) AS rank, '' AS detail,"
		     " coalesce(max(f.error), '') AS reason,"
		     " max(f.updated_ms) AS at_ms, count(*) AS amount"
		     " FROM (SELECT b.order_id, b.external_id, b.updated_ms, "
		     "b.error"
		     "  FROM " REFUSED_STEPS(
			     "b") ") AS f"
				  " LEFT JOIN orders AS o ON o.id = f.order_id"
				  " LEFT JOIN stores AS s ON s.id = o.store_id"
				  " WHERE (SELECT count(*) FROM " REFUSED_STEPS(
					  "n") ") >= $2 - $6"
					       " GROUP BY f.order_id",
	NEVER, NEVER, ALWAYS);

/* Since when something waits: messages to an ERP that does not answer, or
 * documents that an ERP which used to ask does not ask for. Of the two ways the
 * one that is further on is in use. */
#define WAITS                                                              \
	"SELECT h.due_ms AS at_ms FROM outbox_head AS h WHERE h.state = 1" \
	" AND h.endpoint = 'erp' AND h.due_ms <= $1"                       \
	" UNION ALL SELECT f.at_ms AS at_ms FROM erp_feed AS f"            \
	" JOIN erp_readers AS r ON r.name = 'documents'"                   \
	"  AND f.id > r.after_id"                                          \
	" WHERE f.kind = 'document' AND NOT EXISTS (SELECT 1"              \
	"  FROM erp_readers AS p WHERE p.name = 'push'"                    \
	"  AND p.after_id >= r.after_id)"
#define CLOSED_TO_US "FROM endpoints AS p WHERE p.name = 'erp'"
MONITOR_RULE(monitor_erp_away, "erp-away",
	     "SELECT 'erp' AS subject, " NO_ORDER ", 0 AS rank, '' AS detail,"
	     " coalesce((SELECT p.reason " CLOSED_TO_US
	     "  AND p.state <> 'closed'), '') AS reason,"
	     " coalesce(w.since_ms, (SELECT p.changed_ms " CLOSED_TO_US
	     "), 0) AS at_ms, w.waiting AS amount"
	     " FROM (SELECT min(u.at_ms) AS since_ms, count(*) AS waiting"
	     "  FROM (" WAITS ") AS u) AS w"
	     " WHERE w.since_ms <= $1 - ($2 - $6)"
	     " OR EXISTS (SELECT 1 " CLOSED_TO_US " AND p.state <> 'closed')",
	     NEVER, NEVER, ALWAYS);

/* SPDX-License-Identifier: MIT
 *
 * monitor_rule.h - how the text of a rule becomes its two questions. Only the
 * files of this folder include it.
 *
 * A rule is a SELECT ("source") of what is wrong, with the columns
 *   subject, rank (the worst is highest), chat, zone, number, external_id,
 *   store, store_id, detail, reason, at_ms, amount
 * over the parameters
 *   $1 now, $2 threshold, $6 slack: how far the condition may be on the good
 *   side and still count ($2 - $6 is the limit of what grows, $2 + $6 of what
 *   falls), $7 allowance, $8 window, $9 minimum;
 * and three conditions on <alias>.subject and <alias>.store_id:
 *   superseded  a worse alert tells the same: this one ends without a word
 *   muted       something else explains it: nothing is told and nothing ends
 *   judged      there is enough data to say that it is over
 *
 * $3 is `for` where something is found and `keep` where it is over; $4 repeat,
 * $5 limit.
 */
#ifndef STORE_MONITOR_RULE_H
#define STORE_MONITOR_RULE_H

#include "store/engine/db.h"
#include "store/monitor/monitor.h"

struct monitor_query {
	const struct stmt *found, *over;
};

/* Every parameter is named, whether or not the source uses it. */
#define MONITOR_PARAMETERS                                               \
	"WITH p AS (SELECT CAST($1 AS BIGINT) AS p1, CAST($2 AS BIGINT)" \
	" AS p2, CAST($3 AS BIGINT) AS p3, CAST($4 AS BIGINT) AS p4,"    \
	" CAST($6 AS BIGINT) AS p6, CAST($7 AS BIGINT) AS p7,"           \
	" CAST($8 AS BIGINT) AS p8, CAST($9 AS BIGINT) AS p9)"

/* clang-format would hang each line from the macro before it. */
/* clang-format off */
/* A silence or a maintenance window that is in force. */
#define SILENCED(alias, rule) \
	"EXISTS (SELECT 1 FROM silences AS x WHERE x.until_ms > $1" \
	" AND x.from_ms <= $1 AND x.rule IN ('', '" rule "')" \
	" AND x.subject IN ('', " alias ".subject)" \
	" AND x.store_id IN ('', " alias ".store_id))"
#define FLAG(condition) "CASE WHEN " condition " THEN 1 ELSE 0 END"
/* Of a live alert v: how things are with its subject now. An order's state, the
 * last run of a job or what was measured; the order's latest document. */
#define NOW_COLUMNS \
	" v.subject, v.store_id, coalesce(o.number, '')," \
	" coalesce(o.external_id, ''), coalesce(s.name, '')," \
	" coalesce(s.time_zone, ''), coalesce(o.state, CASE WHEN v.rule IN" \
	" ('job-failing', 'job-late') THEN (SELECT r.outcome FROM job_runs AS r" \
	"  WHERE r.job = v.subject AND r.ended_ms IS NOT NULL" \
	"  ORDER BY r.id DESC LIMIT 1) END, m.detail, '')," \
	" coalesce((SELECT d.series || d.number FROM documents AS d" \
	"  WHERE d.order_id = o.id ORDER BY d.id DESC LIMIT 1), '')," \
	" v.since_ms, m.value"
#define NOW_TABLES \
	" FROM v LEFT JOIN orders AS o ON o.number = v.subject" \
	" LEFT JOIN stores AS s ON s.id = v.store_id" \
	" LEFT JOIN measures AS m ON m.name = v.rule AND m.subject = v.subject"

#define MONITOR_RULE(symbol, rule, source, superseded, muted, judged) \
	STMT(symbol##_found, \
	     MONITOR_PARAMETERS ", c AS (" source ")" \
	     " SELECT c.subject, c.chat, coalesce(a.state, ''), c.number," \
	     " c.external_id, c.store, c.zone, c.detail, c.reason, c.at_ms," \
	     " c.amount, c.store_id, " FLAG(SILENCED("c", rule)) \
	     " FROM c LEFT JOIN alerts AS a ON a.rule = '" rule "'" \
	     "  AND a.subject = c.subject AND a.state <> 'resolved'" \
	     " WHERE (a.id IS NULL OR (NOT " SILENCED("c", rule) \
	     "   AND ((a.state = 'pending'" \
	     "     AND (a.since_ms <= $1 - $3 OR a.since_ms > $1))" \
	     "    OR (a.state = 'firing' AND $4 > 0 AND a.acked_ms IS NULL" \
	     "     AND a.notified_ms <= $1 - $4))))" \
	     " AND NOT " superseded("c") " AND NOT " muted("c") \
	     " ORDER BY c.rank DESC, c.subject LIMIT $5"); \
	STMT(symbol##_over, \
	     MONITOR_PARAMETERS ", c AS (" source ")," \
	     " v AS (SELECT a.id, a.rule, a.subject, a.store_id, a.chat," \
	     "  a.severity, a.since_ms, a.state, a.calm_since_ms," \
	     "  " FLAG("a.subject IN (SELECT c.subject FROM c)") " AS holds," \
	     "  " FLAG(superseded("a")) " AS worse," \
	     "  " FLAG(SILENCED("a", rule)) " AS quiet" \
	     "  FROM alerts AS a WHERE a.rule = '" rule "'" \
	     "   AND a.state <> 'resolved' AND NOT " muted("a") ")" \
	     " SELECT v.id, v.chat, v.severity, v.state = 'firing'," \
	     " v.worse + v.quiet, CASE WHEN v.worse = 1 THEN 0 ELSE v.holds END," \
	     " coalesce(v.calm_since_ms, 0)," NOW_COLUMNS NOW_TABLES \
	     " WHERE v.worse = 1" \
	     " OR (v.holds = 1 AND v.calm_since_ms IS NOT NULL)" \
	     " OR (v.holds = 0 AND " judged("v") \
	     "  AND (v.state = 'pending' OR v.calm_since_ms IS NULL" \
	     "   OR v.calm_since_ms <= $1 - $3 OR v.calm_since_ms > $1))" \
	     " ORDER BY v.id LIMIT $5"); \
	const struct monitor_query symbol = { \
		.found = &symbol##_found, .over = &symbol##_over}
/* clang-format on */

#define NEVER(alias) "(1 = 0)"
#define ALWAYS(alias) "(1 = 1)"

/* The marketplace cannot be reached: what only it could tell or take is not
 * news. */
#define MARKETPLACE_DOWN(alias)                                 \
	"EXISTS (SELECT 1 FROM alerts AS w WHERE w.rule ="      \
	" 'breaker-open' AND w.state <> 'resolved' AND w.state" \
	" = 'firing')"

/* The same subject has a firing alert of that rule. */
#define TOLD_BY(alias, other)                                      \
	"EXISTS (SELECT 1 FROM alerts AS w WHERE w.rule = '" other \
	"' AND w.subject = " alias ".subject AND w.state"          \
	" <> 'resolved' AND w.state = 'firing')"

#define NO_ORDER                                                   \
	"'' AS chat, '' AS zone, '' AS number, '' AS external_id," \
	" '' AS store, '' AS store_id"

#endif

/* SPDX-License-Identifier: MIT
 *
 * monitor_shares.c - rules about shares, by store: percent over the window ($8)
 * that ends now. Fewer than $9 of what is counted prove nothing: then nothing
 * begins, and what is live stays.
 */
#include "store/monitor/monitor_rule.h"

#define STORE_COLUMNS                                                    \
	"s.id AS subject, s.telegram_chat AS chat, s.time_zone AS zone," \
	" '' AS number, '' AS external_id, s.name AS store, s.id AS store_id"
/* `counted` selects store_id, part and whole; wrong is a condition on `share`
 * and `bound`. */
#define SHARE(rule, counted, bound, wrong)                                  \
	"SELECT " STORE_COLUMNS ", 0 AS rank, '' AS detail, '' AS reason,"  \
	" $1 AS at_ms, 100 * k.part / k.whole AS amount FROM (" counted ")" \
	" AS k JOIN stores AS s ON s.id = k.store_id"                       \
	" LEFT JOIN rule_stores AS t ON t.rule = '" rule "' AND t.store_id" \
	" = s.id WHERE coalesce(t.enabled, 1) = 1 AND k.whole >= $9"        \
	" AND 100 * k.part " wrong " (coalesce(t.threshold, $2) " bound     \
	" $6) * k.whole"
#define ENOUGH(alias, counted)                                         \
	alias ".subject IN (SELECT k.store_id FROM (" counted ") AS k" \
	      " WHERE k.whole >= $9)"

/* Orders that came to an end. */
#define CLOSED                                                             \
	"SELECT e.store_id AS store_id, sum(e.canceled) AS part, count(*)" \
	" AS whole FROM (SELECT store_id, 1 AS canceled FROM orders"       \
	"  WHERE state = 'canceled' AND canceled_ms > $1 - $8"             \
	" UNION ALL SELECT store_id, 0 FROM orders"                        \
	"  WHERE state = 'delivered' AND delivered_ms > $1 - $8) AS e"     \
	" GROUP BY e.store_id"
#define CLOSED_ENOUGH(alias) ENOUGH(alias, CLOSED)
MONITOR_RULE(monitor_cancel_share, "cancel-share",
	     SHARE("cancel-share", CLOSED, "-", ">="), NEVER, NEVER,
	     CLOSED_ENOUGH);

/* Lines of delivered orders that the customer did not give up. By the plain
 * store_id, SQLite would walk through all orders of an index that begins with
 * it, instead of those that were delivered within the window. */
#define LINES_OF(part)                                               \
	"SELECT max(o.store_id) AS store_id, sum(" part ") AS part," \
	" count(*) AS whole FROM orders AS o JOIN order_lines AS l"  \
	" ON l.order_id = o.id WHERE o.state = 'delivered'"          \
	" AND o.delivered_ms > $1 - $8 AND l.state <> 'removed'"     \
	" AND l.replaces = 0 GROUP BY o.store_id || ''"
#define SHORT_LINES LINES_OF("CASE WHEN l.state = 'short' THEN 1 ELSE 0 END")
#define SHORT_ENOUGH(alias) ENOUGH(alias, SHORT_LINES)
MONITOR_RULE(monitor_short_share, "short-share",
	     SHARE("short-share", SHORT_LINES, "-", ">="), NEVER, NEVER,
	     SHORT_ENOUGH);

/* Found: something of what was ordered itself, not a replacement. */
#define FOUND_LINES \
	LINES_OF("CASE WHEN l.qty_picked_milli > 0 THEN 1 ELSE 0 END")
#define FOUND_ENOUGH(alias) ENOUGH(alias, FOUND_LINES)
MONITOR_RULE(monitor_found_rate, "found-rate",
	     SHARE("found-rate", FOUND_LINES, "+", "<="), NEVER, NEVER,
	     FOUND_ENOUGH);

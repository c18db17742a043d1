/* SPDX-License-Identifier: MIT */
#include "store/monitor/monitor.h"

#include "base/err.h"
#include "store/monitor/monitor_rule.h"

STMT(monitor_live_alerts,
     "WITH v AS (SELECT * FROM alerts WHERE rule = $1"
     " AND state <> 'resolved') SELECT v.id, v.chat, v.severity,"
     " v.state = 'firing', 1, 0, 0," NOW_COLUMNS NOW_TABLES
     " ORDER BY v.id LIMIT $2");

static void bind_terms(struct query *q, const struct monitor_terms *terms)
{
	query_i64(q, 1, terms->now_ms);
	query_i64(q, 2, terms->threshold);
	query_i64(q, 3, terms->hold_ms);
	query_i64(q, 4, terms->repeat_ms);
	query_i64(q, 5, terms->limit);
	query_i64(q, 6, terms->slack);
	query_i64(q, 7, terms->allowance_ms);
	query_i64(q, 8, terms->window_ms);
	query_i64(q, 9, terms->minimum);
}

int monitor_found(struct db *db, const struct monitor_query *query,
		  const struct monitor_terms *terms, monitor_found_visit *each,
		  void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, query->found);
	int count = 0;
	int rc;

	bind_terms(q, terms);
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
			.store_id = query_col_text(q, 11),
			.silenced = query_col_i64(q, 12) != 0,
		};

		rc = each(&finding, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

static struct monitor_end read_end(struct query *q)
{
	return (struct monitor_end){
		.alert_id = query_col_i64(q, 0),
		.chat = query_col_text(q, 1),
		.severity = query_col_text(q, 2),
		.firing = query_col_i64(q, 3) != 0,
		.quiet = query_col_i64(q, 4) != 0,
		.holds = query_col_i64(q, 5) != 0,
		.calm_since_ms = query_col_i64(q, 6),
		.now = {.subject = query_col_text(q, 7),
			.store_id = query_col_text(q, 8),
			.number = query_col_text(q, 9),
			.external_id = query_col_text(q, 10),
			.store = query_col_text(q, 11),
			.zone = query_col_text(q, 12),
			.detail = query_col_text(q, 13),
			.reason = query_col_text(q, 14),
			.at_ms = query_col_i64(q, 15),
			.amount = query_col_is_null(q, 16)
					  ? MONITOR_NO_AMOUNT
					  : query_col_i64(q, 16),
			.chat = "",
			.alert_state = ""},
	};
}

static int visit_ends(struct query *q, monitor_over_visit *each, void *context,
		      struct err *e)
{
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct monitor_end end = read_end(q);

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

	bind_terms(q, terms);
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

/* SPDX-License-Identifier: MIT */
#include "store/report/orders_report.h"

#include "base/text.h"
#include "store/engine/db.h"

#define ASKED_FOR "l.replaces = 0 AND l.state <> 'removed'"
STMT(report_select_orders,
     "SELECT o.store_id, o.created_ms, o.id, s.time_zone, o.picker_id,"
     " o.deadline_ms, o.taken_ms, o.assembled_ms, o.delivered_ms,"
     " o.canceled_ms,"
     " coalesce(sum(CASE WHEN " ASKED_FOR " THEN 1 ELSE 0 END), 0),"
     " coalesce(sum(CASE WHEN " ASKED_FOR
     " AND l.replaced_by = 0 AND l.qty_picked_milli >= l.qty_milli"
     " THEN 1 ELSE 0 END), 0),"
     " coalesce(sum(CASE WHEN " ASKED_FOR
     " AND l.replaced_by <> 0 THEN 1 ELSE 0 END), 0),"
     " coalesce(sum(CASE WHEN " ASKED_FOR
     " AND l.replaced_by = 0 AND l.qty_picked_milli < l.qty_milli"
     " THEN 1 ELSE 0 END), 0),"
     " CAST(coalesce(sum(l.qty_picked_milli), 0) AS BIGINT),"
     " CASE WHEN o.cancel_source = 'store' THEN 1 ELSE 0 END"
     " FROM (SELECT * FROM orders WHERE (store_id, created_ms, id) >"
     "  ($1, $2, $3) AND created_ms >= $4 AND created_ms < $5"
     "  ORDER BY store_id, created_ms, id LIMIT $6) o"
     " JOIN stores s ON s.id = o.store_id"
     " LEFT JOIN order_lines l ON l.order_id = o.id"
     " GROUP BY o.store_id, o.created_ms, o.id, s.time_zone, o.picker_id,"
     " o.deadline_ms, o.taken_ms, o.assembled_ms, o.delivered_ms,"
     " o.canceled_ms, o.cancel_source ORDER BY o.store_id, o.created_ms, o.id");

static void read_row(struct query *q, struct report_source *to)
{
	*to = (struct report_source){
		.store_id = query_col_text(q, 0),
		.created_ms = query_col_i64(q, 1),
		.time_zone = query_col_text(q, 3),
		.picker_id = query_col_text(q, 4),
		.deadline_ms = query_col_i64(q, 5),
		.taken_ms = query_col_i64(q, 6),
		.assembled_ms = query_col_i64(q, 7),
		.delivered_ms = query_col_i64(q, 8),
		.canceled_ms = query_col_i64(q, 9),
		.lines = query_col_i64(q, 10),
		.found = query_col_i64(q, 11),
		.replaced = query_col_i64(q, 12),
		.short_lines = query_col_i64(q, 13),
		.picked_milli = query_col_i64(q, 14),
		.canceled_by_store = query_col_i64(q, 15) != 0,
	};
}

int orders_report(struct db *db, struct report_place *place,
		  int (*each)(const struct report_source *order, void *context,
			      struct err *e),
		  void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &report_select_orders);
	const struct report_place from = *place;
	int count = 0;
	int rc;

	query_text(q, 1, from.store_id);
	query_i64(q, 2, from.created_ms);
	query_i64(q, 3, from.order_id);
	query_i64(q, 4, from.from_ms);
	query_i64(q, 5, from.to_ms);
	query_i64(q, 6, from.max);
	while ((rc = query_next(q, e)) > 0) {
		struct report_source order;

		read_row(q, &order);
		(void)text_copy(place->store_id, sizeof(place->store_id),
				order.store_id);
		place->created_ms = order.created_ms;
		place->order_id = query_col_i64(q, 2);
		rc = each(&order, context, e);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

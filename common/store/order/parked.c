/* SPDX-License-Identifier: MIT */
#include "store/order/parked.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"

STMT(parked_insert,
     "INSERT INTO parked_events (inbox_id, order_id, event_type, event_ms,"
     " expires_ms, channel, body) VALUES ($1, $2, $3, $4, $5, $6, $7)"
     " ON CONFLICT DO NOTHING");
STMT(parked_any, "SELECT 1 FROM parked_events WHERE order_id = $1 LIMIT 1");
STMT(parked_delete, "DELETE FROM parked_events WHERE inbox_id = $1");
STMT(parked_select,
     "SELECT inbox_id, event_ms, event_type, body FROM parked_events"
     " WHERE order_id = $1 ORDER BY inbox_id LIMIT $2");

void parked_events_clear(struct parked_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(events[i].body);
		free(events[i].event_type);
	}
}

int parked_list(struct db *db, int64_t order_id,
		struct parked_event *ret_events, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &parked_select);
	size_t count = 0;
	size_t bytes = 0;
	int rc;

	query_i64(q, 1, order_id);
	query_i64(q, 2, PARKED_PER_ORDER_MAX);
	while ((rc = query_next(q, e)) > 0) {
		struct parked_event *p = &ret_events[count++];

		p->inbox_id = query_col_i64(q, 0);
		p->event_ms = query_col_i64(q, 1);
		p->event_type = query_col_copy(q, 2);
		p->body = query_col_copy(q, 3);
		if (p->event_type == NULL || p->body == NULL) {
			rc = err_set(e, ERR_NOMEM, "parked: out of memory");
			break;
		}
		bytes += strlen(p->body);
		if (bytes > PARKED_BYTES_MAX)
			break;
	}
	if (rc < 0) {
		parked_events_clear(ret_events, count);
		return rc;
	}
	return (int)count;
}

int parked_waits(struct db *db, int64_t order_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &parked_any);

	query_i64(q, 1, order_id);
	return query_next(q, e);
}

int parked_add(struct db *db, const struct parked_arrival *arrival,
	       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &parked_insert);

	query_i64(q, 1, arrival->inbox_id);
	query_i64(q, 2, arrival->order_id);
	query_text(q, 3, arrival->event_type);
	query_i64(q, 4, arrival->event_ms);
	query_i64(q, 5, arrival->expires_ms);
	query_text(q, 6, arrival->channel);
	query_text(q, 7, arrival->body);
	return query_post(q, NULL, e);
}

int parked_remove(struct db *db, int64_t inbox_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &parked_delete);

	query_i64(q, 1, inbox_id);
	return query_exec(q, e);
}

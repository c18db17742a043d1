/* SPDX-License-Identifier: MIT */
#include "store/exchange/feed.h"

#include "base/err.h"
#include "domain/order/order.h"
#include "store/engine/db.h"

STMT(feed_insert,
     "INSERT INTO erp_feed (kind, ref_id, event, state, version, at_ms)"
     " VALUES ($1, $2, $3, $4, $5, $6)");
#define INSERT_JUMP                                             \
	"INSERT INTO erp_feed (id, kind, ref_id, event, at_ms)" \
	" SELECT CASE WHEN $1 * 1000 > n.id THEN $1 * 1000"     \
	"  ELSE n.id END, 'restore', 0, 'restore', $1"          \
	" FROM (SELECT 1 + coalesce(max(f.id), 0) AS id"        \
	"  FROM erp_feed AS f) AS n"
/* A sequence of PostgreSQL does not see the ids that it has not given. */
STMT_PG(feed_insert_jump, INSERT_JUMP,
	"WITH jump AS (" INSERT_JUMP " RETURNING id)"
	" SELECT setval('erp_feed_id_seq', jump.id) FROM jump");
#define ENTRY                                                          \
	"SELECT f.id, f.ref_id, f.at_ms, f.kind, f.event,"             \
	" coalesce(o.number, ''), coalesce(o.channel, ''),"            \
	" coalesce(o.external_id, ''),"                                \
	" coalesce(d.store_id, o.store_id, ''), f.state, f.version,"   \
	" coalesce(d.kind, ''), coalesce(d.series, ''),"               \
	" coalesce(d.business_date, ''), coalesce(d.body, '{}'),"      \
	" coalesce(d.number, 0), coalesce(d.revision, 0),"             \
	" coalesce(d.total_minor, 0), coalesce(d.vat_minor, 0),"       \
	" CASE f.kind WHEN 'document' THEN coalesce(d.order_id, 0)"    \
	"  ELSE f.ref_id END"                                          \
	" FROM erp_feed AS f"                                          \
	" LEFT JOIN documents AS d ON f.kind = 'document'"             \
	"  AND d.id = f.ref_id"                                        \
	" LEFT JOIN orders AS o ON o.id = CASE f.kind WHEN 'document'" \
	"  THEN d.order_id ELSE f.ref_id END"
STMT(feed_page_documents,
     ENTRY " WHERE f.kind = 'document' AND f.id > $1 ORDER BY f.id LIMIT $2");
STMT(feed_page_orders,
     ENTRY " WHERE f.kind = 'order' AND f.id > $1 ORDER BY f.id LIMIT $2");
STMT(feed_page_all, ENTRY " WHERE f.kind IN ('document', 'order')"
			  " AND f.id > $1 ORDER BY f.id LIMIT $2");
STMT(feed_select_document,
     "SELECT 0, d.id, d.created_ms, 'document', 'made',"
     " coalesce(o.number, ''), coalesce(o.channel, ''),"
     " coalesce(o.external_id, ''), d.store_id, '', 0, d.kind, d.series,"
     " d.business_date, d.body, d.number, d.revision, d.total_minor,"
     " d.vat_minor, d.order_id FROM documents AS d"
     " LEFT JOIN orders AS o ON o.id = d.order_id WHERE d.id = $1");
STMT(feed_select_reader,
     "SELECT after_id, read_ms FROM erp_readers WHERE name = $1");
STMT(feed_put_reader,
     "INSERT INTO erp_readers (name, after_id, read_ms) VALUES ($1, $2, $3)"
     " ON CONFLICT (name) DO UPDATE SET after_id = $2, read_ms = $3");

static int add(struct db *db, const struct feed_entry *entry, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &feed_insert);

	query_text(q, 1, entry->kind);
	query_i64(q, 2, entry->ref_id);
	query_text(q, 3, entry->event);
	query_text(q, 4, entry->state);
	query_i64(q, 5, entry->version);
	query_i64(q, 6, entry->at_ms);
	return query_post(q, NULL, e);
}

int feed_add_document(struct db *db, int64_t document_id, const char *event,
		      int64_t now_ms, struct err *e)
{
	struct feed_entry entry = {.kind = "document",
				   .ref_id = document_id,
				   .event = event,
				   .state = "",
				   .at_ms = now_ms};

	return add(db, &entry, e);
}

int feed_add_order(struct db *db, const struct order *order, const char *event,
		   int64_t now_ms, struct err *e)
{
	struct feed_entry entry = {.kind = "order",
				   .ref_id = order->id,
				   .event = event,
				   .state = order_state_name(order->state),
				   .version = order->version,
				   .at_ms = now_ms};

	return add(db, &entry, e);
}

int feed_jump(struct db *db, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &feed_insert_jump);

	query_i64(q, 1, now_ms);
	return query_post(q, NULL, e);
}

static void read_entry(struct query *q, struct feed_entry *entry)
{
	*entry = (struct feed_entry){
		.id = query_col_i64(q, 0),
		.ref_id = query_col_i64(q, 1),
		.at_ms = query_col_i64(q, 2),
		.kind = query_col_text(q, 3),
		.event = query_col_text(q, 4),
		.number = query_col_text(q, 5),
		.channel = query_col_text(q, 6),
		.external_id = query_col_text(q, 7),
		.store_id = query_col_text(q, 8),
		.state = query_col_text(q, 9),
		.version = query_col_i64(q, 10),
		.document_kind = query_col_text(q, 11),
		.series = query_col_text(q, 12),
		.business_date = query_col_text(q, 13),
		.body = query_col_text(q, 14),
		.document_number = query_col_i64(q, 15),
		.revision = query_col_i64(q, 16),
		.total_minor = query_col_i64(q, 17),
		.vat_minor = query_col_i64(q, 18),
		.order_id = query_col_i64(q, 19),
	};
}

struct page { /* what is asked for */
	const struct stmt *stmt;
	int64_t after_id;
	int max;
};

static int visit(struct db *db, const struct page *page, feed_visit *each,
		 void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, page->stmt);
	int count = 0;
	int rc;

	query_i64(q, 1, page->after_id);
	query_i64(q, 2, page->max);
	while ((rc = query_next(q, e)) > 0) {
		struct feed_entry entry;

		read_entry(q, &entry);
		rc = each(&entry, context, e);
		if (rc != 0)
			return rc < 0 ? rc : count;
		count++;
	}
	return rc < 0 ? rc : count;
}

int feed_documents(struct db *db, int64_t after_id, int max, feed_visit *each,
		   void *context, struct err *e)
{
	struct page page = {&feed_page_documents, after_id, max};

	return visit(db, &page, each, context, e);
}

int feed_orders(struct db *db, int64_t after_id, int max, feed_visit *each,
		void *context, struct err *e)
{
	struct page page = {&feed_page_orders, after_id, max};

	return visit(db, &page, each, context, e);
}

int feed_all(struct db *db, int64_t after_id, int max, feed_visit *each,
	     void *context, struct err *e)
{
	struct page page = {&feed_page_all, after_id, max};

	return visit(db, &page, each, context, e);
}

int feed_document(struct db *db, int64_t document_id, feed_visit *each,
		  void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &feed_select_document);
	struct feed_entry entry;
	int rc;

	query_i64(q, 1, document_id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	read_entry(q, &entry);
	rc = each(&entry, context, e);
	return rc < 0 ? rc : 1;
}

int feed_reader(struct db *db, const char *name, int64_t *ret_after_id,
		int64_t *ret_read_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &feed_select_reader);
	int rc;

	query_text(q, 1, name);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_after_id = query_col_i64(q, 0);
	*ret_read_ms = query_col_i64(q, 1);
	return 1;
}

int feed_read_on(struct db *db, const char *name, int64_t after_id,
		 int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &feed_put_reader);

	query_text(q, 1, name);
	query_i64(q, 2, after_id);
	query_i64(q, 3, now_ms);
	return query_post(q, NULL, e);
}

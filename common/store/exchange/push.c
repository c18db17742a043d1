/* SPDX-License-Identifier: MIT */
#include "store/exchange/push.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/json/json_out.h"
#include "store/engine/db.h"
#include "store/exchange/feed.h"
#include "store/exchange/feed_json.h"
#include "store/exchange/verdicts.h"
#include "store/queue/outbox.h"

enum {
	BODY_BYTES_MAX = 16 * 1024 * 1024,
	HEADING_BYTES_MAX = 64 * 1024, /* of a body: all but the document */
	BATCH_BYTES = 1024 * 1024      /* then a transaction ends */
};

/* $1 now */
STMT(push_take_over,
     "INSERT INTO erp_readers (name, after_id, read_ms)"
     " SELECT '" FEED_PULLED "', coalesce(max(f.id), 0), CAST($1 AS BIGINT)"
     " FROM erp_feed AS f WHERE NOT EXISTS (SELECT 1 FROM erp_readers AS r"
     "  WHERE r.name = '" FEED_PUSH "') ON CONFLICT (name) DO NOTHING");
STMT(push_forget_pulled,
     "DELETE FROM erp_readers WHERE name = '" FEED_PULLED "'");
/* $1 reader, $2 entry, $3 document */
STMT(push_find_pulled,
     "SELECT 1 FROM erp_readers AS r WHERE r.name = $1 AND r.after_id >= $2"
     " UNION ALL SELECT 1 FROM erp_verdicts AS v WHERE v.document_id = $3"
     " LIMIT 1");
/* $1 now. Its row is locked until the end of the transaction, and is there the
 * next time. */
STMT(push_lock_reader,
     "INSERT INTO erp_readers (name, after_id, read_ms)"
     " SELECT '" FEED_PUSH "', CASE count(*) WHEN 2 THEN min(r.after_id)"
     "  ELSE 0 END, CAST($1 AS BIGINT)"
     " FROM erp_readers AS r WHERE r.name IN ('" FEED_DOCUMENTS
     "', '" FEED_ORDERS "')"
     " ON CONFLICT (name) DO UPDATE SET read_ms = excluded.read_ms"
     " RETURNING after_id");
STMT(push_find_due,
     "SELECT 1 FROM erp_feed AS f WHERE f.kind IN ('document', 'order')"
     " AND f.id > coalesce((SELECT r.after_id FROM erp_readers AS r"
     "  WHERE r.name = '" FEED_PUSH "'), 0) LIMIT 1");
STMT(push_newest, "SELECT coalesce(max(f.id), 0) FROM erp_feed AS f");

static const struct kind {
	const char *name; /* erp_feed.kind, and outbox.event_type */
	const char *reader;
	void (*put)(struct json_out *out, const struct feed_entry *entry);
} kinds[] = {
	{PUSH_DOCUMENT, FEED_DOCUMENTS, feed_put_document},
	{PUSH_ORDER, FEED_ORDERS, feed_put_event},
};

struct push {
	struct db *db;
	int64_t now_ms, last_id, pulled_id;
	size_t bytes;
};

static int render(const struct feed_entry *entry, const struct kind *kind,
		  struct buf *body, struct err *e)
{
	struct json_out out = json_out_to(body);

	json_object(&out, NULL);
	json_put_i64(&out, "seq", entry->id);
	kind->put(&out, entry);
	json_end(&out);
	return json_out_finish(&out, e);
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* 1: the ERP has it from pulling; 0, < 0. */
static int was_pulled(const struct push *push, const struct feed_entry *entry,
		      const struct kind *kind, struct err *e)
{
	if (entry->id > push->pulled_id)
		return 0;
	CLEANUP_QUERY struct query *q =
		query_start(push->db, &push_find_pulled);
	bool document = strcmp(kind->name, PUSH_DOCUMENT) == 0;

	query_text(q, 1, kind->reader);
	query_i64(q, 2, entry->id);
	query_i64(q, 3, document ? entry->ref_id : 0);
	return query_next(q, e);
}

/* The others go on. */
static int refuse(const struct push *push, const struct feed_entry *entry,
		  struct err *e)
{
	struct verdict verdict;
	int rc = verdicts_give(push->db, entry->ref_id, VERDICT_REFUSED,
			       "too long to be pushed", push->now_ms, &verdict,
			       e);

	return rc < 0 ? rc : 0;
}

static int add_message(struct push *push, const struct feed_entry *entry,
		       const struct kind *kind, struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	struct outbox_message message = {
		.order_id = entry->order_id,
		.channel = entry->channel,
		.external_id = entry->external_id,
		.endpoint = PUSH_ENDPOINT,
		.event_type = entry->kind,
	};
	int rc = render(entry, kind, &body, e);

	if (rc < 0)
		return rc;
	message.body = buf_text(&body);
	push->bytes += body.used_bytes;
	return outbox_add(push->db, &message, push->now_ms, e);
}

static int add(const struct feed_entry *entry, void *context, struct err *e)
{
	struct push *push = context;
	const struct kind *kind = find_kind(entry->kind);
	int rc;

	if (push->bytes >= BATCH_BYTES)
		return 1;
	push->last_id = entry->id;
	if (kind == NULL)
		return 0;
	rc = was_pulled(push, entry, kind, e);
	if (rc != 0)
		return MIN_OF(rc, 0);
	if (strlen(entry->body) > BODY_BYTES_MAX - HEADING_BYTES_MAX)
		return refuse(push, entry, e);
	return add_message(push, entry, kind, e);
}

/* Where it goes on; its reader is ours until the end of the transaction. */
static int begin(struct push *push, struct err *e)
{
	CLEANUP_QUERY struct query *first =
		query_start(push->db, &push_take_over);
	CLEANUP_QUERY struct query *lock =
		query_start(push->db, &push_lock_reader);
	int64_t read_ms;
	int rc;

	query_i64(first, 1, push->now_ms);
	rc = query_exec(first, e);
	if (rc < 0)
		return rc;
	query_i64(lock, 1, push->now_ms);
	rc = query_one_i64(lock, &push->last_id, e);
	return rc < 0 ? rc
		      : feed_reader(push->db, FEED_PULLED, &push->pulled_id,
				    &read_ms, e);
}

int push_entries(struct db *db, int max, int64_t now_ms, struct err *e)
{
	struct push push = {.db = db, .now_ms = now_ms};
	int count;
	int rc = begin(&push, e);

	if (rc < 0)
		return rc;
	count = feed_all(db, push.last_id, max, add, &push, e);
	if (count <= 0)
		return count;
	rc = feed_read_on(db, FEED_PUSH, push.last_id, now_ms, e);
	return rc < 0 ? rc : count;
}

int push_is_due(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &push_find_due);

	return query_next(q, e);
}

static int forget_pulled(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &push_forget_pulled);

	return query_exec(q, e);
}

int64_t push_go_on_after(struct db *db, int64_t entry_id, int64_t now_ms,
			 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &push_newest);
	int64_t newest = 0;
	int rc = query_one_i64(q, &newest, e);

	if (rc < 0)
		return rc;
	if (entry_id > newest)
		return err_set(e, ERR_INVALID,
			       "the newest entry is %" PRId64 ": what comes up "
			       "to a later one would never be pushed",
			       newest);
	if (entry_id < 0)
		entry_id = newest;
	rc = forget_pulled(db, e);
	if (rc >= 0)
		rc = feed_read_on(db, FEED_PUSH, entry_id, now_ms, e);
	return rc < 0 ? rc : entry_id;
}

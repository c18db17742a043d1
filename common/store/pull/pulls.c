/* SPDX-License-Identifier: MIT */
#include "store/pull/pulls.h"

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(pulls_get_cursor, "SELECT since_ms, listing_ms, page_token"
		       " FROM pull_cursors WHERE channel = $1");
STMT(pulls_first_since, "SELECT created_ms FROM store_meta WHERE id = 1");
STMT(pulls_put_cursor,
     "INSERT INTO pull_cursors (channel, since_ms, listing_ms, page_token,"
     " updated_ms) VALUES ($1, $2, $3, $4, $5)"
     " ON CONFLICT (channel) DO UPDATE SET since_ms = excluded.since_ms,"
     " listing_ms = excluded.listing_ms, page_token = excluded.page_token,"
     " updated_ms = excluded.updated_ms");
STMT(pulls_insert, "INSERT INTO pull_queue (channel, external_id, found_ms)"
		   " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
STMT(pulls_delete, "DELETE FROM pull_queue"
		   " WHERE channel = $1 AND external_id = $2");
STMT(pulls_note_failure,
     "UPDATE pull_queue SET attempts = attempts + 1, error = $3"
     " WHERE channel = $1 AND external_id = $2");
STMT(pulls_list, "SELECT external_id FROM pull_queue WHERE channel = $1"
		 " ORDER BY attempts, found_ms, external_id LIMIT $2");
STMT(pulls_how_many, "SELECT count(*) FROM pull_queue WHERE channel = $1");

static int first_cursor(struct db *db, struct pull_cursor *ret_cursor,
			struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &pulls_first_since);
	int rc = query_one_i64(q, &ret_cursor->since_ms, e);

	return rc < 0 ? rc : 0;
}

int pulls_cursor(struct db *db, const char *channel,
		 struct pull_cursor *ret_cursor, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &pulls_get_cursor);
	int rc;

	*ret_cursor = (struct pull_cursor){0};
	query_text(q, 1, channel);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc < 0 ? rc : first_cursor(db, ret_cursor, e);
	ret_cursor->since_ms = query_col_i64(q, 0);
	ret_cursor->listing_ms = query_col_i64(q, 1);
	(void)text_copy(ret_cursor->page_token, sizeof(ret_cursor->page_token),
			query_col_text(q, 2));
	return 0;
}

int pulls_save_cursor(struct db *db, const char *channel,
		      const struct pull_cursor *cursor, int64_t now_ms,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &pulls_put_cursor);
	int rc;

	query_text(q, 1, channel);
	query_i64(q, 2, cursor->since_ms);
	query_i64(q, 3, cursor->listing_ms);
	query_text(q, 4, cursor->page_token);
	query_i64(q, 5, now_ms);
	rc = query_next(q, e);
	return rc < 0 ? rc : 0;
}

int pulls_add(struct db *db, const char *channel, const char *external_id,
	      int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &pulls_insert);
	int rc;

	query_text(q, 1, channel);
	query_text(q, 2, external_id);
	query_i64(q, 3, now_ms);
	rc = query_next(q, e);
	return rc < 0 ? rc : 0;
}

/* $1 and $2 name the order; $3, when there is one, is `text`. */
static int change(struct db *db, const struct stmt *stmt, const char *channel,
		  const char *external_id, const char *text, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc;

	query_text(q, 1, channel);
	query_text(q, 2, external_id);
	if (text != NULL)
		query_text(q, 3, text);
	rc = query_next(q, e);
	return rc < 0 ? rc : 0;
}

int pulls_remove(struct db *db, const char *channel, const char *external_id,
		 struct err *e)
{
	return change(db, &pulls_delete, channel, external_id, NULL, e);
}

int pulls_failed(struct db *db, const char *channel, const char *external_id,
		 const char *error, struct err *e)
{
	return change(db, &pulls_note_failure, channel, external_id, error, e);
}

int pulls_waiting(struct db *db, const char *channel,
		  struct pull_waiting *ret_waiting, int max, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &pulls_list);
	int count = 0;
	int rc;

	query_text(q, 1, channel);
	query_i64(q, 2, max);
	while (count < max && (rc = query_next(q, e)) != 0) {
		if (rc < 0)
			return rc;
		(void)text_copy(ret_waiting[count++].external_id,
				ORDER_ID_BYTES, query_col_text(q, 0));
	}
	return count;
}

int pulls_count(struct db *db, const char *channel, int64_t *ret_count,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &pulls_how_many);
	int rc;

	query_text(q, 1, channel);
	rc = query_one_i64(q, ret_count, e);
	return rc < 0 ? rc : 0;
}

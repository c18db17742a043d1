/* SPDX-License-Identifier: MIT */
#include "store/order/api_requests.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/json/json_out.h"
#include "store/engine/db.h"

enum {
	KEY_BYTES_MAX = 4096
};

#define INSERT_REQUEST                                      \
	"INSERT INTO api_requests (key, body_hash, answer," \
	" created_ms, version) VALUES ($1, $2, $3, $4, $5)"

STMT(api_requests_get, "SELECT body_hash, answer, version, created_ms"
		       " FROM api_requests WHERE key = $1");
/* SQLite sets up more for an upsert. */
STMT(api_requests_insert, INSERT_REQUEST);
STMT(api_requests_insert_new, INSERT_REQUEST " ON CONFLICT (key) DO NOTHING");
STMT(api_requests_delete, "DELETE FROM api_requests WHERE key = $1");

/* One text that no other request has: a list, because the parts come from
 * outside and may hold any character. */
static int make_key(const struct api_request *request, struct buf *key,
		    struct err *e)
{
	struct json_out out = json_out_to(key);

	json_array(&out, NULL);
	json_put_text(&out, NULL, request->token);
	json_put_text(&out, NULL, request->picker_id);
	json_put_text(&out, NULL, request->method);
	json_put_text(&out, NULL, request->request_id);
	json_end(&out);
	return json_out_finish(&out, e);
}

/* As $1. The key is borrowed until query_end(). */
static int bind_key(struct query *q, const struct api_request *request,
		    struct buf *key, struct err *e)
{
	int rc = make_key(request, key, e);

	if (rc == 0)
		query_text(q, 1, buf_text(key));
	return rc;
}

int api_requests_find(struct db *db, struct api_request *request,
		      int64_t now_ms, struct buf *ret_answer,
		      int64_t *ret_version, struct err *e)
{
	CLEANUP(buf_clear) struct buf key = BUF_MAX(KEY_BYTES_MAX);
	CLEANUP_QUERY struct query *q = query_start(db, &api_requests_get);
	int rc = bind_key(q, request, &key, e);

	if (rc < 0)
		return rc;
	rc = query_next(q, e);
	request->is_new = rc == 0;
	if (rc <= 0)
		return rc;
	if (query_col_i64(q, 3) <= now_ms - API_REQUEST_KEEP_MS)
		return 0;
	if (strcmp(query_col_text(q, 0), request->body_hash) != 0)
		return err_set(e, ERR_DUPLICATE,
			       "the request id was used for another request");
	*ret_version = query_col_i64(q, 2);
	buf_add_text(ret_answer, query_col_text(q, 1));
	rc = buf_finish(ret_answer, e);
	return rc < 0 ? rc : 1;
}

static int insert(struct db *db, const struct stmt *stmt,
		  const struct api_request *request, const char *answer,
		  int64_t version, int64_t now_ms, struct err *e)
{
	CLEANUP(buf_clear) struct buf key = BUF_MAX(KEY_BYTES_MAX);
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc = bind_key(q, request, &key, e);

	if (rc < 0)
		return rc;
	query_text(q, 2, request->body_hash);
	query_text(q, 3, answer);
	query_i64(q, 4, now_ms);
	query_i64(q, 5, version);
	return query_exec(q, e);
}

int api_requests_claim(struct db *db, const struct api_request *request,
		       const char *answer, int64_t version, int64_t now_ms,
		       struct err *e)
{
	return insert(db, &api_requests_insert_new, request, answer, version,
		      now_ms, e);
}

static int take_away(struct db *db, const struct api_request *request,
		     struct err *e)
{
	CLEANUP(buf_clear) struct buf key = BUF_MAX(KEY_BYTES_MAX);
	CLEANUP_QUERY struct query *q = query_start(db, &api_requests_delete);
	int rc = bind_key(q, request, &key, e);

	return rc < 0 ? rc : query_exec(q, e);
}

/* One that was kept for long enough gives way: rows are taken away in the order
 * of their making. */
int api_requests_add(struct db *db, const struct api_request *request,
		     const char *answer, int64_t version, int64_t now_ms,
		     struct err *e)
{
	int rc = request->is_new ? 0 : take_away(db, request, e);

	if (rc >= 0)
		rc = insert(db, &api_requests_insert, request, answer, version,
			    now_ms, e);
	return MIN_OF(rc, 0);
}

/* SPDX-License-Identifier: MIT */
#include "store/telegram/chat_replies.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"

STMT(reply_insert,
     "INSERT INTO telegram_replies (method, body, chat, instead, due_ms,"
     " until_ms, created_ms) VALUES ($1, $2, $3, $4, $6, $5, $6)");
STMT(reply_first,
     "SELECT id, method, body, chat, instead, attempts, until_ms"
     " FROM telegram_replies WHERE due_ms <= $1 ORDER BY due_ms, id LIMIT 1");
STMT(reply_delete, "DELETE FROM telegram_replies WHERE id = $1");
STMT(reply_put_off, "UPDATE telegram_replies SET due_ms = $2,"
		    " attempts = attempts + $3 WHERE id = $1");

int chat_reply_add(struct db *db, const struct chat_reply *reply,
		   int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &reply_insert);

	query_text(q, 1, reply->method);
	query_text(q, 2, reply->body);
	query_text(q, 3, reply->chat != NULL ? reply->chat : "");
	query_text(q, 4, reply->instead != NULL ? reply->instead : "");
	query_i64(q, 5, reply->until_ms);
	query_i64(q, 6, now_ms);
	return MIN_OF(query_exec(q, e), 0);
}

int chat_reply_next(struct db *db, int64_t now_ms, struct chat_reply *ret_reply,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &reply_first);
	int rc;

	*ret_reply = (struct chat_reply){0};
	query_i64(q, 1, now_ms);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_reply = (struct chat_reply){
		.id = query_col_i64(q, 0),
		.method = query_col_copy(q, 1),
		.body = query_col_copy(q, 2),
		.chat = query_col_copy(q, 3),
		.instead = query_col_copy(q, 4),
		.attempts = query_col_i64(q, 5),
		.until_ms = query_col_i64(q, 6),
	};
	if (ret_reply->method != NULL && ret_reply->body != NULL &&
	    ret_reply->chat != NULL && ret_reply->instead != NULL)
		return 1;
	chat_reply_clear(ret_reply);
	return err_set(e, ERR_NOMEM, "out of memory");
}

void chat_reply_clear(struct chat_reply *reply)
{
	const char *const texts[] = {reply->method, reply->body, reply->chat,
				     reply->instead};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free((void *)(uintptr_t)texts[i]); /* NOLINT: our copies */
	*reply = (struct chat_reply){0};
}

int chat_reply_done(struct db *db, int64_t id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &reply_delete);

	query_i64(q, 1, id);
	return MIN_OF(query_exec(q, e), 0);
}

int chat_reply_later(struct db *db, int64_t id, int64_t due_ms, int counted,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &reply_put_off);

	query_i64(q, 1, id);
	query_i64(q, 2, due_ms);
	query_i64(q, 3, counted);
	return MIN_OF(query_exec(q, e), 0);
}

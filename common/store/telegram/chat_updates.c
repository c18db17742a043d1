/* SPDX-License-Identifier: MIT */
#include "store/telegram/chat_updates.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

enum {
	HOUR_MS = 3600 * 1000
};

/* $12: handled when it came; null: not yet */
STMT(chat_insert,
     "INSERT INTO telegram_updates (bot, update_id, kind, chat, private,"
     " message, user_id, user_name, query, text, said_ms, received_ms,"
     " handled_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13,"
     " $12) ON CONFLICT DO NOTHING");
STMT(chat_first,
     "SELECT update_id, kind, chat, private, message, user_id, user_name,"
     " query, text, said_ms FROM telegram_updates WHERE bot = $1"
     " AND handled_ms IS NULL ORDER BY update_id LIMIT 1");
STMT(chat_finish,
     "UPDATE telegram_updates SET handled_ms = $3, outcome = $4,"
     " user_name = '', query = '', text = '' WHERE bot = $1 AND update_id = $2"
     " AND handled_ms IS NULL");
STMT(chat_last, "SELECT max(update_id) FROM telegram_updates WHERE bot = $1"
		" AND received_ms > $2");
STMT(chat_commands, "SELECT count(*) FROM telegram_updates WHERE user_id = $1"
		    " AND handled_ms > $2 AND kind = 'command'"
		    " AND outcome <> 'flood'");
STMT(chat_forget,
     "DELETE FROM telegram_updates WHERE (bot, update_id) IN (SELECT bot,"
     " update_id FROM telegram_updates WHERE received_ms < $1"
     " ORDER BY received_ms LIMIT $2)");
/* $1 user, $2 now */
STMT(stranger_count,
     "INSERT INTO telegram_strangers (user_id, first_ms, last_ms, updates)"
     " VALUES ($1, $2, $2, 1) ON CONFLICT (user_id) DO UPDATE SET last_ms ="
     " excluded.last_ms, updates = telegram_strangers.updates + 1");
/* $1 user, $2 now, $3 since, $4 per hour */
STMT(stranger_tell,
     "UPDATE telegram_strangers SET told_ms = $2 WHERE user_id = $1"
     " AND told_ms IS NULL AND (SELECT count(*) FROM telegram_strangers AS s"
     " WHERE s.told_ms > $3) < $4");
STMT(strangers_forget,
     "DELETE FROM telegram_strangers WHERE user_id IN (SELECT user_id"
     " FROM telegram_strangers ORDER BY last_ms DESC, user_id"
     " LIMIT 100 OFFSET $1)");

static const char *const kinds[CHAT_KIND_MAX_] = {
	[CHAT_OTHER] = "other",
	[CHAT_BUTTON] = "button",
	[CHAT_COMMAND] = "command",
};

static enum chat_update_kind kind_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i], name) == 0)
			return (enum chat_update_kind)i;
	return CHAT_OTHER;
}

int chat_update_add(struct db *db, const struct chat_update *update,
		    int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_insert);

	query_i64(q, 1, update->bot);
	query_i64(q, 2, update->id);
	query_text(q, 3, kinds[update->kind]);
	query_text(q, 4, update->chat);
	query_i64(q, 5, update->is_private ? 1 : 0);
	query_i64(q, 6, update->message);
	query_i64(q, 7, update->user_id);
	query_text(q, 8, update->user_name);
	query_text(q, 9, update->query);
	query_text(q, 10, update->text);
	query_i64(q, 11, update->said_ms);
	query_i64(q, 13, now_ms);
	if (update->kind == CHAT_OTHER)
		query_i64(q, 12, now_ms);
	else
		query_null(q, 12);
	return query_exec(q, e);
}

int chat_update_next(struct db *db, int64_t bot, struct chat_update *ret_update,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_first);
	int rc;

	query_i64(q, 1, bot);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_update = (struct chat_update){
		.bot = bot,
		.id = query_col_i64(q, 0),
		.kind = kind_of(query_col_text(q, 1)),
		.is_private = query_col_i64(q, 3) != 0,
		.message = query_col_i64(q, 4),
		.user_id = query_col_i64(q, 5),
		.said_ms = query_col_i64(q, 9),
	};
	(void)text_copy(ret_update->chat, CHAT_ADDRESS_BYTES,
			query_col_text(q, 2));
	(void)text_copy(ret_update->user_name, CHAT_NAME_BYTES,
			query_col_text(q, 6));
	(void)text_copy(ret_update->query, CHAT_QUERY_BYTES,
			query_col_text(q, 7));
	(void)text_copy(ret_update->text, CHAT_TEXT_BYTES,
			query_col_text(q, 8));
	return 1;
}

int chat_update_done(struct db *db, const struct chat_update *update,
		     const char *outcome, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_finish);
	int rc;

	query_i64(q, 1, update->bot);
	query_i64(q, 2, update->id);
	query_i64(q, 3, now_ms);
	query_text(q, 4, outcome);
	rc = query_exec(q, e);
	if (rc == 0)
		return err_set(e, ERR_STATE, "update %lld was handled before",
			       (long long)update->id);
	return MIN_OF(rc, 0);
}

int chat_updates_offset(struct db *db, int64_t bot, int64_t now_ms,
			int64_t *ret_offset, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_last);
	int64_t last = 0;
	int rc;

	query_i64(q, 1, bot);
	query_i64(q, 2, now_ms - CHAT_UPDATES_KEPT_MS);
	rc = query_one_i64(q, &last, e);
	*ret_offset = rc > 0 && last > 0 ? last + 1 : 0;
	return MIN_OF(rc, 0);
}

int chat_updates_of_user(struct db *db, int64_t user_id, int64_t since_ms,
			 int64_t *ret_count, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_commands);

	query_i64(q, 1, user_id);
	query_i64(q, 2, since_ms);
	return MIN_OF(query_one_i64(q, ret_count, e), 0);
}

int chat_updates_forget(struct db *db, int64_t before_ms, int limit,
			struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &chat_forget);

	query_i64(q, 1, before_ms);
	query_i64(q, 2, limit);
	return query_exec(q, e);
}

int chat_stranger(struct db *db, int64_t user_id, int64_t per_hour,
		  int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *count = query_start(db, &stranger_count);
	CLEANUP_QUERY struct query *told = query_start(db, &stranger_tell);
	int rc;

	query_i64(count, 1, user_id);
	query_i64(count, 2, now_ms);
	rc = query_exec(count, e);
	if (rc < 0)
		return rc;
	query_i64(told, 1, user_id);
	query_i64(told, 2, now_ms);
	query_i64(told, 3, now_ms - HOUR_MS);
	query_i64(told, 4, per_hour);
	return query_exec(told, e);
}

int chat_strangers_forget(struct db *db, int64_t kept, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &strangers_forget);

	query_i64(q, 1, kept);
	return query_exec(q, e);
}

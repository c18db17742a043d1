/* SPDX-License-Identifier: MIT */
#include "store/telegram/bot_trouble.h"

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"

STMT(trouble_read, "SELECT kind, key, reason, at_ms FROM telegram_troubles"
		   " WHERE part = $1");
/* $1 part, $2 kind, $3 key, $4 reason, $5 now */
STMT(trouble_write,
     "INSERT INTO telegram_troubles (part, kind, key, reason, since_ms, at_ms)"
     " VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (part) DO UPDATE SET"
     " since_ms = CASE WHEN telegram_troubles.kind = excluded.kind"
     "  AND telegram_troubles.key = excluded.key"
     "  THEN telegram_troubles.since_ms ELSE excluded.since_ms END, kind = "
     "excluded.kind,"
     " key = excluded.key, reason = excluded.reason, at_ms = excluded.at_ms");
STMT(trouble_delete, "DELETE FROM telegram_troubles WHERE part = $1");

int bot_trouble_get(struct db *db, const char *part,
		    struct bot_trouble *ret_trouble, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &trouble_read);
	int rc;

	*ret_trouble = (struct bot_trouble){0};
	query_text(q, 1, part);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	(void)text_copy(ret_trouble->kind, sizeof(ret_trouble->kind),
			query_col_text(q, 0));
	(void)text_copy(ret_trouble->key, BOT_KEY_BYTES, query_col_text(q, 1));
	(void)text_copy(ret_trouble->reason, BOT_REASON_BYTES,
			query_col_text(q, 2));
	ret_trouble->at_ms = query_col_i64(q, 3);
	return 0;
}

int bot_trouble_set(struct db *db, const char *part,
		    const struct bot_trouble *trouble, int64_t now_ms,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &trouble_write);

	query_text(q, 1, part);
	query_text(q, 2, trouble->kind);
	query_text(q, 3, trouble->key);
	query_text(q, 4, trouble->reason);
	query_i64(q, 5, now_ms);
	return MIN_OF(query_exec(q, e), 0);
}

int bot_trouble_clear(struct db *db, const char *part, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &trouble_delete);

	query_text(q, 1, part);
	return query_exec(q, e);
}

struct keeping {
	struct unit unit;
	const char *part;
	const struct bot_trouble *trouble;
};

static int run_keeping(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	const struct keeping *k = CONTAINER_OF(u, struct keeping, unit);

	return k->trouble->kind[0] != '\0'
		       ? bot_trouble_set(db, k->part, k->trouble, now_ms, e)
		       : MIN_OF(bot_trouble_clear(db, k->part, e), 0);
}

int bot_trouble_keep(struct writer *writer, const char *part,
		     const struct bot_trouble *trouble, struct err *e)
{
	struct keeping keeping = {
		.unit.run = run_keeping,
		.part = part,
		.trouble = trouble,
	};

	return writer_call(writer, &keeping.unit, e);
}

/* SPDX-License-Identifier: MIT */
#include "store/order/stores.h"

#include "base/err.h"
#include "base/text.h"
#include "domain/catalogue/import_rows.h"
#include "store/engine/db.h"

STMT(stores_all_hours, "SELECT DISTINCT opening_hours, time_zone FROM stores");
STMT(stores_insert_default,
     "INSERT INTO stores (id, name, time_zone, opening_hours, telegram_chat,"
     " integration_type, imported, created_ms, updated_ms)"
     " VALUES ($1, $1, $2, '', '', $3, 0, $4, $4) ON CONFLICT DO NOTHING");
STMT(stores_upsert,
     "INSERT INTO stores (id, name, time_zone, opening_hours, telegram_chat,"
     " integration_type, imported, created_ms, updated_ms)"
     " VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)"
     " ON CONFLICT (id) DO UPDATE SET name = $2, time_zone = $3,"
     " opening_hours = $4, telegram_chat = $5, integration_type = $6,"
     " imported = 1, updated_ms = $7"
     " WHERE stores.imported = 0 OR stores.name <> $2"
     " OR stores.time_zone <> $3 OR stores.opening_hours <> $4"
     " OR stores.telegram_chat <> $5 OR stores.integration_type <> $6");
STMT(stores_select, "SELECT id, name, time_zone, telegram_chat,"
		    " integration_type, imported FROM stores WHERE id = $1");

int stores_hours(struct db *db, store_hours_visit *each, void *context,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &stores_all_hours);
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		rc = each(query_col_text(q, 0), query_col_text(q, 1), context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int stores_get(struct db *db, const char *store_id, struct store_row *ret_row,
	       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &stores_select);
	struct store_row *r = ret_row;
	int rc;

	query_text(q, 1, store_id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	(void)text_copy(r->id, sizeof(r->id), query_col_text(q, 0));
	(void)text_copy(r->name, sizeof(r->name), query_col_text(q, 1));
	(void)text_copy(r->time_zone, sizeof(r->time_zone),
			query_col_text(q, 2));
	(void)text_copy(r->telegram_chat, sizeof(r->telegram_chat),
			query_col_text(q, 3));
	r->integration_type = (int)query_col_i64(q, 4);
	r->imported = query_col_i64(q, 5) != 0;
	return 1;
}

/* A group that became a supergroup is known to its store by its old id. */
STMT(stores_of_chat,
     "SELECT s.time_zone FROM stores AS s WHERE s.telegram_chat = $1"
     " OR s.telegram_chat IN (SELECT h.chat FROM telegram_head AS h"
     " WHERE h.send_to = $1) ORDER BY s.id LIMIT 1");

/* To look first is cheaper, but where it is a way to a server. */
int stores_ensure(struct db *db, const char *store_id, int64_t now_ms,
		  struct err *e)
{
	struct store_row row;
	int rc = 0;

	if (!(db_caps_of(db) & DB_CAP_ARRAYS))
		rc = stores_get(db, store_id, &row, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	CLEANUP_QUERY struct query *q = query_start(db, &stores_insert_default);

	query_text(q, 1, store_id);
	query_text(q, 2, STORE_TIME_ZONE_DEFAULT);
	query_i64(q, 3, STORE_INTEGRATION_DEFAULT);
	query_i64(q, 4, now_ms);
	return query_post(q, NULL, e);
}

int stores_put(struct db *db, const struct store_entry *s, int64_t now_ms,
	       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &stores_upsert);

	query_text(q, 1, s->id);
	query_text(q, 2, s->name);
	query_text(q, 3,
		   s->time_zone[0] != '\0' ? s->time_zone
					   : STORE_TIME_ZONE_DEFAULT);
	query_text(q, 4, s->opening_hours);
	query_text(q, 5, s->telegram_chat);
	query_i64(q, 6, s->integration_type);
	query_i64(q, 7, now_ms);
	return query_exec(q, e);
}

int stores_zone_of_chat(struct db *db, const char *chat, char *ret_zone,
			size_t bytes, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &stores_of_chat);
	int rc;

	ret_zone[0] = '\0';
	query_text(q, 1, chat);
	rc = query_next(q, e);
	if (rc > 0)
		(void)text_copy(ret_zone, bytes, query_col_text(q, 0));
	return rc < 0 ? rc : 0;
}

/* SPDX-License-Identifier: MIT */
#include "store/monitor/silences.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

/* $1 rule, $2 subject, $3 store, $4 from, $5 until, $6 by, $7 reason, $8 now */
STMT(silences_insert,
     "INSERT INTO silences (rule, subject, store_id, from_ms, until_ms,"
     " made_by, reason, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
     " RETURNING id");
STMT(silences_find, "SELECT id FROM silences WHERE rule = $1 AND store_id = $2"
		    " AND made_by = $3 AND from_ms = $4 LIMIT 1");
STMT(silences_cut, "UPDATE silences SET until_ms = $2 WHERE id = $1"
		   " AND until_ms > $2");
STMT(rule_stores_upsert,
     "INSERT INTO rule_stores (rule, store_id, enabled, threshold, changed_by,"
     " changed_ms) VALUES ($1, $2, $3, $4, $5, $6)"
     " ON CONFLICT (rule, store_id) DO UPDATE SET enabled = excluded.enabled,"
     " threshold = excluded.threshold, changed_by = excluded.changed_by,"
     " changed_ms = excluded.changed_ms");
STMT(rule_stores_delete,
     "DELETE FROM rule_stores WHERE rule = $1 AND store_id = $2");

int64_t silence_length_ms(const char *text)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}};
	size_t length = strlen(text);
	char digits[16];
	int64_t number;

	if (length < 2 || length > sizeof(digits))
		return 0;
	memcpy(digits, text, length - 1);
	digits[length - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (text[length - 1] == units[i].unit &&
		    text_to_i64(digits, 1,
				SILENCE_MAX_DAYS * INT64_C(86400000) /
					units[i].ms,
				&number, NULL) == 0)
			return number * units[i].ms;
	return 0;
}

int silences_add(struct db *db, const struct silence *silence, int64_t now_ms,
		 int64_t *ret_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &silences_insert);
	int rc;

	query_text(q, 1, silence->rule);
	query_text(q, 2, silence->subject);
	query_text(q, 3, silence->store_id);
	query_i64(q, 4, silence->from_ms);
	query_i64(q, 5, silence->until_ms);
	query_text(q, 6, silence->made_by);
	query_text(q, 7, silence->reason);
	query_i64(q, 8, now_ms);
	rc = query_one_i64(q, ret_id, e);
	return rc < 0 ? rc : 0;
}

int silences_ensure(struct db *db, const struct silence *silence,
		    int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &silences_find);
	int64_t id;
	int rc;

	query_text(q, 1, silence->rule);
	query_text(q, 2, silence->store_id);
	query_text(q, 3, silence->made_by);
	query_i64(q, 4, silence->from_ms);
	rc = query_one_i64(q, &id, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = silences_add(db, silence, now_ms, &id, e);
	return rc < 0 ? rc : 1;
}

int silences_end(struct db *db, int64_t id, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &silences_cut);

	query_i64(q, 1, id);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

int rule_stores_set(struct db *db, const struct rule_store *row, int64_t now_ms,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &rule_stores_upsert);
	int rc;

	query_text(q, 1, row->rule);
	query_text(q, 2, row->store_id);
	query_i64(q, 3, row->enabled ? 1 : 0);
	if (row->threshold >= 0)
		query_i64(q, 4, row->threshold);
	else
		query_null(q, 4);
	query_text(q, 5, row->changed_by);
	query_i64(q, 6, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int rule_stores_clear(struct db *db, const char *rule, const char *store_id,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &rule_stores_delete);

	query_text(q, 1, rule);
	query_text(q, 2, store_id);
	return query_exec(q, e);
}

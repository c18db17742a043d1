/* SPDX-License-Identifier: MIT */
#include "store/engine/position.h"

#include "store/engine/db.h"

STMT(position_select, "SELECT value FROM counters WHERE name = $1");
STMT(position_put, "INSERT INTO counters (name, value) VALUES ($1, $2)"
		   " ON CONFLICT (name) DO UPDATE SET value = excluded.value");

int position_get(struct db *db, const char *name, int64_t *ret_id,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &position_select);
	int rc;

	*ret_id = 0;
	query_text(q, 1, name);
	rc = query_one_i64(q, ret_id, e);
	return rc < 0 ? rc : 0;
}

int position_set(struct db *db, const char *name, int64_t id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &position_put);
	int rc;

	query_text(q, 1, name);
	query_i64(q, 2, id);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

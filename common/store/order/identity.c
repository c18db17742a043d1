/* SPDX-License-Identifier: MIT */
#include "store/order/identity.h"

#include <stdio.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(identity_get, "SELECT order_id, number FROM order_identity"
		   " WHERE channel = $1 AND external_id = $2");
STMT(identity_count, "UPDATE counters SET value = value + 1"
		     " WHERE name = 'order'");
/* Not by RETURNING, for which SQLite makes a table each time. */
STMT(identity_next, "SELECT value, store_epoch FROM counters, store_meta"
		    " WHERE name = 'order' AND id = 1");
STMT(identity_add,
     "INSERT INTO order_identity (channel, external_id, order_id, number)"
     " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"); /* id == alias */

int identity_find(struct db *db, const char *channel, const char *name,
		  struct identity *ret_identity, struct err *e)
{
	CLEANUP_QUERY struct query *q = NULL;
	int rc;

	if (name[0] == '\0')
		return 0;
	q = query_start(db, &identity_get);
	query_text(q, 1, channel);
	query_text(q, 2, name);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	ret_identity->order_id = query_col_i64(q, 0);
	(void)text_copy(ret_identity->number, sizeof(ret_identity->number),
			query_col_text(q, 1));
	return 1;
}

void identity_number(int64_t epoch, int64_t order_id,
		     char ret_number[IDENTITY_NUMBER_BYTES])
{
	(void)snprintf(ret_number, IDENTITY_NUMBER_BYTES, "%lld-%06lld",
		       (long long)epoch, (long long)order_id);
}

static int count_order(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &identity_count);

	return query_exec(q, e);
}

static int make(struct db *db, struct identity *ret_identity, struct err *e)
{
	CLEANUP_QUERY struct query *q = NULL;
	int rc = count_order(db, e);

	if (rc < 0)
		return rc;
	q = query_start(db, &identity_next);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(e, ERR_IO, "no order counter");
	ret_identity->order_id = query_col_i64(q, 0);
	identity_number(query_col_i64(q, 1), ret_identity->order_id,
			ret_identity->number);
	return 1;
}

/* The name, when there is one, leads to the order from now on. */
static int add(struct db *db, const char *channel, const char *name,
	       const struct identity *identity, struct err *e)
{
	CLEANUP_QUERY struct query *q = NULL;
	int rc;

	if (name[0] == '\0')
		return 0;
	q = query_start(db, &identity_add);
	query_text(q, 1, channel);
	query_text(q, 2, name);
	query_i64(q, 3, identity->order_id);
	query_text(q, 4, identity->number);
	rc = query_next(q, e);
	return rc < 0 ? rc : 0;
}

int identity_resolve(struct db *db, const char *channel,
		     const char *external_id, const char *alias,
		     struct identity *ret_identity, struct err *e)
{
	struct identity other; /* when the names lead to two, the id's counts */
	int known = identity_find(db, channel, external_id, ret_identity, e);
	int alias_known;
	int made = 0;
	int rc;

	if (known < 0)
		return known;
	alias_known = identity_find(db, channel, alias,
				    known > 0 ? &other : ret_identity, e);
	if (alias_known < 0)
		return alias_known;
	if (known == 0 && alias_known == 0)
		made = make(db, ret_identity, e);
	rc = MIN_OF(made, 0);
	if (rc == 0 && known == 0)
		rc = add(db, channel, external_id, ret_identity, e);
	if (rc == 0 && alias_known == 0)
		rc = add(db, channel, alias, ret_identity, e);
	return rc < 0 ? rc : made;
}

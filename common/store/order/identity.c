/* SPDX-License-Identifier: MIT */
#include "store/order/identity.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(identity_get, "SELECT order_id, number FROM order_identity"
		   " WHERE channel = $1 AND external_id = $2");
STMT(identity_next, "UPDATE counters SET value = value + 1 WHERE name = 'order'"
		    " RETURNING value,"
		    " (SELECT store_epoch FROM store_meta WHERE id = 1)");
STMT(identity_add,
     "INSERT INTO order_identity (channel, external_id, order_id, number)"
     " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");

int identity_find(struct db *db, const char *channel, const char *external_id,
		  struct identity *ret_identity, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &identity_get);
	int rc;

	query_text(q, 1, channel);
	query_text(q, 2, external_id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	ret_identity->order_id = query_col_i64(q, 0);
	(void)text_copy(ret_identity->number, sizeof(ret_identity->number),
			query_col_text(q, 1));
	return 1;
}

static int make(struct db *db, struct identity *ret_identity, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &identity_next);
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc < 0 ? rc : err_set(e, ERR_IO, "no order counter");
	ret_identity->order_id = query_col_i64(q, 0);
	(void)snprintf(ret_identity->number, sizeof(ret_identity->number),
		       "%lld-%06lld", (long long)query_col_i64(q, 1),
		       (long long)ret_identity->order_id);
	return 0;
}

/* The name leads to the order from now on; nothing when it already does. */
static int ensure(struct db *db, const char *channel, const char *name,
		  const struct identity *identity, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &identity_add);
	int rc;

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
	bool known = false;
	int rc = 0;

	if (external_id[0] != '\0') {
		rc = identity_find(db, channel, external_id, ret_identity, e);
		known = rc > 0;
	}
	if (rc == 0 && alias[0] != '\0')
		rc = identity_find(db, channel, alias, ret_identity, e);
	if (rc == 0)
		rc = make(db, ret_identity, e);
	if (rc >= 0 && external_id[0] != '\0' && !known)
		rc = ensure(db, channel, external_id, ret_identity, e);
	if (rc >= 0 && alias[0] != '\0')
		rc = ensure(db, channel, alias, ret_identity, e);
	return rc < 0 ? rc : 0;
}

/* SPDX-License-Identifier: MIT */
#include "store/catalogue/store_places.h"

#include "base/text.h"
#include "store/engine/db.h"

/* '' sorts first, so a store's own row comes before it. */
STMT(store_places_select, "SELECT store_id, sku, zone, shelf FROM store_places"
			  " WHERE store_id IN ('', $1) AND sku = $2"
			  " ORDER BY store_id DESC LIMIT 1");
STMT(store_places_put,
     "INSERT INTO store_places (store_id, sku, zone, shelf)"
     " VALUES ($1, $2, $3, $4)"
     " ON CONFLICT (store_id, sku) DO UPDATE SET zone = $3, shelf = $4");

int store_places_get(struct db *db, const char *store_id, const char *sku,
		     struct store_place *ret_place, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &store_places_select);
	struct store_place *p = ret_place;
	int rc;

	query_text(q, 1, store_id);
	query_text(q, 2, sku);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	(void)text_copy(p->store_id, sizeof(p->store_id), query_col_text(q, 0));
	(void)text_copy(p->sku, sizeof(p->sku), query_col_text(q, 1));
	(void)text_copy(p->zone, sizeof(p->zone), query_col_text(q, 2));
	(void)text_copy(p->shelf, sizeof(p->shelf), query_col_text(q, 3));
	return 1;
}

int store_places_set(struct db *db, const struct store_place *place,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &store_places_put);
	int rc;

	query_text(q, 1, place->store_id);
	query_text(q, 2, place->sku);
	query_text(q, 3, place->zone);
	query_text(q, 4, place->shelf);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

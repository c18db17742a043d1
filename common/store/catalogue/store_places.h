/* SPDX-License-Identifier: MIT
 *
 * store_places.h - where goods stand in a store.
 */
#ifndef STORE_PLACES_H
#define STORE_PLACES_H

#include "domain/order/order.h"

struct db;
struct err;

struct store_place {
	char store_id[ORDER_SHORT_BYTES]; /* "" : every store */
	char sku[ORDER_SKU_BYTES];
	char zone[ORDER_SHORT_BYTES]; /* not empty */
	char shelf[ORDER_SHORT_BYTES];
};

/* In that store, or what is said for every store. 1, 0, < 0. */
int store_places_get(struct db *db, const char *store_id, const char *sku,
		     struct store_place *ret_place, struct err *e);

/* Inside a write transaction. 0 or < 0. */
int store_places_set(struct db *db, const struct store_place *place,
		     struct err *e);

#endif

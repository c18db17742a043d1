/* SPDX-License-Identifier: MIT
 *
 * products.h - the catalogue as it is published.
 *
 * An import fills a new generation of rows that nobody looks at, a few hundred
 * in a transaction, and publishes it by changing one row. So readers see one
 * whole file, never a half of it, and an import that is cut short changes
 * nothing.
 */
#ifndef STORE_PRODUCTS_H
#define STORE_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

#include "domain/catalogue/product.h"

struct db;
struct err;

enum {
	CATALOGUE_HASH_BYTES = 80
};

/* By SKU, or by barcode in any form (product_barcode_key). 1, 0 when the
 * published catalogue has none, < 0. Reader or writer. */
int products_get(struct db *db, const char *sku, struct product *ret_product,
		 struct err *e);
int products_by_barcode(struct db *db, const char *barcode,
			struct product *ret_product, struct err *e);

struct catalogue_state {
	int64_t generation; /* 0: nothing was imported */
	int64_t rows, published_ms;
	char file_hash[CATALOGUE_HASH_BYTES];
};
int products_state(struct db *db, struct catalogue_state *ret_state,
		   struct err *e);

/* Keep that an order named a SKU which the catalogue does not have. Inside a
 * write transaction. 1 the first time, 0, < 0. */
int products_note_unknown(struct db *db, const char *sku, int64_t order_id,
			  int64_t now_ms, struct err *e);

/* Steps of an import, each inside a write transaction. One import at a time:
 * the caller sees to it. */

/* A new generation to fill. */
int products_begin(struct db *db, int64_t *ret_generation, struct err *e);
/* 1; 0: the SKU is there already, or barcodes of it are another's, and those
 * are in ret_barcodes, with spaces between ("" for the SKU). */
int products_add(struct db *db, int64_t generation,
		 const struct product *product,
		 char ret_barcodes[PRODUCT_BARCODES_BYTES], struct err *e);
/* Readers see this generation from now on. */
int products_publish(struct db *db, int64_t generation, int64_t rows,
		     const char *file_hash, int64_t now_ms, struct err *e);
/* Delete up to `limit` rows of other generations than the published one.
 * Number of rows; 0: there are none. */
int products_sweep(struct db *db, int limit, struct err *e);

#endif

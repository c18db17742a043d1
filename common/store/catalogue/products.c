/* SPDX-License-Identifier: MIT */
#include "store/catalogue/products.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

#define PRODUCT_COLUMNS                                                    \
	"p.sku, p.name, p.unit, p.vat_rate, p.barcodes, p.piece_weight_g," \
	" p.tolerance_percent, p.marked"
#define PUBLISHED "(SELECT generation FROM catalogue_state)"

STMT(products_select, "SELECT " PRODUCT_COLUMNS " FROM products p"
		      " WHERE p.generation = " PUBLISHED " AND p.sku = $1");
STMT(products_select_barcode,
     "SELECT " PRODUCT_COLUMNS " FROM product_barcodes b"
     " JOIN products p ON p.generation = b.generation AND p.sku = b.sku"
     " WHERE b.generation = " PUBLISHED " AND b.barcode = $1");
STMT(products_select_state,
     "SELECT generation, product_rows, published_ms, file_hash"
     " FROM catalogue_state");
STMT(products_next_generation,
     "UPDATE catalogue_state SET last = last + 1 RETURNING last");
STMT(products_insert,
     "INSERT INTO products (generation, sku, name, unit, vat_rate, barcodes,"
     " piece_weight_g, tolerance_percent, marked)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING");
STMT(products_insert_barcode,
     "INSERT INTO product_barcodes (generation, barcode, sku)"
     " VALUES ($1, $2, $3)"
     " ON CONFLICT (generation, barcode) DO UPDATE SET sku = excluded.sku"
     " WHERE product_barcodes.sku = excluded.sku");
STMT(products_set_published,
     "UPDATE catalogue_state SET generation = $1, product_rows = $2,"
     " file_hash = $3, published_ms = $4");
/* Both tables begin with the generation, so rows of others than the published
 * one are at an end of the key; and each delete names a single one, because a
 * pair of columns that is looked for in a list would be a scan of the table. */
#define SWEEP(table, key)                                                      \
	STMT(table##_first,                                                    \
	     "SELECT generation FROM " #table " ORDER BY generation LIMIT 1"); \
	STMT(table##_last, "SELECT generation FROM " #table                    \
			   " ORDER BY generation DESC LIMIT 1");               \
	STMT(table##_delete, "DELETE FROM " #table " WHERE generation = $1"    \
			     " AND " key " IN (SELECT " key " FROM " #table    \
			     " WHERE generation = $1 LIMIT $2)")
SWEEP(products, "sku");
SWEEP(product_barcodes, "barcode");

STMT(products_insert_unknown,
     "INSERT INTO unknown_products (sku, order_id, seen_ms)"
     " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");

static int64_t number_or_none(struct query *q, int column)
{
	return query_col_is_null(q, column) ? -1 : query_col_i64(q, column);
}

static int read_product(struct query *q, const char *key,
			struct product *ret_product, struct err *e)
{
	struct product *p = ret_product;
	int rc;

	query_text(q, 1, key);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	(void)text_copy(p->sku, sizeof(p->sku), query_col_text(q, 0));
	(void)text_copy(p->name, sizeof(p->name), query_col_text(q, 1));
	(void)text_copy(p->unit, sizeof(p->unit), query_col_text(q, 2));
	(void)text_copy(p->vat_rate, sizeof(p->vat_rate), query_col_text(q, 3));
	(void)text_copy(p->barcodes, sizeof(p->barcodes), query_col_text(q, 4));
	p->piece_weight_g = number_or_none(q, 5);
	p->tolerance_percent = (int)number_or_none(q, 6);
	p->marked = query_col_i64(q, 7) != 0;
	return 1;
}

int products_get(struct db *db, const char *sku, struct product *ret_product,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &products_select);

	return read_product(q, sku, ret_product, e);
}

int products_by_barcode(struct db *db, const char *barcode,
			struct product *ret_product, struct err *e)
{
	char key[BARCODE_BYTES];

	if (!product_barcode_key(barcode, key))
		return 0;
	CLEANUP_QUERY struct query *q =
		query_start(db, &products_select_barcode);

	return read_product(q, key, ret_product, e);
}

int products_state(struct db *db, struct catalogue_state *ret_state,
		   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &products_select_state);
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc < 0 ? rc
			      : err_set(e, ERR_IO, "no row of catalogue_state");
	ret_state->generation = query_col_i64(q, 0);
	ret_state->rows = query_col_i64(q, 1);
	ret_state->published_ms = query_col_i64(q, 2);
	(void)text_copy(ret_state->file_hash, sizeof(ret_state->file_hash),
			query_col_text(q, 3));
	return 0;
}

int products_note_unknown(struct db *db, const char *sku, int64_t order_id,
			  int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &products_insert_unknown);

	query_text(q, 1, sku);
	query_i64(q, 2, order_id);
	query_i64(q, 3, now_ms);
	return query_exec(q, e);
}

int products_begin(struct db *db, int64_t *ret_generation, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &products_next_generation);
	int rc = query_one_i64(q, ret_generation, e);

	return rc < 0 ? rc : 0;
}

static void bind_or_null(struct query *q, int n, int64_t value)
{
	if (value >= 0)
		query_i64(q, n, value);
	else
		query_null(q, n);
}

/* 1; 0: it is another product's. The same one twice on a line is no fault. */
static int add_barcode(struct db *db, int64_t generation, const char *sku,
		       const char *key, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &products_insert_barcode);

	query_i64(q, 1, generation);
	query_text(q, 2, key);
	query_text(q, 3, sku);
	return query_exec(q, e);
}

static int add_barcodes(struct db *db, int64_t generation,
			const struct product *product,
			char ret_barcodes[PRODUCT_BARCODES_BYTES],
			struct err *e)
{
	const char *p = product->barcodes;
	size_t used = 0;

	while (*p != '\0') {
		size_t bytes = strcspn(p, " ");
		char text[BARCODE_BYTES];
		char key[BARCODE_BYTES];
		int rc;

		if (bytes >= BARCODE_BYTES)
			return err_set(e, ERR_INVALID, "a barcode is too long");
		memcpy(text, p, bytes);
		text[bytes] = '\0';
		p += bytes + (p[bytes] == ' ' ? 1 : 0);
		if (!product_barcode_key(text, key))
			continue;
		rc = add_barcode(db, generation, product->sku, key, e);
		if (rc < 0)
			return rc;
		if (rc > 0)
			continue;
		if (used > 0)
			ret_barcodes[used++] = ' ';
		(void)text_copy(ret_barcodes + used,
				PRODUCT_BARCODES_BYTES - used, text);
		used += bytes;
	}
	return used == 0;
}

int products_add(struct db *db, int64_t generation,
		 const struct product *product,
		 char ret_barcodes[PRODUCT_BARCODES_BYTES], struct err *e)
{
	int rc;

	ret_barcodes[0] = '\0';
	{
		CLEANUP_QUERY struct query *q =
			query_start(db, &products_insert);

		query_i64(q, 1, generation);
		query_text(q, 2, product->sku);
		query_text(q, 3, product->name);
		query_text(q, 4, product->unit);
		query_text(q, 5, product->vat_rate);
		query_text(q, 6, product->barcodes);
		bind_or_null(q, 7, product->piece_weight_g);
		bind_or_null(q, 8, product->tolerance_percent);
		query_i64(q, 9, product->marked ? 1 : 0);
		rc = query_exec(q, e);
	}
	if (rc <= 0)
		return rc;
	return add_barcodes(db, generation, product, ret_barcodes, e);
}

int products_publish(struct db *db, int64_t generation, int64_t rows,
		     const char *file_hash, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &products_set_published);
	int rc;

	query_i64(q, 1, generation);
	query_i64(q, 2, rows);
	query_text(q, 3, file_hash);
	query_i64(q, 4, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

/* Delete rows of the generation at one end of the table's key, unless that is
 * the one to keep. */
static int sweep_end(struct db *db, const struct stmt *end,
		     const struct stmt *delete, int64_t keep, int limit,
		     struct err *e)
{
	int64_t generation = keep;
	int rc;

	{
		CLEANUP_QUERY struct query *q = query_start(db, end);

		rc = query_one_i64(q, &generation, e);
	}
	if (rc <= 0 || generation == keep || limit <= 0)
		return rc < 0 ? rc : 0;
	CLEANUP_QUERY struct query *q = query_start(db, delete);

	query_i64(q, 1, generation);
	query_i64(q, 2, limit);
	return query_exec(q, e);
}

int products_sweep(struct db *db, int limit, struct err *e)
{
	static const struct {
		const struct stmt *end, *delete;
	} ends[] = {
		{&product_barcodes_first, &product_barcodes_delete},
		{&product_barcodes_last, &product_barcodes_delete},
		{&products_first, &products_delete},
		{&products_last, &products_delete},
	};
	struct catalogue_state state = {0};
	int rows = 0;
	int rc = products_state(db, &state, e);

	for (size_t i = 0; i < COUNT_OF(ends) && rc >= 0; i++) {
		rc = sweep_end(db, ends[i].end, ends[i].delete,
			       state.generation, limit - rows, e);
		rows += rc > 0 ? rc : 0;
	}
	return rc < 0 ? rc : rows;
}

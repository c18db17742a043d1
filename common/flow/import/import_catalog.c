/* SPDX-License-Identifier: MIT
 *
 * import_catalog.c - products: the file becomes the whole catalogue, all at
 * once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "flow/import/import.h"
#include "store/catalogue/products.h"
#include "store/engine/writer.h"

struct batch {
	struct unit unit;
	int64_t generation;
	int64_t count, rows; /* products; with their barcodes */
	struct product products[IMPORT_ROWS_PER_WRITE];
	int64_t lines[IMPORT_ROWS_PER_WRITE];
	/* What products_add() said of each. */
	bool is_double[IMPORT_ROWS_PER_WRITE];
	char barcodes[IMPORT_ROWS_PER_WRITE][PRODUCT_BARCODES_BYTES];
};

/* begin, publish and sweep. */
struct step {
	struct unit unit;
	struct import *import;
	int64_t generation;
	int swept;
};

static int check(struct import *import, struct err *e)
{
	struct row_ear ear = import_row_ear(import);
	struct product product;

	(void)e;
	(void)product_from_row(&import->csv, import->places, &ear, &product);
	return 0;
}

static int run_begin(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	(void)now_ms;
	return products_begin(db, &step->generation, e);
}

static int run_publish(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	return products_publish(db, step->generation, step->import->row_count,
				step->import->hash, now_ms, e);
}

static int run_sweep(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	(void)now_ms;
	step->swept = products_sweep(db, IMPORT_ROWS_PER_WRITE, e);
	return step->swept < 0 ? step->swept : 0;
}

static int take_step(struct writer *writer, struct step *step,
		     int (*run)(struct unit *, struct db *, int64_t,
				struct err *),
		     struct err *e)
{
	step->unit = (struct unit){.run = run};
	return writer_call(writer, &step->unit, e);
}

/* Whatever is of no published generation: of an import that was cut short, of
 * this one when it is refused, of the one before. Whoever is told to stop
 * leaves the rest to the next import. */
static int sweep_all(struct writer *writer, struct step *step, struct err *e)
{
	const struct import_ear *ear = step->import->ear;
	int rc;

	do {
		rc = take_step(writer, step, run_sweep, e);
	} while (rc == 0 && step->swept > 0 &&
		 (ear->stopping == NULL || !ear->stopping(ear->context)));
	return rc;
}

static int run_add(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct batch *b = CONTAINER_OF(u, struct batch, unit);

	(void)now_ms;
	for (int64_t i = 0; i < b->count; i++) {
		int rc = products_add(db, b->generation, &b->products[i],
				      b->barcodes[i], e);

		if (rc < 0)
			return rc;
		b->is_double[i] = rc == 0;
	}
	return 0;
}

static void tell_double(struct import *import, const struct batch *b, int64_t i)
{
	char text[ORDER_SKU_BYTES + BARCODE_BYTES];
	const char *p = b->barcodes[i];

	if (*p == '\0') {
		(void)snprintf(text, sizeof(text), "sku: '%s' is there twice",
			       b->products[i].sku);
		import_fault(import, b->lines[i], text);
	}
	while (*p != '\0') {
		size_t bytes = strcspn(p, " ");

		(void)snprintf(text, sizeof(text),
			       "barcodes: '%.*s' is another product's",
			       (int)bytes, p);
		import_fault(import, b->lines[i], text);
		p += bytes + (p[bytes] == ' ' ? 1 : 0);
	}
}

static int flush(struct import *import, struct writer *writer, struct batch *b,
		 struct err *e)
{
	int rc = 0;

	if (b->count > 0) {
		b->unit = (struct unit){.run = run_add};
		rc = writer_call(writer, &b->unit, e);
	}
	for (int64_t i = 0; rc == 0 && i < b->count; i++)
		if (b->is_double[i])
			tell_double(import, b, i);
	b->count = b->rows = 0;
	return rc;
}

static int64_t rows_of(const struct product *product)
{
	int64_t rows = 2;

	for (const char *p = product->barcodes; *p != '\0'; p++)
		rows += *p == ' ';
	return rows;
}

static int write_all(struct import *import, struct writer *writer,
		     struct batch *b, struct err *e)
{
	int rc = import_rewind(import, product_columns, PRODUCT_COLUMNS, e);

	while (rc >= 0 && (rc = import_next(import, e)) != 0) {
		struct product product;
		int64_t rows;

		/* Told in the first pass. */
		rc = rc == ERR_INVALID ? 0 : rc;
		if (rc <= 0)
			continue;
		(void)product_from_row(&import->csv, import->places, NULL,
				       &product);
		if (product.sku[0] == '\0')
			continue;
		rc = 0;
		rows = rows_of(&product);
		if (b->rows + rows > IMPORT_ROWS_PER_WRITE)
			rc = flush(import, writer, b, e);
		b->products[b->count] = product;
		b->lines[b->count++] = import->csv.line;
		b->rows += rows;
		if (rc == 0)
			rc = import_count(import, true, e);
	}
	return rc < 0 ? rc : flush(import, writer, b, e);
}

/* 0 or < 0; import->faults says whether it was published. */
static int fill_and_publish(struct import *import, struct writer *writer,
			    struct err *e)
{
	CLEANUP_FREE struct batch *batch = calloc(1, sizeof(*batch));
	const struct import_ear *ear = import->ear;
	struct step step = {.import = import};
	int rc;
	int swept;

	if (batch == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = sweep_all(writer, &step, e);
	if (rc == 0)
		rc = take_step(writer, &step, run_begin, e);
	batch->generation = step.generation;
	if (rc == 0)
		rc = write_all(import, writer, batch, e);
	if (rc == 0 && import->faults == 0) {
		rc = take_step(writer, &step, run_publish, e);
		if (rc == 0 && ear->published != NULL)
			ear->published(ear->context, import->row_count);
	}
	/* Also after a failure; the next import would do it otherwise. */
	swept = sweep_all(writer, &step, rc < 0 ? NULL : e);
	return rc < 0 ? rc : swept;
}

int import_catalog(struct import *import, struct db *reader,
		   struct writer *writer, struct err *e)
{
	struct catalogue_state state;
	int rc;

	import->digest = digest_new();
	if (import->digest == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = import_check(import, product_columns, PRODUCT_COLUMNS, check, e);
	/* Beside faults it is filled all the same, and never published: what is
	 * there twice is found by that, and all faults are told at once. */
	if (rc < 0 || import->row_count == 0 ||
	    import->faults >= IMPORT_FAULTS_MAX)
		return rc;
	import_hash(import);
	rc = products_state(reader, &state, e);
	if (rc < 0)
		return rc;
	import->is_known = strcmp(state.file_hash, import->hash) == 0;
	if (import->is_known)
		return 0;
	rc = fill_and_publish(import, writer, e);
	if (rc == 0 && import->faults == 0)
		import->changed = import->row_count;
	return rc;
}

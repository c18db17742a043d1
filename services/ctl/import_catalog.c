/* SPDX-License-Identifier: MIT
 *
 * import_catalog.c - `catalog import FILE.csv`: the file becomes the whole
 * catalogue, all at once.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/text.h"
#include "import.h"
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
	char barcodes[IMPORT_ROWS_PER_WRITE][BARCODE_BYTES];
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
	struct product product;

	return product_from_row(&import->csv, import->places, &product, e);
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

	return products_publish(db, step->generation, step->import->good,
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
				struct err *))
{
	step->unit = (struct unit){.run = run};
	return writer_call(writer, &step->unit, &step->import->ctl->err);
}

/* Whatever is of no published generation: of an import that was cut short, of
 * this one when it is refused, of the one before. */
static int sweep_all(struct writer *writer, struct step *step)
{
	int rc;

	do
		rc = take_step(writer, step, run_sweep);
	while (rc == 0 && step->swept > 0);
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

	(void)snprintf(text, sizeof(text),
		       b->barcodes[i][0] == '\0'
			       ? "sku: '%s' is there twice"
			       : "barcodes: '%s' is another product's",
		       b->barcodes[i][0] == '\0' ? b->products[i].sku
						 : b->barcodes[i]);
	import_bad(import, b->lines[i], text);
}

static int flush(struct import *import, struct writer *writer, struct batch *b)
{
	int rc = 0;

	if (b->count > 0) {
		b->unit = (struct unit){.run = run_add};
		rc = writer_call(writer, &b->unit, &import->ctl->err);
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
		     struct batch *b)
{
	struct err *e = &import->ctl->err;
	int rc = import_rewind(import, product_columns, PRODUCT_COLUMNS, e);

	while (rc >= 0 && (rc = csv_next(&import->csv, e)) > 0) {
		struct product product;
		int64_t rows;

		rc = product_from_row(&import->csv, import->places, &product,
				      e);
		rows = rows_of(&product);
		if (rc == 0 && b->rows + rows > IMPORT_ROWS_PER_WRITE)
			rc = flush(import, writer, b);
		b->products[b->count] = product;
		b->lines[b->count++] = import->csv.line;
		b->rows += rows;
		import->rows++;
		import_progress(import, "written");
	}
	return rc < 0 ? rc : flush(import, writer, b);
}

static void say_published(const struct import *import)
{
	(void)printf("%lld products are the catalogue now\n",
		     (long long)import->good);
	(void)fflush(stdout);
	if (import->good >= IMPORT_ROWS_PER_WRITE)
		(void)fprintf(stderr, "removing the one before\n");
}

/* 0, or < 0 with ctl->err; import->bad says whether it was published. */
static int fill_and_publish(struct import *import, struct writer *writer)
{
	CLEANUP_FREE struct batch *batch = calloc(1, sizeof(*batch));
	struct step step = {.import = import};
	int rc;
	int swept;

	if (batch == NULL)
		return err_set(&import->ctl->err, ERR_NOMEM, "out of memory");
	rc = sweep_all(writer, &step);
	if (rc == 0)
		rc = take_step(writer, &step, run_begin);
	batch->generation = step.generation;
	if (rc == 0)
		rc = write_all(import, writer, batch);
	if (rc == 0 && import->bad == 0) {
		rc = take_step(writer, &step, run_publish);
		if (rc == 0)
			say_published(import);
	}
	/* Also after a failure; the next import would do it otherwise. */
	swept = sweep_all(writer, &step);
	return rc < 0 ? rc : swept;
}

static int import_all(struct import *import)
{
	struct writer_options options = {.path = import->ctl->store_path,
					 .checkpoint_pages = 1000};
	struct catalogue_state state;
	struct writer *writer = NULL;
	struct ctl *ctl = import->ctl;
	int code =
		import_check(import, product_columns, PRODUCT_COLUMNS, check);
	int rc;

	if (code != CTL_DONE)
		return code;
	rc = products_state(ctl->db, &state, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (strcmp(state.file_hash, import->hash) == 0) {
		(void)printf("%lld products: this file is the catalogue "
			     "already\n",
			     (long long)import->good);
		return CTL_DONE;
	}
	rc = writer_start(&options, &writer, &ctl->err);
	if (rc == 0)
		rc = fill_and_publish(import, writer);
	writer_stop(writer);
	if (rc < 0)
		return ctl_error(ctl, rc);
	return import->bad > 0 ? import_refuse(import) : CTL_DONE;
}

int ctl_catalog_import(struct ctl *ctl)
{
	struct import import;
	int code = import_open(&import, ctl, "catalog-import");

	if (code != CTL_DONE)
		return code;
	code = import_all(&import);
	import_close(&import);
	return code;
}

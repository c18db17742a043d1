/* SPDX-License-Identifier: MIT
 *
 * import.h - files of many rows into the store: what all of them share, and the
 * two whole imports.
 *
 * A file is a CSV text (csv.h) or JSON objects (json_rows.h) with the fields of
 * the same names. It is read twice: first every row is checked, then they are
 * written. One fault, and nothing is changed. A file that was imported before
 * changes nothing. Used by ordergatectl and by the ERP's uploads; one import of
 * a kind at a time, which the caller sees to.
 */
#ifndef FLOW_IMPORT_H
#define FLOW_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/csv/csv.h"
#include "codec/csv/json_rows.h"
#include "codec/digest.h"
#include "domain/catalogue/import_rows.h"

struct db;
struct err;
struct writer;

enum {
	IMPORT_ROWS_PER_WRITE = 500, /* in one transaction */
	IMPORT_FAULTS_MAX = 100,     /* told; the rest is counted */
	IMPORT_STEP_ROWS = 1000      /* between two calls of progress() */
};

/* What the caller wants to hear; all of it on the caller's thread. NULL: not.
 */
struct import_ear {
	/* One of the first IMPORT_FAULTS_MAX faults, or warnings. */
	void (*fault)(void *context, int64_t line, bool is_fault,
		      const char *text);
	/* rows are checked, or written, of which the text up to `bytes` is not
	 * read again in this pass. < 0 ends the import with that. */
	int (*progress)(void *context, int64_t rows, bool written, size_t bytes,
			struct err *e);
	/* Leave the tidying up to the next import? */
	bool (*stopping)(void *context);
	/* It is the catalogue now; what follows is tidying up. */
	void (*published)(void *context, int64_t rows);
	void *context;
};

struct import {
	const char *data; /* borrowed */
	size_t bytes;
	const struct import_ear *ear;
	/* Stores: is that a time zone? 0, ERR_NOTFOUND. */
	int (*check_zone)(const char *name, struct err *e);

	bool is_json;
	struct json_rows json;
	struct csv csv;
	int places[IMPORT_COLUMNS_MAX];
	const struct csv_column *columns;
	size_t column_count;
	int64_t rows;      /* of the current pass, without the header */
	int64_t row_count; /* of the file */
	int64_t faults;    /* of all passes */
	int64_t warnings;
	int64_t fault_line;    /* of what is told now */
	struct digest *digest; /* of what was read; NULL: not wanted */
	size_t hashed_bytes;
	char hash[DIGEST_TEXT_BYTES];
	int64_t changed; /* rows that were news */
	bool is_known;   /* the file is the catalogue already */
};
/* 0 with an import that is the caller's to clear. */
void import_init(struct import *import, const char *data, size_t bytes,
		 const struct import_ear *ear);
void import_clear(struct import *import);

/* Begin a pass: the reader stands before the first row. ERR_INVALID: the file
 * has not these columns; csv.line says where. */
int import_rewind(struct import *import, const struct csv_column *columns,
		  size_t count, struct err *e);
/* The next row, in import->csv. 1, 0, < 0 as csv_next(). */
int import_next(struct import *import, struct err *e);
/* The rest of the text into the digest, and its result into import->hash. */
void import_hash(struct import *import);
/* A row is done with. 0, or what progress() said. */
int import_count(struct import *import, bool written, struct err *e);
/* Something that is wrong with a row. */
void import_fault(struct import *import, int64_t line, const char *text);
/* For rows of the current line (import_rows.h); its context is the import. */
struct row_ear import_row_ear(struct import *import);
/* The first pass: check() every row; what it returns as ERR_INVALID is a fault,
 * beside those that it told itself. A bad header is one, and so is a file
 * without rows: what an export that went wrong leaves would empty the
 * catalogue. 0 or < 0. */
int import_check(struct import *import, const struct csv_column *columns,
		 size_t count,
		 int (*check)(struct import *import, struct err *e),
		 struct err *e);

/* The file becomes the whole catalogue, in one moment. 0, and import->faults
 * says whether it was refused; < 0: nothing has changed, but for what
 * ERR_UNCERTAIN leaves open. */
int import_catalog(struct import *import, struct db *reader,
		   struct writer *writer, struct err *e);
/* Stores of the file are made or changed. As import_catalog(); of more than
 * IMPORT_ROWS_PER_WRITE stores a repeat finishes what an error left. */
int import_stores(struct import *import, struct writer *writer, struct err *e);

#endif

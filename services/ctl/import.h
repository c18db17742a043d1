/* SPDX-License-Identifier: MIT
 *
 * import.h - what imports of CSV files share: reading a file twice (first to
 * find every bad row, then to write), and telling about it.
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include <stdint.h>

#include "app/instance.h"
#include "base/buf.h"
#include "codec/csv/csv.h"
#include "codec/digest.h"
#include "ctl.h"
#include "domain/catalogue/import_rows.h"

enum {
	IMPORT_ROWS_PER_WRITE = 500, /* in one transaction */
	IMPORT_FILE_BYTES_MAX = 1024 * 1024 * 1024
};

struct import {
	struct ctl *ctl;
	const char *path;
	struct buf text;
	char hash[DIGEST_TEXT_BYTES];
	struct instance lock; /* one import of a kind at a time */
	struct csv csv;
	int places[IMPORT_COLUMNS_MAX];
	int64_t rows; /* of the current pass, without the header */
	int64_t good; /* of the first pass */
	int64_t bad;  /* of all passes */
};

/* Take the lock of this kind and read the whole file. An exit code; CTL_DONE
 * also means that import_close() is to be called. */
int import_open(struct import *import, struct ctl *ctl, const char *kind);
void import_close(struct import *import);

/* Begin a pass: the reader stands behind the header. */
int import_rewind(struct import *import, const struct csv_column *columns,
		  size_t count, struct err *e);

/* The first pass: check() every row; bad ones are told. CTL_DONE when all of
 * them are good. */
int import_check(struct import *import, const struct csv_column *columns,
		 size_t count,
		 int (*check)(struct import *import, struct err *e));

/* One bad row: told on stderr, the first hundred of them. */
void import_bad(struct import *import, int64_t line, const char *text);
/* The result of bad rows: how many there were, and that nothing changed. */
int import_refuse(const struct import *import);
/* Every hundred thousand rows. */
void import_progress(const struct import *import, const char *what);

int ctl_store_import(struct ctl *ctl);
int ctl_catalog_import(struct ctl *ctl);
int ctl_place_import(struct ctl *ctl);

#endif

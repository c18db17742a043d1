/* SPDX-License-Identifier: MIT
 *
 * csv.h - rows of a CSV text (RFC 4180) as spreadsheets write it.
 *
 * The separator is a comma, or a semicolon when the first line has one outside
 * of quotes. Lines end with LF, CR LF or CR; empty ones are passed over. The
 * text is UTF-8, with or without a byte order mark, or else Windows-1251;
 * fields come out as UTF-8. A bad row is an error of its own: the next call
 * goes on with the line after the one that it began on. Pure; one thread per
 * reader.
 */
#ifndef CODEC_CSV_H
#define CODEC_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	CSV_FIELDS_MAX = 64,
	CSV_ROW_BYTES_MAX = 64 * 1024 /* as UTF-8; a longer one is bad */
};

struct csv {
	const char *next, *end; /* borrowed: the text */
	char separator;
	bool is_1251;
	int64_t next_line;

	int column_count; /* of the header; 0 before it was read */
	int64_t line;     /* of the current row's first line, from 1 */
	int field_count;
	size_t starts[CSV_FIELDS_MAX];
	struct buf fields;
};

/* Begin with a text that outlives the reader. */
void csv_open(struct csv *ret_csv, const char *data, size_t bytes);
void csv_clear(struct csv *csv);

/* 1: a row is there; 0: the end; ERR_INVALID: the row at csv->line is bad;
 * ERR_NOMEM. */
int csv_next(struct csv *csv, struct err *e);

/* Field of the current row, from 0; "" past its last one. Borrowed until the
 * next csv_next(). */
const char *csv_field(const struct csv *csv, int n);

/* One column that a file may have. */
struct csv_column {
	const char *name;
	bool required;
};

/* Read the row of column names, which is the first: ret_places[i] is the field
 * of columns[i], -1 when the file does not have it. ERR_INVALID: no row, a
 * required column is missing, one is unknown or there twice; ERR_NOMEM. */
int csv_read_header(struct csv *csv, const struct csv_column *columns,
		    size_t count, int *ret_places, struct err *e);

#endif

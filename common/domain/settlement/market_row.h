/* SPDX-License-Identifier: MIT
 *
 * market_row.h - rows of the report that a marketplace gives of its sales, as
 * CSV. Pure.
 *
 * No marketplace writes it alike, so the file is read with tolerance: the
 * header may stand below a title, other columns are passed over, sums may have
 * spaces and a decimal comma, days come as 2026-11-25 or 25.11.2026 with or
 * without a time. A last row that begins with "Итого" or "Total" and names no
 * order is passed over. What is not understood is an error, never a guess.
 */
#ifndef DOMAIN_MARKET_ROW_H
#define DOMAIN_MARKET_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/csv/csv.h"
#include "domain/order/order.h"

struct err;

enum {
	MARKET_DATE_BYTES = 11 /* "2026-11-25" and the NUL */
};

/* What the file's columns and words are called: names with '|' between them,
 * the better one first; large and small letters are alike. Borrowed texts. */
struct market_format {
	const char *order, *amount;        /* columns that must be there */
	const char *vat, *status, *date;   /* columns that may be */
	const char *delivered, *cancelled; /* words of the status */
};

enum market_column {
	MARKET_ORDER,
	MARKET_AMOUNT,
	MARKET_VAT,
	MARKET_STATUS,
	MARKET_DATE,
	MARKET_COLUMNS
};

struct market_row {
	int64_t line;
	char external_id[ORDER_ID_BYTES];
	char date[MARKET_DATE_BYTES]; /* "": the file has none */
	int64_t amount_minor;         /* less than nothing: of a return */
	int64_t vat_minor;
	bool has_vat, is_cancelled;
};

/* Open the text (as csv_open()) and read up to its header: places[i] is the
 * field of each column, -1 when the file does not have it. ERR_INVALID: there
 * is no header within the first rows, or a column is there twice; ERR_NOMEM. */
int market_open(struct csv *ret_csv, const char *data, size_t bytes,
		const struct market_format *format, int places[MARKET_COLUMNS],
		struct err *e);

/* The current row. 1; 0: to be passed over; ERR_INVALID. */
int market_row(const struct csv *csv, const int places[MARKET_COLUMNS],
	       const struct market_format *format, struct market_row *ret_row,
	       struct err *e);

/* "YYYY-MM-DD" of a day of the calendar. */
bool market_is_date(const char *text);

#endif

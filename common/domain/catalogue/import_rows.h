/* SPDX-License-Identifier: MIT
 *
 * import_rows.h - rows of the files that a retailer gives us: stores and
 * products (contract.md, defaults). Pure.
 */
#ifndef DOMAIN_IMPORT_ROWS_H
#define DOMAIN_IMPORT_ROWS_H

#include <stdbool.h>

#include "codec/csv/csv.h"
#include "domain/catalogue/hours.h"
#include "domain/catalogue/product.h"

enum {
	STORE_NAME_BYTES = 128,
	STORE_CHAT_BYTES = 64,
	STORE_ZONE_BYTES = 64,
	PRODUCT_COLUMNS = 8,
	STORE_COLUMNS = 6,
	IMPORT_COLUMNS_MAX = 8
};

struct store_entry {
	char id[ORDER_SHORT_BYTES];
	char name[STORE_NAME_BYTES];      /* the id when the file has none */
	char time_zone[STORE_ZONE_BYTES]; /* "" : the default; not looked up */
	char opening_hours[HOURS_TEXT_BYTES];
	char telegram_chat[STORE_CHAT_BYTES];
	int integration_type; /* kuper.md 2.5; 3 when the file says nothing */
};

/* Columns for csv_read_header(); its places go with each row. */
extern const struct csv_column product_columns[PRODUCT_COLUMNS];
extern const struct csv_column store_columns[STORE_COLUMNS];

/* Who hears of each column of a row that is wrong, with its value; and of what
 * is taken all the same, but hardly meant (is_fault is false). */
struct row_ear {
	void (*tell)(void *context, bool is_fault, const char *text);
	void *context;
};

/* The current row. Number of its faults, all of them told; ear may be NULL. A
 * column that is wrong is left as if it were empty. */
int product_from_row(const struct csv *row, const int *places,
		     const struct row_ear *ear, struct product *ret_product);
int store_from_row(const struct csv *row, const int *places,
		   const struct row_ear *ear, struct store_entry *ret_store);

#endif

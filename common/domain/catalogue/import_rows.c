/* SPDX-License-Identifier: MIT */
#include "domain/catalogue/import_rows.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "domain/invoice/vat.h"

enum {
	WEIGHT_MAX_G = 1000 * 1000,
	TOLERANCE_MAX_PERCENT = 100,
	CELL_BYTES = 1024
};

const struct csv_column product_columns[PRODUCT_COLUMNS] = {
	{"sku", true},
	{"name", true},
	{"barcodes", false},
	{"unit", false},
	{"piece_weight_g", false},
	{"vat_rate", false},
	{"tolerance_percent", false},
	{"marked", false},
};
enum product_column {
	PRODUCT_SKU,
	PRODUCT_NAME,
	PRODUCT_BARCODES,
	PRODUCT_UNIT,
	PRODUCT_WEIGHT,
	PRODUCT_VAT,
	PRODUCT_TOLERANCE,
	PRODUCT_MARKED
};

const struct csv_column store_columns[STORE_COLUMNS] = {
	{"id", true},
	{"name", true},
	{"time_zone", false},
	{"opening_hours", false},
	{"telegram_chat", false},
	{"integration_type", false},
};
enum store_column {
	STORE_ID,
	STORE_NAME,
	STORE_ZONE,
	STORE_HOURS,
	STORE_CHAT,
	STORE_TYPE
};

/* Who assembles and who delivers (kuper.md 2.5). */
static const char *const integration_types[] = {"0", "3", "4", "5", "6"};

/* A row and where its columns are. */
struct cells {
	const struct csv *row;
	const struct csv_column *columns;
	const int *places;
};

/* A cell without the spaces around it. */
static int read_text(const struct cells *c, int column, char *target,
		     size_t bytes, struct err *e)
{
	char cell[CELL_BYTES];
	bool whole = text_copy(cell, sizeof(cell),
			       csv_field(c->row, c->places[column]));
	char *text = text_trim(cell);

	if (!text_copy(target, bytes, text) || !whole)
		return err_set(e, ERR_INVALID, "%s: longer than %zu bytes",
			       c->columns[column].name, bytes - 1);
	for (; *target != '\0'; target++)
		if ((unsigned char)*target < ' ')
			return err_set(e, ERR_INVALID,
				       "%s: more than one line, or a tab",
				       c->columns[column].name);
	return 0;
}
#define READ_TEXT(cells, column, target, e) \
	read_text(cells, column, target, sizeof(target), e)

/* A whole number, also written "950.0"; `missing` when the cell is empty. */
static int read_number(const struct cells *c, int column, int64_t max,
		       int64_t missing, int64_t *ret_value, struct err *e)
{
	char text[32];
	int rc = READ_TEXT(c, column, text, e);

	*ret_value = missing;
	if (rc < 0 || text[0] == '\0')
		return rc;
	if (decimal_parse(text, 0, ret_value, NULL) < 0 || *ret_value < 0 ||
	    *ret_value > max)
		return err_set(e, ERR_INVALID,
			       "%s: '%s' is no whole number from 0 to %lld",
			       c->columns[column].name, text, (long long)max);
	return 0;
}

/* "10", "10%" and "none"; which rate it means follows from the date. */
static int read_vat(const struct cells *c, struct product *p, struct err *e)
{
	char text[32];
	int percent;
	size_t bytes;
	int rc = READ_TEXT(c, PRODUCT_VAT, text, e);

	if (rc < 0 || text[0] == '\0')
		return rc;
	bytes = strlen(text);
	if (text[bytes - 1] == '%')
		text[bytes - 1] = '\0';
	if (!text_copy(p->vat_rate, sizeof(p->vat_rate), text_trim(text)) ||
	    vat_percent(p->vat_rate, "9999-12-31", &percent, NULL) < 0)
		return err_set(e, ERR_INVALID,
			       "vat_rate: '%s' is not one of 22 20 10 7 5 0 "
			       "none",
			       text);
	return 0;
}

static int read_marked(const struct cells *c, struct product *p, struct err *e)
{
	static const char *const words[] = {"",  "0",   "no", "нет",
					    "1", "yes", "да"};
	enum {
		FIRST_YES = 4
	};
	char text[32];
	int rc = READ_TEXT(c, PRODUCT_MARKED, text, e);

	for (size_t i = 0; rc == 0 && i < COUNT_OF(words); i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		p->marked = i >= FIRST_YES;
		return 0;
	}
	return rc < 0 ? rc
		      : err_set(e, ERR_INVALID,
				"marked: '%s' is not one of 0 1 no yes", text);
}

static int check_barcodes(const char *barcodes, struct err *e)
{
	for (const char *p = barcodes; *p != '\0';) {
		size_t bytes = strcspn(p, " ");

		if (bytes >= BARCODE_BYTES)
			return err_set(e, ERR_INVALID,
				       "barcodes: one is longer than %d "
				       "characters",
				       BARCODE_BYTES - 1);
		p += bytes + (p[bytes] == ' ' ? 1 : 0);
	}
	return 0;
}

static int missing(const char *column, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s: is empty", column);
}

/* A comma too many or too few would move every cell after it. */
static int check_width(const struct csv *row, struct err *e)
{
	if (row->field_count == row->column_count)
		return 0;
	return err_set(e, ERR_INVALID,
		       "%d fields instead of %d: is a quote missing?",
		       row->field_count, row->column_count);
}

int product_from_row(const struct csv *row, const int *places,
		     struct product *ret_product, struct err *e)
{
	struct cells c = {row, product_columns, places};
	struct product *p = ret_product;
	int64_t tolerance = -1;
	int rc = check_width(row, e);

	*p = (struct product){.piece_weight_g = -1, .tolerance_percent = -1};
	if (rc == 0)
		rc = READ_TEXT(&c, PRODUCT_SKU, p->sku, e);
	if (rc == 0 && p->sku[0] == '\0')
		rc = missing("sku", e);
	if (rc == 0)
		rc = READ_TEXT(&c, PRODUCT_NAME, p->name, e);
	if (rc == 0)
		rc = READ_TEXT(&c, PRODUCT_BARCODES, p->barcodes, e);
	if (rc == 0)
		rc = check_barcodes(p->barcodes, e);
	if (rc == 0)
		rc = READ_TEXT(&c, PRODUCT_UNIT, p->unit, e);
	if (rc == 0)
		rc = read_number(&c, PRODUCT_WEIGHT, WEIGHT_MAX_G, -1,
				 &p->piece_weight_g, e);
	if (rc == 0)
		rc = read_vat(&c, p, e);
	if (rc == 0)
		rc = read_number(&c, PRODUCT_TOLERANCE, TOLERANCE_MAX_PERCENT,
				 -1, &tolerance, e);
	if (rc == 0)
		rc = read_marked(&c, p, e);
	p->tolerance_percent = (int)tolerance;
	return rc;
}

static int read_type(const struct cells *c, struct store_entry *s,
		     struct err *e)
{
	char text[8] = "";
	int rc = READ_TEXT(c, STORE_TYPE, text, e);

	s->integration_type = 3;
	if (rc < 0 || text[0] == '\0')
		return rc;
	for (size_t i = 0; i < COUNT_OF(integration_types); i++) {
		if (strcmp(integration_types[i], text) != 0)
			continue;
		s->integration_type = text[0] - '0';
		return 0;
	}
	return err_set(e, ERR_INVALID,
		       "integration_type: '%s' is not one of 0 3 4 5 6", text);
}

int store_from_row(const struct csv *row, const int *places,
		   struct store_entry *ret_store, struct err *e)
{
	struct cells c = {row, store_columns, places};
	struct store_entry *s = ret_store;
	struct hours hours;
	int rc = check_width(row, e);

	*s = (struct store_entry){0};
	if (rc == 0)
		rc = READ_TEXT(&c, STORE_ID, s->id, e);
	if (rc == 0 && s->id[0] == '\0')
		rc = missing("id", e);
	if (rc == 0)
		rc = READ_TEXT(&c, STORE_NAME, s->name, e);
	if (rc == 0 && s->name[0] == '\0')
		(void)text_copy(s->name, sizeof(s->name), s->id);
	if (rc == 0)
		rc = READ_TEXT(&c, STORE_ZONE, s->time_zone, e);
	if (rc == 0)
		rc = READ_TEXT(&c, STORE_HOURS, s->opening_hours, e);
	if (rc == 0)
		rc = hours_parse(s->opening_hours, &hours, e);
	if (rc == 0)
		rc = READ_TEXT(&c, STORE_CHAT, s->telegram_chat, e);
	return rc == 0 ? read_type(&c, s, e) : rc;
}

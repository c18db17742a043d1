/* SPDX-License-Identifier: MIT */
#include "domain/catalogue/import_rows.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/barcode/barcode.h"
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

/* A row, where its columns are, and what was found wrong with it. */
struct cells {
	const struct csv *row;
	const struct csv_column *columns;
	const int *places;
	const struct row_ear *ear;
	int faults;
};

static void tell(struct cells *c, bool is_fault, const char *text)
{
	c->faults += is_fault ? 1 : 0;
	if (c->ear != NULL)
		c->ear->tell(c->ear->context, is_fault, text);
}

static void fault(struct cells *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fault(struct cells *c, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell(c, true, text);
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ')
			return true;
	return false;
}

/* A cell without the spaces around it; "" when it is wrong. */
static void read_text(struct cells *c, int column, char *target, size_t bytes)
{
	const char *name = c->columns[column].name;
	char cell[CELL_BYTES];
	bool whole = text_copy(cell, sizeof(cell),
			       csv_field(c->row, c->places[column]));
	char *text = text_trim(cell);

	if (!text_copy(target, bytes, text) || !whole)
		fault(c, "%s: longer than %zu bytes", name, bytes - 1);
	else if (has_control(target))
		fault(c, "%s: more than one line, or a tab", name);
	else
		return;
	target[0] = '\0';
}
#define READ_TEXT(cells, column, target) \
	read_text(cells, column, target, sizeof(target))

/* One that names the row. */
static void read_key(struct cells *c, int column, char *target, size_t bytes)
{
	int faults = c->faults;

	read_text(c, column, target, bytes);
	if (target[0] == '\0' && c->faults == faults)
		fault(c, "%s: is empty", c->columns[column].name);
}

/* A whole number, also written "950.0"; -1 when the cell is empty. */
static int64_t read_number(struct cells *c, int column, int64_t max)
{
	char text[32];
	int64_t value = -1;

	READ_TEXT(c, column, text);
	if (text[0] == '\0')
		return -1;
	if (decimal_parse(text, 0, &value, NULL) == 0 && value >= 0 &&
	    value <= max)
		return value;
	fault(c, "%s: '%s' is no whole number from 0 to %lld",
	      c->columns[column].name, text, (long long)max);
	return -1;
}

/* "10", "10%" and "none"; which rate it means follows from the date. */
static void read_vat(struct cells *c, struct product *p)
{
	char text[32];
	int percent;
	size_t bytes;

	READ_TEXT(c, PRODUCT_VAT, text);
	bytes = strlen(text);
	if (bytes == 0)
		return;
	if (text[bytes - 1] == '%')
		text[bytes - 1] = '\0';
	if (text_copy(p->vat_rate, sizeof(p->vat_rate), text_trim(text)) &&
	    vat_percent(p->vat_rate, "9999-12-31", &percent, NULL) == 0)
		return;
	p->vat_rate[0] = '\0';
	fault(c, "vat_rate: '%s' is not one of 22 20 10 7 5 0 none", text);
}

static void read_marked(struct cells *c, struct product *p)
{
	static const char *const words[] = {"",  "0",   "no", "нет",
					    "1", "yes", "да"};
	enum {
		FIRST_YES = 4
	};
	char text[32];

	READ_TEXT(c, PRODUCT_MARKED, text);
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		p->marked = i >= FIRST_YES;
		return;
	}
	fault(c, "marked: '%s' is not one of 0 1 no yes", text);
}

/* What a scan would refuse is never found by it. */
static void check_barcode(struct cells *c, const char *text)
{
	struct barcode barcode;
	const char *reason;
	char warning[ERR_TEXT_MAX];

	if (c->ear == NULL ||
	    barcode_read(text, NULL, 0, &barcode, &reason, NULL) == 0 ||
	    strcmp(reason, "bad_check_digit") != 0)
		return;
	(void)snprintf(warning, sizeof(warning),
		       "barcodes: the check digit of '%s' is wrong: a scan of "
		       "it is refused",
		       text);
	tell(c, false, warning);
}

static void read_barcodes(struct cells *c, struct product *product)
{
	int faults = c->faults;

	READ_TEXT(c, PRODUCT_BARCODES, product->barcodes);
	for (const char *p = product->barcodes; *p != '\0';) {
		size_t bytes = strcspn(p, " ");
		char one[BARCODE_BYTES];

		if (bytes >= sizeof(one)) {
			fault(c, "barcodes: one is longer than %d characters",
			      BARCODE_BYTES - 1);
		} else {
			memcpy(one, p, bytes);
			one[bytes] = '\0';
			check_barcode(c, one);
		}
		p += bytes + (p[bytes] == ' ' ? 1 : 0);
	}
	if (c->faults > faults)
		product->barcodes[0] = '\0';
}

/* A comma too many or too few would move every cell after it: none of them is
 * looked at. */
static bool has_width(struct cells *c)
{
	if (c->row->field_count == c->row->column_count)
		return true;
	fault(c, "%d fields instead of %d: is a quote missing?",
	      c->row->field_count, c->row->column_count);
	return false;
}

int product_from_row(const struct csv *row, const int *places,
		     const struct row_ear *ear, struct product *ret_product)
{
	struct cells c = {row, product_columns, places, ear, 0};
	struct product *p = ret_product;

	*p = (struct product){.piece_weight_g = -1, .tolerance_percent = -1};
	if (!has_width(&c))
		return c.faults;
	read_key(&c, PRODUCT_SKU, p->sku, sizeof(p->sku));
	READ_TEXT(&c, PRODUCT_NAME, p->name);
	read_barcodes(&c, p);
	READ_TEXT(&c, PRODUCT_UNIT, p->unit);
	p->piece_weight_g = read_number(&c, PRODUCT_WEIGHT, WEIGHT_MAX_G);
	read_vat(&c, p);
	p->tolerance_percent =
		(int)read_number(&c, PRODUCT_TOLERANCE, TOLERANCE_MAX_PERCENT);
	read_marked(&c, p);
	return c.faults;
}

static void read_type(struct cells *c, struct store_entry *s)
{
	char text[8];
	int faults = c->faults;

	READ_TEXT(c, STORE_TYPE, text);
	s->integration_type = 3;
	if (text[0] == '\0' || c->faults > faults)
		return;
	for (size_t i = 0; i < COUNT_OF(integration_types); i++) {
		if (strcmp(integration_types[i], text) != 0)
			continue;
		s->integration_type = text[0] - '0';
		return;
	}
	fault(c, "integration_type: '%s' is not one of 0 3 4 5 6", text);
}

static void read_hours(struct cells *c, struct store_entry *s)
{
	struct hours hours;
	struct err e = {0};

	READ_TEXT(c, STORE_HOURS, s->opening_hours);
	if (hours_parse(s->opening_hours, &hours, &e) < 0)
		fault(c, "%s", e.text);
}

int store_from_row(const struct csv *row, const int *places,
		   const struct row_ear *ear, struct store_entry *ret_store)
{
	struct cells c = {row, store_columns, places, ear, 0};
	struct store_entry *s = ret_store;

	*s = (struct store_entry){0};
	if (!has_width(&c))
		return c.faults;
	read_key(&c, STORE_ID, s->id, sizeof(s->id));
	READ_TEXT(&c, STORE_NAME, s->name);
	if (s->name[0] == '\0')
		(void)text_copy(s->name, sizeof(s->name), s->id);
	READ_TEXT(&c, STORE_ZONE, s->time_zone);
	read_hours(&c, s);
	READ_TEXT(&c, STORE_CHAT, s->telegram_chat);
	read_type(&c, s);
	return c.faults;
}
